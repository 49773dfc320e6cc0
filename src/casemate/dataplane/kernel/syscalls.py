"""The system calls that Python 3.11 has no name for. One thin function each; OSError on failure."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Generator

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MS_REC, MS_PRIVATE = 16384, 1 << 18
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _check(_libc.unshare(flags), "unshare")


def enter_network(fd: int) -> None:
    """Enter the network namespace behind `fd`."""
    _check(_libc.setns(fd, CLONE_NEWNET), "setns")


def make_mounts_private() -> None:
    """Nothing mounted from here on is seen outside this mount namespace."""
    result = _libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)
    _check(result, "mount --make-rprivate /")


def die_with_parent(signal: int) -> None:
    """Be sent `signal` when the parent ends. Changing credentials clears it: set it last."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "PR_SET_PDEATHSIG")


def open_own_network() -> int:
    """A descriptor of the network namespace of this thread."""
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


@contextlib.contextmanager
def inside(fd: int, home: int) -> Generator[None]:
    """Run in the network namespace `fd`, then return to `home`."""
    enter_network(fd)
    try:
        yield
    finally:
        enter_network(home)


def become_root_of_new_user_namespace() -> None:
    """Leave the user namespace for one in which this user is root: uid and gid 0 map to the present ones."""
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:  # noqa: PTH123 - one write(2), as the kernel asks
            file.write(text)
