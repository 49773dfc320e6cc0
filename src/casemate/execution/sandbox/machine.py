"""An instance: `python -m casemate.execution.sandbox.machine`, started by the network helper, one process tree each.

Descriptor 3 is the control socket (SEQPACKET), 4 the network namespace of the instance's first interface. The first
message describes the instance; what it holds stays off the command line, which an instance could read. The first
process builds a read-only system with a home of the instance's own, and forks process 1 into namespaces. Process 1 runs
what it is told, and outlives nothing: when the front door closes the control socket it ends, and the kernel ends
whatever it started.

Messages to process 1: `{"run": N, "argv": [...], "environment": {...}, "directory": ...}` with the three standard
streams, `{"kill": N}`. From it: `{"started": true}`, `{"failed": why}`, `{"ended": N, "status": S}`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from casemate.execution.sandbox import machine_user, mounts, root, syscalls, tenant
from casemate.execution.sandbox.plan import RootPlan

CONTROL_FD, NETWORK_FD = 3, 4
MESSAGE_LIMIT = 1 << 17
"""Bytes: 16 KB of user data is the most there is, and Linux's command lines are seldom longer than this."""
HOME = "/root"
USER_DATA = "/run/user-data"
_IDENTITY = 0
"""Inside, commands run as root, as user data does on AWS; outside root is nobody, and has no capability anywhere."""


def main() -> None:
    """Build the system, fork process 1, wait for it."""
    syscalls.die_with_parent(signal.SIGKILL)
    os.closerange(NETWORK_FD + 1, 1024)
    os.umask(0o022)
    control = socket.socket(fileno=CONTROL_FD)
    control.set_inheritable(False)
    description = json.loads(control.recv(MESSAGE_LIMIT))
    try:
        ids = tenant.outside_ids(machine_user.OUTSIDE)
        _build(description, ids)
        child = syscalls.fork_into(syscalls.CLONE_NEWPID | syscalls.CLONE_NEWIPC | syscalls.CLONE_NEWUTS)
        if child == 0:
            _run(control, description)
    except OSError as error:
        control.send(json.dumps({"failed": str(error)}).encode())
        os._exit(1)
    control.close()
    os.close(NETWORK_FD)
    os.waitpid(child, 0)
    os._exit(0)


def _build(description: dict[str, Any], ids: tuple[int, int]) -> None:
    """The instance's root file system, in a mount namespace of its own."""
    base, home = Path(description["base"]), Path(description["home"])
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.chown(home, *ids)
    bundle = description["ca_bundle"]
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)
    root.build(
        RootPlan(
            base=base,
            code=None,
            ca_bundle=Path(bundle) if bundle else None,
            prefix=Path(sys.base_prefix),
            version=sys.version_info[:2],
            own=True,
            nodes={},
        )
    )
    target = str(base / HOME[1:])
    syscalls.mount(str(home), target, flags=syscalls.MS_BIND)
    syscalls.seal(target, read_only=False)
    syscalls.enter_root(str(base))


def _run(control: socket.socket, description: dict[str, Any]) -> NoReturn:
    """Be process 1."""
    try:
        # A tenant that is the same user may signal us. What has no handler, the kernel keeps from process 1.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        syscalls.die_with_parent(signal.SIGKILL)
        syscalls.setns(NETWORK_FD, syscalls.CLONE_NEWNET)
        os.close(NETWORK_FD)
        syscalls.set_hostname(description["hostname"])
        _mount(description)
        _forget_command_line()
        control.send(b'{"started": true}')
        _Runner(control).serve()
    except OSError as error:
        with contextlib.suppress(OSError):
            control.send(json.dumps({"failed": str(error)}).encode())
    except Exception:
        traceback.print_exc()
    os._exit(1)


