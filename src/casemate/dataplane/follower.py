"""From committed change to kernel, one way: whoever commits marks the network changed, one task applies it.

Changes that come while one is being applied are applied together next. A failure is kept for `casemate status` and
tried again with the next change; it never fails the request that committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from casemate.model.network import NetworkSnapshot

_log = logging.getLogger(__name__)
_PATIENCE = 10.0


class Follower:
    """Keeps the data plane at the committed snapshot. What the kernel holds is `kernel.reconciler`'s affair."""

    def __init__(
        self,
        *,
        snapshot: Callable[[], NetworkSnapshot],
        apply: Callable[[NetworkSnapshot], Awaitable[None]],
    ) -> None:
        self._snapshot = snapshot
        self._apply = apply
        self._wanted = 0
        self._held = 0
        self._wake = asyncio.Event()
        self._moved = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self.failure: str | None = None
        """Why the last application failed; None when the kernel holds what was committed."""

    def start(self) -> None:
        """Apply the present snapshot and every later one."""
        self.changed()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop applying."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def changed(self) -> None:
        """The committed network is no longer what was applied."""
        self._wanted += 1
        self._wake.set()

    async def settled(self) -> None:
        """Return when everything committed so far was applied (or failed to be), at most `_PATIENCE` seconds later."""
        target = self._wanted
        if self._held >= target:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE), self._moved:
                await self._moved.wait_for(lambda: self._held >= target)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            target = self._wanted
            try:
                await self._apply(self._snapshot())
                self.failure = None
            except Exception as error:
                self.failure = f"{type(error).__name__}: {error}"
                _log.exception("the data plane could not be brought to the committed network")
            self._held = target
            async with self._moved:
                self._moved.notify_all()
