"""One timer for one limit after another."""

from __future__ import annotations

import asyncio
import gc
import weakref
from time import monotonic

import pytest

from casemate.execution.alarm import Alarm


class Bell:
    """Counts."""

    def __init__(self) -> None:
        self.rung: list[float] = []

    def ring(self) -> None:
        self.rung.append(monotonic())


async def test_it_rings_once_when_the_limit_that_was_set_last_has_passed() -> None:
    bell = Bell()
    alarm = Alarm(bell.ring)
    for _ in range(5):
        last = monotonic()
        alarm.set(0.1)
        await asyncio.sleep(0.03)  # never for as long as it may be
    await asyncio.sleep(0.1)
    assert len(bell.rung) == 1
    assert bell.rung[0] - last >= 0.098
    assert not alarm.on


@pytest.mark.parametrize("again", [False, True])
async def test_a_lifted_limit_does_not_ring(again: bool) -> None:
    bell = Bell()
    alarm = Alarm(bell.ring)
    alarm.set(0.01)
    alarm.lift()
    if again:
        alarm.set(0.04)
        assert alarm.on
    await asyncio.sleep(0.025)
    assert bell.rung == []
    await asyncio.sleep(0.03)
    assert len(bell.rung) == again


async def test_a_shorter_limit_does_not_wait_for_the_longer_one_before() -> None:
    bell = Bell()
    alarm = Alarm(bell.ring)
    alarm.set(900)
    alarm.lift()
    alarm.set(0.01)
    await asyncio.sleep(0.03)
    assert len(bell.rung) == 1
    assert alarm.seconds == 0.01


async def test_a_closed_one_leaves_nothing_on_the_loop() -> None:
    bell = Bell()
    alarm = Alarm(bell.ring)
    alarm.set(900)
    alarm.close()
    gone = weakref.ref(bell)
    del alarm, bell
    gc.collect()
    assert gone() is None
