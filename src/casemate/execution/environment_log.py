"""One environment's log: what the function, its extensions and the platform say, in the order they say it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from casemate.execution.function import FunctionVersion
from casemate.execution.platform_events import PlatformEvent, stamp
from casemate.execution.telemetry import Telemetry

_KEPT = 65_536
_INTERVAL = 0.25
"""Seconds that a line waits for others before it is written, while the function runs."""

LogWriter = Callable[[Sequence[tuple[int, str]]], None]
"""(milliseconds since the epoch, message)."""


class EnvironmentLog:
    """Collects lines and writes them together; keeps the end of what an invocation logs."""

    def __init__(
        self,
        function: FunctionVersion,
        telemetry: Telemetry,
        *,
        clock: Callable[[], datetime],
        write: LogWriter,
    ) -> None:
        self._telemetry = telemetry
        self._function = function
        self._clock = clock
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._events: list[tuple[int, str]] = []
        self._tail: deque[str] | None = None
        self._kept = 0
        """Characters in `_tail`."""

    @property
    def structured(self) -> bool:
        """Whether anybody wants to know more than the text of what the platform says."""
        return self._function.log_format == "JSON" or self._telemetry.wanted

    def begin(self) -> None:
        """An invocation begins: its log is kept from here on."""
        self._tail, self._kept = deque(), 0

    def end(self) -> str:
        """What was logged since `begin`; of a long log the end."""
        tail, self._tail = self._tail, None
        return "".join(tail or ())

    def function_line(self, line: str) -> None:
        """A line the function wrote."""
        self._line("function", line)

    def extension_line(self, line: str) -> None:
        """A line an external extension wrote."""
        self._line("extension", line)

    def platform(self, event: PlatformEvent) -> None:
        """Something the platform says."""
        now = self._clock()
        function = self._function
        text = event.to_log(now, log_format=function.log_format, least=function.system_log_level)
        for line in text.splitlines(keepends=True) if event.type == "platform.report" else [text]:
            if line:
                self._add(now, line)
        if self._telemetry.wanted and (event.record or event.text):
            self._telemetry.take(event.to_json(now))

    def brief(self, lines: Sequence[str], event: Callable[[], PlatformEvent]) -> None:
        """As `platform`, of an event that is made only for who wants more than its text: there are two per invocation."""
        if self.structured:
            self.platform(event())
            return
        now = self._clock()
        for line in lines:
            self._add(now, line)

    def remark(self, text: str) -> None:
        """Something Casemate says, which AWS does not."""
        self._add(self._clock(), text)

    def flush(self) -> None:
        """Write what has been logged, in order, before somebody else writes to the same stream."""
        if self._events:
            events, self._events = self._events, []
            self._write(events)

    def _line(self, source: str, line: str) -> None:
        now = self._clock()
        self._add(now, line + "\n")
        if self._telemetry.wanted:
            self._telemetry.take({"time": stamp(now), "type": source, "record": line + "\n"})

    def _add(self, now: datetime, text: str) -> None:
        self._events.append((int(now.timestamp() * 1000), text))
        if self._tail is not None:
            self._tail.append(text)
            self._kept += len(text)
            while self._kept > _KEPT and len(self._tail) > 1:
                self._kept -= len(self._tail.popleft())
        if self._timer is None:
            self._timer = self._loop.call_later(_INTERVAL, self._flush_at_last)

    def _flush_at_last(self) -> None:
        """It was not cancelled by a flush before: to make another one for each invocation costs more."""
        self._timer = None
        self.flush()
