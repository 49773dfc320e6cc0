"""Tells the replicas of global tables what was written to one of them: asynchronously, in the order of the writes.

One change of the store gives a write to every other replica and deletes it from the outbox (`TablesEngine.tell`): a crash
neither loses nor repeats one. AWS takes about a second; here it is as soon as nothing else has a turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from casemate.servicekit.store import Store
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.schema import TableSchema
from casemate.tables.stretches import BYTES

_log = logging.getLogger(__name__)
_AT_ONCE = 50
"""Writes told in one go: about a millisecond."""
_AFTER_A_FAILURE = 1.0


class Replicator:
    """Runs beside the operations, on their thread."""

    def __init__(self, state: DynamoState, store: Store) -> None:
        self._state = state
        self._store = store
        self._others: dict[bytes, Sequence[TableSchema]] = {}
        self._known_at = -1
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """For ever; what was left by a crash comes first."""
        self._state.engine.replication.subscribe(self._wake.set)
        while True:
            self._wake.clear()
            try:
                await self._tell_everything()
            except Exception:
                _log.exception("replication failed; it is tried again")
                await asyncio.sleep(_AFTER_A_FAILURE)
                continue
            await self._wake.wait()

    async def _tell_everything(self) -> None:
        while self.tell_some():  # noqa: ASYNC110 - others have their turn; nothing is waited for
            await asyncio.sleep(0)

    def tell_some(self, most: int = _AT_ONCE) -> bool:
        """Tell the oldest writes; whether there may be more."""
        engine = self._state.engine
        size = 0
        for _ in range(most):
            told = engine.replication.first()
            if told is None:
                return False
            replicas = self._replicas(told.table_id)
            engine.tell(told, replicas)
            size += len(told.record or b"") * len(replicas)
            if size >= BYTES:
                break
        return True

    def _replicas(self, table_id: bytes) -> Sequence[TableSchema]:
        if self._known_at != self._store.generation:
            self._others.clear()
            self._known_at = self._store.generation
        known = self._others.get(table_id)
        if known is None:
            known = self._others[table_id] = self._found(table_id)
        return known

    def _found(self, table_id: bytes) -> Sequence[TableSchema]:
        table = next((one for one in self._state.tables.values() if one.id_bytes == table_id), None)
        others: Sequence[TableRecord] = () if table is None else self._state.others(table)
        return tuple(found.schema for other in others if (found := self._state.find(other.ref)) is not None)

    async def tell_all_of(self, table: TableRecord) -> None:
        """Returns once nothing waits in a table's outbox: before it leaves the global table."""
        while self._state.engine.replication.is_behind(table.id_bytes):
            self.tell_some()
            await asyncio.sleep(0)
