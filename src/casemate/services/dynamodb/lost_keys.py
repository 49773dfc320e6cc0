"""Tables whose key DynamoDB cannot use: after thirty minutes nothing expires in them, after seven days they are archived.

Source: DynamoDB Developer Guide, "DynamoDB encryption at rest usage notes" (time to live); API Reference, SSEDescription,
TableDescription (`TableStatus`) and ArchivalSummary.
"""

from __future__ import annotations

import os

from msgspec.structs import replace

from casemate.model.ids import RandomBytes
from casemate.servicekit.clock import Clock
from casemate.servicekit.store import Store
from casemate.services.dynamodb.backups.taking import take_backup
from casemate.services.dynamodb.records import Archival, TableRecord
from casemate.services.dynamodb.state import DynamoState

_EXPIRES_SECONDS = 30 * 60
_ARCHIVED_SECONDS = 7 * 86_400
_LONGEST = 246
"""Of names that leave room for what is added, within the 255 characters of a backup's name."""


class LostKeys:
    """Looked at now and then by the housekeeper; times count from when a key was first found not to be usable."""

    def __init__(
        self, state: DynamoState, store: Store, *, clock: Clock, random_bytes: RandomBytes = os.urandom
    ) -> None:
        self._state = state
        self._store = store
        self._clock = clock
        self._random_bytes = random_bytes

    def expires_items(self, record: TableRecord) -> bool:
        """Whether time to live still deletes."""
        return record.key_lost is None or self._now() - record.key_lost < _EXPIRES_SECONDS

    async def look(self) -> None:
        """Note which keys were lost and which are back; archive what has been without its key for too long."""
        for ref in [record.ref for record in self._state.tables.values() if record.encryption is not None]:
            # Looked up again: while another one was archived, it may have been changed or deleted.
            record = self._state.tables.get(*ref.key)
            if record is None or record.encryption is None or not self._state.is_usable(record):
                continue
            lost = self._is_lost(record)
            if lost != (record.key_lost is not None):
                with self._store.transaction():
                    noted = replace(record, key_lost=self._now() if lost else None)
                    self._state.tables.put(record.ref.key, noted)
            elif record.key_lost is not None and self._now() - record.key_lost > _ARCHIVED_SECONDS:
                await self._archive(record)

    def _is_lost(self, record: TableRecord) -> bool:
        return self._state.table_keys.inaccessible_since(record) is not None

    async def _archive(self, record: TableRecord) -> None:
        """As one step: nobody sees it ARCHIVING. What AWS calls the backup is not documented."""
        backup = await take_backup(
            self._state,
            record,
            f"{record.name[:_LONGEST]}.archived",
            "USER",
            now=self._clock(),
            random_bytes=self._random_bytes,
        )
        if self._state.tables.get(*record.ref.key) is not record or not self._is_lost(record):
            # Changed or deleted meanwhile, or written to again: the next look sees to it.
            self._state.engine.backups.drop(backup.id_bytes)
            return
        with self._store.transaction():
            self._state.backups.put(backup.ref.key, backup)
            archived = replace(record, archived=Archival(moment=self._now(), backup=backup.ref.arn))
            self._state.tables.put(record.ref.key, archived)

    def _now(self) -> float:
        return self._clock().timestamp()
