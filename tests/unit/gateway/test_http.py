"""Hostile clients: what one connection may cost, and that nobody else pays for it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from ipaddress import IPv4Address
from typing import Self

import pytest

from casemate.gateway import admission, http
from casemate.gateway.admission import Admission
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.busy_polling import BusyPolling
from casemate.gateway.http import HttpConnection, ShortWays
from casemate.wire.http import HttpRequest, HttpResponse

HERE = IPv4Address("127.0.0.1")
ARRIVAL = Arrival(side=Side.LAPTOP, vpc_id=None, peer=HERE, destination=HERE, port=80, tls=False)
HANG_UP = 20.0
Answer = Callable[[HttpRequest], Awaitable[HttpResponse]]


class Door:
    """A server of `HttpConnection`s around one handler."""

    def __init__(self, answer: Answer, short: ShortWays | None = None) -> None:
        self._short = short
        self.connections: set[HttpConnection] = set()
        self.admission = Admission()
        self._answer = answer

    async def _handle(self, request: HttpRequest, arrival: Arrival) -> HttpResponse:
        assert arrival is ARRIVAL
        return await self._answer(request)

    def _connection(self) -> HttpConnection:
        self.admission.enter(ARRIVAL.holder)
        return HttpConnection(self._handle, ARRIVAL, self.connections, self.admission, self._short)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(self._connection, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for connection in list(self.connections):
            connection.abort()
        self._server.close()
        await asyncio.sleep(0)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self._server.sockets[0].getsockname())


async def ok(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=200, headers=(), body=b"%d" % len(request.body))


async def pour(door: Door, beginning: bytes, more: bytes, total: int) -> int:
    """Bytes that the door took before it hung up; `total` when it did not."""
    reader, writer = await door.connect()
    writer.write(beginning)
    sent = 0
    try:
        async with asyncio.timeout(HANG_UP):
            while sent < total and not reader.at_eof():
                writer.write(more)
                await writer.drain()
                sent += len(more)
    except ConnectionError:
        pass
    writer.transport.abort()
    return sent


@pytest.mark.parametrize(
    "beginning",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET /",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    ],
    ids=["header value", "header name", "target", "trailer", "chunk extension"],
)
async def test_what_never_ends_is_cut_off(beginning: bytes) -> None:
    total = 32 << 20
    async with Door(ok) as door:
        assert await pour(door, beginning, b"a" * 65536, total) < total


async def test_a_large_body_is_no_large_head_however_it_is_chunked() -> None:
    async with Door(ok) as door:
        for chunk in (b"1\r\nx\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"):
            reader, writer = await door.connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(chunk * 40 if len(chunk) > 100 else chunk * 200_000)
            writer.write(b"0\r\n\r\n")
            assert b"200 OK" in await reader.readline()
            writer.close()


async def test_the_requests_of_one_connection_do_not_hold_up_another() -> None:
    async def slow(request: HttpRequest) -> HttpResponse:
        if request.path == "/slow":
            time.sleep(0.001)  # noqa: ASYNC251 - work that a handler does at once
        return await ok(request)

    async with Door(slow) as door:
        _, greedy = await door.connect()
        reader, writer = await door.connect()
        began = time.monotonic()
        greedy.write(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await reader.readline()
        assert time.monotonic() - began < 1
        writer.close()
        greedy.transport.abort()


async def test_whoever_does_not_read_is_not_answered_without_end() -> None:
    answered = 0

    async def large(_: HttpRequest) -> HttpResponse:
        nonlocal answered
        answered += 1
        return HttpResponse(status=200, headers=(), body=b"x" * 1_000_000)

    async with Door(large) as door:
        _, writer = await door.connect()
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 500)
        for _ in range(2000):
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        assert answered < 100
        writer.transport.abort()


async def test_a_request_is_carried_out_though_its_client_has_gone() -> None:
    begun, go, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(request: HttpRequest) -> HttpResponse:
        begun.set()
        await go.wait()
        done.set()
        return await ok(request)

    async with Door(work) as door:
        _, writer = await door.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        await begun.wait()
        writer.transport.abort()
        await asyncio.sleep(0.05)
        go.set()
        await asyncio.wait_for(done.wait(), 5)
        await asyncio.sleep(0)
        assert not door.connections


# answers that come in pieces

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.read(), HANG_UP)
    except ConnectionError:
        return b"reset"


async def test_a_stream_is_sent_as_it_comes_and_the_connection_lives_on() -> None:
    more = asyncio.Event()

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"one"
        await more.wait()
        yield b""
        yield b"two"

    async def answer(_: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200, headers=(), body=b"", stream=pieces())

    async with Door(answer) as door:
        reader, writer = await door.connect()
        for _ in range(2):
            more.clear()
            writer.write(GET)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"Transfer-Encoding: chunked" in head
            assert b"Content-Length" not in head
            assert await reader.readuntil(b"one\r\n") == b"3\r\none\r\n"
            more.set()
            assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"
        writer.close()


async def test_a_stream_that_fails_is_cut_not_ended() -> None:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"one"
        raise RuntimeError

    async def answer(_: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200, headers=(), body=b"", stream=pieces())

    async with Door(answer) as door:
        reader, writer = await door.connect()
        writer.write(GET)
        assert not (await until_closed(reader)).endswith(b"0\r\n\r\n")
        writer.close()


async def test_a_stream_ends_when_its_reader_goes() -> None:
    closed = asyncio.Event()

    async def pieces() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b"x" * 65536
                await asyncio.sleep(0)
        finally:
            closed.set()

    async def answer(_: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200, headers=(), body=b"", stream=pieces())

    async with Door(answer) as door:
        reader, writer = await door.connect()
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
        await asyncio.wait_for(closed.wait(), 5)


# what a client may hold


async def test_a_request_that_stands_still_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SILENCE", 0.05)
    async with Door(ok) as door:
        for beginning in (GET[:-2], b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"):
            reader, writer = await door.connect()
            writer.write(beginning)
            assert (await until_closed(reader)).startswith(b"HTTP/1.1 408 ")
            writer.close()


async def test_a_connection_is_kept_between_requests_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http, "SILENCE", 0.05)
    monkeypatch.setattr(http, "IDLE", 0.5)
    async with Door(ok) as door:
        reader, writer = await door.connect()
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n0")
        await asyncio.sleep(0.2)
        writer.write(GET)
        assert b"200 OK" in await reader.readline()
        assert b"408" not in await until_closed(reader)
        writer.close()


async def test_a_long_answer_is_not_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "SILENCE", 0.02)
    monkeypatch.setattr(http, "IDLE", 0.02)

    async def slow(request: HttpRequest) -> HttpResponse:
        await asyncio.sleep(0.2)
        return await ok(request)

    async with Door(slow) as door:
        reader, writer = await door.connect()
        writer.write(GET)
        assert b"200 OK" in await reader.readline()
        writer.close()


async def test_bodies_that_nobody_answered_yet_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "UNANSWERED_PER_PEER", 1000)
    go = asyncio.Event()

    async def wait(request: HttpRequest) -> HttpResponse:
        await go.wait()
        return await ok(request)

    post = b"POST / HTTP/1.1\r\nContent-Length: 600\r\n\r\n" + b"x" * 600
    async with Door(wait) as door:
        first, second = await door.connect(), await door.connect()
        first[1].write(post)
        await asyncio.sleep(0.05)
        second[1].write(post)
        assert (await until_closed(second[0])).startswith(b"HTTP/1.1 503 ")
        go.set()
        assert b"200 OK" in await first[0].readline()
        third = await door.connect()
        third[1].write(post)
        assert b"200 OK" in await third[0].readline()
        for _, writer in (first, second, third):
            writer.close()


def test_a_peer_has_so_many_connections_and_no_more() -> None:
    door = Admission()
    assert all(door.enter("a") for _ in range(admission.CONNECTIONS_PER_PEER))
    assert not door.enter("a")
    assert door.enter("b")
    door.leave("a")
    assert door.enter("a")


async def test_who_hangs_up_makes_no_room_while_the_answer_is_worked_on() -> None:
    """Else a client has any number of requests worked on at once, each with its body in memory."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: HttpRequest) -> HttpResponse:
        begun.set()
        await go_on.wait()
        return await ok(request)

    async with Door(slow) as door:
        _, writer = await door.connect()
        body = b"x" * 100_000
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        await begun.wait()
        writer.transport.abort()
        await asyncio.sleep(0.1)
        counted = door.admission
        assert counted._connections[ARRIVAL.holder] == 1  # pyright: ignore[reportPrivateUsage]
        assert counted._bytes[ARRIVAL.holder] == len(body)  # pyright: ignore[reportPrivateUsage]
        go_on.set()
        await asyncio.sleep(0.1)
        assert ARRIVAL.holder not in counted._connections  # pyright: ignore[reportPrivateUsage]
        assert ARRIVAL.holder not in counted._bytes  # pyright: ignore[reportPrivateUsage]


