"""The pages of a process's memory that are its own: where they are, keeping them, and giving them to another process."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Sequence

from casemate.execution.sandbox.snapshot.mappings import PAGE, Mapping

Runs = list[tuple[int, int]]
"""Ranges of addresses, in order, none beyond its mapping."""
_BLOCK = 512
_ENTRY = 8
_CHUNK = 16 * PAGE
_FILE, _SWAPPED, _PRESENT = 1, 2, 4
"""The upper bits of an entry: the kernel's Documentation/admin-guide/mm/pagemap.rst."""


def own_pages(pid: int, mappings: Iterable[Mapping], *, most: int | None = None) -> Runs:
    """The pages that are not what a fresh mapping would show: written to, or anonymous and touched. OSError when they are
    more than `most` bytes.

    Of a private file mapping that may be written, all of them: they are few, and another process may have written to
    others.
    """
    found: Runs = []
    size = 0
    descriptor = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY)
    try:
        for one in mappings:
            if one.is_kernels or one.rights[3] == "s":
                continue
            whole = one.is_file and one.rights[1] == "w"
            for start, end in ((one.start, one.end),) if whole else _scan(descriptor, one):
                size += end - start
                if most is not None and size > most:
                    raise OSError(f"more than {most >> 20} MB of memory")
                found.append((start, end))
    finally:
        os.close(descriptor)
    return found


def _scan(descriptor: int, mapping: Mapping) -> Iterator[tuple[int, int]]:
    begin = end = mapping.start
    for block in range(mapping.start, mapping.end, _BLOCK * PAGE):
        count = min(_BLOCK, (mapping.end - block) // PAGE)
        raw = os.pread(descriptor, count * _ENTRY, block // PAGE * _ENTRY)
        if not raw.strip(b"\0"):
            continue  # most of a large arena
        for number, entry in enumerate(array("Q", raw)):
            state = entry >> 61
            if state & (_PRESENT | _SWAPPED) and not state & _FILE:
                address = block + number * PAGE
                if end != address:
                    if begin != end:
                        yield begin, end
                    begin = address
                end = address + PAGE
    if begin != end:
        yield begin, end


def outside(runs: Runs, others: Runs) -> Runs:
    """What of `runs` is in none of `others`."""
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


def offsets(runs: Runs) -> Sequence[int]:
    """Where in the file that `keep` writes each begins."""
    found, at = list[int](), 0
    for start, end in runs:
        found.append(at)
        at += end - start
    return found


def keep(memory: int, runs: Runs, file: int) -> None:
    """Write those pages into `file`, one behind the other; `memory` is a descriptor of /proc/PID/mem."""
    for start, end in runs:
        for address in range(start, end, _CHUNK):
            size = min(_CHUNK, end - address)
            content = os.pread(memory, size, address)
            if len(content) != size or os.write(file, content) != size:
                raise OSError(f"the memory at {address:#x} cannot be kept")


def write(memory: int, file: int, run: tuple[int, int], offset: int) -> None:
    """Make a few pages what they are in `file`, at `offset`. Those that are it already are left alone."""
    start, end = run
    for address in range(start, end, _CHUNK):
        size = min(_CHUNK, end - address)
        wanted = os.pread(file, size, offset + address - start)
        if wanted != os.pread(memory, size, address) and os.pwrite(memory, wanted, address) != size:
            raise OSError(f"the memory at {address:#x} cannot be written")
