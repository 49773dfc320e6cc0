"""What keeps functions and instances apart, from one another and from the machine, in words for `casemate status`."""

from __future__ import annotations

import os

from casemate.execution.sandbox import tenant

_ALWAYS = "namespaces, no capability, a filter of system calls"


def describe(*, rootless: bool) -> str:
    """`rootless`: they are in a user namespace of the user who started Casemate."""
    if not rootless and not tenant.same_user(tenant.outside_ids(0)):
        return f"{_ALWAYS}; outside, each function's environment is a user of its own"
    return (
        f"{_ALWAYS}; less than as root: outside, functions and instances all are uid {os.getuid()}, as Casemate is, and "
        "share with it what Linux counts by user (epoll watches, pipe buffers)"
    )
