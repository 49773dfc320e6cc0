"""One limit of time after another, on one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic  # uvloop's own clock counts whole milliseconds

_EARLY = 0.001
"""A timer of uvloop's may ring this much before its time: it rounds to milliseconds."""


class Alarm:
    """Rings when the time that was set last has passed, unless it was lifted before.

    Most limits are lifted within a millisecond or two and set again by the next invocation. To make a timer and take it
    back costs more than to let one run on: when it rings, it looks whether anything is due, and is wound up for the rest.
    """

    def __init__(self, on_ring: Callable[[], object]) -> None:
        self.seconds = 0.0
        """The last limit that was set."""
        self._on_ring = on_ring
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings = 0.0
        """When the timer does."""

    @property
    def on(self) -> bool:
        """Whether it is going to ring."""
        return self._due is not None

    def set(self, seconds: float) -> None:
        """From now on, instead of the limit before."""
        self.seconds = seconds
        self._due = due = monotonic() + seconds
        if self._timer is None or due < self._rings:
            self._wind_up(due, seconds)

    def lift(self) -> None:
        """There is no limit any more."""
        self._due = None

    def close(self) -> None:
        """Never again; nothing is left on the event loop."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wind_up(self, due: float, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = due
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        left = self._due - monotonic()
        if left > _EARLY:
            self._wind_up(self._due, left)
        else:
            self._due = None
            self._on_ring()
