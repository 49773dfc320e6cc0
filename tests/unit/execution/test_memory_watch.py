"""How much memory an environment uses: which processes are read, and when."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from casemate.execution import memory, memory_watch
from casemate.execution.glance import Glance
from casemate.execution.memory_watch import MemoryWatch


class Clock:
    """Stands where it is set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Glances:
    """What there is to see, and how often somebody looked."""

    def __init__(self) -> None:
        self.mb = 30
        self.count = 0

    def largest_mb(self, init_pid: int) -> int:
        assert init_pid == 7
        self.count += 1
        return self.mb


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(memory_watch, "monotonic", clock)
    return clock


@pytest.fixture
def glances(monkeypatch: pytest.MonkeyPatch) -> Glances:
    glances = Glances()
    monkeypatch.setattr(memory_watch, "Glance", lambda: glances)
    return glances


async def test_what_was_brief_is_not_looked_at_again_at_once(clock: Clock, glances: Glances) -> None:
    watch = MemoryWatch(128, lambda: None)
    watch.glance(7, 0.0004)
    assert (watch.peak_mb, glances.count) == (30, 1)
    for _ in range(5):
        clock.now += 0.001
        watch.glance(7, 0.0004)
    assert glances.count == 1
    glances.mb = 31
    clock.now += 0.006
    watch.glance(7, 0.0004)
    assert (watch.peak_mb, glances.count) == (31, 2)


async def test_what_took_time_is_looked_at_however_soon(clock: Clock, glances: Glances) -> None:
    watch = MemoryWatch(128, lambda: None)
    watch.glance(7, 0.0004)
    clock.now += 0.002
    glances.mb = 90
    watch.glance(7, 0.002)
    assert watch.peak_mb == 90
    glances.mb = 50
    watch.glance(7, 1)
    assert watch.peak_mb == 90


async def test_without_a_process_there_is_nothing_to_see(clock: Clock, glances: Glances) -> None:
    watch = MemoryWatch(128, lambda: None)
    watch.glance(0, 1)
    clock.now += 1
    assert (watch.peak_mb, glances.count) == (0, 0)


def test_a_glance_sees_the_largest_process_and_forgets_who_has_ended() -> None:
    glance = Glance()
    before = len(os.listdir("/proc/self/fd"))
    hog = "import sys; data = bytearray(300 << 20); print(len(data), flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hog], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        glance._files[str(process.pid)] = os.open(f"/proc/{process.pid}/status", os.O_RDONLY)
        assert glance._peak_kb(str(process.pid)) > 300 << 10
        process.kill()
    assert glance._peak_kb(str(process.pid)) == 0
    assert glance.largest_mb(os.getpid()) > 0
    glance.close()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("count", [1, 31, 32, 81, 1024])
def test_of_many_processes_each_has_its_turn(count: int) -> None:
    names = ["1", "meminfo", *map(str, range(2, count + 2))]
    turns = [memory.some(names, turn) for turn in range(40)]
    assert all(len(one) <= 33 for one in turns)
    assert all(one[0] == "2" for one in turns), "the runtime"
    assert set().union(*turns) == set(names[2:])
