"""A few kept HTTP/1.1 connections to one endpoint."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from urllib.parse import urlsplit

_READ_SECONDS = 30.0
_CONNECT_SECONDS = 5.0
_MAX_HEAD = 64 * 1024
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


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
        self._idle: deque[_Streams] = deque()
        self._turns = asyncio.Semaphore(most)

    async def post(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to a POST to `/`."""
        lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        raw = ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode("latin-1") + body
        async with self._turns:
            streams = await self._open()
            try:
                return await asyncio.wait_for(self._exchange(streams, raw), _READ_SECONDS)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                streams[1].close()
                raise NoAnswerError(str(error) or "no answer in time") from error

    async def _open(self) -> _Streams:
        """A kept connection that the other side has not closed, as far as can be told, or a new one."""
        while self._idle:
            streams = self._idle.pop()
            if not streams[0].at_eof() and streams[0].exception() is None and not streams[1].is_closing():
                return streams
            streams[1].close()
        try:
            opening = asyncio.open_connection(self._host, self._port, ssl=self._tls, limit=_MAX_HEAD)
            return await asyncio.wait_for(opening, _CONNECT_SECONDS)
        except (OSError, TimeoutError) as error:
            raise NotSentError(str(error) or "no connection in time") from error

    async def _exchange(self, streams: _Streams, raw: bytes) -> tuple[int, bytes]:
        reader, writer = streams
        writer.write(raw)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if fields.get("transfer-encoding", "").lower() == "chunked":
            body = await _chunks(reader)
        elif "content-length" in fields:
            body = await reader.readexactly(int(fields["content-length"]))
        else:
            body = await reader.read()
        if fields.get("connection", "").lower() == "close" or first.startswith("HTTP/1.0"):
            writer.close()
        else:
            self._idle.append(streams)
        return int(first.split(" ")[1]), body

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    while (await reader.readline()).strip():
        pass
    return b"".join(parts)
