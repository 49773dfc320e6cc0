"""Accepting connections: HTTP and HTTPS on the same port, told apart by the first byte.

A TLS record begins with 0x16, no HTTP method does. The byte is peeked at before the protocol is chosen, so both
run on the event loop's own transports.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from ipaddress import ip_address

from casemate.gateway.admission import Admission
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.http import Handler, HttpConnection, ShortWays
from casemate.model.network import Address

_TLS_HANDSHAKE = 0x16
_FIRST_BYTE_TIMEOUT = 60.0
_AT_ONCE = 128
"""Connections accepted in one turn of the event loop. One in a turn would let the connections that are made ask again
before each: the last of 64 then waited half a second for its first answer."""
TlsContext = Callable[[], ssl.SSLContext]


class Listener:
    """A listening socket and the connections accepted on it. Owns the socket."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        handler: Handler,
        tls: TlsContext,
        side: Side,
        vpc_id: str | None = None,
        admission: Admission,
        short: ShortWays | None = None,
    ) -> None:
        self._admission = admission
        self._short = short
        self._sock = sock
        self._handler = handler
        self._tls = tls
        self._side = side
        self._vpc_id = vpc_id
        self._connections: set[HttpConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._acceptor: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Accept from now on."""
        self._sock.setblocking(False)
        self._acceptor = asyncio.get_running_loop().create_task(self._accept())

    async def close(self) -> None:
        """Stop accepting, reset what is open."""
        if self._acceptor is not None:
            self._acceptor.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await self._acceptor
        for task in list(self._tasks):
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        self._sock.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._welcome(*await loop.sock_accept(self._sock))
                for _ in range(_AT_ONCE):
                    self._welcome(*self._sock.accept())
            except BlockingIOError:
                continue  # nobody else waits
            except OSError:
                # Out of descriptors, or the client is gone already: neither ends the listener.
                await asyncio.sleep(0.05)

    def _welcome(self, client: socket.socket, peer: tuple[str, int]) -> None:
        client.setblocking(False)
        holder = (self._vpc_id, ip_address(peer[0]))
        if not self._admission.enter(holder):
            client.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(client, holder))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: socket.socket, holder: tuple[str | None, Address]) -> None:
        made: list[HttpConnection] = []
        try:
            await self._hand_over(client, holder[1], made)
        except BaseException as error:
            client.close()
            if not isinstance(error, OSError | TimeoutError | ssl.SSLError):
                raise
        finally:
            # A connection that was made leaves by itself when it is lost.
            if not (made and made[0].begun):
                self._admission.leave(holder)

    async def _hand_over(self, client: socket.socket, peer: Address, made: list[HttpConnection]) -> None:
        """Choose the protocol by the first byte; the connection is then the event loop's."""
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        address, port = client.getsockname()[:2]
        first = _peeked(client)
        if first is None:
            first = await asyncio.wait_for(_first_byte(client), _FIRST_BYTE_TIMEOUT)
        if not first:
            client.close()
            return
        tls = first[0] == _TLS_HANDSHAKE
        arrival = Arrival(
            side=self._side,
            vpc_id=self._vpc_id,
            peer=peer,
            destination=ip_address(address),
            port=port,
            tls=tls,
        )

        def factory() -> asyncio.BaseProtocol:
            made.append(
                HttpConnection(self._handler, arrival, self._connections, self._admission, self._short)
            )
            return made[0]

        context = self._tls() if tls else None
        await asyncio.get_running_loop().connect_accepted_socket(factory, client, ssl=context)


def _peeked(client: socket.socket) -> bytes | None:
    """The first byte of the connection, left in place; empty when the peer closed, None when nothing has come."""
    try:
        return client.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return None


async def _first_byte(client: socket.socket) -> bytes:
    """As `_peeked`, once something has come."""
    loop = asyncio.get_running_loop()
    while (first := _peeked(client)) is None:
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(client.fileno(), _set, ready)
        try:
            await ready
        finally:
            loop.remove_reader(client.fileno())
    return first


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
