"""A snapshot: what is to be known of a process so that another one can go on in its place, and taking it.

The content of its memory goes to a file in memory, which restored processes map: they share it until they write to it,
and the process that it was taken of is not needed any more.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import time
from collections.abc import Mapping as Names
from dataclasses import asdict, dataclass
from typing import Any

from casemate.execution.sandbox.snapshot import pages, tracing
from casemate.execution.sandbox.snapshot.mappings import PAGE, Mapping, mappings_of
from casemate.execution.sandbox.snapshot.open_files import OpenFile, UnfitError, open_files
from casemate.execution.sandbox.snapshot.pages import Runs
from casemate.execution.sandbox.snapshot.tracing import Tracee, traced

SCRATCH = 0x10000
"""A page that is borrowed for arguments: the lowest that may be mapped (vm.mmap_min_addr), where nothing ever is."""
ACTION_SIZE = 32
"""Of a struct kernel_sigaction."""
_ANONYMOUS, _FIXED, _PRIVATE = 0x20, 0x100000, 0x02
_READ_WRITE = 3
_MOMENT, _PATIENCE = 0.001, 1000
_MOST_MAPPINGS, _MOST_ADDRESSES = 8192, 64 << 30
"""Python with everything has a thousand mappings, and a few gigabytes of addresses. A tenant could have 65,530 with long
names, or all addresses there are: process 1 reads them, and nobody measures it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """Everything but the content of the memory."""

    mappings: tuple[Mapping, ...]
    own: Runs
    """Where the memory differs from what fresh mappings would show."""
    general: bytes
    extended: bytes
    """Registers."""
    blocked: int
    actions: Names[int, bytes]
    """Signal -> what happens then, where that is not the default."""
    files: tuple[OpenFile, ...]
    directory: str
    umask: int

    def to_json(self) -> str:
        """For whoever restores it."""
        given = asdict(self)
        given |= {name: base64.b64encode(given[name]).decode() for name in ("general", "extended")}
        given["actions"] = {number: action.hex() for number, action in self.actions.items()}
        return json.dumps(given)

    @classmethod
    def from_json(cls, text: str) -> Image:
        """The image again."""
        given: dict[str, Any] = json.loads(text)
        given |= {name: base64.b64decode(given[name]) for name in ("general", "extended")}
        given["actions"] = {int(number): bytes.fromhex(action) for number, action in given["actions"].items()}
        given["mappings"] = tuple(Mapping(**one) for one in given["mappings"])
        given["files"] = tuple(OpenFile.from_json(one) for one in given["files"])
        given["own"] = [(start, end) for start, end in given["own"]]
        return cls(**given)


def take(pid: int, file: int, *, parked: int, most: int) -> Image:
    """A snapshot of the child `pid`, which waits on its descriptor `parked`; its memory goes to `file`, `most` bytes of it.

    UnfitError or OSError when it has something that cannot be restored. The child never runs again.
    """
    if os.uname().machine != tracing.MACHINE:
        raise UnfitError(f"a processor of the kind {os.uname().machine}, for which this is not written")
    for _ in range(_PATIENCE):
        with traced(pid) as tracee:
            # In the same stop as the rest: it is not in the receive yet when it has just said that it waits, nor at once
            # after it was let go on.
            if tracing.is_receiving(tracee.registers(tracing.GENERAL)):
                return _taken(tracee, file, parked=parked, most=most)
        time.sleep(_MOMENT)
    raise UnfitError("a runtime that does not wait")


def _taken(tracee: Tracee, file: int, *, parked: int, most: int) -> Image:
    pid = tracee.pid
    _require_alone(pid)
    mappings = mappings_of(pid, most=_MOST_MAPPINGS)
    _require_private(mappings)
    _require_modest(mappings)
    general, extended = tracee.registers(tracing.GENERAL), tracee.registers(tracing.EXTENDED)
    status = status_of(pid)
    try:
        image = Image(
            mappings=mappings,
            own=pages.own_pages(pid, mappings, most=most),
            general=tracing.having_received_nothing(general),
            extended=extended,
            blocked=tracee.blocked_signals,
            actions=_actions(tracee, handled(status)),
            files=open_files(pid, but=parked),
            directory=os.readlink(f"/proc/{pid}/cwd"),  # noqa: PTH115
            umask=int(status["Umask"], 8),
        )
        pages.keep(tracee.memory, image.own, file)
    finally:
        # Whatever it has in /tmp is read after this: a timer must not wake it up.
        os.kill(pid, signal.SIGSTOP)
        tracee.set_registers(tracing.GENERAL, general)
    return image


def status_of(pid: int) -> dict[str, str]:
    """The fields of /proc/PID/status."""
    place = f"/proc/{pid}/status"
    # A process names itself, with whatever bytes.
    with open(place, encoding="utf-8", errors="replace", newline="\n") as file:  # noqa: PTH123 - pathlib is slow to start
        return {name: value.strip() for name, _, value in (line.partition(":") for line in file)}


def handled(status: Names[str, str]) -> set[int]:
    """Signals for which a process has a handler, or which it ignores."""
    bits = int(status["SigCgt"], 16) | int(status["SigIgn"], 16)
    return {number for number in range(1, 65) if bits >> number - 1 & 1}


def borrow_page(tracee: Tracee) -> None:
    """Map `SCRATCH`."""
    flags = _PRIVATE | _ANONYMOUS | _FIXED
    tracee.call(tracing.MMAP, SCRATCH, PAGE, _READ_WRITE, flags, -1, 0)


def _require_alone(pid: int) -> None:
    threads = len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208 - names are enough
    if threads > 1:
        raise UnfitError(f"{threads - 1} more thread(s) than the main one")
    others = {name for name in os.listdir("/proc") if name.isdigit()} - {"1", str(pid)}  # noqa: PTH208
    if others:
        raise UnfitError(f"{len(others)} more process(es) than the runtime's")


def _require_private(mappings: tuple[Mapping, ...]) -> None:
    for one in mappings:
        if one.rights[3] == "s" and (one.rights[1] == "w" or not one.is_file):
            raise UnfitError(f"memory shared among processes ({one.path or 'anonymous'})")
        if one.path.endswith(" (deleted)"):
            raise UnfitError(f"a mapping of a deleted file ({one.path})")


def _require_modest(mappings: tuple[Mapping, ...]) -> None:
    addresses = sum(one.end - one.start for one in mappings)
    if addresses > _MOST_ADDRESSES:
        raise UnfitError(f"{addresses >> 30} GB of addresses")


def _actions(tracee: Tracee, signals: set[int]) -> dict[int, bytes]:
    borrow_page(tracee)
    found: dict[int, bytes] = {}
    for number in sorted(signals):
        tracee.call(tracing.SIGACTION, number, 0, SCRATCH, 8)
        found[number] = os.pread(tracee.memory, ACTION_SIZE, SCRATCH)
    tracee.call(tracing.MUNMAP, SCRATCH, PAGE)
    return found
