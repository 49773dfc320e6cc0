"""How much memory an environment's processes use, from /proc. Works without any control group.

The peak resident size of the largest process, or what all of them have together if that is more: pages that forked
processes share are counted once. Memory files that nobody has mapped count too; files in /tmp do not, as on AWS.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

_READ = 32
"""Processes that are read, at a tenth of a millisecond each; of more, every second, third, ..., others each time, and the sum
scaled. Nobody is ended for a scaled sum: all are read then."""


class _Process(Struct, frozen=True, kw_only=True):
    """Of one process, in kB."""

    place: str
    """Its directory in /proc."""
    peak: int
    resident: int
    shared: int
    """Of those resident, pages of shared memory."""


def peak_mb(init_pid: int, limit_mb: int, *, turn: int = 0, restored: bool = False) -> int:
    """Peak memory of all of them, in MB. `turn`: which of many are read, one after the other.

    `restored`: they map pages of a snapshot, and what they have mapped says nothing of memory files of their own, which
    then count whether or not they are mapped.

    Proportional sizes are slow to read, because the kernel locks what it counts: they are only read when the quick upper
    bound is past `limit_mb`, and this is for a thread of its own.
    """
    count, processes = _processes(init_pid, turn)
    seen = _used_mb(count, processes, limit_mb, restored=restored)
    if seen > limit_mb and count > len(processes):
        count, processes = _processes(init_pid, None)
        seen = _used_mb(count, processes, limit_mb, restored=restored)
    return seen


def _used_mb(count: int, processes: list[_Process], limit_mb: int, *, restored: bool) -> int:
    """Of so many processes, by those that were read."""
    if not processes:
        return 0
    files = sum(_memory_files(one.place for one in processes).values())
    mapped = 0 if restored else sum(one.shared for one in processes)
    unmapped = max(0, files - mapped)
    together = 0
    if count > 1:
        scale = count / len(processes)
        if sum(one.resident for one in processes) * scale + unmapped > limit_mb * 1024:
            # Twice, because a page counts for nobody or for two when processes end while it is added up.
            together = int(min(_proportional_kb(processes), _proportional_kb(processes)) * scale)
    largest = max(one.peak for one in processes)
    return (max(largest, together) + unmapped + 1023) // 1024


def _processes(init_pid: int, turn: int | None) -> tuple[int, list[_Process]]:
    """How many there are, and some of them; without a turn, all."""
    proc = proc_of(init_pid)
    try:
        names = os.listdir(proc)  # noqa: PTH208 - names are enough
    except OSError:
        return 0, []  # ended meanwhile
    chosen = _pids(names) if turn is None else some(names, turn)
    return len(_pids(names)), [one for one in (_read(f"{proc}/{pid}") for pid in chosen) if one is not None]


def proc_of(init_pid: int) -> str:
    """What that process 1 sees in its own /proc: everything of the environment, and nothing else."""
    return f"/proc/{init_pid}/root/proc"


def _pids(names: list[str]) -> list[str]:
    return [name for name in names if name.isdigit() and name != "1"]


def some(names: list[str], turn: int = 0) -> list[str]:
    """Of what /proc holds the processes beside process 1; of many only some, each in its turn, and the first always."""
    pids = _pids(names)
    step = 1 + len(pids) // _READ
    return pids[::step] if turn % step == 0 else [*pids[:1], *pids[turn % step :: step]]


def _read(place: str) -> _Process | None:
    values = _fields(f"{place}/status")
    if "VmHWM" not in values:
        return None  # ended meanwhile
    return _Process(
        place=place, peak=values["VmHWM"], resident=values["VmRSS"], shared=values.get("RssShmem", 0)
    )


def _proportional_kb(processes: list[_Process]) -> int:
    return sum(_fields(f"{one.place}/smaps_rollup").get("Pss", 0) for one in processes)


def _fields(path: str) -> dict[str, int]:
    """The sizes of a file of /proc, in kB."""
    found: dict[str, int] = {}
    try:
        for line in Path(path).read_text().splitlines():
            if line.endswith(" kB"):
                name, _, value = line.partition(":")
                found[name] = int(value.split()[0])
    except OSError:
        pass  # ended meanwhile
    return found


def _memory_files(places: Iterable[str]) -> dict[tuple[int, int], int]:
    """(device, inode) -> kB of every memory file that a process has open."""
    found: dict[tuple[int, int], int] = {}
    for place in places:
        try:
            for number in os.listdir(f"{place}/fd"):  # noqa: PTH208 - often, and of many
                path = f"{place}/fd/{number}"
                if os.readlink(path).startswith("/memfd:"):  # noqa: PTH115
                    status = os.stat(path)  # noqa: PTH116
                    found[status.st_dev, status.st_ino] = status.st_blocks // 2
        except OSError:
            continue  # ended meanwhile
    return found
