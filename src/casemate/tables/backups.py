"""Copies of tables: backups, and tables made from them or from another table's past.

    "b" | backup id (16) | key within the table      an item's record

Indexes are not copied: a restored table's are built from its items.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain, islice

from casemate.tables.keys import index_prefix, successor
from casemate.tables.storage import Storage
from casemate.tables.undo_log import UndoLog

_BACKUPS = b"b"
_ID_BYTES = 16
_BATCH = 500
"""Entries of a step: about two milliseconds."""


class Backups:
    """The backups of all tables, over the storage of the items.

    Copying is a matter of steps, which the caller goes through one by one and lets others have their turn in between.
    What is copied is what there was when copying began.
    """

    def __init__(self, storage: Storage, undo: UndoLog) -> None:
        self._storage = storage
        self._undo = undo

    def take(self, table_id: bytes, backup_id: bytes) -> Iterator[None]:
        """Keep the table as it is now."""
        return self._copy(self._held(index_prefix(table_id, 0)), _BACKUPS + backup_id, iter(()))

    def restore(self, backup_id: bytes, table_id: bytes) -> Iterator[None]:
        """Fill a new table with what the backup holds."""
        return self._copy(self._held(_BACKUPS + backup_id), index_prefix(table_id, 0), iter(()))

    def restore_past(self, source_id: bytes, moment: float, table_id: bytes) -> Iterator[None]:
        """Fill a new table with what another one held at a moment that its undo log reaches."""
        undone = self._undo.since(source_id, moment)
        return self._copy(self._held(index_prefix(source_id, 0)), index_prefix(table_id, 0), undone)

    def _held(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys without the prefix, and records: as they are at this call."""
        entries = self._storage.snapshot(prefix, successor(prefix))
        return ((key[len(prefix) :], record) for key, record in entries)

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

    def _copy(
        self,
        held: Iterator[tuple[bytes, bytes]],
        target: bytes,
        undone: Iterator[tuple[bytes, bytes | None]],
    ) -> Iterator[None]:
        """Entries under another prefix; where something was undone, what was there before instead. A step at a time."""
        past: dict[bytes, bytes | None] = {}
        for count, (key, old) in enumerate(undone, 1):
            past.setdefault(key, old)
            if count % _BATCH == 0:
                yield
        present = ((key, record) for key, record in held if key not in past)
        returned = ((key, record) for key, record in past.items() if record is not None)
        entries = chain(present, returned)
        while batch := [(target + key, record) for key, record in islice(entries, _BATCH)]:
            self._storage.write(batch)
            yield
