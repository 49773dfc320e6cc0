"""HTTP/1.1 on asyncio: bytes in, `HttpRequest` out, one answer at a time, in order.

asyncio.Protocol with httptools and uvloop was chosen by measurement (docs/decisions/0003): three to four times the
requests of the ASGI servers on this job, where an answer is known in tens of microseconds.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import cast

import httptools

from casemate.gateway.admission import Admission
from casemate.gateway.arrival import Arrival
from casemate.gateway.busy_polling import BusyPolling
from casemate.gateway.http_response import encode
from casemate.gateway.lengths import MAX_BODY
from casemate.gateway.whole_request import whole_request
from casemate.wire.http import Headers, HttpRequest, HttpResponse

Handler = Callable[[HttpRequest, Arrival], Awaitable[HttpResponse]]
Answer = Callable[[HttpResponse], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShortWays:
    """For some requests. True of one that is taken: it is answered by calling back, now or later."""

    repeat: Callable[[bytes, Arrival, Answer], bool]
    """Of a read, before anything is made of it."""
    at_once: Callable[[HttpRequest, Arrival, Answer], bool]
    polling: BusyPolling


_MAX_HEADERS = 64 * 1024
_FRAMING = 8
"""Bytes of chunk framing tolerated per byte of body, beside `_MAX_HEADERS`: chunks of one byte have five."""
_MAX_QUEUE = 16
"""Requests of one connection that may wait; more are not read."""
SILENCE = 60.0
"""Seconds that a client may pause within a request."""
IDLE = 900.0
"""Seconds that a connection is kept between requests: longer than the SDKs keep theirs."""
_ROUTERS, _ANY_TTL = 1, -1
"""Between this socket and an interface is the VPC's router, which takes one off the TTL; -1 is the kernel's default
(ip(7), IP_TTL)."""


class HttpConnection(asyncio.Protocol):
    """One client connection. Requests are answered in the order they came; the next is read while one is handled."""

    def __init__(
        self,
        handler: Handler,
        arrival: Arrival,
        connections: set[HttpConnection],
        admission: Admission,
        short: ShortWays | None = None,
    ) -> None:
        self._handler = handler
        self._short = short
        self._admission = admission
        self._peer = arrival.holder
        self._arrival = arrival
        self._connections = connections
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._queue: deque[tuple[HttpRequest, bool]] = deque()
        self._held = 0
        """Bytes of bodies that this connection's unanswered requests hold."""
        self._begun = False
        self._within = False
        """A request has begun and is not whole."""
        self._heard = 0.0
        """When something last came, by the event loop's clock."""
        self._watch: asyncio.TimerHandle | None = None
        self._worker: asyncio.Task[None] | None = None
        self._awaited: int | None = None
        """How many bytes are held of what went a shorter way and is not answered yet."""
        self._refusal: HttpResponse | None = None
        """Of what was no HTTP: answered last, and nothing more is read."""
        self._hop_limit: int | None = None
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
        self._begun = True
        self._connections.add(self)
        self._heard = asyncio.get_running_loop().time()
        self._look_again(SILENCE)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._queue.clear()
        self._body.clear()
        if self._watch is not None:
            self._watch.cancel()
        self.resume_writing()
        # A request that was received is carried out, recorded and cleaned up after, whether or not its client waits.
        if self._worker is not None:
            self._worker.add_done_callback(lambda _: self._end())
        elif self._awaited is None:
            self._end()

    def _end(self) -> None:
        """Nothing is left of the connection. Until then it counts: to hang up does not make room for another one."""
        self._let_go(self._held)
        self._admission.leave(self._peer)
        self._connections.discard(self)

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set_result(None)
            self._writable = None

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        self._heard = asyncio.get_running_loop().time()
        if (
            self._short is not None
            and not self._within
            and self._worker is None
            and self._awaited is None
            and self._writable is None
        ):
            try:
                if self._goes_short(self._short, data):
                    return
            except BaseException:
                # A defect, by which the connection is lost: there is no answer to wait for.
                self._awaited = None
                raise
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
            elif isinstance(error.__context__, _TooMuchError):
                self._refuse(503, "too many unanswered requests")
            else:
                self._refuse(400, "malformed HTTP request")

    def _goes_short(self, short: ShortWays, data: bytes) -> bool:
        """Whether a read was one request, which is taken care of."""
        self._awaited = 0
        short.polling.heard()
        if short.repeat(data, self._arrival, self._answer):
            # What is answered already is not held. Its hashes were made: it cannot be refused for its size any more.
            if self._busy:
                self._awaited = len(data)
                self._held += len(data)
                self._admission.hold(self._peer, len(data))
            return True
        self._awaited = None
        request = whole_request(data)
        if request is None:
            return False
        size = len(request.body)
        self._held += size
        if not self._admission.hold(self._peer, size):
            self._refuse(503, "too many unanswered requests")
            return True
        self._awaited = size
        if not short.at_once(request, self._arrival, self._answer):
            self._awaited = None
            self._enqueue(request, keep_alive=True)
        return True

    def _answer(self, response: HttpResponse) -> None:
        """The answer to what went a shorter way."""
        held, self._awaited = self._awaited, None
        if self._transport is None:
            self._end()
            return
        if self._hop_limit is not None:
            self._limit_hops(None)
        self._transport.write(encode(response, keep_alive=True, head=False))
        if self._short is not None:
            self._short.polling.answered()
        if held:
            self._let_go(held)
        if self._queue:
            self._set_to_work()
        else:
            self._turn_away()

    # httptools callbacks

    def on_message_begin(self) -> None:
        self._reset()
        self._within = True

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
        self._held += len(body)
        if not self._admission.hold(self._peer, len(body)):
            raise _TooMuchError
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._within = False
        if self._parser.should_upgrade():
            return  # what follows is not HTTP: it is refused, and not done either
        path, _, query = self._url.decode("latin-1").partition("?")
        request = HttpRequest(
            method=self._parser.get_method().decode("ascii"),
            path=path,
            query=query,
            headers=Headers(self._headers),
            body=b"".join(self._body),
        )
        self._enqueue(request, keep_alive=self._parser.should_keep_alive())

    def _enqueue(self, request: HttpRequest, *, keep_alive: bool) -> None:
        self._queue.append((request, keep_alive))
        if not self._busy and self._transport is not None:
            self._set_to_work()
        elif len(self._queue) > _MAX_QUEUE and self._transport is not None:
            self._transport.pause_reading()

    def _set_to_work(self) -> None:
        self._worker = asyncio.get_running_loop().create_task(self._work())

    @property
    def _busy(self) -> bool:
        """A request is being answered."""
        return self._worker is not None or self._awaited is not None

    # answering

    async def _work(self) -> None:
        while self._queue:
            request, keep_alive = self._queue.popleft()
            response = await self._handler(request, self._arrival)
            if self._transport is None:
                await _abandon(response)
                return
            raw = encode(response, keep_alive=keep_alive, head=request.method == "HEAD")
            self._limit_hops(response.hop_limit)
            self._transport.write(raw)
            if response.stream is not None and request.method != "HEAD":
                await self._write_on(response.stream)
            self._let_go(len(request.body))
            if not keep_alive:
                self._hang_up()
                return
            if self._writable is not None:
                await self._writable
            self._read_on()
            if self._queue:
                await asyncio.sleep(0)  # other connections have their turn between two requests of this one
        self._worker = None
        self._turn_away()

    def _limit_hops(self, limit: int | None) -> None:
        """Let the kernel send what is written next with a TTL that is `limit` when it arrives at the interface."""
        if limit == self._hop_limit or self._transport is None:
            return
        self._hop_limit = limit
        sock = cast("socket.socket", self._transport.get_extra_info("socket"))
        ttl = _ANY_TTL if limit is None else limit + _ROUTERS
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)

    async def _write_on(self, stream: AsyncGenerator[bytes, None]) -> None:
        """Chunks as they come, no faster than the client reads; ended when the client has gone."""
        try:
            async with aclosing(stream) as chunks:
                async for chunk in chunks:
                    if self._writable is not None:
                        await self._writable
                    if self._transport is None:
                        return
                    if chunk:
                        self._transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        except Exception:
            # The status is sent: only a cut can tell the client now.
            if self._transport is not None:
                self._transport.abort()
        else:
            if self._transport is not None:
                self._transport.write(b"0\r\n\r\n")

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # limits

    def _let_go(self, size: int) -> None:
        size = min(size, self._held)
        self._held -= size
        self._admission.release(self._peer, size)

    def _look_again(self, seconds: float) -> None:
        self._watch = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        """One timer for the connection's whole life, instead of one for each read."""
        if self._transport is None or self._refusal is not None:
            return
        busy = self._busy
        limit = SILENCE if self._within else IDLE
        silent = asyncio.get_running_loop().time() - self._heard
        if busy or silent < limit:
            self._look_again(SILENCE if busy else min(SILENCE, limit - silent))
        elif self._within:
            self._refuse(408, "the request did not come to its end in time")
        else:
            self._transport.close()

    def _read_on(self) -> None:
        # The client may have gone while its answer was being written.
        if len(self._queue) <= _MAX_QUEUE and self._transport is not None and self._refusal is None:
            self._transport.resume_reading()

    def _grow_headers(self, size: int) -> None:
        self._header_size += size
        if self._header_size > _MAX_HEADERS:
            raise _TooLargeError

    def _refuse(self, status: int, message: str) -> None:
        """Answer what is not HTTP at all, then hang up: behind the answers to what was asked before."""
        plain = (("Content-Type", "text/plain"),)
        self._refusal = HttpResponse(status=status, headers=plain, body=message.encode())
        if not self._busy:
            self._turn_away()
        elif self._transport is not None:
            self._transport.pause_reading()

    def _turn_away(self) -> None:
        if self._refusal is not None and self._transport is not None:
            self._transport.write(encode(self._refusal, keep_alive=False, head=False))
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

    @property
    def begun(self) -> bool:
        """The event loop has made the connection; it will also say when it is lost."""
        return self._begun


class _TooLargeError(Exception):
    """A limit of this server, met while parsing."""


class _TooMuchError(Exception):
    """This peer, or all together, hold more than they may."""


async def _abandon(response: HttpResponse) -> None:
    """Nobody will read this answer: let whoever makes it know."""
    if response.stream is not None:
        await response.stream.aclose()
