"""How long initialization or an invocation may take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class TimeLimit:
    """One limit at a time."""

    def __init__(self, on_reached: Callable[[], object]) -> None:
        self.seconds = 0.0
        """The last one that was set."""
        self._on_reached = on_reached
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """From now on, instead of the one before."""
        self.lift()
        self.seconds = seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self._reach)

    def lift(self) -> None:
        """There is none any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reach(self) -> None:
        self._timer = None
        self._on_reached()
