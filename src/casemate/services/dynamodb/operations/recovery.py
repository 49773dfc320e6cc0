"""Point-in-time recovery: UpdateContinuousBackups, DescribeContinuousBackups, RestoreTableToPointInTime.

Every table can be restored to any second since recovery was switched on, within the recovery period. AWS's latest
restorable time lies about five minutes back (Developer Guide); here it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.backups.restoring import (
    check_index_overrides,
    check_region,
    restore_table,
    target_checks,
)
from casemate.services.dynamodb.errors import not_the_owner, source_not_found, validation
from casemate.services.dynamodb.names import TableRef, own_table_ref, resource_ref
from casemate.services.dynamodb.permissions import on_table
from casemate.services.dynamodb.records import Restored, TableRecord
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState

_LONGEST_DAYS = 35


def _source(ctx: Context[DynamoState], ref: TableRef) -> TableRecord:
    table = ctx.state.tables.get(*ref.key)
    if table is None:
        raise source_not_found(ref.name)
    return table


def _description(ctx: Context[DynamoState], record: TableRecord) -> Output:
    recovery: dict[str, object] = {"PointInTimeRecoveryStatus": "DISABLED"}
    earliest = record.earliest_recovery(ctx.now.timestamp())
    if earliest is not None:
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": record.recovery_days,
            "EarliestRestorableDateTime": datetime.fromtimestamp(int(earliest), UTC),
            "LatestRestorableDateTime": ctx.now,
        }
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": recovery,
        }
    }


@operations.operation("DescribeContinuousBackups", checks=on_table("DescribeContinuousBackups"))
def describe_continuous_backups(ctx: Context[DynamoState], params: Params) -> Output:
    return _description(ctx, _source(ctx, own_table_ref(ctx, params["TableName"])))


@operations.operation("UpdateContinuousBackups", checks=on_table("UpdateContinuousBackups"), runs_async=True)
async def update_continuous_backups(ctx: Context[DynamoState], params: Params) -> Output:
    """Switching off forgets the past; switching on again begins anew (Developer Guide)."""
    record = _source(ctx, own_table_ref(ctx, params["TableName"]))
    given = params["PointInTimeRecoverySpecification"]
    enabled, days = given["PointInTimeRecoveryEnabled"], given.get("RecoveryPeriodInDays")
    if days is not None and not enabled:
        raise validation(
            "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling point-in-time recovery."
        )
    since = ctx.now.timestamp() if record.recovery_since is None else record.recovery_since
    kept = record.recovery_days if record.recovery_since is not None else _LONGEST_DAYS
    new = replace(record, recovery_since=since if enabled else None, recovery_days=days or kept)
    with ctx.store.transaction():
        ctx.state.tables.put(record.ref.key, new)
    if not enabled:
        ctx.state.engine.undo.drop(record.id_bytes)
        await ctx.state.engine.durable()
    return _description(ctx, new)


def _restore_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    yield Check(action="dynamodb:RestoreTableToPointInTime", resource=_source_ref(ctx, params).arn)
    yield from target_checks(ctx, params)


def _source_ref(ctx: Context[DynamoState], params: Params) -> TableRef:
    arn, name = params.get("SourceTableArn"), params.get("SourceTableName")
    if (arn is None) == (name is None):
        raise validation("Must provide exactly one of: sourceTableArn, sourceTableName")
    if arn is None:
        return own_table_ref(ctx, str(name))
    ref = resource_ref(ctx, arn, anywhere=True)
    if ref.account != ctx.account:
        raise not_the_owner()
    return ref


@operations.operation("RestoreTableToPointInTime", checks=_restore_checks, runs_async=True)
async def restore_table_to_point_in_time(ctx: Context[DynamoState], params: Params) -> Output:
    """A new table with what the source held at that moment, and the settings that it has now."""
    source = _source(ctx, _source_ref(ctx, params))
    check_region(ctx, params, source)
    check_index_overrides(params)
    moment = _moment(ctx, params, source)
    restored = Restored(source_table=source.ref.arn, source_backup=None, moment=moment)

    def fill(table: TableRecord) -> Iterator[None]:
        return ctx.state.engine.backups.restore_past(source.id_bytes, moment, table.id_bytes)

    return await restore_table(ctx, params, source, restored, fill)


def _moment(ctx: Context[DynamoState], params: Params, source: TableRecord) -> float:
    now = ctx.now.timestamp()
    earliest = source.earliest_recovery(now)
    if earliest is None:
        # Its words: moto's test that is verified against AWS (test_dynamodb_export_table.py).
        raise AwsError(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{source.name}'",
        )
    given, latest = params.get("RestoreDateTime"), params.get("UseLatestRestorableTime")
    if (given is None) == (not latest):
        raise validation(
            "Invalid Request: Either one of RestoreDateTime or UseLatestRestorableTime must be specified, but not both"
        )
    if given is None:
        return now
    # Clients send whole seconds: the second in which recovery was switched on counts.
    if not int(earliest) <= given.timestamp() <= now:
        raise AwsError(
            "InvalidRestoreTimeException",
            "An invalid restore time was specified. RestoreDateTime must be between EarliestRestorableDateTime and "
            "LatestRestorableDateTime.",
        )
    return given.timestamp()
