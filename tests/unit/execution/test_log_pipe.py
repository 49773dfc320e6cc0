"""From what a function writes to log events."""

from __future__ import annotations

import asyncio
import contextlib
import os

from casemate.execution import log_pipe
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
    original, log_pipe.EVENT_LIMIT = log_pipe.EVENT_LIMIT, 4
    try:
        assert await read(b"abcdefghij\n") == ["abcd", "efgh", "ij"]
    finally:
        log_pipe.EVENT_LIMIT = original


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
