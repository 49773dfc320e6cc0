"""A few kept HTTP/1.1 connections to one endpoint."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import httptools

_READ_SECONDS = 30.0
_CONNECT_SECONDS = 5.0
_MAX_HEAD = 64 * 1024
_MAX_BODY = 64 << 20
"""Four times the largest answer of DynamoDB, BatchGetItem's 16 MB: room for what JSON adds."""


class NotSentError(Exception):
    """The request did not reach the endpoint: nothing can have happened there."""


class NoAnswerError(Exception):
    """The request was sent and no answer came: it may or may not have been carried out."""


class Connections:
    """Lends connections; at most `most` requests are under way, further ones wait their turn."""

    def __init__(self, url: str, *, most: int) -> None:
        parts = urlsplit(url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._idle: deque[_Connection] = deque()
        self._turns = asyncio.Semaphore(most)

    async def post(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a POST to `/`."""
        lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        raw = ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode("latin-1") + body
        async with self._turns:
            connection = await self._open()
            try:
                answer = await asyncio.wait_for(connection.ask(raw), _READ_SECONDS)
            except TimeoutError as error:
                connection.close()
                raise NoAnswerError("no answer in time") from error
            except BaseException:
                # Whatever comes on it later is the answer to something nobody waits for.
                connection.close()
                raise
            if connection.is_reusable:
                self._idle.append(connection)
            else:
                connection.close()
            return answer

    async def _open(self) -> _Connection:
        """A kept connection that the other side has not closed, as far as can be told, or a new one."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable:
                return connection
            connection.close()
        loop = asyncio.get_running_loop()
        try:
            opening = loop.create_connection(_Connection, self._host, self._port, ssl=self._tls)
            _, connection = await asyncio.wait_for(opening, _CONNECT_SECONDS)
        except (OSError, TimeoutError) as error:
            raise NotSentError(str(error) or "no connection in time") from error
        return connection

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, the next request. Bytes that nobody asked for end it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self.is_reusable = False

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; NoAnswerError when there is none that can be understood."""
        assert self._transport is not None
        if not self.is_reusable:
            raise NotSentError("the connection was closed before anything was asked")
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._head = 0
        self._is_delimited = self._is_body = False
        self.is_reusable = False
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(raw)
        return await self._answer

    def close(self) -> None:
        self.is_reusable = False
        if self._transport is not None:
            self._transport.abort()

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_reusable = True

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()
            return
        if not self._is_body:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._answer.done():
                self._fail(f"no HTTP response: {error}")
            self.close()
        if not self._is_body and self._head > _MAX_HEAD:
            self._fail(f"the head of the response is longer than {_MAX_HEAD} bytes")

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_reusable = False
        if self._answer is None or self._answer.done():
            return
        if exc is None and self._is_body and not self._is_delimited:
            self._answer.set_result((self._parser.get_status_code(), bytes(self._body)))
        else:
            self._fail(str(exc or "the connection was closed before the end of the answer"))

    # httptools

    def on_message_begin(self) -> None:
        if self._answer is not None and self._answer.done():
            self.close()  # more than was asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        del value
        self._is_delimited |= name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self._is_body = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > _MAX_BODY:
            self._fail(f"the answer is longer than {_MAX_BODY} bytes")

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._is_delimited = False  # 100 Continue: the answer follows
        elif self._answer is not None and not self._answer.done():
            self.is_reusable = self._parser.should_keep_alive()
            self._answer.set_result((status, bytes(self._body)))

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswerError(why))
        self.close()
