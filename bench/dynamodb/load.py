"""Sending prepared requests over many connections, one outstanding per connection, and timing each answer.

An answer is not parsed, only counted to its end: about 15 microseconds per request on the machine of the decisions, so
that what is measured is the server.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import uvloop


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One operation at one number of connections."""

    rate: float
    """Requests per second."""
    p50: float
    """Milliseconds."""
    p99: float
    count: int
    """Requests that were answered."""


class LoadError(Exception):
    """The server did not do what was asked; the text is its answer."""


def drive(endpoint: str, requests: Sequence[bytes], connections: int, seconds: float) -> Measured:
    """Send `requests`, over and over, for that long."""
    host, port = endpoint.removeprefix("http://").split(":")
    load = _Load(itertools.cycle(requests))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        elapsed = runner.run(load.run(host, int(port), connections, seconds))
    if len(load.times) < 2:
        raise LoadError("no answer in time")
    cuts = statistics.quantiles(load.times, n=100)
    count = len(load.times)
    return Measured(rate=count / elapsed, p50=cuts[49] * 1e3, p99=cuts[98] * 1e3, count=count)


def send_all(endpoint: str, requests: Sequence[bytes], connections: int) -> float:
    """Send each request once; gives the seconds it took."""
    host, port = endpoint.removeprefix("http://").split(":")
    load = _Load(iter(requests))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(load.run(host, int(port), connections, None))


class _Load:
    """The connections of one measurement."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self.requests = requests
        self.times: list[float] = []
        self.until = 0.0
        self.error: LoadError | None = None

    async def run(self, host: str, port: int, connections: int, seconds: float | None) -> float:
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        self.until = started + seconds if seconds is not None else float("inf")
        made = [_Connection(self, host, port) for _ in range(connections)]
        await asyncio.gather(*(loop.create_connection(lambda one=one: one, host, port) for one in made))
        await asyncio.wait_for(
            asyncio.gather(*(one.done for one in made)), None if seconds is None else seconds + 60
        )
        if self.error is not None:
            raise self.error
        return time.perf_counter() - started


class _Connection(asyncio.Protocol):
    """Sends a request, waits for its answer, sends the next."""

    def __init__(self, load: _Load, host: str, port: int) -> None:
        self._load = load
        self._address = (host, port)
        self._buffer = bytearray()
        self._wanted = -1
        """Bytes of the answer; -1 until its head was read, 0 when the end of the connection ends it."""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # pyright: ignore[reportAttributeAccessIssue] - uvloop's own class
        self._send()

    def _send(self) -> None:
        request = None if time.perf_counter() >= self._load.until else next(self._load.requests, None)
        assert self._transport is not None
        if request is None:
            self._finish()
            return
        self._wanted, self._closing = -1, False
        self._buffer.clear()
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        if self._wanted < 0:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._read_head(bytes(buffer[:end]).lower(), end + 4)
        if self._wanted and len(buffer) >= self._wanted:
            self._answered()

    def _read_head(self, head: bytes, size: int) -> None:
        if head[9:12] != b"200":
            self._load.error = LoadError(bytes(self._buffer).decode("latin-1"))
            self._load.until = 0.0
        place = head.find(b"content-length:")
        self._closing = b"connection: close" in head or head.startswith(b"http/1.0")
        if place < 0:
            self._wanted = 0
        else:
            self._wanted = size + int(head[place + 15 :].split(b"\r", 1)[0])

    def _answered(self) -> None:
        self._load.times.append(time.perf_counter() - self._sent)
        if not self._closing:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done.done():
            return
        if not self._closing:
            self._load.error = self._load.error or LoadError(f"the connection was closed: {exc}")
            self._finish()
            return
        if self._wanted == 0:
            self._load.times.append(time.perf_counter() - self._sent)
        task = asyncio.get_running_loop().create_task(self._again())
        task.add_done_callback(lambda _: None)

    async def _again(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, *self._address)
        except OSError as error:
            self._load.error = LoadError(str(error))
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()
