"""Process 1 heeds the front door while it deals with what a function has made: that may take for ever."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager

_SECONDS = 0.1


@contextmanager
def heeding(control: socket.socket) -> Generator[None]:
    """End this process, and with it the environment, soon after the front door has let go of it.

    A tracee may never come back from a system call: with a filter of its own, it waits for itself to answer it
    (seccomp_unotify(2)). Start no process meanwhile, it would have the handler.
    """
    poll = select.poll()
    poll.register(control, 0)  # nothing but that the other end is closed

    def look(_number: int, _frame: object) -> None:
        if poll.poll(0):
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
