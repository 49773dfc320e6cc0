"""Copies of tables: backups, and tables made from them or from another table's past.

    "b" | backup id (16) | key within the table      an item's record

Indexes are not copied: a restored table's are built from its items.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator

from casemate.tables.keys import index_prefix, successor
from casemate.tables.records import record_size
from casemate.tables.storage import Change, Storage
from casemate.tables.stretches import Entry, stretch
from casemate.tables.undo_log import UndoLog

_BACKUPS = b"b"
_ID_BYTES = 16
Tally = tuple[int, int]
"""Items, and bytes as items are counted."""
Copying = Generator[None, None, Tally]
Undone = tuple[bytes, bytes | None]
"""A key within a table, and what it held before; None: nothing."""


class Backups:
    """The backups of all tables, over the storage of the items.

    Copying is a matter of steps, which the caller goes through one by one and lets others have their turn in between.
    What is copied is what there was when copying began.
    """

    def __init__(self, storage: Storage, undo: UndoLog) -> None:
        self._storage = storage
        self._undo = undo

    def take(self, table_id: bytes, backup_id: bytes) -> Copying:
        """Keep the table as it is now."""
        return self._copy(self._held(index_prefix(table_id, 0)), _BACKUPS + backup_id, iter(()))

    def restore(self, backup_id: bytes, table_id: bytes) -> Copying:
        """Fill a new table with what the backup holds."""
        return self._copy(self._held(_BACKUPS + backup_id), index_prefix(table_id, 0), iter(()))

    def restore_past(self, source_id: bytes, moment: float | None, table_id: bytes) -> Copying:
        """Fill a new table with what another one held at a moment that its undo log reaches; None: with what it holds.

        That is not the same as the present moment: the clock may have been set back since the last write.
        """
        undone = iter(()) if moment is None else self._undo.since(source_id, moment)
        return self._copy(self._held(index_prefix(source_id, 0)), index_prefix(table_id, 0), undone)

    def _held(self, prefix: bytes) -> Iterator[Entry]:
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

    def _copy(self, held: Iterator[Entry], target: bytes, undone: Iterator[Undone]) -> Copying:
        """Entries under another prefix; where something was undone, what was there before instead. A step at a time."""
        # Of what was written since only the keys are kept in memory: it may be much more than the table.
        returned: set[bytes] = set()
        items = size = 0
        for entries, is_undone in ((undone, True), (held, False)):
            while batch := stretch(entries):
                copied: list[Change] = []
                for key, record in batch:
                    if key in returned:
                        continue
                    if is_undone:
                        returned.add(key)
                    if record is not None:
                        copied.append((target + key, record))
                        items, size = items + 1, size + record_size(record)
                if copied:
                    self._storage.write(copied)
                yield
        return items, size
