"""What the replicas of a table have yet to be told: an outbox per table, in the order of the writes.

    "g" | table id (16) | number (8)        the key within the table, and the record that was written; none: deleted

An entry is written in the same atomic change as its item and deleted in the one that writes the item to every other
replica, so that nothing is lost or told twice whenever the process dies. Numbers are microseconds since the epoch, made
to grow strictly over all tables: told in their order, with whatever a replica itself wrote later left alone, every
replica ends with the last write of each item (Developer Guide, "Global tables": last writer wins).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec

from casemate.tables.keys import index_prefix, successor
from casemate.tables.storage import Change, Storage
from casemate.tables.writes import Written

_OUTBOX = b"g"
_ID_BYTES = 16
_WITHIN = len(index_prefix(bytes(_ID_BYTES), 0))
"""Where the part of an item's key begins that is the same in every replica."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A write that the other replicas are to be told of."""

    table_id: bytes
    number: int
    key: bytes
    """Within the table."""
    record: bytes | None

    @property
    def place(self) -> bytes:
        return _place(self.table_id, self.number)


class ReplicationLog:
    """The outboxes of all tables, over the storage of the items."""

    def __init__(self, storage: Storage, now: Callable[[], float]) -> None:
        self._storage = storage
        self._now = now
        self._queue: deque[tuple[int, bytes, bytes]] = deque(self._left())
        self._latest = {(table, key): number for number, table, key in self._queue}
        """The last entry of each key that waits."""
        self._behind = Counter(table for _, table, _ in self._queue)
        """How many entries of each table wait."""
        self._last = self._queue[-1][0] if self._queue else 0
        self._woken: list[Callable[[], None]] = []

    def subscribe(self, woken: Callable[[], None]) -> None:
        """Call `woken` when there is something to tell."""
        self._woken.append(woken)

    def entries(self, writes: Sequence[Written]) -> list[Change]:
        """What the replicas are to be told of planned writes, to be written together with them."""
        made = [self._entry(write) for write in writes if write.table.replicated and write.changes]
        if made:
            for woken in self._woken:
                woken()
        return made

    def _entry(self, write: Written) -> Change:
        self._last = number = max(self._last + 1, round(self._now() * 1_000_000))
        table_id, key = write.table.table_id, write.key[_WITHIN:]
        self._queue.append((number, table_id, key))
        self._behind[table_id] += 1
        self._latest[table_id, key] = number
        return _place(table_id, number), _encoder.encode((key, write.new))

    def first(self) -> Told | None:
        """The oldest write that waits."""
        while self._queue:
            number, table_id, _ = self._queue[0]
            data = self._storage.get(_place(table_id, number))
            if data is not None:
                key, record = _decoder.decode(data)
                return Told(table_id=table_id, number=number, key=key, record=record)
            self._forget()
        return None

    def told(self, told: Told) -> None:
        """The oldest write has been told, and its entry is deleted."""
        # INVARIANT: writes are told in their order.
        assert self._queue[0][:2] == (told.number, told.table_id)
        self._forget()

    def _forget(self) -> None:
        number, table_id, key = self._queue.popleft()
        self._behind[table_id] -= 1
        if not self._behind[table_id]:
            del self._behind[table_id]
        if self._latest.get((table_id, key)) == number:
            del self._latest[table_id, key]

    def waits(self, table_id: bytes, key: bytes) -> bool:
        """Whether the table wrote that key and the others have not been told yet."""
        return (table_id, key) in self._latest

    def is_behind(self, table_id: bytes) -> bool:
        """Whether the table has anything to tell."""
        return table_id in self._behind

    def drop(self, table_id: bytes) -> None:
        """Forget the outbox of a table."""
        self._storage.clear(_OUTBOX + table_id, successor(_OUTBOX + table_id))

    def purge(self, kept: Collection[bytes]) -> None:
        """Drop every outbox that is not `kept`: what a crash left behind."""
        for table_id in {waiting for _, waiting, _ in self._queue} - set(kept):
            self.drop(table_id)

    def _left(self) -> list[tuple[int, bytes, bytes]]:
        found: list[tuple[int, bytes, bytes]] = []
        for place, data in self._storage.scan(_OUTBOX, successor(_OUTBOX)):
            key, _ = _decoder.decode(data)
            found.append((int.from_bytes(place[-8:], "big"), place[1 : 1 + _ID_BYTES], key))
        return sorted(found)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[bytes, bytes | None])


def _place(table_id: bytes, number: int) -> bytes:
    return _OUTBOX + table_id + number.to_bytes(8, "big")
