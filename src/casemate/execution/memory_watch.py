"""Looks again and again how much memory an environment uses, while it has work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from casemate.execution import memory
from casemate.execution.alarm import Alarm
from casemate.execution.glance import Glance

_INTERVAL, _LONGEST = 0.05, 0.25
_GROWTH = 2000
"""MB per second: about what a processor fills with zeroes, so that who has room for more is looked at less often."""
_BRIEF, _UNSEEN = 0.001, 0.01
"""Seconds: an invocation that took no longer than the first one is not looked at for the second after the last look. What
it can have filled meanwhile is some megabytes, and the next look sees it: the peak never falls."""
_SHARE = 20
"""At most a twentieth of the time goes into looking: a thousand processes take theirs."""


class MemoryWatch:
    """Remembers the most there was."""

    def __init__(self, limit_mb: int, on_excess: Callable[[], object], *, restored: bool = False) -> None:
        """`restored`: what is watched began from a snapshot."""
        self.peak_mb = 0
        self._restored = restored
        self._limit_mb = limit_mb
        self._on_excess = on_excess
        self._first = Alarm(self._begin)
        """Until the first look: most invocations are over before."""
        self._glance = Glance()
        self._glanced = 0.0
        self._init_pid: Callable[[], int] = int
        self._task: asyncio.Task[None] | None = None
        self._turn = 0
        """How often all were looked at."""

    def start(self, init_pid: Callable[[], int]) -> None:
        """Look until `stop`; `init_pid` is 0 as long as there is nothing to see."""
        self.stop()
        self._init_pid = init_pid
        self._first.set(_INTERVAL)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch(self._init_pid))

    def stop(self) -> None:
        """Look no more."""
        self._first.lift()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
        self._task = None

    def glance(self, init_pid: int, seconds: float) -> None:
        """Look at the largest process, `seconds` after the work began that made it what it is."""
        now = monotonic()
        if init_pid and (seconds > _BRIEF or now - self._glanced > _UNSEEN):
            self._glanced = now
            self.peak_mb = max(self.peak_mb, self._glance.largest_mb(init_pid))

    def close(self) -> None:
        """Look never again."""
        self.stop()
        self._first.close()
        self._glance.close()

    async def _watch(self, init_pid: Callable[[], int]) -> None:
        while True:
            began, pid = monotonic(), init_pid()
            if pid:
                # In a thread: whoever forks without end keeps the kernel's locks, and would keep the front door, too.
                self._turn += 1
                seen = await asyncio.to_thread(
                    memory.peak_mb, pid, self._limit_mb, turn=self._turn, restored=self._restored
                )
                self.peak_mb = max(self.peak_mb, seen)
            if self.peak_mb > self._limit_mb:
                self._on_excess()
                return
            room = min(_LONGEST, (self._limit_mb - self.peak_mb) / _GROWTH)
            await asyncio.sleep(max(_INTERVAL, room, (monotonic() - began) * _SHARE))
