"""Group commit: many acknowledged writes share one sync of the write-ahead log.

A sync of a good disk takes less than handing it to a thread and being woken by it, twice against the interpreter's
lock: it is made on the event loop, once its turn is over, for every write of that turn. A disk that was slow is given
to a thread for a while, so that the loop goes on meanwhile; whoever waits while that thread syncs is served by its next
sync, which starts as soon as that one ends.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from casemate.model.errors import AwsError

_LONG = 0.005
"""Seconds: what a sync may take from the event loop. Measured on a virtual disk: 0.3 ms, one of a hundred 0.5 ms."""
_AWAY = 64
"""Syncs that go to the thread after a long one, before the disk is tried on the loop again."""


def _internal_error() -> AwsError:
    return AwsError(
        "InternalServerError", "The request could not be made durable", http_status=500, fault="server"
    )


def _settle(waiters: list[asyncio.Future[None]], *, failed: bool) -> None:
    for future in waiters:
        if not future.done():
            if failed:
                future.set_exception(_internal_error())
            else:
                future.set_result(None)


class GroupCommit:
    """Counts writes and makes them durable together."""

    def __init__(self, sync: Callable[[], None], *, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._sync = sync
        self._seconds = seconds
        self._away = 0
        """Syncs that are still the thread's."""
        self._here: list[asyncio.Future[None]] = []
        """Who waits for the sync at the end of this turn of the event loop."""
        self._written = 0
        self._synced = 0
        self._failed = False
        self._closing = False
        self._waiters: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
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
        if self._failed:
            raise _internal_error()
        if self._synced >= self._written:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if self._away:
            self._wait_away(loop, future)
        else:
            # INVARIANT: one event loop writes (`TablesEngine`), so that no other one adds to this list.
            if not self._here:
                loop.call_soon(self._sync_here)
            self._here.append(future)
        await future

    def _sync_here(self) -> None:
        """On the event loop, when everybody who had a turn has written."""
        waiters, self._here = self._here, []
        if not waiters:
            return  # `close` came first
        target, started = self._written, self._seconds()
        self._make_durable(target)
        if self._seconds() - started > _LONG:
            self._away = _AWAY
        _settle(waiters, failed=self._failed)

    def _make_durable(self, target: int) -> None:
        try:
            self._sync()
        except Exception:  # whatever it was, nothing is durable: the waiters are told
            self._failed = True
        else:
            self._synced = max(self._synced, target)

    def _wait_away(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]) -> None:
        with self._lock:
            self._waiters.setdefault(loop, []).append(future)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tables-sync", daemon=True)
            self._thread.start()
        if not self._wake.is_set():
            self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                waiters, self._waiters = self._waiters, {}
                target = self._written
            if waiters:
                self._commit(waiters, target)
            elif self._closing:
                return

    def _commit(
        self, waiters: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]], target: int
    ) -> None:
        self._away = max(0, self._away - 1)
        self._make_durable(target)
        for loop, futures in waiters.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda futures=futures: _settle(futures, failed=self._failed))

    def close(self) -> None:
        """Serve those who wait, then end the thread."""
        self._closing = True
        self._sync_here()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
