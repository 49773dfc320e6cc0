"""Tables whose key DynamoDB cannot use: after thirty minutes nothing expires in them, after seven days they are archived.

Source: DynamoDB Developer Guide, "DynamoDB encryption at rest usage notes" (time to live); API Reference, SSEDescription,
TableDescription (`TableStatus`) and ArchivalSummary.
"""

from __future__ import annotations

import os
from dataclasses import replace

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
        for record in self._state.tables.values():
            if record.encryption is None or not self._state.is_usable(record):
                continue
            lost = self._state.table_keys.inaccessible_since(record) is not None
            if lost != (record.key_lost is not None):
                with self._store.transaction():
                    noted = replace(record, key_lost=self._now() if lost else None)
                    self._state.tables.put(record.ref.key, noted)
            elif record.key_lost is not None and self._now() - record.key_lost > _ARCHIVED_SECONDS:
                await self._archive(record)

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
        with self._store.transaction():
            # Changed or deleted meanwhile: the next look sees to it, and a start purges a backup without a record.
            if self._state.tables.get(*record.ref.key) is not record:
                return
            self._state.backups.put(backup.ref.key, backup)
            archived = replace(record, archived=Archival(moment=self._now(), backup=backup.ref.arn))
            self._state.tables.put(record.ref.key, archived)

    def _now(self) -> float:
        return self._clock().timestamp()
