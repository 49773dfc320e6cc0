"""How a backup comes to be: CreateBackup's, and the one that a deleted table with recovery leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Literal

from casemate.servicekit.service import Context
from casemate.services.dynamodb.backups.records import BackupRecord
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.state import DynamoState


async def take_backup(
    ctx: Context[DynamoState], table: TableRecord, name: str, kind: Literal["USER", "SYSTEM"]
) -> BackupRecord:
    """Copy the items as they are at the call, with others' turns in between, durably.

    The record is the caller's to keep: what a crash leaves without one is purged.
    """
    held = ctx.state.engine.holding(table.id_bytes)
    backup = BackupRecord(
        backup_id=f"{int(ctx.now.timestamp() * 1000):014d}-{ctx.random_bytes(4).hex()}",
        name=name,
        kind=kind,
        copy_id=ctx.new_uuid().replace("-", ""),
        created=ctx.now.timestamp(),
        table=table,
        items=held.items,
        size=held.size,
    )
    try:
        await gone_through(ctx.state.engine.backups.take(table.id_bytes, backup.id_bytes))
        await ctx.state.engine.durable()
    except BaseException:
        ctx.state.engine.backups.drop(backup.id_bytes)
        raise
    return backup


async def gone_through(steps: Iterable[None]) -> None:
    """Take the steps, and let others have their turn after each."""
    for _ in steps:
        await asyncio.sleep(0)
