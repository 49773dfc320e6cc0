"""A program spawned by the data plane: opens connections from, and listens in, namespaces whose descriptors it is sent.

Control socket: descriptor 3 (SEQPACKET). Each request is JSON with one descriptor; each answer is JSON.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
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


def family_of(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def make_socket(namespace: int, kind: int, protocol: int = 0, family: int = socket.AF_INET) -> socket.socket:
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    enter(namespace)
    try:
        return socket.socket(family, kind, protocol)
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
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    opened = make_socket(namespace, kind, family=family_of(request["address"]))
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


def bulk(request: dict) -> dict:
    """Send that many bytes on a connection that was kept, and count what comes back."""
    kept, left = _named[request["name"]], request["size"]
    kept.settimeout(5)
    thread = threading.Thread(target=kept.sendall, args=(b"x" * left,), daemon=True)
    thread.start()
    got = 0
    try:
        while got < left:
            got += len(kept.recv(1 << 16))
    except OSError as error:
        return {"outcome": outcome(error), "said": str(got)}
    return {"outcome": "connected", "said": str(got)}


def echo(accepted: socket.socket) -> None:
    try:
        while data := accepted.recv(4096):
            accepted.sendall(data)
    except OSError:
        pass


def listen(namespace: int, request: dict) -> dict:
    """Accept on a TCP port and tell each peer its own address, for ever."""
    address = request.get("address", "0.0.0.0")
    opened = make_socket(namespace, socket.SOCK_STREAM, family=family_of(address))
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    only_6(opened)
    opened.bind((address, request["port"]))
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


def only_6(opened: socket.socket) -> None:
    if opened.family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(namespace: int, request: dict) -> dict:
    if ":" in request["address"]:
        return ping_6(namespace, request)
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


def ping_6(namespace: int, request: dict) -> dict:
    flow = ["icmp", "::", 77, request["address"], 0]
    try:
        opened = begin(namespace, flow)
    except OSError as error:
        return {"outcome": outcome(error)}
    deadline = time.monotonic() + request.get("timeout", 0.5)
    while time.monotonic() < deadline:
        if heard(opened, flow) == "echo":
            opened.close()
            return {"outcome": "connected", "said": request["address"]}
        time.sleep(0.002)
    opened.close()
    return {"outcome": "timeout"}


def begin(namespace: int, flow: list) -> socket.socket:
    """Start one flow [protocol, source, source port, address, port] without waiting for anything."""
    protocol, source, source_port, address, port = flow
    if protocol == "icmp" and ":" in address:
        opened = make_socket(
            namespace, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMPV6, socket.AF_INET6
        )
        opened.setsockopt(socket.IPPROTO_IPV6, 78, 1)
        opened.bind((source, 0))
        opened.sendto(struct.pack("!BBHHH", 128, 0, 0, source_port, 1), (address, 0))
        return opened
    if protocol == "icmp":
        opened = make_socket(namespace, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
        opened.bind((source, 0))
        header = struct.pack("!BBHHH", 8, 0, 0, source_port, 1)
        opened.sendto(struct.pack("!BBHHH", 8, 0, checksum(header), source_port, 1), (address, 0))
        return opened
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    opened = make_socket(namespace, kind | socket.SOCK_NONBLOCK, family=family_of(address))
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if protocol == "tcp":
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if ":" in source:
        opened.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND: the internet has every address
    opened.bind((source, source_port))
    error = opened.connect_ex((address, port))
    if error in (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EINVAL):
        opened.close()
        raise OSError(error, "no address to send from")
    if protocol == "udp":
        opened.send(b"?")
    return opened


def heard(opened: socket.socket, flow: list) -> str | None:
    """What came back: a line, an error's name; None while there is nothing."""
    try:
        data, peer = opened.recvfrom(2048)
    except BlockingIOError:
        return None
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error))
    if flow[0] != "icmp":
        return data.decode()
    if ":" in flow[3]:
        kind, _, _, identifier, _ = struct.unpack("!BBHHH", data[:8])
        return "echo" if (kind, identifier, peer[0]) == (129, flow[2], flow[3]) else None
    kind, _, _, identifier, _ = struct.unpack("!BBHHH", data[20:28])
    answers = kind == 0 and identifier == flow[2] and socket.inet_ntoa(data[12:16]) == flow[3]
    return "echo" if answers else None


