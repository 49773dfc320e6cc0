"""The tables engine: items and their indexes over a storage. Knows no HTTP, no accounts and no table states.

Every method acts at once and is over when it returns; a caller that acknowledges a write first awaits `durable`, and one
that tells what it read, or what is wrong with it, asks `when_seen_durable`.
One thread uses it. A write and its index entries are one atomic change, so are the writes of a transaction.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import islice

from casemate.model.errors import AwsError
from casemate.tables.backups import Backups
from casemate.tables.change_log import ChangeLog
from casemate.tables.errors import validation
from casemate.tables.expiry import Expiry, find_expired
from casemate.tables.expressions.keyconditions import KeyTerm
from casemate.tables.given import GivenItem, GivenKey, place_of
from casemate.tables.keys import ITEMS, index_prefix, successor, table_prefix
from casemate.tables.reads import (
    Page,
    Reading,
    query_complaints,
    query_range,
    read_page,
    scan_complaints,
    scan_range,
)
from casemate.tables.replication_log import ReplicationLog, Told
from casemate.tables.schema import IndexSchema, TableSchema
from casemate.tables.statistics import Holding, Statistics
from casemate.tables.storage import Change, Storage
from casemate.tables.token_log import TokenLog
from casemate.tables.undo_log import UndoLog
from casemate.tables.values import Item
from casemate.tables.writes import (
    Guard,
    Update,
    Written,
    index_entries,
    plan_check,
    plan_copy,
    plan_delete,
    plan_put,
    plan_update,
)

_COPIED_AT_ONCE = 200
"""Items read and written in one go: a few milliseconds in which nobody else has a turn."""


class TablesEngine:
    """Items of all tables. `close` when done."""

    def __init__(self, storage: Storage, *, now: Callable[[], float] = time.time) -> None:
        self._storage = storage
        self.changes = ChangeLog(storage, now)
        self.undo = UndoLog(storage, now)
        self.replication = ReplicationLog(storage, now)
        self.backups = Backups(storage, self.undo)
        self.tokens = TokenLog(storage, now)
        self._statistics = Statistics(storage)

    # Writing: plan_* says what would happen (and raises what is wrong), commit does it.

    def plan_put(
        self, table: TableSchema, item: GivenItem, guard: Guard | None = None, *, in_batch: bool = False
    ) -> Written:
        return plan_put(self._storage, table, item, guard, in_batch=in_batch)

    def plan_delete(self, table: TableSchema, key: GivenKey, guard: Guard | None = None) -> Written:
        return plan_delete(self._storage, table, key, guard)

    def plan_update(
        self, table: TableSchema, key: GivenKey, update: Update | None, guard: Guard | None = None
    ) -> Written:
        return plan_update(self._storage, table, key, update, guard)

    def plan_check(self, table: TableSchema, key: GivenKey, guard: Guard) -> Written:
        """ConditionCheck of a transaction."""
        return plan_check(self._storage, table, key, guard)

    def commit(
        self, writes: Sequence[Written], *, expired: bool = False, beside: Sequence[Change] = ()
    ) -> None:
        """All of the planned writes, or none. They must be of different items, and planned since the last commit.

        `expired`: the writes are deletions by time to live, and their stream records say so. `beside`: what is written
        together with them, and even if they change nothing (`tokens`).
        """
        changes: list[Change] = [change for write in writes for change in write.changes]
        if changes:
            changes += self._beside(writes, expired=expired)
        if changes or beside:
            self._storage.write((*changes, *beside))
        for write in writes:
            self._statistics.follow(write)

    def put_item(self, table: TableSchema, item: GivenItem, guard: Guard | None = None) -> Written:
        """Plan and commit in one."""
        return self._committed(self.plan_put(table, item, guard))

    def delete_item(self, table: TableSchema, key: GivenKey, guard: Guard | None = None) -> Written:
        return self._committed(self.plan_delete(table, key, guard))

    def update_item(
        self, table: TableSchema, key: GivenKey, update: Update | None = None, guard: Guard | None = None
    ) -> Written:
        return self._committed(self.plan_update(table, key, update, guard))

    def _committed(self, written: Written) -> Written:
        if written.changes:
            beside = self._beside((written,)) if written.table.is_followed else ()
            self._storage.write((*written.changes, *beside) if beside else written.changes)
            self._statistics.follow(written)
        return written

    def _beside(self, writes: Sequence[Written], *, expired: bool = False) -> list[Change]:
        """What is written together with items: stream records, what undoes the writes, what replicas are to be told."""
        writes = [write for write in writes if write.table.is_followed]
        if not writes:
            return []
        streamed = self.changes.records(writes, expired=expired)
        return streamed + self.undo.entries(writes) + self.replication.entries(writes)

    def tell(self, told: Told, replicas: Sequence[TableSchema]) -> None:
        """Give the oldest write that waits to the other replicas, but for those that wrote the item later themselves.

        Their streams and their recovery follow; they do not tell it on.
        """
        changes: list[Change] = [(told.place, None)]
        writes = [
            plan_copy(self._storage, table, index_prefix(table.table_id, 0) + told.key, told.record)
            for table in replicas
            if not self.replication.waits(table.table_id, told.key)
        ]
        for write in writes:
            changes += write.changes
        changes += self.changes.records(writes)
        changes += self.undo.entries(writes)
        self._storage.write(changes)
        self.replication.told(told)
        for write in writes:
            self._statistics.follow(write)

    def copy_some(self, source: TableSchema, target: TableSchema, place: bytes | None) -> bytes | None:
        """Have some more of a table's items in its new replica; where to go on, None at the table's end."""
        start = index_prefix(source.table_id, 0)
        entries = list(islice(self._storage.scan(place or start, successor(start)), _COPIED_AT_ONCE))
        prefix = index_prefix(target.table_id, 0)
        changes: list[Change] = []
        for key, record in entries:
            write = plan_copy(self._storage, target, prefix + key[len(start) :], record)
            changes += write.changes
            self._statistics.follow(write)
        if changes:
            self._storage.write(changes)
        return entries[-1][0] + b"\x00" if len(entries) == _COPIED_AT_ONCE else None

    def expire(self, table: TableSchema, expiry: Expiry, place: bytes | None) -> bytes | None:
        """Delete what has expired among the next items after `place`; where to go on, None at the table's end."""
        keys, place = find_expired(self._storage, table, expiry, place)
        self.commit([self.plan_delete(table, key) for key in keys], expired=True)
        return place

    # Reading.

    def get_item(self, table: TableSchema, key: GivenKey) -> bytes | None:
        """The record of an item (`records` reads it), or None."""
        return self._storage.get(place_of(table, key))

    def query(self, reading: Reading, terms: Mapping[str, KeyTerm], values: Item) -> Page:
        """A page of one partition, in the order of the sort key."""
        _check_filled(reading)
        covered = query_range(reading.table, reading.index, terms, values)
        started = reading.start_after is not None
        return read_page(
            self._storage, reading, covered, query_complaints(reading, terms, values) if started else None
        )

    def scan(self, reading: Reading, *, segment: int = 0, total_segments: int = 1) -> Page:
        """A page of a table or index, partitions in the order of their hashes."""
        _check_filled(reading)
        covered = scan_range(reading.table, reading.index, segment, total_segments)
        started = reading.start_after is not None
        return read_page(self._storage, reading, covered, scan_complaints(reading) if started else None)

    # Tables.

    def create(self, table: TableSchema) -> None:
        """A new, empty table. Nothing is written: its id makes its keys its own."""
        self._statistics.start(table.table_id, [0, *(index.number for index in table.indexes.values())])

    def drop(self, table_id: bytes) -> None:
        """Delete everything a table holds."""
        prefix = table_prefix(table_id)
        self._storage.clear(prefix, successor(prefix))
        self._statistics.forget(table_id)

    def build_index(self, table: TableSchema, index: IndexSchema) -> None:
        """Fill a new index from the items of its table. Items that do not fit it stay out."""
        self.drop_index(table.table_id, index.number)
        place: bytes | None = None
        while (place := self.fill_index(table, index, place)) is not None:
            pass

    def fill_index(self, table: TableSchema, index: IndexSchema, place: bytes | None) -> bytes | None:
        """Add some more of a table's items to a new index; where to go on, None at the table's end.

        Writes in between keep what they touch in the index themselves.
        """
        start = index_prefix(table.table_id, 0)
        entries = list(islice(self._storage.scan(place or start, successor(start)), _COPIED_AT_ONCE))
        found = (index_entries(table, record).get(index.name) for _, record in entries)
        changes = [entry for entry in found if entry is not None]
        if changes:
            self._storage.write(changes)
        if len(entries) == _COPIED_AT_ONCE:
            return entries[-1][0] + b"\x00"
        # Counted anew when somebody asks: writes took entries for present that were not there yet.
        self._statistics.forget(table.table_id, index.number)
        return None

    def drop_index(self, table_id: bytes, number: int) -> None:
        """Delete the entries of an index."""
        prefix = index_prefix(table_id, number)
        self._storage.clear(prefix, successor(prefix))
        self._statistics.forget(table_id, number)

    def holding(self, table_id: bytes, number: int = 0) -> Holding:
        """Count and bytes of a table (0) or of one of its indexes."""
        return self._statistics.holding(table_id, number)

    def purge(self, kept: Mapping[bytes, Collection[int]]) -> None:
        """Delete the items of every table, and of every index, that is not `kept`: what a crash left behind."""
        for table_id, number in self._present():
            if table_id not in kept:
                self.drop(table_id)
            elif number not in kept[table_id]:
                self.drop_index(table_id, number)

    def _present(self) -> Iterable[tuple[bytes, int]]:
        found: list[tuple[bytes, int]] = []
        place, end = ITEMS, successor(ITEMS)
        while True:
            entry = next(iter(self._storage.scan(place, end)), None)
            if entry is None:
                return found
            prefix = entry[0][:19]
            found.append((prefix[1:17], int.from_bytes(prefix[17:], "big")))
            place = successor(prefix)

    # Life.

    async def durable(self) -> None:
        """Returns once everything committed so far survives a crash of the machine."""
        await self._storage.durable()

    def when_durable(self, told: Callable[[AwsError | None], None]) -> None:
        """As `durable`, for who is called back: with the error when it failed."""
        self._storage.when_durable(told)

    def when_seen_durable(self, told: Callable[[AwsError | None], None]) -> None:
        """Calls back, mostly at once, when all that was read in this turn of the event loop survives a crash of the machine."""
        self._storage.when_seen_durable(told)

    def close(self) -> None:
        # On a disk that failed nothing is written any more: they are counted anew.
        with contextlib.suppress(AwsError):
            self._statistics.save()
        self._storage.close()


def _check_filled(reading: Reading) -> None:
    """Its words: answers of AWS quoted in public issue threads about new indexes."""
    if reading.index is not None and not reading.index.is_filled:
        raise validation(f"Cannot read from backfilling global secondary index: {reading.index.name}")
