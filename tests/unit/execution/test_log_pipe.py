"""From what a function writes to log events."""

from __future__ import annotations

import asyncio
import contextlib
import os

from casemate.execution import log_events
from casemate.execution.log_pipe import LogPipe


async def read(*writes: bytes, flush: bool = False) -> list[str]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    lines: list[str] = []
    pipe = LogPipe(reading, lines.append)
    for data in writes:
        os.write(writing, data)
        pipe.drain()
    if flush:
        pipe.flush()
    result = list(lines)
    os.close(writing)
    pipe.close()
    return result


async def test_lines_are_events_however_they_arrive() -> None:
    assert await read(b"one\ntw", b"o\n", b"\nthree\n") == ["one", "two", "", "three"]


async def test_an_unfinished_line_waits_until_it_is_flushed() -> None:
    assert await read(b"half") == []
    assert await read(b"half", flush=True) == ["half"]


async def test_a_traceback_with_carriage_returns_is_one_event() -> None:
    assert await read(b"[ERROR] E: x\rTraceback\r  line\n") == ["[ERROR] E: x\nTraceback\n  line"]


async def test_bytes_that_are_not_text_are_replaced() -> None:
    assert await read(b"\xff\xfe\n") == ["��"]


async def test_long_lines_are_split() -> None:
    original, log_events.EVENT_LIMIT = log_events.EVENT_LIMIT, 4
    try:
        assert await read(b"abcdefghij\n") == ["abcd", "efgh", "ij"]
        assert await read(frame(b"abcdefghij\n"), b"k\n") == ["abcd", "efgh", "ij", "k"]
    finally:
        log_events.EVENT_LIMIT = original


def frame(message: bytes, kind: int = 0x0F) -> bytes:
    """As `FramedTelemetryLogSink.log` of awslambdaric 4.2.2 writes it."""
    timed = (1_795_000_000_000_000).to_bytes(8, "big")
    return (0xA55A0000 + kind).to_bytes(4, "big") + len(message).to_bytes(4, "big") + timed + message


async def test_a_frame_is_an_event_however_many_lines_it_has() -> None:
    written = (
        b"before\nhalf " + frame(b"[INFO]\ttwo\nlines\n") + b"of a line\n" + frame(b"[ERROR] E\nTraceback")
    )
    expected = ["before", "[INFO]\ttwo\nlines", "half of a line", "[ERROR] E\nTraceback"]
    assert await read(written) == expected
    assert await read(*(written[at : at + 1] for at in range(len(written)))) == expected
    old = (0xA55A0001).to_bytes(4, "big") + (3).to_bytes(4, "big") + b"a\nb"
    assert await read(old) == ["a\nb"]


async def test_what_only_looks_like_a_frame_is_text() -> None:
    for begun in (b"\xa5", b"\xa5\x5a", b"\xa5\x5a\x00\x44", frame(b"x")[:8] + bytes(8)):
        assert len(await read(begun + b" and more\n", b"next\n")) == 2
        assert len(await read(b"a" + begun, flush=True)) == 1
    assert await read(frame(b"cut off")[:-4], flush=True) == ["cut"]
    assert await read("Preis: 5 \u2032 \u0965\n".encode()) == ["Preis: 5 \u2032 \u0965"]


async def test_everything_written_before_a_drain_is_there_after_it() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    lines: list[str] = []
    pipe = LogPipe(reading, lines.append)
    for _ in range(10):
        os.write(writing, b"x" * 6000 + b"\n")
    pipe.drain()
    assert len(lines) == 10
    os.close(writing)
    pipe.close()


async def test_whoever_writes_without_end_waits_and_nobody_else_does() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    lines: list[str] = []
    pipe = LogPipe(reading, lines.append)
    loop = asyncio.get_running_loop()
    end, longest = loop.time() + 1, 0.0
    while (began := loop.time()) < end:
        with contextlib.suppress(BlockingIOError):
            os.write(writing, b"\n" * 65536)
        await asyncio.sleep(0)
        longest = max(longest, loop.time() - began)
    assert 10_000 < len(lines) < 100_000
    assert longest < 0.2
    os.close(writing)
    pipe.close()
