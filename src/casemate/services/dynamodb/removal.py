"""How a table goes: DeleteTable, and the deletion of a replica from another Region."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from casemate.servicekit.service import Context
from casemate.services.dynamodb.backups.taking import take_backup
from casemate.services.dynamodb.errors import (
    being_created,
    being_deleted,
    being_replicated,
    indexes_change,
    validation,
)
from casemate.services.dynamodb.global_tables.replicator import Replicator
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.switching import close_stream, disable_stream

_SOURCE_SECONDS = 24 * 3600


def check_removable(ctx: Context[DynamoState], record: TableRecord) -> None:
    """What keeps a table from being deleted."""
    if record.deletion_protection:
        raise validation(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
        )
    if record.is_being_created:
        raise being_created(record.name)
    if record.deleting:
        raise being_deleted(record.name)
    others = ctx.state.others(record)
    if any(index.status != "ACTIVE" for index in record.indexes):
        # Developer Guide, "Managing Global Secondary Indexes": "While the index is backfilling, you cannot delete its parent
        # table". Of global tables AWS says less.
        raise being_replicated() if others else indexes_change()
    if any(other.is_being_created for other in others):
        raise being_replicated()
    sourced = record.replica.sourced if record.replica is not None else None
    if others and sourced is not None and ctx.now.timestamp() - sourced < _SOURCE_SECONDS:
        # Its words: an answer of AWS quoted by go-to-k/cdkd, issue 1442.
        raise validation(
            "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the "
            "table in the last 24 hours."
        )


def deleting(state: DynamoState, record: TableRecord) -> dict[str, Any]:
    """DeleteTable's answer."""
    held = state.engine.holding(record.id_bytes)
    return {
        "TableName": record.name,
        "TableStatus": "DELETING",
        "ProvisionedThroughput": {
            "NumberOfDecreasesToday": 0,
            "ReadCapacityUnits": record.throughput.read,
            "WriteCapacityUnits": record.throughput.write,
        },
        "TableSizeBytes": held.size,
        "ItemCount": held.items,
        "TableArn": record.ref.arn,
        "TableId": record.table_id,
        "DeletionProtectionEnabled": False,
    }


async def remove_table(ctx: Context[DynamoState], record: TableRecord) -> None:
    """The record goes first, durably; its items then. A crash in between leaves items that the next start purges.

    What its replicas have not been told yet they are told before.
    """
    state = ctx.state
    backup = None
    if record.recovery_since is not None:
        # Developer Guide, "Point-in-time recovery": deleting such a table makes a system backup. Nobody writes meanwhile.
        _mark(ctx, record, deleting=True)
        try:
            backup = await take_backup(
                state,
                record,
                f"{record.name}$DeletedTableBackup",
                "SYSTEM",
                now=ctx.now,
                random_bytes=ctx.random_bytes,
            )
        except BaseException:
            _mark(ctx, record, deleting=False)
            raise
    await Replicator(state, ctx.store).tell_all_of(record)
    # Nothing is awaited from here until the table is gone: every acknowledged write was told.
    present = state.tables.get(*record.ref.key)
    if present is None or present.table_id != record.table_id:
        return  # another request removed it meanwhile
    with ctx.store.transaction():
        _leave(state, present)
        state.tables.delete(*record.ref.key)
        if backup is not None:
            state.backups.put(backup.ref.key, backup)
        disable_stream(ctx, present)
        state.table_keys.release(present)
    close_stream(state, present)
    state.forget(record.ref)
    state.engine.drop(record.id_bytes)
    state.engine.undo.drop(record.id_bytes)
    await state.engine.durable()


def _mark(ctx: Context[DynamoState], record: TableRecord, *, deleting: bool) -> None:
    present = ctx.state.tables.get(*record.ref.key)
    if present is not None and present.table_id == record.table_id:
        with ctx.store.transaction():
            ctx.state.tables.put(record.ref.key, replace(present, deleting=deleting))


def _leave(state: DynamoState, record: TableRecord) -> None:
    """The last replica of a global table is a table like any other."""
    others = state.others(record)
    if len(others) == 1:
        state.tables.put(others[0].ref.key, replace(others[0], replica=None))
    elif others and record.replica is not None and record.replica.expires_items:
        heir = others[0]
        assert heir.replica is not None
        state.tables.put(heir.ref.key, replace(heir, replica=replace(heir.replica, expires_items=True)))