async def test_a_connection_that_a_defect_of_the_short_ways_ends_is_counted_no_more() -> None:
    def fails(*_: object) -> bool:
        raise ValueError("a defect")

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    for short in (
        ShortWays(repeat=fails, at_once=fails, polling=BusyPolling(processors=1)),
        ShortWays(repeat=lambda *_: False, at_once=fails, polling=BusyPolling(processors=1)),
    ):
        async with Door(ok, short) as door:
            reader, writer = await door.connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            async with asyncio.timeout(HANG_UP):
                assert not await reader.read()
            assert not door.connections
            for _ in range(admission.CONNECTIONS_PER_PEER):
                assert door.admission.enter(ARRIVAL.holder)
            writer.close()


ASKED = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n%b\r\n{}"


@pytest.mark.parametrize("is_short", [False, True])
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ([ASKED % b"", b"\x00"], ["200", "400"]),
        ([ASKED % b"" + ASKED % b"" + b"\x00"], ["200", "200", "400"]),
        ([ASKED % b"Connection: close\r\n", ASKED % b""], ["200"]),
        ([ASKED % b"Connection: close\r\n" + b"\x00"], ["200"]),
        ([ASKED % b"", ASKED % b"Connection: upgrade\r\nUpgrade: websocket\r\n"], ["200", "400"]),
    ],
    ids=["read apart", "read together", "more behind the last", "noise behind the last", "an upgrade"],
)
async def test_who_is_refused_hears_first_what_was_asked_before(
    sent: list[bytes], said: list[str], *, is_short: bool
) -> None:
    """The first answer is the first request's (RFC 9112, section 9.3.2); behind one that closes nothing is read (9.6)."""
    done: list[Callable[[HttpResponse], None]] = []
    asked: list[HttpRequest] = []
    go_on = asyncio.Event()

    async def late(request: HttpRequest) -> HttpResponse:
        asked.append(request)
        await go_on.wait()
        return await ok(request)

    def at_once(request: HttpRequest, _: Arrival, answer: Callable[[HttpResponse], None]) -> bool:
        asked.append(request)
        done.append(answer)
        return True

    short = (
        ShortWays(repeat=lambda *_: False, at_once=at_once, polling=BusyPolling(processors=1))
        if is_short
        else None
    )
    async with Door(late, short) as door, asyncio.timeout(HANG_UP):
        reader, writer = await door.connect()
        for data in sent:
            writer.write(data)
            await asyncio.sleep(0.05)
        go_on.set()
        for answer in done:
            answer(HttpResponse(status=200, headers=(), body=b""))
        answers = (await reader.read()).decode()
        writer.close()
        assert re.findall(r"HTTP/1\.1 (\d+)", answers) == said
        assert len(asked) == said.count("200")
