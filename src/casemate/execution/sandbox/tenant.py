"""Who runs a user's commands: an unprivileged user outside, mapped into a user namespace of its own.

The process that is to become the tenant leaves for a new user namespace and asks; the one that has the right to grants
it its one identity. From there on it has no capability, gains none by executing anything, and is behind the filter.
"""

from __future__ import annotations

import contextlib
import os
import resource

from casemate.execution.sandbox import syscall_filter, syscalls

_OUTSIDE_ID = 2_047_934_464
"""Outside uid of tenants when the machine has uids to spare: so high that no account of the host has it."""
_LIMITS = (
    (resource.RLIMIT_NOFILE, 65_535),
    (resource.RLIMIT_NPROC, 4_096),
    (resource.RLIMIT_CORE, 0),
)


def outside_ids() -> tuple[int, int]:
    """The uid and gid that the tenant is, seen from here."""
    with open("/proc/self/uid_map", encoding="ascii") as lines:  # noqa: PTH123 - pathlib is not imported in a sandbox
        ranges = [[int(field) for field in line.split()] for line in lines]
    if any(first <= _OUTSIDE_ID < first + count for first, _, count in ranges):
        return _OUTSIDE_ID, _OUTSIDE_ID
    return os.getuid(), os.getgid()  # rootless: the one user there is


def become(identity: int, asked: int, granted: int) -> None:
    """Be the tenant, as uid and gid `identity` inside. OSError; the caller executes nothing then."""
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    os.write(asked, b"\0")
    if os.read(granted, 1) != b"\0":
        raise OSError("no identity was granted")
    # Rootless: setgroups is denied in the outer namespace, and there are no groups to drop.
    with contextlib.suppress(PermissionError):
        os.setgroups([])
    os.setresgid(identity, identity, identity)
    os.setresuid(identity, identity, identity)
    syscalls.drop_capabilities()
    syscalls.no_new_privileges()
    # Changing ids made this process undumpable, and so its own /proc/self unreadable.
    syscalls.allow_inspection()
    for kind, limit in _LIMITS:
        _, hard = resource.getrlimit(kind)
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (least, least))
    syscall_filter.install()


def grant(pid: int, identity: int, asked: int, granted: int) -> None:
    """Give process `pid`, which is in `become`, its identity. OSError when it ended instead."""
    if os.read(asked, 1) != b"\0":
        raise OSError("the process ended before it had a user namespace")
    uid, gid = outside_ids()
    _write(f"/proc/{pid}/uid_map", f"{identity} {uid} 1\n")
    if uid != _OUTSIDE_ID:
        _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/gid_map", f"{identity} {gid} 1\n")
    os.write(granted, b"\0")


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
