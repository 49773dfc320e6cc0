"""How many open files a process may have.

Rootless, Casemate and its tenants are one user to the kernel, which counts by user how many descriptors are on their
way through sockets, and refuses to pass another one when they are more than the limit of the process that asks
(ETOOMANYREFS: unix(7), SCM_RIGHTS). Whoever passes descriptors for Casemate therefore needs a higher limit than any
tenant has: one function could otherwise keep every other from being started.
"""

from __future__ import annotations

import resource

_SPARE = 512
"""By how much the limit of a tenant stays below: past its own it may still get with one message, of at most 253."""


def raise_limit() -> None:
    """To the most this process may have. For `casemate up`, before it starts anything that inherits it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def limit_tenant(wanted: int, *, same_user: bool) -> None:
    """For this process and its children, which are the same user to the kernel as Casemate, or are not."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard - _SPARE if same_user else hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
