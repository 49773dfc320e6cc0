"""Copies of tables: backups, and tables made from them or from another table's past.

    "b" | backup id (16) | key within the table      an item's record

Indexes are not copied: a restored table's are built from its items.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from casemate.tables.keys import index_prefix, successor
from casemate.tables.storage import Change, Storage
from casemate.tables.undo_log import UndoLog

_BACKUPS = b"b"
_ID_BYTES = 16
_BATCH = 1000


class Backups:
    """The backups of all tables, over the storage of the items."""

    def __init__(self, storage: Storage, undo: UndoLog) -> None:
        self._storage = storage
        self._undo = undo

    def take(self, table_id: bytes, backup_id: bytes) -> None:
        """Keep the table as it is."""
        self._copy(index_prefix(table_id, 0), _BACKUPS + backup_id, {})

    def restore(self, backup_id: bytes, table_id: bytes) -> None:
        """Fill a new table with what the backup holds."""
        self._copy(_BACKUPS + backup_id, index_prefix(table_id, 0), {})

    def restore_past(self, source_id: bytes, moment: float, table_id: bytes) -> None:
        """Fill a new table with what another one held at a moment that its undo log reaches."""
        past = self._undo.since(source_id, moment)
        self._copy(index_prefix(source_id, 0), index_prefix(table_id, 0), past)

    def drop(self, backup_id: bytes) -> None:
        """Delete a backup."""
        self._storage.clear(_BACKUPS + backup_id, successor(_BACKUPS + backup_id))

    def purge(self, kept: Collection[bytes]) -> None:
        """Drop every backup that is not `kept`: what a crash left behind."""
        place, end = _BACKUPS, successor(_BACKUPS)
        while (entry := next(iter(self._storage.scan(place, end)), None)) is not None:
            backup_id = entry[0][1 : 1 + _ID_BYTES]
            if backup_id not in kept:
                self.drop(backup_id)
            place = successor(_BACKUPS + backup_id)

    def _copy(self, source: bytes, target: bytes, past: Mapping[bytes, bytes | None]) -> None:
        """Entries of one prefix under another one; where `past` knows a key, what it says of it instead."""
        place, end = source, successor(source)
        while True:
            batch: list[Change] = []
            seen: bytes | None = None
            for count, (key, record) in enumerate(self._storage.scan(place, end), 1):
                seen = key
                within = key[len(source) :]
                if within not in past:
                    batch.append((target + within, record))
                if count == _BATCH:
                    break
            if batch:
                self._storage.write(batch)
            if seen is None:
                break
            place = seen + b"\x00"
        returned = [(target + within, record) for within, record in past.items() if record is not None]
        for start in range(0, len(returned), _BATCH):
            self._storage.write(returned[start : start + _BATCH])
