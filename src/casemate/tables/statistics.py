"""How many items and bytes each table and index holds: what DescribeTable reports.

Counted by reading once, then kept up to date by every write. A clean close leaves the counts in the storage; the next
start takes and removes them, so that a crash leaves none and nothing wrong is ever believed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from casemate.tables.keys import index_prefix, successor
from casemate.tables.records import record_size
from casemate.tables.storage import Storage
from casemate.tables.writes import Written

_KEY = b"m/statistics"


@dataclass(kw_only=True, slots=True)
class Holding:
    """The contents of a table or an index."""

    items: int = 0
    size: int = 0


class Statistics:
    """Counts by table id and index number."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._holdings: dict[tuple[bytes, int], Holding] = {}
        saved = storage.get(_KEY)
        if saved is not None:
            for table_id, number, items, size in msgspec.msgpack.decode(
                saved, type=list[tuple[bytes, int, int, int]]
            ):
                self._holdings[table_id, number] = Holding(items=items, size=size)
            storage.write([(_KEY, None)])

    def holding(self, table_id: bytes, number: int) -> Holding:
        """What it holds; counted now when it was not yet."""
        known = self._holdings.get((table_id, number))
        if known is None:
            known = Holding()
            prefix = index_prefix(table_id, number)
            for _, record in self._storage.scan(prefix, successor(prefix)):
                known.items += 1
                known.size += record_size(record)
            self._holdings[table_id, number] = known
        return known

    def follow(self, write: Written) -> None:
        """Follow a write. What was never counted stays uncounted."""
        if not write.changes:
            return
        table_id = write.table.table_id
        known = self._holdings.get((table_id, 0))
        if known is not None:
            before, after = write.sizes
            known.items += (write.new is not None) - (write.old is not None)
            known.size += after - before
        for change in write.growth:
            known = self._holdings.get((table_id, change.number))
            if known is not None:
                known.items += change.items
                known.size += change.size

    def start(self, table_id: bytes, numbers: Iterable[int]) -> None:
        """A new table or index is empty: no need to count it."""
        for number in numbers:
            self._holdings[table_id, number] = Holding()

    def forget(self, table_id: bytes, number: int | None = None) -> None:
        """A table (or one of its indexes) is gone or was rebuilt."""
        for key in [key for key in self._holdings if key[0] == table_id and number in (None, key[1])]:
            del self._holdings[key]

    def save(self) -> None:
        """Leave the counts for the next start."""
        rows = [(table, number, held.items, held.size) for (table, number), held in self._holdings.items()]
        self._storage.write([(_KEY, msgspec.msgpack.encode(rows))])
