"""How telemetry reaches who subscribed: a request with an array of events, or lines of JSON over one TCP connection.

Source: Lambda Developer Guide, "Accessing real-time telemetry data for extensions using the Telemetry API", "Specifying
a destination protocol".
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence

from casemate.execution.subscriptions import Subscription

_ANSWER_LIMIT = 65_536

Connect = Callable[[], Awaitable[socket.socket]]
"""A TCP socket of the environment's own network, not connected."""


class Delivery:
    """To one subscriber."""

    def __init__(self, subscription: Subscription, connect: Connect) -> None:
        self._subscription = subscription
        self._connect = connect
        self._line: socket.socket | None = None
        """The connection that lines go over."""

    async def send(self, events: Sequence[str]) -> None:
        """Hand over a batch. OSError when it was not taken, SandboxError when there is nobody any more."""
        if self._subscription.method:
            await self._request(("[" + ",".join(events) + "]").encode())
        else:
            await self._lines("".join(event + "\n" for event in events).encode())

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None

    async def _lines(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            if self._line is None:
                self._line = await self._connect()
                await loop.sock_connect(self._line, ("127.0.0.1", self._subscription.port))
            await loop.sock_sendall(self._line, data)
        except OSError:
            self.close()
            raise

    async def _request(self, body: bytes) -> None:
        wanted = self._subscription
        head = (
            f"{wanted.method} {wanted.path} HTTP/1.1\r\nHost: sandbox.localdomain:{wanted.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        loop = asyncio.get_running_loop()
        with await self._connect() as connection:
            await loop.sock_connect(connection, ("127.0.0.1", wanted.port))
            await loop.sock_sendall(connection, head.encode() + body)
            answer = b""
            while b"\r\n\r\n" not in answer and len(answer) < _ANSWER_LIMIT:
                received = await loop.sock_recv(connection, 4096)
                if not received:
                    break
                answer += received
        if not re.match(rb"HTTP/1\.[01] 2\d\d\b", answer):
            raise ConnectionError("the subscriber did not take it")
