"""A function's standard output and error: bytes from a pipe to log events."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

EVENT_LIMIT = 256 * 1024
"""Bytes of one log event; longer lines are split, as Lambda does."""

_READS = 4
"""Reads per call, of as much as a pipe holds (64 KB: pipe(7))."""


class LogPipe:
    """Reads what the function writes, line by line. `on_line` gets each line, its newline removed."""

    def __init__(self, descriptor: int, on_line: Callable[[str], None]) -> None:
        self._descriptor = descriptor
        self._on_line = on_line
        self._rest = b""
        self._open = True
        asyncio.get_running_loop().add_reader(descriptor, self.drain)

    def drain(self) -> None:
        """Read what is there now: what a runtime wrote before it answered is in the pipe when its answer arrives.

        Not "until it is empty": a function that never stops writing must not hold up everybody else.
        """
        for _ in range(_READS):
            if not self._open:
                return
            try:
                data = os.read(self._descriptor, 65536)
            except BlockingIOError:
                return
            if not data:
                self.close()
                return
            self._feed(data)
            if len(data) < 65536:
                return

    def _feed(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        while len(rest) > EVENT_LIMIT:
            lines.append(rest[:EVENT_LIMIT])
            rest = rest[EVENT_LIMIT:]
        self._rest = rest
        for line in lines:
            for start in range(0, max(len(line), 1), EVENT_LIMIT):
                self._emit(line[start : start + EVENT_LIMIT])

    def flush(self) -> None:
        """Take an unfinished line as a line: the invocation that wrote it is over."""
        if self._rest:
            rest, self._rest = self._rest, b""
            self._emit(rest)

    def _emit(self, line: bytes) -> None:
        # The runtime interface client separates the lines of one traceback by carriage returns, so that they make
        # one event (ERROR_LOG_LINE_TERMINATE in awslambdaric/bootstrap.py).
        self._on_line(line.decode("utf-8", "replace").replace("\r", "\n"))

    def close(self) -> None:
        """Give the descriptor back."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self.flush()
