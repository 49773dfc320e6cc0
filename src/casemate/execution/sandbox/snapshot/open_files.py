"""The descriptors of a process, and giving another process the same.

Files are opened again. A connection does not outlive a snapshot (Lambda Developer Guide, "Lambda SnapStart", best
practices: "the state of connections that your function establishes during the initialization phase isn't guaranteed"):
in its place stands a socket that is connected to nobody.
"""

from __future__ import annotations

import ctypes
import os
import socket
from dataclasses import dataclass

from casemate.execution.sandbox.snapshot import tracing
from casemate.execution.sandbox.snapshot.tracing import Tracee

_FIRST = 3
"""Those before are the environment's own: no input, and its log."""
_SYS_PIDFD_OPEN, _SYS_PIDFD_GETFD = 434, 438
_ONLY_AT_FIRST = os.O_CREAT | os.O_EXCL | os.O_TRUNC
_EVERYTHING = 0xFFFFFFFF
_libc = ctypes.CDLL(None, use_errno=True)


class UnfitError(Exception):
    """The process has something that a snapshot cannot hold; the message names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenFile:
    """A descriptor."""

    number: int
    path: str = ""
    """Empty for a socket."""
    flags: int = 0
    position: int = 0
    family: int = 0
    kind: int = 0
    protocol: int = 0
    """Of a socket."""


def open_files(pid: int, *, but: int) -> tuple[OpenFile, ...]:
    """Those of a process from 3 on, without `but`. UnfitError."""
    numbers = sorted(int(name) for name in os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names are enough
    return tuple(_open_file(pid, number) for number in numbers if number >= _FIRST and number != but)


def _open_file(pid: int, number: int) -> OpenFile:
    target = os.readlink(f"/proc/{pid}/fd/{number}")  # noqa: PTH115
    with open(f"/proc/{pid}/fdinfo/{number}", encoding="utf-8") as file:  # noqa: PTH123
        about = dict(line.split(":", 1) for line in file.read().splitlines() if ":" in line)
    flags, position = int(about["flags"], 8), int(about["pos"])
    if target.startswith("socket:"):
        return _socket(pid, number, flags)
    if not target.startswith("/") or target.startswith("/memfd:") or target.endswith(" (deleted)"):
        raise UnfitError(f"an open descriptor ({target})")
    return OpenFile(number=number, path=target, flags=flags & ~_ONLY_AT_FIRST, position=position)


def _socket(pid: int, number: int, flags: int) -> OpenFile:
    process = _checked(_libc.syscall(_SYS_PIDFD_OPEN, pid, 0))
    try:
        copy = _checked(_libc.syscall(_SYS_PIDFD_GETFD, process, number, 0))
    finally:
        os.close(process)
    with socket.socket(fileno=copy) as found:
        family, kind, protocol = (
            found.getsockopt(socket.SOL_SOCKET, option)
            for option in (socket.SO_DOMAIN, socket.SO_TYPE, socket.SO_PROTOCOL)
        )
    if family not in (socket.AF_INET, socket.AF_INET6):
        raise UnfitError("an open local socket, such as an event loop has")
    return OpenFile(number=number, flags=flags, family=family, kind=kind, protocol=protocol)


def _checked(result: int) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def reopen(tracee: Tracee, files: tuple[OpenFile, ...], scratch: int) -> None:
    """Let `tracee` have these and no others; `scratch` is a page of its memory."""
    tracee.call(tracing.CLOSE_RANGE, _FIRST, _EVERYTHING, 0)
    for one in files:
        if one.family:
            # SOCK_NONBLOCK and SOCK_CLOEXEC are O_NONBLOCK and O_CLOEXEC: socket(2).
            kind = one.kind | one.flags & (os.O_NONBLOCK | os.O_CLOEXEC)
            made = tracee.call(tracing.SOCKET, one.family, kind, one.protocol)
        else:
            os.pwrite(tracee.memory, one.path.encode("utf-8", "surrogateescape") + b"\0", scratch)
            made = tracee.call(tracing.OPEN, scratch, one.flags, 0)
            if one.position:
                tracee.call(tracing.SEEK, made, one.position, os.SEEK_SET)
        # In the order of their numbers: the lowest free one, which it got, is its own or one that nobody wants.
        if made != one.number:
            tracee.call(tracing.DUP3, made, one.number, one.flags & os.O_CLOEXEC)
            tracee.call(tracing.CLOSE, made)
