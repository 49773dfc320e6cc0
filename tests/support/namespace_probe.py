"""A program spawned by the data plane: opens connections from, and listens in, namespaces whose descriptors it is sent.

Control socket: descriptor 3 (SEQPACKET). Each request is JSON with one descriptor; each answer is JSON.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import socket
import struct
import sys
import threading
import time

_libc = ctypes.CDLL(None, use_errno=True)
_held: list[socket.socket] = []
_named: dict[str, socket.socket] = {}


def enter(fd: int) -> None:
    if _libc.setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


def make_socket(namespace: int, kind: int, protocol: int = 0) -> socket.socket:
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    enter(namespace)
    try:
        return socket.socket(socket.AF_INET, kind, protocol)
    finally:
        enter(home)
        os.close(home)


def outcome(error: OSError) -> str:
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return "timeout"
    return errno.errorcode.get(error.errno or 0, str(error))


def connect(namespace: int, request: dict) -> dict:
    """TCP: connect and read the answer (one line), UDP: send and read."""
    tcp = request.get("protocol", "tcp") == "tcp"
    opened = make_socket(namespace, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
    opened.settimeout(request.get("timeout", 0.5))
    if request.get("source_port"):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((request.get("source", "0.0.0.0"), request["source_port"]))
    elif request.get("source"):
        opened.bind((request["source"], 0))
    try:
        opened.connect((request["address"], request["port"]))
        if not tcp:
            opened.send(b"?")
        said = opened.recv(4096).decode()
    except OSError as error:
        opened.close()
        return {"outcome": outcome(error)}
    if request.get("name"):
        _named[request["name"]] = opened
    else:
        opened.close()
    return {"outcome": "connected", "said": said}


def again(request: dict) -> dict:
    """Say something on a connection that was kept, and read the echo."""
    kept = _named[request["name"]]
    kept.settimeout(request.get("timeout", 0.5))
    try:
        kept.sendall(b"again\n")
        return {"outcome": "connected", "said": kept.recv(4096).decode()}
    except OSError as error:
        return {"outcome": outcome(error)}


def echo(accepted: socket.socket) -> None:
    try:
        while data := accepted.recv(4096):
            accepted.sendall(data)
    except OSError:
        pass


def listen(namespace: int, request: dict) -> dict:
    """Accept on a TCP port and tell each peer its own address, for ever."""
    opened = make_socket(namespace, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind(("0.0.0.0", request["port"]))
    opened.listen(64)
    _held.append(opened)

    def serve() -> None:
        while True:
            accepted, peer = opened.accept()
            _held.append(accepted)
            accepted.sendall(json.dumps([peer[0], accepted.getsockname()[0]]).encode() + b"\n")
            threading.Thread(target=echo, args=(accepted,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return {"outcome": "listening"}


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(namespace: int, request: dict) -> dict:
    opened = make_socket(namespace, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    opened.settimeout(request.get("timeout", 0.5))
    header = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
    packet = struct.pack("!BBHHH", 8, 0, checksum(header), 77, 1)
    try:
        opened.sendto(packet, (request["address"], 0))
        deadline = time.monotonic() + opened.gettimeout()
        while time.monotonic() < deadline:
            data, peer = opened.recvfrom(2048)
            if data[20] == 0:
                return {"outcome": "connected", "said": peer[0]}
        return {"outcome": "timeout"}
    except OSError as error:
        return {"outcome": outcome(error)}
    finally:
        opened.close()


def many(namespace: int, request: dict) -> dict:
    """Connection attempts [address, port, source port], all at once: which were answered, by acceptance or refusal."""
    sockets = []
    for address, port, source_port in request["flows"]:
        opened = make_socket(namespace, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        opened.bind((request["source"], source_port))
        opened.connect_ex((address, port))
        sockets.append(opened)
    deadline = time.monotonic() + request.get("timeout", 0.1)
    answers = ["timeout"] * len(sockets)
    waiting = {opened.fileno(): number for number, opened in enumerate(sockets)}
    poll = select.poll()
    for fd in waiting:
        poll.register(fd, select.POLLOUT)
    while waiting and (left := deadline - time.monotonic()) > 0:
        for fd, _ in poll.poll(left * 1000):
            number = waiting.pop(fd)
            poll.unregister(fd)
            error = sockets[number].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            answers[number] = "connected" if not error else errno.errorcode[error]
    for opened in sockets:
        opened.close()
    return {"answers": answers}


def main() -> None:
    control = socket.socket(fileno=3)
    while True:
        data, fds, _, _ = socket.recv_fds(control, 1 << 17, 4)
        if not data:
            return
        request = json.loads(data)
        try:
            what = {"connect": connect, "listen": listen, "ping": ping, "many": many}.get(request["do"])
            if what is not None:
                answer = what(fds[0], request)
            elif request["do"] == "shell":
                pid = os.fork()
                if pid == 0:
                    enter(fds[0])
                    os.execvp(request["argv"][0], request["argv"])
                answer = {"outcome": os.waitpid(pid, 0)[1]}
            else:
                answer = again(request)
        except Exception as error:
            answer = {"outcome": f"probe failed: {error!r}"}
        for fd in fds:
            os.close(fd)
        control.send(json.dumps(answer).encode())


if __name__ == "__main__":
    sys.exit(main())
