"""What time does to tables: items expire, streams are trimmed and in the end forgotten, tables without a key archived.

AWS deletes expired items "typically within a few days"; here it takes a second where the table is small. A pass over a
large table is followed by a pause twenty times as long, so that looking for what expires never takes more than a
twentieth of the time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from casemate.servicekit.clock import Clock
from casemate.servicekit.store import Store
from casemate.services.dynamodb.lost_keys import LostKeys
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.expiry import Expiry

_log = logging.getLogger(__name__)
_PAUSE = 1.0
_SHARE = 20
_TRIM_SECONDS = 60.0


class Housekeeper:
    """Runs beside the operations, on their thread; every step of it is over before the next request is looked at."""

    def __init__(
        self,
        state: DynamoState,
        store: Store,
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._state = state
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._trimmed = 0.0
        self.keys = LostKeys(state, store, clock=clock)

    async def run(self) -> None:
        """For ever; a pass that fails is logged and tried again."""
        while True:
            began = time.monotonic()
            try:
                await self.expire_items()
                if self._now() - self._trimmed >= _TRIM_SECONDS:
                    self._trimmed = self._now()
                    self.trim_streams()
                    self.trim_recovery()
                    await self.keys.look()
            except Exception:
                _log.exception("looking for expired items failed")
            await self._sleep(max(_PAUSE, _SHARE * (time.monotonic() - began)))

    async def expire_items(self) -> None:
        """One pass over the tables that have time to live switched on."""
        for key in [record.ref.key for record in self._state.tables.values() if record.expires_items]:
            place: bytes | None = None
            while True:
                # Looked up again for each slice: meanwhile the table may have been changed or deleted.
                record = self._state.tables.get(*key)
                table = None if record is None else self._state.find(record.ref)
                if table is None or not table.record.expires_items or not table.is_usable:
                    break
                if not self.keys.expires_items(table.record):
                    break
                assert table.record.ttl_attribute is not None
                expiry = Expiry(attribute=table.record.ttl_attribute, now=self._now())
                place = self._state.engine.expire(table.schema, expiry, place)
                await self._sleep(0)
                if place is None:
                    break

    def trim_streams(self) -> None:
        """Delete records older than a day, and the streams that were switched off that long ago."""
        changes = self._state.engine.changes
        for stream in self._state.streams.values():
            if stream.is_gone(self._now()):
                with self._store.transaction():
                    self._state.streams.delete(*stream.ref.key)
                changes.drop(stream.id_bytes)
            else:
                changes.trim(stream.id_bytes)

    def trim_recovery(self) -> None:
        """Forget the past beyond each table's recovery period, and system backups that have expired."""
        now = self._now()
        for table in self._state.tables.values():
            earliest = table.earliest_recovery(now)
            if earliest is not None:
                self._state.engine.undo.trim(table.id_bytes, int(earliest))
        for backup in self._state.backups.values():
            if backup.is_gone(now):
                with self._store.transaction():
                    self._state.backups.delete(*backup.ref.key)
                self._state.engine.backups.drop(backup.id_bytes)

    def _now(self) -> float:
        return self._clock().timestamp()
