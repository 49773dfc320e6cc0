"""Group commit: many acknowledged writes share one sync of the write-ahead log.

A sync of a good disk takes less than handing it to a thread and being woken by it, twice against the interpreter's
lock: it is made on the event loop, once its turn is over, for every write of that turn. A disk that was slow is given
to a thread for a while, so that the loop goes on meanwhile (slow twice running: once, it was rather the processor that
somebody else had); whoever waits while that thread syncs is served by its next
sync, which starts as soon as that one ends.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from casemate.model.errors import AwsError

_LONG = 0.005
"""Seconds: what a sync may take from the event loop. Measured on a virtual disk: 0.3 ms, one of a hundred 0.5 ms."""
_AWAY = 64
"""Syncs that go to the thread after two long ones, before the disk is tried on the loop again: fewer when they are quick,
since a sync by the thread costs more processor time than the request it is for."""


def _internal_error() -> AwsError:
    return AwsError(
        "InternalServerError", "The request could not be made durable", http_status=500, fault="server"
    )


Told = Callable[[AwsError | None], None]
"""Called once a write is durable, or with the error when that has failed."""
_Waiter = tuple[asyncio.AbstractEventLoop, Told]


class GroupCommit:
    """Counts writes and makes them durable together."""

    def __init__(self, sync: Callable[[], None], *, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._sync = sync
        self._seconds = seconds
        self._away = 0
        """Syncs that are still the thread's."""
        self._was_long = False
        """Of the last sync, wherever it was made."""
        self._here: list[Told] = []
        """Who waits for the sync at the end of this turn of the event loop."""
        self._written = 0
        self._synced = 0
        self._failed = False
        self._waiters: SimpleQueue[_Waiter | None] = SimpleQueue()
        """Who waits for the thread; None is to end it. (An Event and a lock are Python's own code, step by step against
        the interpreter's lock; this waits in C.)"""
        self._thread: threading.Thread | None = None

    def wrote(self) -> None:
        """A write was made; it is not durable yet.

        Not before it is made: a sync of the thread that came in between would be taken for its own.
        """
        self.check()
        self._written += 1

    def check(self) -> None:
        """Ahead of a write: AwsError InternalServerError when none can be made durable any more."""
        if self._failed:
            # After a failed sync the kernel may have dropped the pages: nothing later can be promised either.
            raise _internal_error()

    async def wait(self) -> None:
        """Returns once every write counted so far is durable; AwsError InternalServerError when that failed."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def told(error: AwsError | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.tell(told)
        await future

    def tell(self, told: Told) -> None:
        """As `wait`, for who is called back on the running event loop, maybe at once."""
        if self._failed:
            told(_internal_error())
        elif self._synced >= self._written:
            told(None)
        elif self._away:
            self._wait_away(asyncio.get_running_loop(), told)
        else:
            # INVARIANT: one event loop writes (`TablesEngine`), so that no other one adds to this list.
            if not self._here:
                asyncio.get_running_loop().call_soon(self._sync_here)
            self._here.append(told)

    def _tell_all(self, waiters: list[Told]) -> None:
        error = _internal_error() if self._failed else None
        for told in waiters:
            told(error)

    def _sync_here(self) -> None:
        """On the event loop, when everybody who had a turn has written."""
        waiters, self._here = self._here, []
        if not waiters:
            return  # `close` came first
        target, started = self._written, self._seconds()
        self._make_durable(target)
        is_long = self._seconds() - started > _LONG
        if is_long and self._was_long:
            self._away = _AWAY
        self._was_long = is_long
        self._tell_all(waiters)

    def _make_durable(self, target: int) -> None:
        try:
            self._sync()
        except Exception:  # whatever it was, nothing is durable: the waiters are told
            self._failed = True
        else:
            self._synced = max(self._synced, target)

    def _wait_away(self, loop: asyncio.AbstractEventLoop, told: Told) -> None:
        self._waiters.put((loop, told))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tables-sync", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            found = [self._waiters.get()]
            while not self._waiters.empty():
                found.append(self._waiters.get())
            is_over = None in found
            # Read after they were taken: all that they wrote is among it.
            target = self._written
            waiters: dict[asyncio.AbstractEventLoop, list[Told]] = {}
            for loop, told in filter(None, found):
                waiters.setdefault(loop, []).append(told)
            if waiters:
                self._commit(waiters, target)

    def _commit(self, waiters: dict[asyncio.AbstractEventLoop, list[Told]], target: int) -> None:
        started = self._seconds()
        self._make_durable(target)
        self._was_long = self._seconds() - started > _LONG
        self._away = (self._away - 1) // (1 if self._was_long else 2)
        for loop, theirs in waiters.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._tell_all, theirs)

    def close(self) -> None:
        """Serve those who wait, then end the thread."""
        self._sync_here()
        self._waiters.put(None)
        if self._thread is not None:
            self._thread.join()
