"""How many events of one function run at the same time: first come, first served, and nobody is woken in vain."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Lanes:
    """Counts per function. A limit may change between two entries; it binds who enters next."""

    def __init__(self) -> None:
        self._busy: defaultdict[str, int] = defaultdict(int)
        self._waiting: defaultdict[str, deque[asyncio.Future[None]]] = defaultdict(deque)

    @asynccontextmanager
    async def entered(self, function: str, limit: int) -> AsyncGenerator[None]:
        """Wait for room, and make room afterwards."""
        while self._busy[function] >= limit:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting[function].append(turn)
            await turn
        self._busy[function] += 1
        try:
            yield
        finally:
            self._leave(function)

    def _leave(self, function: str) -> None:
        self._busy[function] -= 1
        waiting = self._waiting[function]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        if not self._busy[function]:
            del self._busy[function], self._waiting[function]
