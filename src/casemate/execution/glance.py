"""Peak memory of an environment's largest process, quickly: asked after every invocation."""

from __future__ import annotations

import contextlib
import os
import re

from casemate.execution import memory

_PEAK = re.compile(rb"VmHWM:\s*(\d+) kB")
_FIRST_PROCESS = 256
"""Where the processes begin in the list of /proc (Linux, fs/proc/internal.h, FIRST_PROCESS_ENTRY); before them stand fifty
files that take three times as long."""
_KEPT = 4
"""Files, of one environment: a function that forks a hundred processes does not use up this one's descriptors."""
_SIZE = 8192
"""Bytes; /proc/PID/status has some 1,500."""


class Glance:
    """Keeps the files that it reads again and again: to find and open them takes three quarters of the time.

    A kept file is of the process it was opened for, whichever process has that number later: it reads as an error when
    that one has ended.
    """

    def __init__(self) -> None:
        self._proc: int | None = None
        self._files: dict[str, int] = {}
        """By process id, as the environment counts."""

    def largest_mb(self, init_pid: int) -> int:
        """Of the processes under that process 1, in MB; 0 when they are gone."""
        try:
            if self._proc is None:
                self._proc = os.open(memory.proc_of(init_pid), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            os.lseek(self._proc, _FIRST_PROCESS, os.SEEK_SET)
            pids = memory.some(os.listdir(self._proc))  # noqa: PTH208 - names are enough
        except OSError:
            return 0  # ended meanwhile
        for gone in self._files.keys() - set(pids):
            os.close(self._files.pop(gone))
        return (max([self._peak_kb(pid) for pid in pids], default=0) + 1023) // 1024

    def _peak_kb(self, pid: str) -> int:
        file = self._files.get(pid)
        try:
            if file is not None:
                with contextlib.suppress(ProcessLookupError):
                    return _kb(os.pread(file, _SIZE, 0))
                os.close(self._files.pop(pid))
            file = os.open(f"{pid}/status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        except OSError:
            return 0  # ended meanwhile
        self._files[pid] = file
        try:
            return _kb(os.pread(file, _SIZE, 0))
        except OSError:
            return 0  # as above
        finally:
            if len(self._files) > _KEPT:
                os.close(self._files.pop(pid))

    def close(self) -> None:
        """Give the files back."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()
        if self._proc is not None:
            os.close(self._proc)
            self._proc = None


def _kb(status: bytes) -> int:
    found = _PEAK.search(status)
    return int(found[1]) if found else 0
