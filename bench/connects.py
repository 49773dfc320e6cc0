"""A program: what a new connection costs from one namespace to another. Descriptors 3, 4: the two; 5: the answer.

`connects.py ADDRESS PORT ROUNDS`: a server in the second namespace, a client in the first; medians in microseconds of a
new connection with one byte there and back, and of one byte on an open one. The same within the first, over loopback.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import statistics
import sys
import time

_libc = ctypes.CDLL(None, use_errno=True)
_CLIENT, _SERVER, _ANSWER = 3, 4, 5


def enter(namespace: int) -> None:
    if _libc.setns(namespace, 0x40000000):
        raise OSError(ctypes.get_errno(), "setns")


def serve(namespace: int, address: str, port: int) -> int:
    """A child that answers each byte; its pid, once it listens."""
    ready, said = os.pipe()
    pid = os.fork()
    if pid == 0:
        enter(namespace)
        listening = socket.create_server((address, port), backlog=128)
        os.write(said, b".")
        while True:
            accepted, _ = listening.accept()
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with accepted:
                while data := accepted.recv(16):
                    accepted.sendall(data)
    os.read(ready, 1)
    return pid


def measure(address: str, port: int, rounds: int) -> dict[str, float]:
    fresh, open_one = [], []
    for _ in range(rounds):
        started = time.perf_counter()
        with socket.create_connection((address, port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(b".")
            connection.recv(1)
            fresh.append(time.perf_counter() - started)
            started = time.perf_counter()
            connection.sendall(b".")
            connection.recv(1)
            open_one.append(time.perf_counter() - started)
    return {"new": statistics.median(fresh) * 1e6, "open": statistics.median(open_one) * 1e6}


def main() -> None:
    address, port, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    servers = [serve(_SERVER, address, port), serve(_CLIENT, "127.0.0.1", port)]
    enter(_CLIENT)
    # Warm, then by turns, so that what else the machine does falls on both.
    measure(address, port, 50)
    measure("127.0.0.1", port, 50)
    through: list[dict[str, float]] = []
    plain: list[dict[str, float]] = []
    for _ in range(5):
        through.append(measure(address, port, rounds // 5))
        plain.append(measure("127.0.0.1", port, rounds // 5))
    answer = {
        name: {kind: statistics.median(one[kind] for one in found) for kind in ("new", "open")}
        for name, found in (("vpc", through), ("loopback", plain))
    }
    os.write(_ANSWER, json.dumps(answer).encode())
    for server in servers:
        os.kill(server, signal.SIGKILL)


main()
