"""What is left to do of an invocation that has been answered: its last lines, its use of memory, END and REPORT."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from msgspec.structs import replace

from casemate.execution import platform_events
from casemate.execution.environment_log import EnvironmentLog
from casemate.execution.in_hand import Finished
from casemate.execution.report import Usage


class Aftermath:
    """Of the invocations of one environment, one after the other.

    A caller who did not ask for the log waits for none of it: it is done when the caller's task has had its turn, which
    writes the answer (uvloop writes at once where it can).
    INVARIANT: it is done before a request is read that was sent after the answer had left, because it stands in the queue
    right behind that task; and before anything else happens to the environment (`catch_up`).
    """

    def __init__(
        self, log: EnvironmentLog, *, look: Callable[[float], None], usage: Callable[[float], Usage]
    ) -> None:
        """`look` reads what the runtime wrote, and how much memory it has after so many seconds; `usage` is for a duration
        in ms.
        """
        self._log = log
        self._look = look
        self._usage = usage
        self._finished: Finished | None = None
        self._loop = asyncio.get_running_loop()
        self._later: asyncio.Handle | None = None
        self._awaited = False
        """Whether it is to be said that the runtime is done, once it asks for more."""
        self._back: float | None = None
        """When it did."""

    @property
    def waits(self) -> bool:
        """Whether REPORT waits for extensions that still work."""
        return self._finished is not None and self._later is None

    def begin(self, finished: Finished, *, until_back: bool = False) -> None:
        """The runtime is done: read what it left; REPORT is to follow.

        Extensions hear that it is done when it asks for more: "how long the runtime took to call the next invocation API"
        is a part of it ("Span").
        """
        self._finished = finished
        self._awaited = until_back
        self._note()

    def runtime_back(self) -> None:
        """The runtime asks for the next invocation."""
        if self._awaited:
            self._awaited = False
            self._back = monotonic()
            self._done()

    def begin_later(self, finished: Finished) -> None:
        """All of it, REPORT too, when the caller has the answer. Call it when the caller's task has been woken."""
        self._finished = finished
        self._later = self._loop.call_soon(self.catch_up)

    def catch_up(self) -> None:
        """Do what was put off, if it is not done yet."""
        if self._later is None:
            return
        self._later.cancel()
        self._later = None
        assert self._finished is not None
        self._note()
        self._log.end()
        self._write(self._finished, self._finished.duration_ms)

    def report(self, *, timed_out: bool = False) -> None:
        """END and REPORT: the invocation is over for everybody, extensions too."""
        finished = self._finished
        assert finished is not None
        if timed_out and not finished.ending.status:  # an extension's doing
            finished = replace(finished, ending=replace(finished.ending, status="timeout"))
        self._write(finished, (monotonic() - finished.began) * 1000)

    def _note(self) -> None:
        finished = self._finished
        assert finished is not None
        self._look(finished.duration_ms / 1000)
        if finished.ending.line:
            self._log.platform(platform_events.fault(finished.ending.line))
        if not self._awaited:
            self._done()

    def _done(self) -> None:
        finished = self._finished
        assert finished is not None
        duration_ms, spans = finished.duration_ms, ()
        if self._back is not None:  # the duration is of all its spans: so in logs that AWS wrote in 2024
            duration_ms, spans = (self._back - finished.began) * 1000, finished.spans(self._back)
        self._log.brief(
            (),
            lambda: platform_events.runtime_done(
                finished.request_id,
                duration_ms,
                finished.produced,
                finished.ending,
                trace_id=finished.trace_id,
                spans=spans,
            ),
        )

    def _write(self, finished: Finished, duration_ms: float) -> None:
        if self._awaited:  # the runtime never came back
            self._awaited = False
            self._done()
        self._finished = None
        back, self._back = self._back, None
        overhead = () if back is None else (finished.span("extensionOverhead", back, monotonic()),)
        ended = (finished.request_id, self._usage(duration_ms), finished.ending)
        self._log.brief(
            platform_events.end_lines(*ended),
            lambda: platform_events.end(*ended, trace_id=finished.trace_id, spans=overhead),
        )
        self._log.flush()
