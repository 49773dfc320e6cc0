"""Process 1 of an environment: enters the network, makes the mounts, starts the runtime, and outlives nothing.

It stays because a process-id namespace dies with its first process: when the front door closes the control socket, or
the fork-server ends, process 1 ends and the kernel kills whatever the function started.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
from typing import Any, NoReturn

from casemate.execution.sandbox import root, runtime, syscalls

MESSAGE_LIMIT = 1 << 17
"""Bytes of the message that describes an environment: Lambda allows 4 KB of variables; the rest is small."""
# Outside uid of functions when the machine has uids to spare. High, so that no account of the host has it; not root,
# because files such as /proc/sys/kernel/* ask for the uid alone.
_OUTSIDE_ID = 2_047_934_464


def run(network_fd: int, control_fd: int, log_fd: int) -> NoReturn:
    """Be process 1. Ends with the environment."""
    control = socket.socket(fileno=control_fd)
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        syscalls.die_with_parent(signal.SIGKILL)
        _close_others(network_fd, control_fd, log_fd)
        description = json.loads(control.recv(MESSAGE_LIMIT))
        outside = _outside_ids()
        syscalls.setns(network_fd, syscalls.CLONE_NEWNET)
        os.close(network_fd)
        syscalls.set_hostname("169")  # AWS shows an address of 169.254/16 here; nothing may depend on it
        _mount(description, outside)
        child = _start(description, outside, control_fd, log_fd)
    except OSError as error:
        control.send(json.dumps({"failed": str(error)}).encode())
        os._exit(1)
    os.close(log_fd)
    control.send(json.dumps({"started": True}).encode())
    _watch(control, child)


def _close_others(*keep: int) -> None:
    """Forget the fork-server's descriptors, and standard input and output, which are the front door's."""
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    previous = 2
    for number in sorted(keep):
        os.closerange(previous + 1, number)
        previous = number
    os.closerange(previous + 1, 1024)


def _outside_ids() -> tuple[int, int]:
    """The uid and gid that the function's user is, seen from here."""
    with open("/proc/self/uid_map", encoding="ascii") as lines:  # noqa: PTH123 - pathlib costs a millisecond here
        ranges = [[int(field) for field in line.split()] for line in lines]
    if any(first <= _OUTSIDE_ID < first + count for first, _, count in ranges):
        return _OUTSIDE_ID, _OUTSIDE_ID
    return os.getuid(), os.getgid()  # rootless: the one user there is


def _mount(description: dict[str, Any], outside: tuple[int, int]) -> None:
    no_privilege = syscalls.MS_NOSUID | syscalls.MS_NODEV
    uid, gid = outside
    syscalls.mount(f"{root.CODE}/{description['code']}", "/var/task", flags=syscalls.MS_BIND)
    syscalls.seal("/var/task")
    size = int(description["ephemeral_mb"])
    syscalls.mount("tmp", "/tmp", "tmpfs", no_privilege, f"mode=0700,uid={uid},gid={gid},size={size}m")  # noqa: S108
    syscalls.unmount(root.CODE)
    syscalls.unmount(f"{root.SANDBOX}/casemate/execution/sandbox")
    syscalls.mount("run", "/run", "tmpfs", no_privilege, "mode=0755,size=16k")
    _write("/run/resolv.conf", f"nameserver {description['resolver']}\noptions timeout:2 attempts:2\n")
    syscalls.mount("", "/run", flags=syscalls.MS_REMOUNT | syscalls.MS_RDONLY | no_privilege)
    syscalls.mount("proc", "/proc", "proc", no_privilege | syscalls.MS_NOEXEC)
    # Read-only, as containers have it: the tenant's uid could otherwise be one that may write some setting.
    syscalls.mount("/proc/sys", "/proc/sys", flags=syscalls.MS_BIND)
    syscalls.seal("/proc/sys")


def _start(description: dict[str, Any], outside: tuple[int, int], control_fd: int, log_fd: int) -> int:
    """Fork the runtime and give it its user namespace."""
    asked_read, asked_write = os.pipe()
    granted_read, granted_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(control_fd)
        os.close(asked_read)
        os.close(granted_write)
        runtime.run(description, log_fd, asked_write, granted_read)
    os.close(asked_write)
    os.close(granted_read)
    failure = os.read(asked_read, 4096)
    if failure != b"\0":
        raise OSError(failure.decode(errors="replace") or "the runtime ended before it had a user namespace")
    _write(f"/proc/{child}/uid_map", f"{root.UID} {outside[0]} 1\n")
    if outside[0] != _OUTSIDE_ID:
        _write(f"/proc/{child}/setgroups", "deny")
    _write(f"/proc/{child}/gid_map", f"{root.GID} {outside[1]} 1\n")
    os.write(granted_write, b"\0")
    os.close(granted_write)
    os.close(asked_read)
    return child


def _watch(control: socket.socket, child: int) -> NoReturn:
    """Reap until the runtime has ended and the front door has let go."""
    descriptor = os.pidfd_open(child)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(descriptor, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready == control.fileno():
                os._exit(0)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            control.send(json.dumps({"exited": status}).encode())
            os._exit(0)


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
