"""How long the event loop stays awake for a client, seen by how often it turns without anything to do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from casemate.gateway.busy_polling import WINDOW, BusyPolling


class Loop:
    """A clock that goes on by a tenth of the window with each look, and the polling that looks at it."""

    def __init__(self, *, processors: int = 2) -> None:
        self.looks = 0
        self.polling = BusyPolling(processors=processors, seconds=self._seconds)

    def _seconds(self) -> float:
        self.looks += 1
        return self.looks * WINDOW / 10

    async def request(self) -> int:
        """One is read and answered, and nothing comes for a long time; how often the loop turned."""
        before = self.looks
        self.polling.heard()
        self.polling.answered()
        await self.pause(50)
        return self.looks - before

    async def pause(self, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)


def played(scene: Callable[[Loop], Awaitable[None]], *, processors: int = 2) -> None:
    async def play() -> None:
        await scene(Loop(processors=processors))

    asyncio.run(play())


def test_the_loop_stays_awake_for_a_window_after_an_answer() -> None:
    async def scene(loop: Loop) -> None:
        assert 10 <= await loop.request() <= 13

    played(scene)


def test_each_request_of_a_lone_client_makes_it_stay_longer() -> None:
    async def scene(loop: Loop) -> None:
        loop.polling.answered()
        for _ in range(100):
            await loop.pause(5)
            before = loop.looks
            loop.polling.heard()
            loop.polling.answered()
            await loop.pause(2)
            assert loop.looks > before, "it slept although the client came within the window"

    played(scene)


def test_what_is_heard_but_not_answered_yet_counts() -> None:
    async def scene(loop: Loop) -> None:
        loop.polling.answered()
        await loop.pause(8)
        loop.polling.heard()
        await loop.pause(8)
        before = loop.looks
        await loop.pause(1)
        assert loop.looks > before

    played(scene)


def test_a_crowd_is_not_waited_for() -> None:
    async def scene(loop: Loop) -> None:
        for _ in range(3):
            loop.polling.heard()
            loop.polling.answered()
        await loop.pause(5)
        assert loop.looks == 0

    played(scene)


def test_in_vain_makes_it_rare_and_worth_it_makes_it_usual_again() -> None:
    async def scene(loop: Loop) -> None:
        slept = [await loop.request() == 0 for _ in range(3_000)]
        assert 5 <= slept.count(False) <= 15
        assert not any(slept[2_600 + at : 2_600 + at + 512].count(False) > 1 for at in range(0, 400, 50))
        # From now on the client comes back at once, each time that it is waited for.
        for _ in range(600):
            loop.polling.heard()
            loop.polling.answered()
            await loop.pause(3)
        assert await loop.request() > 0

    played(scene)


@pytest.mark.parametrize("processors", [1])
def test_a_lone_processor_is_left_to_the_client(processors: int) -> None:
    async def scene(loop: Loop) -> None:
        assert await loop.request() == 0

    played(scene, processors=processors)
