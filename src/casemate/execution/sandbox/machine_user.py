"""Who runs an instance's commands: an unprivileged user outside, mapped into a user namespace of its own.

The process that is to become that user leaves for a new user namespace and asks; the one that has the right to grants
it its one identity. From there on it has no capability, gains none by executing anything, and is behind the filter.
"""

from __future__ import annotations

import os
import resource

from casemate.execution.sandbox import descriptors, mounts, syscall_filter, syscalls, tenant

OUTSIDE = 0
"""Which of the outside users it is: all instances are one, which functions never are (theirs count from 1)."""
_DESCRIPTORS = 65_535
_LIMITS = (
    (resource.RLIMIT_NPROC, 4_096),
    (resource.RLIMIT_CORE, 0),
)


def become(identity: int, asked: int, granted: int) -> None:
    """Be that user, as uid and gid `identity` inside. OSError; the caller executes nothing then."""
    same_user = tenant.same_user(tenant.outside_ids(OUTSIDE))
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    os.write(asked, b"\0")
    if os.read(granted, 1) != b"\0":
        raise OSError("no identity was granted")
    tenant.shed_privileges(identity, identity)
    descriptors.limit_tenant(_DESCRIPTORS, same_user=same_user)
    for kind, limit in _LIMITS:
        _, hard = resource.getrlimit(kind)
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (least, least))
    syscall_filter.install()


def grant(pid: int, identity: int, asked: int, granted: int) -> None:
    """Give process `pid`, which is in `become`, its identity. OSError when it ended instead."""
    if os.read(asked, 1) != b"\0":
        raise OSError("the process ended before it had a user namespace")
    uid, gid = tenant.outside_ids(OUTSIDE)
    mounts.write(f"/proc/{pid}/uid_map", f"{identity} {uid} 1\n")
    if tenant.same_user((uid, gid)):
        mounts.write(f"/proc/{pid}/setgroups", "deny")
    mounts.write(f"/proc/{pid}/gid_map", f"{identity} {gid} 1\n")
    os.write(granted, b"\0")
