"""Process 1's part: hands out what a snapshot is read from, and makes its own runtime a restored one."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import stat

from casemate.execution.sandbox import plan
from casemate.execution.sandbox.snapshot.heeding import heeding
from casemate.execution.sandbox.snapshot.image import Image, take
from casemate.execution.sandbox.snapshot.parking import PARKED
from casemate.execution.sandbox.snapshot.restoring import restore

TEMPORARY = "/tmp"  # noqa: S108 - each environment has a file system of its own there

_BESIDES = 64 << 20
"""Bytes of memory that a snapshot may have beyond what the function has: parts of libraries that it could write to."""
_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


def hand_out(control: socket.socket, pid: int, *, parked: int, memory_mb: int) -> None:
    """Tell the front door `{"snapshot": true}`, with descriptors of the image, the memory and /tmp; or why there is none.

    They outlive this environment, and what is in them nobody measures: hence a limit.
    """
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    written, memory = (os.memfd_create(name, flags) for name in ("image", "memory"))
    temporary = os.open(TEMPORARY, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    descriptors = [written, memory, temporary]
    try:
        with heeding(control):
            image = take(pid, memory, parked=parked, most=(memory_mb << 20) + _BESIDES)
            with os.fdopen(os.dup(written), "w", encoding="utf-8") as file:
                file.write(image.to_json())
        for one in (written, memory):
            fcntl.fcntl(one, fcntl.F_ADD_SEALS, _SEALS)
    except Exception as error:  # the function has made the process whatever it is
        control.send(plan.said({"unfit": str(error)}))
    else:
        socket.send_fds(control, [b'{"snapshot": true}'], descriptors)
    finally:
        for one in descriptors:
            os.close(one)


def bring_back(pid: int, end: socket.socket, descriptors: tuple[int, int, int]) -> None:
    """The child `pid`, which is about to wait at the parking place whose other end this is, becomes a restored one.

    OSError when it cannot.
    """
    written, memory, _ = descriptors
    if end.recv(len(PARKED)) != PARKED:
        raise OSError("the process ended before it was restored")
    with open(os.open(f"/proc/self/fd/{written}", os.O_RDONLY), encoding="utf-8") as file:  # noqa: PTH123 - a position of its own
        image = Image.from_json(file.read())
    restore(pid, image, memory)


def copy_temporary_files(source: int, owner: tuple[int, int]) -> None:
    """Into this environment's /tmp what is in that of the snapshot, whose processes are all stopped. OSError."""
    # Opened again: others read the same descriptor, and would share its position.
    own = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=source)
    try:
        _copy_directory(own, TEMPORARY, owner)
    finally:
        os.close(own)


def _copy_directory(source: int, target: str, owner: tuple[int, int]) -> None:
    for entry in os.scandir(source):
        status = entry.stat(follow_symlinks=False)
        place = f"{target}/{entry.name}"
        if stat.S_ISDIR(status.st_mode):
            os.mkdir(place)  # noqa: PTH102 - pathlib is slow to start
            inner = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=source)
            try:
                _copy_directory(inner, place, owner)
            finally:
                os.close(inner)
        elif stat.S_ISREG(status.st_mode):
            original = os.open(entry.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=source)
            with os.fdopen(original, "rb") as file, open(place, "xb") as copy:  # noqa: PTH123
                shutil.copyfileobj(file, copy)
        elif stat.S_ISLNK(status.st_mode):
            os.symlink(os.readlink(entry.name, dir_fd=source), place)  # noqa: PTH211
        else:
            continue  # a pipe or a local socket: whoever had it open is not there
        os.chown(place, *owner, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(place, stat.S_IMODE(status.st_mode))  # noqa: PTH101
            os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
