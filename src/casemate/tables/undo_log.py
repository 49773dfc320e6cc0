"""What writes replaced, for point-in-time recovery: a table's past is its present with the later writes undone.

    "u" | table id (16) | sequence number (8)        key within the table, and the record that was there

An entry is written in the same atomic change as its item, and only for tables whose recovery is switched on. There is no
snapshot to go with it: the first entry of a key after a moment holds what the key held at that moment, and a key without
one holds it still. Going back costs as much as has been written since; what is older than the recovery period is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec

from casemate.tables.keys import index_prefix, successor
from casemate.tables.storage import Change, Storage
from casemate.tables.writes import Written

_UNDO = b"u"
_ID_BYTES = 16
_WITHIN = len(index_prefix(bytes(_ID_BYTES), 0))
"""Where the part of an item's key begins that is the same in every copy of its table."""


class UndoLog:
    """The logs of all tables, over the storage of the items."""

    def __init__(self, storage: Storage, now: Callable[[], float]) -> None:
        self._storage = storage
        self._now = now
        self._last: dict[bytes, int] = {}

    def entries(self, writes: Sequence[Written]) -> list[Change]:
        """What undoes the planned writes, to be written together with them."""
        made: list[Change] = []
        for write in writes:
            table = write.table
            if table.recoverable and write.changes:
                place = _UNDO + table.table_id + self._next(table.table_id).to_bytes(8, "big")
                made.append((place, _encoder.encode((write.key[_WITHIN:], write.old))))
        return made

    def since(self, table_id: bytes, moment: float) -> Iterator[tuple[bytes, bytes | None]]:
        """What the keys written between `moment` and now held before each of those writes, oldest first.

        The first of a key is what it held at `moment`.
        """
        start = _place(table_id, _microseconds(moment) + 1)
        kept = self._storage.snapshot(start, successor(_UNDO + table_id))
        return (_decoder.decode(data) for _, data in kept)

    def trim(self, table_id: bytes, moment: float) -> None:
        """Forget how to go back beyond `moment`."""
        start, end = _place(table_id, 0), _place(table_id, _microseconds(moment) + 1)
        if next(iter(self._storage.scan(start, end)), None) is not None:
            self._storage.clear(start, end)

    def drop(self, table_id: bytes) -> None:
        """Forget the log of a table."""
        self._last.pop(table_id, None)
        self._storage.clear(_UNDO + table_id, successor(_UNDO + table_id))

    def purge(self, kept: Collection[bytes]) -> None:
        """Drop every log that is not `kept`: what a crash left behind."""
        place, end = _UNDO, successor(_UNDO)
        while (entry := next(iter(self._storage.scan(place, end)), None)) is not None:
            table_id = entry[0][1 : 1 + _ID_BYTES]
            if table_id not in kept:
                self.drop(table_id)
            place = successor(_UNDO + table_id)

    def _next(self, table_id: bytes) -> int:
        # INVARIANT: numbers grow within a table, should the clock be set back: entries are in the order of the writes.
        last = self._last.get(table_id)
        if last is None:
            prefix = _UNDO + table_id
            newest = next(iter(self._storage.scan(prefix, successor(prefix), reverse=True)), None)
            last = 0 if newest is None else int.from_bytes(newest[0][-8:], "big")
        self._last[table_id] = number = max(last + 1, _microseconds(self._now()))
        return number


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[bytes, bytes | None])


def _microseconds(seconds: float) -> int:
    return max(0, round(seconds * 1_000_000))


def _place(table_id: bytes, sequence: int) -> bytes:
    return _UNDO + table_id + sequence.to_bytes(8, "big")
