"""From a child of process 1 to an unprivileged user: what every process of a function goes through first."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING

from casemate.execution.sandbox import descriptors, mounts, root, syscall_filter, syscalls

if TYPE_CHECKING:
    from collections.abc import Callable

# Lambda quotas: "File descriptors 1,024", "Execution processes/threads 1,024". The latter is counted per user
# namespace, and each environment has its own.
_DESCRIPTORS = 1024
_LIMITS = (
    (resource.RLIMIT_NPROC, 1024),
    (resource.RLIMIT_CORE, 0),
)
# Outside uids of functions when the machine has uids to spare: one per environment, so that what the kernel counts per
# user (pipe buffers, descriptors in flight) is not shared. High, so that no account of the host has one; not root,
# because files such as /proc/sys/kernel/* ask for the uid alone.
_FIRST_OUTSIDE, _OUTSIDE_COUNT = 2_047_934_464, 65_536


class StartError(OSError):
    """The program could not be started; the message is as AWS's supervisor gives it."""


def outside_ids(number: int) -> tuple[int, int]:
    """The uid and gid that the function's user is, seen from here."""
    own = _FIRST_OUTSIDE + number % _OUTSIDE_COUNT
    with open("/proc/self/uid_map", encoding="ascii") as lines:  # noqa: PTH123 - pathlib costs a millisecond here
        ranges = [[int(field) for field in line.split()] for line in lines]
    if any(first <= own < first + count for first, _, count in ranges):
        return own, own
    return os.getuid(), os.getgid()  # rootless: the one user there is


def same_user(outside: tuple[int, int]) -> bool:
    """Whether to the kernel the tenant is who we are: nothing that asks for the user alone keeps them apart then."""
    return outside[0] == os.getuid()


def start(
    run: Callable[[], int], *, outside: tuple[int, int], output: int, close: tuple[int, ...] = ()
) -> int:
    """Fork a child that becomes the function's user and calls `run`, whose result is its exit status; gives its pid.

    Returns when `run` has executed a program, or has said (by `started`) that it needs none. OSError when the child
    cannot be made, StartError when `run` could not execute its program.
    """
    asked_read, asked_write = os.pipe()
    granted_read, granted_write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in (*close, asked_read, granted_write):
            os.close(descriptor)
        _become(output, asked_write, granted_read, same_user=same_user(outside))
        try:
            _reports.append(asked_write)  # closed by executing a program
            status = run()
        except OSError as error:
            os.write(asked_write, b"!" + str(error).encode())
            status = 1
        os._exit(status)
    os.close(asked_write)
    os.close(granted_read)
    try:
        failure = os.read(asked_read, 4096)
        if failure != b"\0":
            raise OSError(
                failure.decode(errors="replace") or "the process ended before it had a user namespace"
            )
        mounts.write(f"/proc/{child}/uid_map", f"{root.UID} {outside[0]} 1\n")
        if same_user(outside):
            mounts.write(f"/proc/{child}/setgroups", "deny")
        mounts.write(f"/proc/{child}/gid_map", f"{root.GID} {outside[1]} 1\n")
        os.write(granted_write, b"\0")
        failure = os.read(asked_read, 4096)
    finally:
        os.close(granted_write)
        os.close(asked_read)
    if failure.startswith(b"!"):
        raise StartError(failure[1:].decode(errors="replace"))
    if failure:
        raise OSError(failure.decode(errors="replace"))
    return child


_reports: list[int] = []


def started() -> None:
    """No program will be executed: whoever waits in `start` may go on."""
    os.close(_reports.pop())


def execute(program: str, arguments: list[str], environment: dict[str, str]) -> int:
    """Become that program; StartError when it cannot be."""
    try:
        os.execve(program, arguments, environment)  # noqa: S606 - that is the purpose
    except OSError as error:
        # As Go words it, which AWS's supervisor is written in.
        raise StartError(f"fork/exec {program}: {(error.strerror or '').lower()}") from None


def _become(output: int, asked: int, granted: int, *, same_user: bool) -> None:
    try:
        _open_standard_streams(output)
        syscalls.unshare(syscalls.CLONE_NEWUSER)
        os.write(asked, b"\0")
        if os.read(granted, 1) != b"\0":
            os._exit(1)
        os.close(granted)
        shed_privileges(root.UID, root.GID)
        descriptors.limit_tenant(_DESCRIPTORS, same_user=same_user)
        for kind, limit in _LIMITS:
            resource.setrlimit(kind, (limit, limit))
        syscall_filter.install()
        os.chdir("/var/task")
    except OSError as error:
        os.write(asked, str(error).encode())
        os._exit(1)


def _open_standard_streams(output: int) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = io.TextIOWrapper(
            io.FileIO(number, "w"), encoding="utf-8", errors="backslashreplace", write_through=True
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def shed_privileges(uid: int, gid: int) -> None:
    """In a user namespace of its own, be nobody but that user, for good. OSError."""
    # Rootless: setgroups is denied in the outer namespace, and there are no groups to drop.
    with contextlib.suppress(PermissionError):
        os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    syscalls.drop_capabilities()
    syscalls.no_new_privileges()
    # Changing ids made this process undumpable, and so its own /proc/self unreadable.
    syscalls.allow_inspection()
