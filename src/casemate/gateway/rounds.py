"""Something done again and again beside the requests, and once more at the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)
_PATIENCE = 5.0
"""Seconds for one round: a data plane that is being restarted must not hold up the end."""


class Rounds:
    """Calls `go_round` every `period` seconds. A round that fails is logged as `failure`, and the next one comes."""

    def __init__(self, go_round: Callable[[], Awaitable[None]], *, period: float, failure: str) -> None:
        self._go_round = go_round
        self._period = period
        self._failure = failure
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """From now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self, last: Callable[[], Awaitable[None]] | None = None) -> None:
        """No more, after one `last` round."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._quietly(last or self._go_round)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._period)
            await self._quietly(self._go_round)

    async def _quietly(self, go_round: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await go_round()
        except Exception:
            _log.exception(self._failure)
