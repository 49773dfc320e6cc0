"""`--internet host`: connections to the world outside, made by Casemate for whoever began them inside.

The far end sees this machine, as it would behind any NAT. A connection is taken before the far end is asked: one that
the far end refuses is reset once it is open, one to nowhere ends so after a while. Only TCP is carried.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from ipaddress import IPv4Address, IPv4Network

RELAY = "internet/relay"
"""The listener's key, as the data plane names it."""
_CONNECT_SECONDS = 20.0
_CHUNK = 65_536
_ABORT = struct.pack("ii", 1, 0)
"""SO_LINGER: closing resets."""
_OWN = IPv4Network("0.0.0.0/8")


class Relay:
    """The listening socket and the connections that pass. Owns the socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tasks: set[asyncio.Task[None]] = set()
        self._acceptor: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Accept from now on."""
        self._sock.setblocking(False)
        self._acceptor = asyncio.get_running_loop().create_task(self._accept())

    async def close(self) -> None:
        """Stop accepting, end what is open."""
        tasks = [*self._tasks, *([self._acceptor] if self._acceptor else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sock.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                inside, _ = await loop.sock_accept(self._sock)
            except OSError:
                await asyncio.sleep(0.05)  # out of descriptors, or the client is gone already
                continue
            task = loop.create_task(_pass_on(inside))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _pass_on(inside: socket.socket) -> None:
    """Connect to where the client wanted to go (the socket's own address), and carry bytes until both ends are done."""
    loop = asyncio.get_running_loop()
    address, port = inside.getsockname()[:2]
    with inside, socket.socket(socket.AF_INET, socket.SOCK_STREAM) as outside:
        inside.setblocking(False)
        outside.setblocking(False)
        inside.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        if not _is_outside(IPv4Address(address)):
            return
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                await loop.sock_connect(outside, (address, port))
            async with asyncio.TaskGroup() as group:
                group.create_task(_carry(inside, outside))
                group.create_task(_carry(outside, inside))
            inside.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))


async def _carry(source: socket.socket, target: socket.socket) -> None:
    """One direction; an end of the stream is passed on as such, a reset ends both."""
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, _CHUNK):
        await loop.sock_sendall(target, data)
    target.shutdown(socket.SHUT_WR)


def _is_outside(address: IPv4Address) -> bool:
    """Never this machine itself, nor the metadata service of the cloud it may run in. The plan lets none of them in."""
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address in _OWN)


async def host_names(name: str) -> tuple[IPv4Address, ...]:
    """A name by the machine's own resolver."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            name, None, family=socket.AF_INET, type=socket.SOCK_STREAM
        )
    except OSError:
        return ()
    return tuple(dict.fromkeys(IPv4Address(entry[4][0]) for entry in found))
