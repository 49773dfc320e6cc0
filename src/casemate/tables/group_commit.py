"""Group commit: many acknowledged writes share one sync of the write-ahead log.

Who waits is gathered until the event loop's turn is over: one group, one sync, and all of the group are answered in one
turn. A sync of a good disk takes less than handing it to a thread and being woken by it, twice against the interpreter's
lock: it is made on the event loop. A disk that was slow (twice running: once, it was rather the processor that somebody
else had) is given to a thread for a while, so that the loop goes on meanwhile. The thread is given whole groups too, one
at a time: who comes while it syncs is the next group, handed over as that one comes back.

Who only looked waits too, if it looked at a write that waits (`unsynced`), and for the sync of that write alone.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import NamedTuple

from casemate.model.errors import AwsError
from casemate.tables.storage import Change
from casemate.tables.unsynced import Unsynced

_log = logging.getLogger(__name__)
_LONG = 0.005
"""Seconds: what a sync may take from the event loop. Measured on a virtual disk: 0.3 ms, one of a hundred 0.5 ms."""
_AWAY = 64
"""Syncs that go to the thread after two long ones, before the disk is tried on the loop again: fewer when they are quick,
since a sync by the thread costs more processor time than the request it is for."""


def not_durable() -> AwsError:
    """What is told of a write that may be lost, and to who has seen one."""
    return AwsError(
        "InternalServerError", "What was written could not be made durable", http_status=500, fault="server"
    )


Told = Callable[[AwsError | None], None]
"""Called once a write is durable, or with the error when that has failed."""


class _Group(NamedTuple):
    """Who is answered after one sync of the thread."""

    loop: asyncio.AbstractEventLoop
    waiters: list[Told]
    target: int
    """All writes up to this one were made before the group was handed over."""
    generation: int
    """The same, as `Unsynced` counts."""


class GroupCommit:
    """Counts writes and makes them durable together."""

    def __init__(self, sync: Callable[[], None], *, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._sync = sync
        self._seconds = seconds
        self._away = 0
        """Syncs that are still the thread's."""
        self._was_long = False
        """Of the last sync, wherever it was made."""
        self._waiting: list[Told] = []
        """The next group."""
        self._under_way: _Group | None = None
        """What the thread has."""
        self.unsynced = Unsynced()
        self._written = 0
        self._synced = 0
        self._failed = False
        self._groups: SimpleQueue[_Group | None] = SimpleQueue()
        """What the thread is given; None is to end it. (An Event and a lock are Python's own code, step by step against
        the interpreter's lock; this waits in C.)"""
        self._thread: threading.Thread | None = None

    def wrote(self, changes: Sequence[Change] = ()) -> None:
        """A write was made; it is not durable yet.

        Not before it is made: a sync of the thread that came in between would be taken for its own.
        """
        self._written += 1
        self.unsynced.add(changes)
        # A sync of the thread may have failed since the check ahead of the write: it is there to be seen all the same.
        self.check()

    def check(self) -> None:
        """Ahead of a write: AwsError InternalServerError when none can be made durable any more."""
        if self._failed:
            # After a failed sync the kernel may have dropped the pages: nothing later can be promised either.
            raise not_durable()

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
        self.unsynced.seen = 0
        if self._failed:
            told(not_durable())
        elif self._synced >= self._written:
            told(None)
        else:
            self._join(told)

    def tell_seen(self, told: Told) -> None:
        """Call back, mostly at once, when what was looked at since this was last asked, or `tell`, is durable.

        INVARIANT: whoever looks asks in the same turn, so that nobody else asks in between.
        """
        seen, self.unsynced.seen = self.unsynced.seen, 0
        if not seen:
            told(None)
        elif self._failed:
            told(not_durable())
        elif self._under_way is not None and seen <= self._under_way.generation:
            self._under_way.waiters.append(told)
        else:
            self._join(told)

    def _join(self, told: Told) -> None:
        # INVARIANT: one event loop writes (`TablesEngine`), so that no other one adds to this list.
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._end_turn)
        self._waiting.append(told)

    def _end_turn(self) -> None:
        """On the event loop, when everybody who had a turn has written."""
        if self._under_way is not None or not self._waiting:
            return  # `_come_back` serves them, or `close` has
        waiters, self._waiting = self._waiting, []
        if self._away:
            generation = self.unsynced.begin_sync()
            self._hand_over(_Group(asyncio.get_running_loop(), waiters, self._written, generation))
        else:
            self._sync_here(waiters)

    def _sync_here(self, waiters: list[Told]) -> None:
        generation = self.unsynced.begin_sync()
        is_long = self._make_durable(self._written) > _LONG
        self._end_sync(generation)
        if is_long and self._was_long:
            self._away = _AWAY
        self._was_long = is_long
        self._tell_all(waiters)

    def _make_durable(self, target: int) -> float:
        """The seconds it took."""
        started = self._seconds()
        try:
            self._sync()
        except Exception:  # whatever it was, nothing is durable: the waiters are told
            self._failed = True
        else:
            self._synced = max(self._synced, target)
        return self._seconds() - started

    def _end_sync(self, generation: int) -> None:
        if not self._failed:
            self.unsynced.end_sync(generation)

    def _tell_all(self, waiters: list[Told]) -> None:
        error = not_durable() if self._failed else None
        for told in waiters:
            try:
                told(error)
            except (
                Exception
            ):  # a defect in answering one of them: the others' writes are durable, or not, all the same
                _log.exception("somebody whose write was made durable could not be told")

    # The thread.

    def _hand_over(self, group: _Group) -> None:
        self._under_way = group
        self._groups.put(group)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tables-sync", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (group := self._groups.get()) is not None:
            seconds = self._make_durable(group.target)
            try:
                group.loop.call_soon_threadsafe(self._come_back, group, seconds)
            except RuntimeError:  # the loop was closed: nobody waits any more
                self._under_way = None

    def _come_back(self, group: _Group, seconds: float) -> None:
        """On the event loop, with what the thread was given."""
        self._under_way = None
        self._end_sync(group.generation)
        self._was_long = seconds > _LONG
        self._away = (self._away - 1) // (1 if self._was_long else 2)
        if self._away:
            self._end_turn()  # the next group is synced while this one is answered
        elif self._waiting:
            asyncio.get_running_loop().call_soon(self._end_turn)
        self._tell_all(group.waiters)

    def close(self) -> None:
        """Serve those who wait, then end the thread."""
        if self._thread is not None:
            self._groups.put(None)
            self._thread.join()
        waiters, self._waiting = self._waiting, []
        if waiters:
            self._sync_here(waiters)
