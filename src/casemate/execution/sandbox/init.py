"""Process 1 of an environment: enters the network, makes the mounts, starts the processes, and outlives nothing.

It stays because a process-id namespace dies with its first process: when the front door closes the control socket, or
the fork-server ends, process 1 ends and the kernel kills whatever the function started. It stays also to stop and
continue them: kill(-1) reaches every other process of the namespace at once, so that none can fork itself away. And it
buries the orphans, which would otherwise count against the function's limit of processes.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
from functools import partial
from typing import Any, NoReturn

from casemate.execution.sandbox import mounts, plan, programs, runtime, syscalls, tenant
from casemate.execution.sandbox.snapshot import keeping
from casemate.execution.sandbox.snapshot.heeding import heeding
from casemate.execution.sandbox.snapshot.parking import ParkingPlace

_SNAPSHOT_DESCRIPTORS = 3


def run(number: int, network_fd: int, control_fd: int, log_fd: int) -> NoReturn:
    """Be process 1. Ends with the environment."""
    control = socket.socket(fileno=control_fd)
    try:
        signal.set_wakeup_fd(-1)
        # A tenant that is the same user may signal us, in its process group. What has no handler, the kernel keeps from
        # process 1: pid_namespaces(7).
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        syscalls.die_with_parent(signal.SIGKILL)
        os.setsid()  # the kernel's scheduler shares the processor out among sessions: sched(7), autogroup
        _close_others(network_fd, control_fd, log_fd)
        message, snapshot, _, _ = socket.recv_fds(control, plan.MESSAGE_LIMIT, _SNAPSHOT_DESCRIPTORS)
        description = json.loads(message)
        syscalls.setns(network_fd, syscalls.CLONE_NEWNET)
        os.close(network_fd)
        syscalls.set_hostname("169")  # AWS shows an address of 169.254/16 here; nothing may depend on it
        outside = tenant.outside_ids(number)
        mounts.make(description, outside, same_user=tenant.same_user(outside))
        family = _Family(control, description, outside, log_fd)
        if snapshot:
            family.restore((snapshot[0], snapshot[1], snapshot[2]))
        family.live()
    except Exception as error:  # a snapshot holds what a function has made of it
        with contextlib.suppress(OSError):
            control.send(plan.said({"failed": str(error)}))
        os._exit(1)


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


class _Family:
    """The processes that process 1 started: the runtime and the external extensions."""

    def __init__(
        self, control: socket.socket, description: dict[str, Any], outside: tuple[int, int], log_fd: int
    ) -> None:
        self._control = control
        self._description = description
        self._outside = outside
        self._log_fd = log_fd
        self._runtime = 0
        self._extensions: dict[int, str] = {}
        self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        # Before the first of them begins: it may end at once.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        self._poll = select.poll()
        self._parked: socket.socket | None = None
        """Our end of where the runtime waits for a snapshot to be taken, and the number of its end."""
        self._parked_at = 0

    def live(self) -> NoReturn:
        """Until the front door lets go, or nothing is left to run."""
        names = programs.extensions()
        if self._runtime:
            pass  # a restored one
        elif names:
            self._start_extensions(names)
        else:
            self._start_runtime()
        self._poll.register(self._control, select.POLLIN)
        self._poll.register(self._wake[0], select.POLLIN)
        while True:
            for ready, _ in self._poll.poll():
                if ready == self._control.fileno():
                    self._obey(self._control.recv(256))
                elif ready == self._wake[0]:
                    os.read(ready, 4096)
                    self._bury()
                else:
                    self._hand_out_snapshot(ready)

    def restore(self, descriptors: tuple[int, int, int]) -> None:
        """Start the runtime as one that goes on from a snapshot. OSError when that cannot be."""
        with heeding(self._control):
            keeping.copy_temporary_files(descriptors[2], self._outside)
        ours, theirs = socket.socketpair()
        parking = ParkingPlace(theirs)
        self._runtime = self._start(
            lambda: runtime.run(self._description, parking),
            self._log_fd,
            *(ours.fileno(), descriptors[0], descriptors[2]),  # it has the memory until it is restored
        )
        theirs.close()
        with heeding(self._control):
            keeping.bring_back(self._runtime, ours, descriptors)
        for one in (self._log_fd, *descriptors):
            os.close(one)
        ours.close()
        self._say({"started": True, "restored": True})

    def _start_runtime(self) -> None:
        run = _RUNTIMES[self._description["language"]]
        closed: tuple[int, ...] = ()
        if self._description["snapshot"] == plan.TAKE:
            self._parked, theirs = socket.socketpair()
            self._parked_at, closed = theirs.fileno(), (self._parked.fileno(),)
            run = partial(runtime.run, parking=ParkingPlace(theirs))
            self._poll.register(self._parked, select.POLLIN)
        try:
            self._runtime = self._start(lambda: run(self._description), self._log_fd, *closed)
        except tenant.StartError as error:
            self._say({"entrypoint": str(error)})
        else:
            self._say({"started": True})
        # `theirs` is closed with this function: only the runtime has it then.
        os.close(self._log_fd)

    def _hand_out_snapshot(self, ready: int) -> None:
        """The runtime has initialized and waits; or it has ended, or let go of its place."""
        assert self._parked is not None
        self._poll.unregister(ready)
        if self._parked.recv(1):
            memory_mb = int(self._description["memory_mb"])
            keeping.hand_out(self._control, self._runtime, parked=self._parked_at, memory_mb=memory_mb)

    def _start_extensions(self, names: list[str]) -> None:
        # A pipe of their own: the Telemetry API tells their lines from the function's.
        log_read, log_write = os.pipe()
        socket.send_fds(self._control, [plan.said({"extensions": names})], [log_read])
        os.close(log_read)
        environment = self._description["extension_environment"]
        for name in names:
            try:
                pid = self._start(lambda name=name: programs.run_extension(name, environment), log_write)
            except tenant.StartError as error:
                self._say({"extension_failed": [name, str(error)]})
            else:
                self._extensions[pid] = name
        os.close(log_write)

    def _start(self, run: Any, output: int, *close: int) -> int:
        inherited = (self._control.fileno(), *self._wake, *({self._log_fd} - {output}), *close)
        return tenant.start(run, outside=self._outside, output=output, close=inherited)

    def _obey(self, order: bytes) -> None:
        if not order:
            os._exit(0)
        if order == plan.FREEZE:
            _signal(-1, signal.SIGSTOP)
        elif order == plan.THAW:
            _signal(-1, signal.SIGCONT)
        elif order == plan.START_RUNTIME:
            self._start_runtime()
        elif order == plan.SOCKET:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
                socket.send_fds(self._control, [b'{"socket": true}'], [made.fileno()])
        elif self._runtime:
            _signal(self._runtime, signal.SIGTERM if order == plan.TERMINATE else signal.SIGKILL)

    def _bury(self) -> None:
        """Hear of whoever has ended. Orphans of the function's own have become children of process 1, too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._ended(pid, os.waitstatus_to_exitcode(status))

    def _ended(self, pid: int, status: int) -> None:
        if pid == self._runtime:
            self._runtime = 0
            self._say({"exited": status})
            if not self._extensions:
                os._exit(0)
        elif pid in self._extensions:
            self._say({"extension_exited": [self._extensions[pid], status]})

    def _say(self, message: dict[str, Any]) -> None:
        self._control.send(plan.said(message))


_RUNTIMES = {"python": runtime.run, "nodejs": programs.run_node, "provided": programs.run_bootstrap}


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
