"""Giving a process that waits at the parking place the state of a snapshot."""

from __future__ import annotations

import os

from casemate.execution.sandbox.snapshot import pages, tracing
from casemate.execution.sandbox.snapshot.image import (
    ACTION_SIZE,
    SCRATCH,
    Image,
    borrow_page,
    handled,
    status_of,
)
from casemate.execution.sandbox.snapshot.mappings import PAGE, Mapping, change, mappings_of
from casemate.execution.sandbox.snapshot.open_files import reopen
from casemate.execution.sandbox.snapshot.tracing import Tracee, traced

# sys/mman.h
_SHARED, _PRIVATE, _FIXED, _ANONYMOUS, _GROWS_DOWN = 0x01, 0x02, 0x10, 0x20, 0x100
_DONT_NEED = 4
_WORTH_A_CALL = 16 * PAGE
"""Of bytes, above which mapping them is cheaper than writing them."""
_RIGHTS = {"r": 1, "w": 2, "x": 4}


class ForeignError(OSError):
    """The process does not come from the fork-server that the snapshot comes from."""


def restore(pid: int, image: Image, memory: int) -> None:
    """The child `pid` goes on as the snapshot, whose pages are in the file behind the descriptor `memory`, the child's too.

    OSError when the kernel does not let it; the child cannot be used then.
    """
    with traced(pid) as tracee:
        borrow_page(tracee)
        _arrange(tracee, image)
        few = _map_pages(tracee, image, memory)
        reopen(tracee, image.files, SCRATCH)
        _surroundings(tracee, image)
        tracee.call(tracing.MUNMAP, SCRATCH, PAGE)
        _forget_other_pages(tracee, image)
        for run, offset in few:
            pages.write(tracee.memory, memory, run, offset)
        tracee.blocked_signals = image.blocked
        tracee.set_registers(tracing.EXTENDED, image.extended)
        tracee.set_registers(tracing.GENERAL, image.general)


def _arrange(tracee: Tracee, image: Image) -> None:
    """The same mappings at the same addresses."""
    present = mappings_of(tracee.pid)
    if _kernels(present) != _kernels(image.mappings):
        raise ForeignError("the kernel's mappings lie elsewhere")
    # The heap is the kernel's to lengthen: it remembers its end.
    end = max((one.end for one in image.mappings if one.path == "[heap]"), default=0)
    if end:
        tracee.call(tracing.BRK, end)
        present = mappings_of(tracee.pid)
    scratch = (SCRATCH, SCRATCH + PAGE)
    wanted = change([one for one in present if (one.start, one.end) != scratch], image.mappings)
    for start, end in wanted.remove:
        tracee.call(tracing.MUNMAP, start, end - start)
    for one in wanted.add:
        _map(tracee, one)


def _map(tracee: Tracee, mapping: Mapping) -> None:
    flags = _FIXED | (_SHARED if mapping.rights[3] == "s" else _PRIVATE)
    descriptor = -1
    if mapping.is_file:
        os.pwrite(tracee.memory, mapping.path.encode("utf-8", "surrogateescape") + b"\0", SCRATCH)
        descriptor = tracee.call(tracing.OPEN, SCRATCH, os.O_RDONLY | os.O_CLOEXEC, 0)
    else:
        flags |= _ANONYMOUS | (_GROWS_DOWN if mapping.path == "[stack]" else 0)
    size = mapping.end - mapping.start
    tracee.call(tracing.MMAP, mapping.start, size, _protection(mapping), flags, descriptor, mapping.offset)
    if descriptor >= 0:
        tracee.call(tracing.CLOSE, descriptor)


def _map_pages(tracee: Tracee, image: Image, memory: int) -> list[tuple[tuple[int, int], int]]:
    """Let the memory be that of the file, copied when it is written to. Gives what is better written, and its offsets.

    That is what is too little for a system call. And the stack, for it must be able to grow.
    """
    left: list[tuple[tuple[int, int], int]] = []
    mappings = iter(image.mappings)
    mapping = next(mappings)
    for run, offset in zip(image.own, pages.offsets(image.own), strict=True):
        while mapping.end <= run[0]:  # both are in order
            mapping = next(mappings)
        size = run[1] - run[0]
        if size < _WORTH_A_CALL or mapping.path == "[stack]" or "x" in mapping.rights:
            left.append((run, offset))
        else:
            tracee.call(tracing.MMAP, run[0], size, _protection(mapping), _FIXED | _PRIVATE, memory, offset)
    return left


def _surroundings(tracee: Tracee, image: Image) -> None:
    """Signal handlers, the working directory, the mode of new files."""
    for number in handled(status_of(tracee.pid)) | image.actions.keys():
        os.pwrite(tracee.memory, image.actions.get(number, bytes(ACTION_SIZE)), SCRATCH)
        tracee.call(tracing.SIGACTION, number, SCRATCH, 0, 8)
    os.pwrite(tracee.memory, image.directory.encode("utf-8", "surrogateescape") + b"\0", SCRATCH)
    tracee.call(tracing.CHDIR, SCRATCH)
    tracee.call(tracing.UMASK, image.umask)


def _forget_other_pages(tracee: Tracee, image: Image) -> None:
    """Anonymous pages that it has and the snapshot has not: zeroes, there."""
    anonymous = [one for one in mappings_of(tracee.pid) if not one.is_file]
    for start, end in pages.outside(pages.own_pages(tracee.pid, anonymous), image.own):
        tracee.call(tracing.ADVISE, start, end - start, _DONT_NEED)


def _protection(mapping: Mapping) -> int:
    return sum(_RIGHTS[letter] for letter in mapping.rights[:3] if letter != "-")


def _kernels(mappings: tuple[Mapping, ...]) -> list[Mapping]:
    return [one for one in mappings if one.is_kernels]
