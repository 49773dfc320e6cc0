"""A function's standard output and error: bytes from a pipe to log events."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from casemate.execution.log_events import LogEvents

_READS = 4
"""Reads per call, of as much as a pipe holds (64 KB: pipe(7))."""

_LINES, _SECONDS = 10_000, 0.25
"""A function that writes more lines than this in this time waits on its pipe: everybody else shares the loop."""
_SIP = 4096
"""Bytes of one read when nobody waits for the log."""


class LogPipe:
    """Reads what the function writes, event by event. `on_line` gets each, its last newline removed."""

    def __init__(self, descriptor: int, on_line: Callable[[str], None]) -> None:
        self._descriptor = descriptor
        self._on_line = on_line
        self._events = LogEvents()
        self._open = True
        self._loop = asyncio.get_running_loop()
        self._lines = 0
        self._pause: asyncio.TimerHandle | None = None
        self._began = self._loop.time()
        self._loop.add_reader(descriptor, self._sip)

    def _sip(self) -> None:
        """Something was written. Read a little, or stop reading for a while when it has been too much."""
        now = self._loop.time()
        if now - self._began > _SECONDS:
            self._began, self._lines = now, 0
        elif self._lines > _LINES:
            self._loop.remove_reader(self._descriptor)
            self._pause = self._loop.call_later(_SECONDS, self._read_on)
            return
        self._read(_SIP)

    def _read_on(self) -> None:
        self._pause = None
        if self._open:
            self._loop.add_reader(self._descriptor, self._sip)

    def drain(self) -> None:
        """Read what is there now: what a runtime wrote before it answered is in the pipe when its answer arrives.

        Not "until it is empty": a function that never stops writing must not hold up everybody else.
        """
        for _ in range(_READS):
            if not self._open or self._read(65536) < 65536:
                return

    def _read(self, most: int) -> int:
        """Read once; how much there was."""
        try:
            data = os.read(self._descriptor, most)
        except BlockingIOError:
            return 0
        if data:
            self._feed(data)
        else:
            self.close()
        return len(data)

    def _feed(self, data: bytes) -> None:
        events = self._events.feed(data)
        self._lines += len(events)
        for event in events:
            self._emit(event)

    def flush(self) -> None:
        """Take an unfinished line as a line: the invocation that wrote it is over."""
        for event in self._events.flush():
            self._emit(event)

    def _emit(self, event: bytes) -> None:
        self._on_line(event.decode("utf-8", "replace"))

    def close(self) -> None:
        """Give the descriptor back."""
        if self._open:
            self._open = False
            if self._pause is not None:
                self._pause.cancel()
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self.flush()