def _mount(description: dict[str, Any]) -> None:
    no_privilege = syscalls.MS_NOSUID | syscalls.MS_NODEV
    uid, gid = tenant.outside_ids(machine_user.OUTSIDE)
    syscalls.mount("tmp", "/tmp", "tmpfs", no_privilege, f"mode=0700,uid={uid},gid={gid},size=512m")  # noqa: S108
    syscalls.mount("run", "/run", "tmpfs", no_privilege, "mode=0755,size=64k")
    mounts.write("/run/resolv.conf", f"nameserver {description['resolver']}\noptions timeout:2 attempts:2\n")
    if description["user_data"]:
        mounts.write(USER_DATA, description["user_data"], mode=0o755)
    syscalls.mount("", "/run", flags=syscalls.MS_REMOUNT | syscalls.MS_RDONLY | no_privilege)
    # Process 1 is for all to see, as on a server; who may change it changes nothing but an instance of their own.
    mounts.mount_processes(private=False)
    # On an instance root runs servers on any port; here root has no capability, so the namespace lets everybody.
    mounts.write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0")
    mounts.seal_settings()


def _forget_command_line() -> None:
    """Process 1's command line, which every process of the instance may read, names files of the host."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])  # arg_start, arg_end: proc_pid_stat(5), fields 48 and 49
    name = b"init"
    if start and end - start > len(name):
        ctypes.memset(start, 0, end - start)
        ctypes.memmove(start, name, len(name))


class _Runner:
    """Runs commands until the front door lets go."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._commands: dict[int, int] = {}
        """Number of a command by the process id of its leader."""

    def serve(self) -> None:
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        while True:
            ready, _, _ = select.select([self._control, wake_read], [], [])
            if wake_read in ready:
                os.read(wake_read, 4096)
                self._reap()
            if self._control in ready:
                data, streams, _, _ = socket.recv_fds(
                    self._control, MESSAGE_LIMIT, 3, socket.MSG_CMSG_CLOEXEC
                )
                if not data:
                    return
                self._obey(json.loads(data), streams)

    def _obey(self, message: dict[str, Any], streams: list[int]) -> None:
        if "kill" in message:
            for pid, number in self._commands.items():
                if number == message["kill"]:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(pid, signal.SIGKILL)
            return
        try:
            self._commands[self._start(message, streams)] = message["run"]
        except OSError as error:
            os.write(streams[2], f"casemate: {error}\n".encode())
            self._say({"ended": message["run"], "status": 126})
        finally:
            for stream in streams:
                os.close(stream)

    def _start(self, message: dict[str, Any], streams: list[int]) -> int:
        asked_read, asked_write = os.pipe()
        granted_read, granted_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(asked_read)
            os.close(granted_write)
            _become_command(message, streams, asked_write, granted_read)
        os.close(asked_write)
        os.close(granted_read)
        try:
            machine_user.grant(pid, _IDENTITY, asked_read, granted_write)
        finally:
            os.close(asked_read)
            os.close(granted_write)
        return pid

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number = self._commands.pop(pid, None)
            if number is not None:
                code = os.waitstatus_to_exitcode(status)
                # As a shell reports what a signal ended.
                self._say({"ended": number, "status": code if code >= 0 else 128 - code})

    def _say(self, message: dict[str, Any]) -> None:
        self._control.send(json.dumps(message).encode())


def _become_command(message: dict[str, Any], streams: list[int], asked: int, granted: int) -> NoReturn:
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for number, stream in enumerate(streams):
            with contextlib.suppress(PermissionError):  # rootless it is the tenant's own already
                os.fchown(
                    stream, *tenant.outside_ids(machine_user.OUTSIDE)
                )  # so that the command may open /dev/stdout
            os.dup2(stream, number, inheritable=True)
        machine_user.become(_IDENTITY, asked, granted)
        os.chdir(message["directory"])
    except OSError as error:
        os.write(2, f"casemate: {error}\n".encode())
        os._exit(126)
    argv = message["argv"]
    try:
        os.execvpe(argv[0], argv, message["environment"])  # noqa: S606 - what this is for
    except FileNotFoundError:
        os.write(2, f"{argv[0]}: command not found\n".encode())
        os._exit(127)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(126)


if __name__ == "__main__":
    main()
