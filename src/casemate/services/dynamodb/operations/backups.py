"""CreateBackup, DescribeBackup, ListBackups, DeleteBackup, RestoreTableFromBackup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Checks, Context, Output, Params
from casemate.services.dynamodb.backups.descriptions import backup_description, backup_details, backup_summary
from casemate.services.dynamodb.backups.records import BackupRecord, backup_ref
from casemate.services.dynamodb.backups.restoring import check_region, restore_table, target_checks
from casemate.services.dynamodb.backups.taking import take_backup
from casemate.services.dynamodb.errors import backup_not_found, source_not_found, validation
from casemate.services.dynamodb.names import own_table_ref
from casemate.services.dynamodb.permissions import on_table
from casemate.services.dynamodb.records import Restored, TableRecord
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.errors import INVALID

_PAGE = 100


def _on_backup(action: str) -> Checks[DynamoState]:
    def checks(_ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
        return (Check(action=f"dynamodb:{action}", resource=backup_ref(params["BackupArn"]).arn),)

    return checks


def _found(ctx: Context[DynamoState], params: Params, *, anywhere: bool = False) -> BackupRecord:
    """The backup that BackupArn names, of this Region, or of any."""
    ref = backup_ref(params["BackupArn"])
    backup = ctx.state.backups.get(*ref.key) if anywhere or ref.table.region == ctx.region else None
    if backup is None or backup.is_gone(ctx.now.timestamp()):
        raise backup_not_found(params["BackupArn"])
    return backup


@operations.operation("CreateBackup", checks=on_table("CreateBackup"), runs_async=True)
async def create_backup(ctx: Context[DynamoState], params: Params) -> Output:
    """A copy of the table, whole as of one moment, usable as soon as this has answered."""
    ref = own_table_ref(ctx, params["TableName"])
    table = ctx.state.tables.get(*ref.key)
    if table is None:
        raise source_not_found(ref.name)
    if table.is_being_created:
        # As if it were not there (ack-api-quirks, DDB-BACKUP-001).
        raise source_not_found(ref.name)
    if table.deleting:
        raise AwsError("TableInUseException", f"Table is being deleted: {ref.name}")
    backup = await take_backup(
        ctx.state, table, params["BackupName"], "USER", now=ctx.now, random_bytes=ctx.random_bytes
    )
    with ctx.store.transaction():
        ctx.state.backups.put(backup.ref.key, backup)
    return {"BackupDetails": backup_details(backup, "CREATING")}


@operations.operation("DescribeBackup", checks=_on_backup("DescribeBackup"))
def describe_backup(ctx: Context[DynamoState], params: Params) -> Output:
    return {"BackupDescription": backup_description(_found(ctx, params))}


@operations.operation("DeleteBackup", checks=_on_backup("DeleteBackup"), runs_async=True)
async def delete_backup(ctx: Context[DynamoState], params: Params) -> Output:
    """The record goes first, its items then: the next start purges what a crash leaves."""
    backup = _found(ctx, params)
    if backup.expires is not None:
        # Its words: ack-api-quirks, DDB-TABLE-442; how it writes the moment is not recorded.
        when = datetime.fromtimestamp(backup.expires, UTC)
        raise validation(
            f"Invalid Request: User is not allowed to delete the system backup with arn {backup.ref.arn}. It will "
            f"automatically expire on {when:%a %b %d %H:%M:%S UTC %Y}"
        )
    with ctx.store.transaction():
        ctx.state.backups.delete(*backup.ref.key)
    ctx.state.engine.backups.drop(backup.id_bytes)
    await ctx.state.engine.durable()
    return {"BackupDescription": backup_description(backup, "DELETED")}


@operations.operation("ListBackups")
def list_backups(ctx: Context[DynamoState], params: Params) -> Output:
    """Oldest first; those that users made unless asked otherwise (API reference, BackupType)."""
    table = params.get("TableName")
    prefix = (ctx.account, ctx.region) if table is None else own_table_ref(ctx, table).key
    kind = params.get("BackupType") or "USER"
    lower, upper = params.get("TimeRangeLowerBound"), params.get("TimeRangeUpperBound")
    if lower is not None and upper is not None and lower > upper:
        raise validation(f"{INVALID}Time range lower bound must be less than or equal to upper bound")
    now = ctx.now.timestamp()
    found = [
        backup
        for backup in ctx.state.backups.values(*prefix)
        if kind in ("ALL", backup.kind)
        and not backup.is_gone(now)
        and (lower is None or backup.created >= lower.timestamp())
        and (upper is None or backup.created < upper.timestamp())
    ]
    found.sort(key=_order)
    start = params.get("ExclusiveStartBackupArn")
    if start is not None:
        ref = backup_ref(start)
        if ref.table.region != ctx.region:
            raise validation(
                "Invalid Request: The supplied ExclusiveStartBackupArn does not match the region"
            )
        found = [backup for backup in found if _order(backup) > (ref.backup_id, ref.table.name)]
    limit = params.get("Limit") or _PAGE
    answer: dict[str, object] = {"BackupSummaries": [backup_summary(backup) for backup in found[:limit]]}
    if len(found) > limit:
        answer["LastEvaluatedBackupArn"] = found[limit - 1].ref.arn
    return answer


def _order(backup: BackupRecord) -> tuple[str, str]:
    # Ids begin with their milliseconds: this is the order of time.
    return backup.backup_id, backup.table.name


def _restore_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    yield from _on_backup("RestoreTableFromBackup")(ctx, params)
    yield from target_checks(ctx, params)


@operations.operation("RestoreTableFromBackup", checks=_restore_checks, runs_async=True)
async def restore_table_from_backup(ctx: Context[DynamoState], params: Params) -> Output:
    backup = _found(ctx, params, anywhere=True)
    check_region(ctx, params, backup.table)
    restored = Restored(
        source_table=backup.table.ref.arn, source_backup=backup.ref.arn, moment=backup.created
    )

    def fill(table: TableRecord) -> Iterator[None]:
        return ctx.state.engine.backups.restore(backup.id_bytes, table.id_bytes)

    return await restore_table(ctx, params, backup.table, restored, fill)
