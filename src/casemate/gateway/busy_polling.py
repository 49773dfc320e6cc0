"""Waiting awake for a lone client: after an answer, the event loop looks for the next request instead of sleeping.

A processor that has nothing to do halts, and to wake it takes longer than many a request (docs/decisions/0034). A client
that asks again at once, alone, would have both sides woken for every request; here the one side stays awake for it, a
moment at a time.

Many clients at once leave no time to sleep, and what gathers while a turn is over is answered together: there is nothing
to gain. Neither is there with a client that takes its time: looking in vain makes the next attempt rarer, until one in
hundreds of answers is followed by one.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

WINDOW = 200e-6
"""Seconds. A client that does little between an answer and its next request was seen to take 60 to 110 microseconds."""
_RAREST = 511
"""Answers, after each of which the loop sleeps, between two attempts that were in vain."""


class BusyPolling:
    """Of one event loop. Told what was read and what was answered; keeps the loop from sleeping where that pays."""

    __slots__ = ("_answers", "_is_possible", "_is_turning", "_pause", "_reads", "_rest", "_seconds", "_until")

    def __init__(
        self, *, processors: int | None = None, seconds: Callable[[], float] = time.perf_counter
    ) -> None:
        # On a lone processor the client could not run meanwhile.
        self._is_possible = (len(os.sched_getaffinity(0)) if processors is None else processors) > 1
        self._seconds = seconds
        self._reads = 0
        self._answers = 0
        """Both since the turn before."""
        self._is_turning = False
        """`_turn` is in the loop's queue, which therefore does not sleep."""
        self._until = 0.0
        self._rest = 0
        """Answers that are to come before the next attempt."""
        self._pause = 0
        """What `_rest` was after the last attempt in vain."""

    def heard(self) -> None:
        """A request was read."""
        self._reads += 1

    def answered(self) -> None:
        """Its answer was sent."""
        if self._is_turning:
            self._answers += 1
        elif self._rest:
            self._rest -= 1
        elif self._is_possible:
            self._answers, self._reads = 1, 0
            self._is_turning = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """Once in each turn of the loop, for as long as it does not sleep."""
        reads, answers = self._reads, self._answers
        self._reads = self._answers = 0
        self._is_turning = False
        if reads > 1 or answers > 1:
            return
        now = self._seconds()
        if reads or answers:
            if reads:
                self._pause //= 2
            self._until = now + WINDOW
        elif now > self._until:
            self._rest = self._pause = min(2 * self._pause + 1, _RAREST)
            return
        self._is_turning = True
        asyncio.get_running_loop().call_soon(self._turn)
