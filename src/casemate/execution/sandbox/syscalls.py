"""The system calls that Python 3.11 has no name for. One thin function each; OSError on failure."""

from __future__ import annotations

import ctypes
import errno
import os
import signal

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
MNT_DETACH = 2

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_LINUX_CAPABILITY_VERSION_3 = 0x20080522
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID, _MOUNT_ATTR_NODEV = 1, 2, 4
# The numbers of calls added since Linux 5.0 are the same on every architecture; pivot_root's is older.
_SYS_MOUNT_SETATTR = 442
_SYS_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220}
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41}

_libc = ctypes.CDLL(None, use_errno=True)
_locked_libc = ctypes.PyDLL(None, use_errno=True)
_locked_libc.syscall.restype = ctypes.c_long


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces named by `flags` for new ones."""
    _check(_libc.unshare(flags), "unshare")


def fork_into(flags: int) -> int:
    """As os.fork, the child being born in the new namespaces named by `flags`. For single-threaded processes.

    unshare(CLONE_NEWPID) before os.fork would work once per process only, and going back to the old namespace in
    between is not allowed inside a user namespace: setns(2), copy_pid_ns in the kernel's kernel/pid_namespace.c.
    """
    python = ctypes.pythonapi  # keeps the interpreter lock during the call, as a fork must
    python.PyOS_BeforeFork()
    pid = int(
        _locked_libc.syscall(
            ctypes.c_long(_SYS_CLONE[os.uname().machine]),
            ctypes.c_ulong(flags | signal.SIGCHLD),
            ctypes.c_void_p(None),
            ctypes.c_void_p(None),
            ctypes.c_void_p(None),
            ctypes.c_void_p(None),
        )
    )
    if pid == 0:
        python.PyOS_AfterFork_Child()
        return 0
    python.PyOS_AfterFork_Parent()
    if pid < 0:
        raise OSError(ctypes.get_errno(), "clone: " + os.strerror(ctypes.get_errno()))
    return pid


def setns(fd: int, kind: int) -> None:
    """Enter the namespace behind `fd`."""
    _check(_libc.setns(fd, kind), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount a file system, or bind one directory to another."""
    result = _libc.mount(
        source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), data.encode() or None
    )
    _check(result, f"mount {source or kind} on {target}")


def unmount(target: str) -> None:
    """Take the mount at `target` out of sight, busy or not."""
    _check(_libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


class _MountAttr(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


def seal(target: str, *, devices: bool = False, read_only: bool = True) -> None:
    """Make the mounts at and below `target` read-only, without set-user-id and (unless `devices`) without devices.

    mount_setattr(2) changes only what it is told to, so that flags a user namespace may not clear stay as they are.
    """
    attributes = _MOUNT_ATTR_NOSUID
    attributes |= 0 if devices else _MOUNT_ATTR_NODEV
    attributes |= _MOUNT_ATTR_RDONLY if read_only else 0
    request = _MountAttr(attributes, 0, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(target.encode()),
        ctypes.c_uint(_AT_RECURSIVE),
        ctypes.byref(request),
        ctypes.c_size_t(ctypes.sizeof(request)),
    )
    if result != 0 and ctypes.get_errno() == errno.ENOSYS:
        raise OSError(errno.ENOSYS, "mount_setattr needs Linux 5.12 or newer")
    _check(result, f"mount_setattr {target}")


def enter_root(path: str) -> None:
    """Make the mount at `path` the root of this mount namespace and drop the old one."""
    os.chdir(path)
    # pivot_root(".", ".") stacks the old root on the new one, so that no directory for it is needed: pivot_root(2).
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    _check(_libc.syscall(ctypes.c_long(number), ctypes.c_char_p(b"."), ctypes.c_char_p(b".")), "pivot_root")
    unmount(".")
    os.chdir("/")


def die_with_parent(signal: int) -> None:
    """Be sent `signal` when the parent ends."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "PR_SET_PDEATHSIG")


def forbid_inspection() -> None:
    """Not dumpable: nobody without privilege reads this process's memory or environment through /proc."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "PR_SET_DUMPABLE")


def allow_inspection() -> None:
    """Dumpable again: a process may look at itself through /proc."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "PR_SET_DUMPABLE")


def no_new_privileges() -> None:
    """Executing a file grants nothing from here on, for ever."""
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS")


def filter_system_calls(program: object) -> None:
    """Put every system call before this filter; `program` is a reference to struct sock_fprog."""
    _check(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program, 0, 0), "PR_SET_SECCOMP")


def drop_capabilities() -> None:
    """Empty every capability set of this process, the bounding set included."""
    for capability in range(64):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # EINVAL: past the last capability this kernel knows
    _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_LINUX_CAPABILITY_VERSION_3, 0)
    empty = (ctypes.c_uint32 * 6)()
    _check(_libc.capset(ctypes.byref(header), ctypes.byref(empty)), "capset")


def set_hostname(name: str) -> None:
    """Of this UTS namespace."""
    raw = name.encode()
    _check(_libc.sethostname(raw, len(raw)), "sethostname")
