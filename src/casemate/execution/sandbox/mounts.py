"""What an environment sees of the file system: the shared root, and on it the function's own places."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from casemate.execution.sandbox import root, syscalls

_OWN = syscalls.MS_NOSUID | syscalls.MS_NODEV


def make(description: dict[str, Any], outside: tuple[int, int], *, same_user: bool) -> None:
    """Mount everything; `outside` are the ids of the function's user, seen from here, perhaps our own. OSError."""
    _mount_language(description)
    syscalls.mount(f"{root.CODE}/{description['code']}", "/var/task", flags=syscalls.MS_BIND)
    syscalls.seal("/var/task")
    _mount_layers(description["layers"])
    uid, gid = outside
    size = int(description["ephemeral_mb"])
    syscalls.mount("tmp", "/tmp", "tmpfs", _OWN, f"mode=0700,uid={uid},gid={gid},size={size}m")  # noqa: S108
    syscalls.unmount(root.CODE)
    syscalls.unmount(f"{root.SANDBOX}/casemate/execution/sandbox")
    syscalls.mount("run", "/run", "tmpfs", _OWN, "mode=0755,size=16k")
    write("/run/resolv.conf", f"nameserver {description['resolver']}\noptions timeout:2 attempts:2\n")
    syscalls.mount("", "/run", flags=syscalls.MS_REMOUNT | syscalls.MS_RDONLY | _OWN)
    mount_processes(private=same_user)
    _limit_unseen_memory(int(description["memory_mb"]))
    seal_settings()


def mount_processes(*, private: bool) -> None:
    """/proc of this process-id namespace; `private` when to the kernel the tenant is the user who process 1 is.

    Some of process 1's files then ask for nothing more: its descriptors could be listed, its oom_score_adj written.
    With hidepid=1 only those enter its directory who may inspect it, which from a user namespace below nobody may
    (proc(5), ptrace(2)).
    """
    options = "hidepid=1" if private else ""
    syscalls.mount("proc", "/proc", "proc", _OWN | syscalls.MS_NOEXEC, options)


def _limit_unseen_memory(memory_mb: int) -> None:
    """Of System V's segments and queues no process need have any, and so nobody sees how large they are.

    sysvipc(7): both limits are of this IPC namespace. Rootless, older kernels refuse.
    """
    with contextlib.suppress(OSError):
        write("/proc/sys/kernel/shmall", str(memory_mb << 8))  # pages
        write("/proc/sys/kernel/msgmni", "32")


def seal_settings() -> None:
    """Read-only, as containers have it: the tenant's uid could otherwise be one that may write some setting."""
    syscalls.mount("/proc/sys", "/proc/sys", flags=syscalls.MS_BIND)
    syscalls.seal("/proc/sys")


def _mount_language(description: dict[str, Any]) -> None:
    """The root has Python's places; Node.js takes them over, and an OS-only runtime finds them empty."""
    if description["language"] == "nodejs":
        both = syscalls.MS_BIND | syscalls.MS_REC
        syscalls.mount(f"{root.NODES}/{description['node']}", "/var/lang", flags=both)
        syscalls.mount(f"{root.NODES}/runtime", "/var/runtime", flags=both)
    elif description["language"] == "provided":
        for place in ("/var/lang", "/var/runtime"):
            syscalls.mount(root.EMPTY, place, flags=syscalls.MS_BIND)


def _mount_layers(layers: list[str]) -> None:
    """/opt: the files of all layers, a later layer's before an earlier one's ("Adding layers to functions")."""
    places = [f"{root.CODE}/{name}" for name in reversed(layers)]
    if len(places) == 1:
        syscalls.mount(places[0], "/opt", flags=syscalls.MS_BIND)
    elif places:
        syscalls.mount("opt", "/opt", "overlay", _OWN | syscalls.MS_RDONLY, "lowerdir=" + ":".join(places))
    if places:
        syscalls.seal("/opt")


def write(path: str, text: str, *, mode: int = 0o644) -> None:
    """Write a small file at once, as the files of /proc want it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(descriptor, text.encode("utf-8", "surrogateescape"))
    finally:
        os.close(descriptor)
