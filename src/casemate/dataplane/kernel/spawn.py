"""Programs that run with the helper's rights over its namespaces, and end with it."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Mapping, Sequence
from typing import NoReturn

from casemate.dataplane.kernel import syscalls

_FIRST = 3
_MAX_DESCRIPTOR = 1 << 20


class Children:
    """The programs that were started and have not ended."""

    def __init__(self) -> None:
        self._pids: set[int] = set()

    def start(self, argv: Sequence[str], *, env: Mapping[str, str], fds: Sequence[int]) -> int:
        """The pid; OSError when the program cannot be executed. `fds` become 3, 4, ...; nothing else is inherited."""
        reading, writing = os.pipe()
        helper = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become(argv, env, fds, writing, helper)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            failure = pipe.read()
        self._pids.add(pid)
        if failure:
            raise OSError(int(failure), os.strerror(int(failure)), argv[0])
        return pid

    def reap(self) -> None:
        """Collect those that have ended."""
        for pid in tuple(self._pids):
            try:
                ended, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                ended = pid
            if ended:
                self._pids.discard(pid)

    def kill(self) -> None:
        """End them all, with their process groups."""
        for pid in tuple(self._pids):  # which the signal of the first to end changes
            for end in (os.killpg, os.kill):
                try:
                    end(pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    continue


def _become(
    argv: Sequence[str], env: Mapping[str, str], fds: Sequence[int], report: int, helper: int
) -> NoReturn:
    try:
        syscalls.die_with_parent(signal.SIGKILL)
        if os.getppid() != helper:
            os._exit(1)
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        # Out of the way first, so that no target number is still in use by one of them.
        floor = _FIRST + len(fds) + 1
        moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, floor) for fd in fds]
        report = fcntl.fcntl(report, fcntl.F_DUPFD_CLOEXEC, floor)
        for number, fd in enumerate(moved, _FIRST):
            os.dup2(fd, number, inheritable=True)
        # libnftables opens its sockets without close-on-exec, and they would keep namespaces alive.
        os.closerange(_FIRST + len(fds), report)
        os.closerange(report + 1, _MAX_DESCRIPTOR)
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0, inheritable=True)
        os.execve(argv[0], list(argv), dict(env))  # noqa: S606 - what this function is for
    except OSError as error:
        os.write(report, str(error.errno or 1).encode())
    os._exit(127)
