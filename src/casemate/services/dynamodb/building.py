"""What UpdateTable begins and time completes: new indexes are filled, new replicas are filled.

The records say what is unfinished, so that a start goes on where a crash came. A little at a time, with everybody else's
turns in between: the table can be used meanwhile, and a new index follows what is written to it.
"""

from __future__ import annotations

import asyncio
import logging

from msgspec.structs import replace

from casemate.servicekit.store import Store
from casemate.services.dynamodb.names import TableRef
from casemate.services.dynamodb.records import IndexRecord, TableRecord
from casemate.services.dynamodb.state import DynamoState, Table

_log = logging.getLogger(__name__)
_AFTER_A_FAILURE = 1.0


class Builder:
    """Runs beside the operations, on their thread."""

    def __init__(self, state: DynamoState, store: Store) -> None:
        self._state = state
        self._store = store
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """For ever; a table whose building fails is tried again."""
        self._store.subscribe(self._committed)
        while True:
            self._wake.clear()
            try:
                await self.build()
            except Exception:
                _log.exception("filling indexes and replicas failed; it is tried again")
                await asyncio.sleep(_AFTER_A_FAILURE)
                continue
            await self._wake.wait()

    def _committed(self, changed: frozenset[str]) -> None:
        if "dynamodb.tables" in changed:
            self._wake.set()

    async def build(self) -> None:
        """Complete everything that is unfinished."""
        for record in self._state.tables.values():
            if record.is_being_created:
                await self._fill_replica(record.ref, record.table_id)
            for index in record.indexes:
                if index.status == "CREATING":
                    await self._fill_index(record.ref, record.table_id, index)

    def _find(self, ref: TableRef, table_id: str) -> Table | None:
        """Looked up again after every pause: meanwhile the table may have been changed, or deleted and made anew."""
        table = self._state.find(ref)
        return table if table is not None and table.record.table_id == table_id else None

    async def _fill_index(self, ref: TableRef, table_id: str, wanted: IndexRecord) -> None:
        place: bytes | None = None
        while True:
            table = self._find(ref, table_id)
            index = None if table is None else table.record.index(wanted.name)
            if table is None or index is None or index.number != wanted.number:
                return
            place = self._state.engine.fill_index(table.schema, table.schema.indexes[index.name], place)
            if place is None:
                break
            await asyncio.sleep(0)
        filled = replace(index, status="ACTIVE")
        indexes = tuple(filled if one is index else one for one in table.record.indexes)
        self._keep(replace(table.record, indexes=indexes))

    async def _fill_replica(self, ref: TableRef, table_id: str) -> None:
        place: bytes | None = None
        while True:
            table = self._find(ref, table_id)
            if table is None:
                return
            source = self._source(table.record)
            # INVARIANT: no table leaves while another one is filled from it (`removal`).
            assert source is not None
            place = self._state.engine.copy_some(source.schema, table.schema, place)
            if place is None:
                break
            await asyncio.sleep(0)
        assert table.record.replica is not None
        self._keep(replace(table.record, replica=replace(table.record.replica, copied_from=None)))

    def _source(self, record: TableRecord) -> Table | None:
        others = self._state.others(record)
        assert record.replica is not None
        ready = [other for other in others if other.region == record.replica.copied_from]
        return self._state.find(ready[0].ref) if ready else None

    def _keep(self, record: TableRecord) -> None:
        with self._store.transaction():
            self._state.tables.put(record.ref.key, record)
