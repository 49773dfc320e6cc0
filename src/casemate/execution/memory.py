"""How much memory an environment's processes use, from /proc. Works without any control group.

Reads the peak resident size, so that what happens between two readings is seen as well.
"""

from __future__ import annotations

from pathlib import Path


def peak_mb(init_pid: int) -> int:
    """Peak resident memory of all processes under process 1 of an environment, in MB; 0 when they are gone."""
    total = sum(_peak_kb(pid) for pid in _descendants(init_pid))
    return (total + 1023) // 1024


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    waiting = _children(pid)
    while waiting:
        child = waiting.pop()
        found.append(child)
        waiting.extend(_children(child))
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found.extend(int(word) for word in (task / "children").read_text().split())
    except OSError:
        pass  # ended meanwhile
    return found


def _peak_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        pass  # ended meanwhile
    return 0