def many(namespaces: list[int], request: dict) -> dict:
    """Flows of many namespaces started all at once: for each what came back within the time, or "timeout".

    Each is [number of the namespace's descriptor, flow].
    """
    flows = [flow for _, flow in request["flows"]]
    answers: list[str | None] = [None] * len(flows)
    sockets: list[socket.socket | None] = []
    for position, (number, flow) in enumerate(request["flows"]):
        try:
            sockets.append(begin(namespaces[number], flow))
        except OSError as error:  # no address of the family to send from
            # A blackhole in the sender's own namespace is EINVAL there; to any other it is silence.
            silent = error.errno == errno.EINVAL
            answers[position] = "timeout" if silent else errno.errorcode.get(error.errno or 0, str(error))
            sockets.append(None)
    deadline = time.monotonic() + request.get("timeout", 0.2)
    waiting = {opened.fileno(): number for number, opened in enumerate(sockets) if opened is not None}
    poll = select.poll()
    for fd in waiting:
        poll.register(fd, select.POLLIN)
    while waiting and (left := deadline - time.monotonic()) > 0:
        for fd, _ in poll.poll(left * 1000):
            number = waiting[fd]
            answers[number] = heard(sockets[number], flows[number])
            if answers[number] is not None:
                del waiting[fd]
                poll.unregister(fd)
    for opened in sockets:
        if opened is not None:
            opened.close()
    return {"answers": [answer or "timeout" for answer in answers]}


def answer_datagrams(namespace: int, request: dict) -> dict:
    """On a UDP port of every address: tell each sender its address, from the address it wrote to."""
    if ":" in request.get("address", ""):
        return answer_datagrams_6(namespace, request)
    opened = make_socket(namespace, socket.SOCK_DGRAM)
    opened.setsockopt(
        socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
    )  # the resolver has the port at its own address
    opened.setsockopt(socket.SOL_IP, 8, 1)  # IP_PKTINFO
    opened.bind(("0.0.0.0", request["port"]))
    _held.append(opened)

    def serve() -> None:
        while True:
            _, control, _, peer = opened.recvmsg(2048, 64)
            # in_pktinfo: interface, the address to answer from, the address in the header
            there = control[0][2][8:12]
            said = json.dumps([peer[0], socket.inet_ntoa(there)]).encode()
            opened.sendmsg([said], [(socket.SOL_IP, 8, struct.pack("=I4s4s", 0, there, b"\0" * 4))], 0, peer)

    threading.Thread(target=serve, daemon=True).start()
    return {"outcome": "listening"}


def answer_datagrams_6(namespace: int, request: dict) -> dict:
    opened = make_socket(namespace, socket.SOCK_DGRAM, family=socket.AF_INET6)
    opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    opened.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND: to answer from any address
    opened.bind(("::", request["port"]))
    _held.append(opened)

    def serve() -> None:
        while True:
            _, control, _, peer = opened.recvmsg(2048, 64)
            # in6_pktinfo: the address to answer from, the interface
            there = control[0][2][:16]
            said = json.dumps([peer[0], socket.inet_ntop(socket.AF_INET6, there)]).encode()
            source = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, there + b"\0" * 4)
            opened.sendmsg([said], [source], 0, peer)

    threading.Thread(target=serve, daemon=True).start()
    return {"outcome": "listening"}


_REQUESTS = {"connect": connect, "listen": listen, "ping": ping, "answer": answer_datagrams}


def main() -> None:
    control = socket.socket(fileno=3)
    # What listens in one network still does in the next ones.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    while True:
        data, fds, _, _ = socket.recv_fds(control, 1 << 17, 250)
        if not data:
            return
        request = json.loads(data)
        try:
            what = _REQUESTS.get(request["do"])
            if what is not None:
                answer = what(fds[0], request)
            elif request["do"] == "bulk":
                answer = bulk(request)
            elif request["do"] == "many":
                answer = many(fds, request)
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
