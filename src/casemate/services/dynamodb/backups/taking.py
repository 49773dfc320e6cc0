"""How a backup comes to be: CreateBackup's, and those that a deleted table with recovery and an archived one leave."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from casemate.model.ids import RandomBytes, uuid4
from casemate.services.dynamodb.backups.records import BackupRecord
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.state import DynamoState


async def take_backup(
    state: DynamoState,
    table: TableRecord,
    name: str,
    kind: Literal["USER", "SYSTEM"],
    *,
    now: datetime,
    random_bytes: RandomBytes,
) -> BackupRecord:
    """Copy the items as they are at the call, with others' turns in between, durably.

    The record is the caller's to keep: what a crash leaves without one is purged.
    """
    held = state.engine.holding(table.id_bytes)
    moment = now.timestamp()
    backup = BackupRecord(
        backup_id=f"{int(moment * 1000):014d}-{random_bytes(4).hex()}",
        name=name,
        kind=kind,
        copy_id=uuid4(random_bytes).replace("-", ""),
        created=moment,
        table=table,
        items=held.items,
        size=held.size,
    )
    try:
        await gone_through(state.engine.backups.take(table.id_bytes, backup.id_bytes))
        await state.engine.durable()
    except BaseException:
        state.engine.backups.drop(backup.id_bytes)
        raise
    return backup


async def gone_through(steps: Iterable[None]) -> None:
    """Take the steps, and let others have their turn after each."""
    for _ in steps:
        await asyncio.sleep(0)
