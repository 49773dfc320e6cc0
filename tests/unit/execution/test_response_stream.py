"""A response on its way: order, waiting, backpressure, ends."""

from __future__ import annotations

import asyncio

import pytest

from casemate.execution.function import Outcome
from casemate.execution.response_stream import ResponseStream


class Sender:
    """A connection that remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


async def test_pieces_come_in_order_and_the_outcome_at_the_end() -> None:
    stream = ResponseStream()

    async def write() -> None:
        for piece in (b"a", b"b"):
            await asyncio.sleep(0)
            stream.write("text/plain", piece)
        stream.end(Outcome(payload=b""))

    writing = asyncio.ensure_future(write())
    await stream.head()
    assert stream.content_type == "text/plain"
    assert [piece async for piece in stream] == [b"a", b"b"]
    assert not (await stream.outcome).failed
    await writing


async def test_a_response_in_one_piece() -> None:
    stream = ResponseStream()
    stream.end(Outcome(payload=b'{"a":1}'))
    assert [piece async for piece in stream] == [b'{"a":1}']
    assert stream.content_type == "application/json"


async def test_an_error_before_the_first_piece_is_no_piece() -> None:
    stream = ResponseStream()
    stream.end(Outcome(payload=b"{}", failed=True))
    await stream.head()
    assert [piece async for piece in stream] == []
    assert (await stream.outcome).failed


async def test_without_an_invocation_there_is_an_exception() -> None:
    stream = ResponseStream()
    stream.fail(ValueError("throttled"))
    await stream.head()
    assert [piece async for piece in stream] == []
    with pytest.raises(ValueError, match="throttled"):
        await stream.outcome


async def test_a_slow_reader_makes_the_sender_wait() -> None:
    stream, sender = ResponseStream(), Sender()
    for _ in range(3):
        stream.write("x", bytes(600_000), sender)
    assert sender.told == ["pause"]
    reading = aiter(stream)
    for _ in range(3):
        await anext(reading)
    assert sender.told == ["pause", "resume"]


async def test_who_goes_away_lets_the_sender_go_on() -> None:
    stream, sender = ResponseStream(), Sender()
    stream.write("x", bytes(2_000_000), sender)
    stream.abandon()
    stream.write("x", bytes(2_000_000), sender)
    assert sender.told == ["pause", "resume"]
    assert stream.size == 4_000_000
