"""How a backup comes to be: CreateBackup's, and the one that a deleted table with recovery leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Literal, TypeVar

from casemate.servicekit.service import Context
from casemate.services.dynamodb.backups.records import BackupRecord
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.state import DynamoState

T = TypeVar("T")


async def take_backup(
    ctx: Context[DynamoState], table: TableRecord, name: str, kind: Literal["USER", "SYSTEM"]
) -> BackupRecord:
    """Copy the items as they are at the call, with others' turns in between, durably.

    The record is the caller's to keep: what a crash leaves without one is purged.
    """
    copy_id = ctx.new_uuid().replace("-", "")
    name_bytes = bytes.fromhex(copy_id)
    try:
        items, size = await gone_through(ctx.state.engine.backups.take(table.id_bytes, name_bytes))
        await ctx.state.engine.durable()
    except BaseException:
        ctx.state.engine.backups.drop(name_bytes)
        raise
    return BackupRecord(
        backup_id=f"{int(ctx.now.timestamp() * 1000):014d}-{ctx.random_bytes(4).hex()}",
        name=name,
        kind=kind,
        copy_id=copy_id,
        created=ctx.now.timestamp(),
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
