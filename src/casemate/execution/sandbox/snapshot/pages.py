"""The pages of a process's memory that are its own: where they are, and copying them to another process."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable

from casemate.execution.sandbox.snapshot.mappings import PAGE, Mapping

Runs = list[tuple[int, int]]
"""Ranges of addresses."""
_BLOCK = 512
_ENTRY = 8
_CHUNK = 16 * PAGE
_FILE, _SWAPPED, _PRESENT = 1, 2, 4
"""The upper bits of an entry: the kernel's Documentation/admin-guide/mm/pagemap.rst."""


def own_pages(pid: int, mappings: Iterable[Mapping]) -> Runs:
    """The pages that are not what a fresh mapping would show: written to, or anonymous and touched.

    Of a private file mapping that may be written, all of them: they are few, and another process may have written to
    others.
    """
    found: Runs = []
    descriptor = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY)
    try:
        for one in mappings:
            if one.is_kernels or one.rights[3] == "s":
                continue
            if one.is_file and one.rights[1] == "w":
                _extend(found, one.start, one.end)
            else:
                _scan(descriptor, one, found)
    finally:
        os.close(descriptor)
    return found


def _scan(descriptor: int, mapping: Mapping, found: Runs) -> None:
    for block in range(mapping.start, mapping.end, _BLOCK * PAGE):
        count = min(_BLOCK, (mapping.end - block) // PAGE)
        raw = os.pread(descriptor, count * _ENTRY, block // PAGE * _ENTRY)
        if not raw.strip(b"\0"):
            continue  # most of a large arena
        for number, entry in enumerate(array("Q", raw)):
            state = entry >> 61
            if state & (_PRESENT | _SWAPPED) and not state & _FILE:
                address = block + number * PAGE
                _extend(found, address, address + PAGE)


def outside(runs: Runs, others: Runs) -> Runs:
    """What of `runs` is in none of `others`. Both are in order."""
    left: Runs = []
    position = 0
    for start, end in runs:
        begin = start
        while position < len(others) and others[position][1] <= begin:
            position += 1
        look = position
        while look < len(others) and others[look][0] < end:
            if others[look][0] > begin:
                left.append((begin, others[look][0]))
            begin = max(begin, others[look][1])
            look += 1
        if begin < end:
            left.append((begin, end))
    return left


def copy(source: int, target: int, runs: Runs) -> int:
    """Make those pages of `target` what they are in `source`; both are descriptors of /proc/PID/mem. Gives how many differed.

    Equal pages are not written: they stay shared with the process that both were forked from.
    """
    written = 0
    for start, end in runs:
        for address in range(start, end, _CHUNK):
            size = min(_CHUNK, end - address)
            wanted, present = os.pread(source, size, address), os.pread(target, size, address)
            if len(wanted) != size:
                raise OSError(f"the snapshot's memory at {address:#x} cannot be read")
            if wanted != present:
                written += _write_differences(target, address, wanted, present)
    return written


def _write_differences(target: int, address: int, wanted: bytes, present: bytes) -> int:
    written, position, size = 0, 0, len(wanted)
    while position < size:
        end = position
        while end < size and wanted[end : end + PAGE] != present[end : end + PAGE]:
            end += PAGE
        if end > position:
            if os.pwrite(target, wanted[position:end], address + position) != end - position:
                raise OSError(f"the memory at {address + position:#x} cannot be written")
            written += (end - position) // PAGE
        position = end + PAGE
    return written


def _extend(runs: Runs, start: int, end: int) -> None:
    if runs and runs[-1][1] == start:
        runs[-1] = (runs[-1][0], end)
    else:
        runs.append((start, end))
