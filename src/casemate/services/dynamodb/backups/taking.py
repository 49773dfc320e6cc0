"""How a backup comes to be: CreateBackup's, and those that a deleted table with recovery and an archived one leave."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from datetime import datetime
from typing import Literal, TypeVar

from casemate.model.ids import RandomBytes, uuid4
from casemate.services.dynamodb.backups.records import BackupRecord
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.state import DynamoState

T = TypeVar("T")


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
    copy_id = uuid4(random_bytes).replace("-", "")
    name_bytes = bytes.fromhex(copy_id)
    try:
        items, size = await gone_through(state.engine.backups.take(table.id_bytes, name_bytes))
        await state.engine.durable()
    except BaseException:
        state.engine.backups.drop(name_bytes)
        raise
    moment = now.timestamp()
    return BackupRecord(
        backup_id=f"{int(moment * 1000):014d}-{random_bytes(4).hex()}",
        name=name,
        kind=kind,
        copy_id=copy_id,
        created=moment,
        table=table,
        items=items,
        size=size,
    )


async def gone_through(steps: Generator[None, None, T]) -> T:
    """Take the steps, and let others have their turn after each."""
    while True:
        try:
            next(steps)
        except StopIteration as over:
            return over.value
        await asyncio.sleep(0)
