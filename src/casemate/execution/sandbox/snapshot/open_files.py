"""The descriptors of a process, and giving another process the same.

Files are opened again. A connection does not outlive a snapshot (Lambda Developer Guide, "Lambda SnapStart", best
practices: "the state of connections that your function establishes during the initialization phase isn't guaranteed"):
in its place stands a socket that is connected to nobody. What both ends of are in the process, and what waits for
events, is made again: an event loop has such.
"""

from __future__ import annotations

import ctypes
import os
import re
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

from casemate.execution.sandbox.snapshot import pairs, tracing
from casemate.execution.sandbox.snapshot.tracing import Tracee

_FIRST = 3
"""Those before are the environment's own: no input, and its log."""
_SYS_PIDFD_OPEN, _SYS_PIDFD_GETFD = 434, 438
_ONLY_AT_FIRST = os.O_CREAT | os.O_EXCL | os.O_TRUNC
_KEPT_BY_PAIRS = os.O_NONBLOCK | os.O_CLOEXEC
_EVERYTHING = 0xFFFFFFFF
_EPOLL = "anon_inode:[eventpoll]"
_WATCHED = re.compile(r"tfd: *(\d+) *events: *([0-9a-f]+) *data: *([0-9a-f]+)")
"""A line of a poll's fdinfo: proc(5)."""
_ADD = 1
_libc = ctypes.CDLL(None, use_errno=True)


class UnfitError(Exception):
    """The process has something that a snapshot cannot hold; the message names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenFile:
    """A descriptor."""

    number: int
    path: str = ""
    """Of a file, or what /proc calls a poll; empty for a socket."""
    flags: int = 0
    position: int = 0
    family: int = 0
    kind: int = 0
    protocol: int = 0
    """Of a socket."""
    partner: int = 0
    """The descriptor of the other end, of a pair of local sockets."""
    watched: tuple[tuple[int, int, int], ...] = ()
    """Of a poll: descriptors, events, data."""

    @classmethod
    def from_json(cls, given: dict[str, object]) -> OpenFile:
        """As `dataclasses.asdict` and JSON have made of it."""
        watched: Iterable[tuple[int, int, int]] = given.pop("watched")  # pyright: ignore[reportAssignmentType] - lists of numbers
        return cls(**given, watched=tuple(tuple(one) for one in watched))  # pyright: ignore[reportArgumentType] - as above


def open_files(pid: int, *, but: int) -> tuple[OpenFile, ...]:
    """Those of a process that is stopped, from 3 on, without `but`. UnfitError."""
    numbers = sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names are enough
    local: dict[int, socket.socket] = {}
    try:
        found = [_open_file(pid, number, local) for number in numbers if number >= _FIRST and number != but]
        partners = pairs.partners(local)
    finally:
        for one in local.values():
            one.close()
    if set(partners) != set(local):
        raise UnfitError("an open local socket to another process")
    known = {one.number for one in found}
    for one in found:
        if not {number for number, _, _ in one.watched} <= known:
            raise UnfitError("a poll for descriptors that are closed")
    return tuple(replace(one, partner=partners.get(one.number, 0)) for one in found)


def _open_file(pid: int, number: int, local: dict[int, socket.socket]) -> OpenFile:
    target = os.readlink(f"/proc/{pid}/fd/{number}")  # noqa: PTH115
    with open(f"/proc/{pid}/fdinfo/{number}", encoding="utf-8") as file:  # noqa: PTH123
        lines = file.read()
    about = dict(line.split(":", 1) for line in lines.splitlines()[:2])
    flags, position = int(about["flags"], 8), int(about["pos"])
    if target.startswith("socket:"):
        return _socket(pid, number, flags, local)
    if target == _EPOLL:
        watched = tuple((int(one[1]), int(one[2], 16), int(one[3], 16)) for one in _WATCHED.finditer(lines))
        return OpenFile(number=number, path=target, flags=flags, watched=watched)
    if not target.startswith("/") or target.startswith("/memfd:") or target.endswith(" (deleted)"):
        raise UnfitError(f"an open descriptor ({target})")
    return OpenFile(number=number, path=target, flags=flags & ~_ONLY_AT_FIRST, position=position)


def _socket(pid: int, number: int, flags: int, local: dict[int, socket.socket]) -> OpenFile:
    process = _checked(_libc.syscall(_SYS_PIDFD_OPEN, pid, 0))
    try:
        found = socket.socket(fileno=_checked(_libc.syscall(_SYS_PIDFD_GETFD, process, number, 0)))
    finally:
        os.close(process)
    family, kind, protocol = (
        found.getsockopt(socket.SOL_SOCKET, option)
        for option in (socket.SO_DOMAIN, socket.SO_TYPE, socket.SO_PROTOCOL)
    )
    if family == socket.AF_UNIX:
        local[number] = found
    else:
        found.close()
    if family not in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        raise UnfitError(f"an open socket of the family {family}")
    return OpenFile(number=number, flags=flags, family=family, kind=kind, protocol=protocol)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def reopen(tracee: Tracee, files: tuple[OpenFile, ...], scratch: int) -> None:
    """Let `tracee` have these and no others; `scratch` is a page of its memory.

    In the order of their numbers: the lowest free one, which it gets, is its own or one that nobody has yet.
    """
    tracee.call(tracing.CLOSE_RANGE, _FIRST, _EVERYTHING, 0)
    flags = {one.number: one.flags for one in files}
    for one in files:
        if one.partner > one.number:
            kind = one.kind | one.flags & _KEPT_BY_PAIRS
            tracee.call(tracing.SOCKETPAIR, one.family, kind, one.protocol, scratch)
            mine, theirs = struct.unpack("=ii", os.pread(tracee.memory, 8, scratch))
            _renumber(tracee, theirs, one.partner, flags[one.partner])  # first: it may be in the way
            _renumber(tracee, mine, one.number, one.flags)
        elif not one.partner:
            _renumber(tracee, _opened(tracee, one, scratch), one.number, one.flags)
    for one in files:
        for number, events, data in one.watched:
            os.pwrite(tracee.memory, struct.pack("=IQ", events, data), scratch)
            tracee.call(tracing.EPOLL_CTL, one.number, _ADD, number, scratch)


def _opened(tracee: Tracee, file: OpenFile, scratch: int) -> int:
    if file.family:
        # SOCK_NONBLOCK and SOCK_CLOEXEC are O_NONBLOCK and O_CLOEXEC: socket(2).
        return tracee.call(
            tracing.SOCKET, file.family, file.kind | file.flags & _KEPT_BY_PAIRS, file.protocol
        )
    if file.path == _EPOLL:
        return tracee.call(tracing.EPOLL_CREATE, file.flags & os.O_CLOEXEC)
    os.pwrite(tracee.memory, file.path.encode("utf-8", "surrogateescape") + b"\0", scratch)
    made = tracee.call(tracing.OPEN, scratch, file.flags, 0)
    if file.position:
        tracee.call(tracing.SEEK, made, file.position, os.SEEK_SET)
    return made


def _renumber(tracee: Tracee, made: int, number: int, flags: int) -> None:
    if made != number:
        tracee.call(tracing.DUP3, made, number, flags & os.O_CLOEXEC)
        tracee.call(tracing.CLOSE, made)
