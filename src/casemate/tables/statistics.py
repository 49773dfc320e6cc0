"""How many items and bytes each table and index holds: what DescribeTable reports.

Counted by reading once, in stretches, then kept up to date by every write. A clean close leaves the counts in the storage; the next
start takes and removes them, so that a crash leaves none and nothing wrong is ever believed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

import msgspec

from casemate.tables.keys import index_prefix, successor
from casemate.tables.records import record_size
from casemate.tables.storage import Storage
from casemate.tables.stretches import Entry, stretch
from casemate.tables.writes import Written

_KEY = b"m/statistics"
_COUNTED = 2000
"""Entries counted in one go: they are only looked at."""


@dataclass(kw_only=True, slots=True)
class Holding:
    """The contents of a table or an index."""

    items: int = 0
    size: int = 0

    def add(self, entries: Sequence[Entry]) -> None:
        """Of further entries."""
        self.items += len(entries)
        self.size += sum(record_size(record) for _, record in entries)


class Statistics:
    """Counts by table id and index number."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._holdings: dict[tuple[bytes, int], Holding] = {}
        self._counted: dict[tuple[bytes, int], Holding] = {}
        """What is being counted."""
        saved = storage.get(_KEY)
        if saved is not None:
            for table_id, number, items, size in msgspec.msgpack.decode(
                saved, type=list[tuple[bytes, int, int, int]]
            ):
                self._holdings[table_id, number] = Holding(items=items, size=size)
            storage.write([(_KEY, None)])

    def holding(self, table_id: bytes, number: int) -> Holding:
        """What it holds; of much that was not counted yet (`count`), only what a short look finds."""
        known = self._holdings.get((table_id, number))
        if known is None:
            prefix = index_prefix(table_id, number)
            known = Holding()
            entries = self._storage.scan(prefix, successor(prefix))
            known.add(stretch(entries))
            if next(entries, None) is None:
                self._holdings[table_id, number] = known
        return known

    def count(self, table_id: bytes, numbers: Iterable[int]) -> Generator[None, None, None]:
        """Count what was not counted yet, in stretches: others write in between, and are followed.

        It goes on as long as its caller does. Who comes while another one counts waits for that one.
        """
        for number in numbers:
            key = (table_id, number)
            while key not in self._holdings:
                if key in self._counted:
                    yield
                else:
                    yield from self._count(key)

    def _count(self, key: tuple[bytes, int]) -> Generator[None, None, None]:
        # Begins at nothing, and follows every write from now on: what there is now is added as it is read.
        found = self._counted[key] = Holding()
        prefix = index_prefix(*key)
        entries = self._storage.snapshot(prefix, successor(prefix))
        try:
            while batch := stretch(entries, _COUNTED):
                found.add(batch)
                yield
            if self._counted.get(key) is found:
                self._holdings[key] = found
        finally:
            if self._counted.get(key) is found:
                del self._counted[key]

    def follow(self, write: Written) -> None:
        """Follow a write. What was never counted stays uncounted."""
        if not write.changes:
            return
        table_id = write.table.table_id
        known = self._known(table_id, 0)
        if known is not None:
            before, after = write.sizes
            known.items += (write.new is not None) - (write.old is not None)
            known.size += after - before
        for change in write.growth:
            known = self._known(table_id, change.number)
            if known is not None:
                known.items += change.items
                known.size += change.size

    def _known(self, table_id: bytes, number: int) -> Holding | None:
        key = (table_id, number)
        return self._holdings.get(key) or (self._counted.get(key) if self._counted else None)

    def start(self, table_id: bytes, numbers: Iterable[int]) -> None:
        """A new table or index is empty: no need to count it."""
        for number in numbers:
            self._holdings[table_id, number] = Holding()

    def found(self, table_id: bytes, items: int, size: int) -> None:
        """What a table holds that was filled by others than its writers, who counted."""
        self._holdings[table_id, 0] = Holding(items=items, size=size)

    def forget(self, table_id: bytes, number: int | None = None) -> None:
        """A table (or one of its indexes) is gone or was rebuilt."""
        for kept in (self._holdings, self._counted):
            for key in [key for key in kept if key[0] == table_id and number in (None, key[1])]:
                del kept[key]

    def save(self) -> None:
        """Leave the counts for the next start."""
        rows = [(table, number, held.items, held.size) for (table, number), held in self._holdings.items()]
        self._storage.write([(_KEY, msgspec.msgpack.encode(rows))])
