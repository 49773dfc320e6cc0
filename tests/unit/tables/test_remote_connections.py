"""What a remote may answer, and what it must not be able to do with it: hang, flood, or answer somebody else's request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from casemate.tables.remote import connections
from casemate.tables.remote.connections import Connections, NoAnswerError, NotSentError

_Callback = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_Client = Callable[[Connections], Awaitable[None]]
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class _Remote:
    """Answers the requests of each connection with the next of its scripts."""

    def __init__(self, *scripts: Sequence[bytes]) -> None:
        self._scripts = list(scripts)
        self.opened = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self._scripts[min(self.opened, len(self._scripts) - 1)]
        self.opened += 1
        for answer in script:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        await reader.read()


def _run(remote: _Callback, client: _Client) -> None:
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):
            await remote(reader, writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.ensure_future(serve(reader, writer)))

    async def main() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        asked = Connections(f"http://127.0.0.1:{port}", most=4)
        try:
            await asyncio.wait_for(client(asked), 5)
        finally:
            asked.close()
            server.close()
            await asyncio.wait_for(asyncio.gather(*serving), 5)

    asyncio.run(main())


UNDERSTOOD = {
    "plain": PLAIN,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    "after 100 Continue": b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN,
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_what_is_understood_keeps_its_connection(name: str) -> None:
    remote = _Remote([UNDERSTOOD[name]] * 2)

    async def client(asked: Connections) -> None:
        assert await asked.post({}, b"") == (200, b"{}")
        assert await asked.post({}, b"") == (200, b"{}")

    _run(remote, client)
    assert remote.opened == 1


def test_an_answer_that_ends_with_its_connection() -> None:
    async def remote(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 301 Moved\r\nLocation: http://elsewhere/\r\n\r\ngone")

    async def client(asked: Connections) -> None:
        assert await asked.post({}, b"") == (301, b"gone"), "a redirect is an answer, and is not followed"

    _run(remote, client)


REFUSED = {
    "no status": b"HTTP/1.1\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "a chunk that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 8000,
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_understood_is_no_answer(name: str) -> None:
    remote = _Remote([REFUSED[name]], [PLAIN])

    async def client(asked: Connections) -> None:
        with pytest.raises(NoAnswerError):
            await asked.post({}, b"")
        assert await asked.post({}, b"") == (200, b"{}"), "on another connection"

    _run(remote, client)
    assert remote.opened == 2


def test_half_an_answer_is_none() -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")

    async def client(asked: Connections) -> None:
        with pytest.raises(NoAnswerError, match="before the end"):
            await asked.post({}, b"")

    _run(half, client)


OTHER = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"another"'


@pytest.mark.parametrize("surplus", [b'{"more":1}', OTHER], ids=["a body that is too long", "two answers"])
def test_what_nobody_asked_for_answers_nobody(surplus: bytes) -> None:
    remote = _Remote([PLAIN + surplus], [PLAIN])

    async def client(asked: Connections) -> None:
        assert await asked.post({}, b"") == (200, b"{}")
        assert await asked.post({}, b"") == (200, b"{}")

    _run(remote, client)
    assert remote.opened == 2


def test_what_comes_between_requests_answers_nobody() -> None:
    async def remote(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(PLAIN)
        await asyncio.sleep(0.05)
        writer.write(OTHER)
        await reader.read()

    async def client(asked: Connections) -> None:
        assert await asked.post({}, b"") == (200, b"{}")
        await asyncio.sleep(0.1)
        assert await asked.post({}, b"") == (200, b"{}")

    _run(remote, client)


def test_an_answer_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_MAX_BODY", 1 << 20)
    flood = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n" + bytes(2 << 20)

    async def client(asked: Connections) -> None:
        with pytest.raises(NoAnswerError, match="longer than"):
            await asked.post({}, b"")

    _run(_Remote([flood]), client)


def test_a_request_that_was_given_up_leaves_its_answer_to_nobody() -> None:
    async def remote(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if b"slow" in request:
            await asyncio.sleep(0.1)
            writer.write(OTHER)
        else:
            writer.write(PLAIN)
        await reader.read()

    async def client(asked: Connections) -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked.post({"X-Kind": "slow"}, b""), 0.05)
        assert await asked.post({}, b"") == (200, b"{}")

    _run(remote, client)


def test_a_connection_that_is_lost_before_it_is_asked_is_not_waited_for() -> None:
    """It would say so to nobody: the loss was told already."""

    async def remote(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        """Hangs up."""

    async def client(asked: Connections) -> None:
        loop = asyncio.get_running_loop()
        connect = loop.create_connection

        async def late(*arguments: Any, **more: Any) -> Any:
            made = await connect(*arguments, **more)
            await asyncio.sleep(0.05)
            return made

        loop.create_connection = late
        with pytest.raises(NotSentError):
            await asked.post({}, b"{}")

    _run(remote, client)
