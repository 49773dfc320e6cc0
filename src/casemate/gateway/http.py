"""HTTP/1.1 on asyncio: bytes in, `HttpRequest` out, one answer at a time, in order.

asyncio.Protocol with httptools and uvloop was chosen by measurement (docs/decisions/0003): three to four times the
requests of the ASGI servers on this job, where an answer is known in tens of microseconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from email.utils import formatdate
from functools import lru_cache
from time import time
from typing import Any, cast

import httptools

from casemate.gateway.arrival import Arrival
from casemate.wire.http import Headers, HttpRequest, HttpResponse

_log = logging.getLogger(__name__)

Handler = Callable[[HttpRequest, Arrival], Awaitable[HttpResponse]]

MAX_BODY = 70 * 1024 * 1024
"""Largest body any operation takes: a 50 MB function package, base64-encoded in JSON."""
_MAX_HEADERS = 64 * 1024
_FRAMING = 8
"""Bytes of chunk framing tolerated per byte of body, beside `_MAX_HEADERS`: chunks of one byte have five."""
_MAX_QUEUE = 16
"""Requests of one connection that may wait; more are not read."""
_REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
            409: "Conflict", 413: "Payload Too Large", 429: "Too Many Requests", 500: "Internal Server Error"}  # fmt: skip


class HttpConnection(asyncio.Protocol):
    """One client connection. Requests are answered in the order they came; the next is read while one is handled."""

    def __init__(self, handler: Handler, arrival: Arrival, connections: set[HttpConnection]) -> None:
        self._handler = handler
        self._arrival = arrival
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._queue: deque[tuple[HttpRequest, bool]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._failed = False
        self._writable: asyncio.Future[None] | None = None
        """While the client does not read what it is sent."""
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._header_size = 0
        self._fed = 0
        """Bytes received since the request began; httptools keeps a header to itself until it is whole."""

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._queue.clear()
        self.resume_writing()
        # A request that was received is carried out, recorded and cleaned up after, whether or not its client waits.
        if self._worker is None:
            self._connections.discard(self)
        else:
            self._worker.add_done_callback(lambda _: self._connections.discard(self))

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None

    def data_received(self, data: bytes) -> None:
        if self._failed:
            return
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
            if self._fed - self._size > _MAX_HEADERS + _FRAMING * self._size:
                self._refuse(413, "request is too large")
        except httptools.HttpParserUpgrade:
            self._refuse(400, "upgrades are not supported")
        except httptools.HttpParserError as error:
            # What a callback of ours raises arrives as the context of the parser's own error.
            if isinstance(error.__context__, _TooLargeError):
                self._refuse(413, "request is too large")
            else:
                self._refuse(400, "malformed HTTP request")

    def eof_received(self) -> bool:
        return False

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._reset()

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._grow_headers(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow_headers(len(name) + len(value))
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self._transport is None:
            return
        for name, value in self._headers:
            lowered = name.lower()
            if lowered == "expect" and value.lower() == "100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            elif lowered == "content-length" and value.isdigit() and int(value) > MAX_BODY:
                raise _TooLargeError

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > MAX_BODY:
            raise _TooLargeError
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        request = HttpRequest(
            method=self._parser.get_method().decode("ascii"),
            path=path,
            query=query,
            headers=Headers(self._headers),
            body=b"".join(self._body),
        )
        self._queue.append((request, self._parser.should_keep_alive()))
        if self._worker is None and self._transport is not None:
            self._worker = asyncio.get_running_loop().create_task(self._work())
        elif len(self._queue) > _MAX_QUEUE and self._transport is not None:
            self._transport.pause_reading()

    # answering

    async def _work(self) -> None:
        while self._queue:
            request, keep_alive = self._queue.popleft()
            response = await self._handler(request, self._arrival)
            if self._transport is None:
                if response.stream is not None:
                    await response.stream.aclose()
                return
            if response.stream is not None:
                if not await self._send_stream(response, response.stream, keep_alive=keep_alive):
                    return
                continue
            self._transport.write(_encode(response, keep_alive=keep_alive, head=request.method == "HEAD"))
            if not keep_alive:
                self._transport.close()
                return
            if self._writable is not None:
                await self._writable
            self._read_on()
            if self._queue:
                await asyncio.sleep(0)  # other connections have their turn between two requests of this one
        self._worker = None

    async def _send_stream(
        self, response: HttpResponse, stream: AsyncGenerator[bytes, None], *, keep_alive: bool
    ) -> bool:
        """Pass the pieces on as they come, chunked; False when the connection is over."""
        assert self._transport is not None
        self._transport.write(_encode(response, keep_alive=keep_alive, head=False))
        async with aclosing(stream):
            try:
                async for piece in stream:
                    if self._transport is None:
                        return False
                    if piece:
                        self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    if self._writable is not None:
                        await self._writable
            except Exception:
                # Half an answer is no answer: without the last chunk the client knows that it is not whole.
                _log.exception("a streamed response was cut off")
                self._hang_up()
                return False
        if self._transport is None:
            return False
        self._transport.write(b"0\r\n\r\n")
        if not keep_alive:
            self._transport.close()
            return False
        self._read_on()
        return True

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _read_on(self) -> None:
        # The client may have gone while its answer was being written.
        if len(self._queue) <= _MAX_QUEUE and self._transport is not None:
            self._transport.resume_reading()

    def _grow_headers(self, size: int) -> None:
        self._header_size += size
        if self._header_size > _MAX_HEADERS:
            raise _TooLargeError

    def _refuse(self, status: int, message: str) -> None:
        """Answer what is not HTTP at all, then hang up."""
        self._failed = True
        if self._transport is not None:
            body = message.encode()
            response = HttpResponse(status=status, headers=(("Content-Type", "text/plain"),), body=body)
            self._transport.write(_encode(response, keep_alive=False, head=False))
            self._transport.close()

    def abort(self) -> None:
        """Hang up at once: the client sees a reset, and what it asked for is given up."""
        if self._worker is not None:
            self._worker.cancel()
        if self._transport is not None:
            self._transport.abort()

    @property
    def arrival(self) -> Arrival:
        return self._arrival


class _TooLargeError(Exception):
    """A limit of this server, met while parsing."""


@lru_cache(maxsize=1)
def _http_date(second: int) -> str:
    return formatdate(second, usegmt=True)


def _encode(response: HttpResponse, *, keep_alive: bool, head: bool) -> bytes:
    status = response.status
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}"]
    lines.extend(f"{name}: {value}" for name, value in response.headers)
    if response.stream is not None:
        lines.append("Transfer-Encoding: chunked")
    elif status not in {204, 304}:
        lines.append(f"Content-Length: {len(response.body)}")
    lines.append(f"Date: {_http_date(int(time()))}")
    if not keep_alive:
        lines.append("Connection: close")
    raw = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
    if response.stream is not None:
        return raw + (b"%x\r\n%b\r\n" % (len(response.body), response.body) if response.body else b"")
    return raw if head or status in {204, 304} else raw + response.body


def protocol_factory(
    handler: Handler, arrival: Arrival, connections: set[HttpConnection]
) -> Callable[[], asyncio.BaseProtocol]:
    """For `connect_accepted_socket`."""
    return lambda: cast("Any", HttpConnection(handler, arrival, connections))
