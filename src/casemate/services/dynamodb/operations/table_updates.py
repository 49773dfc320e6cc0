"""UpdateTable: billing, deletion protection, table class, encryption, global indexes, replicas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from casemate.servicekit.service import Context, Output, Params
from casemate.services.dynamodb.capacity_settings import (
    changed_limits,
    changed_units,
    raised_warm,
    reclassed,
    switched,
    unchanged,
    warm_throughput,
)
from casemate.services.dynamodb.descriptions import table_description
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.global_tables.membership import (
    change_replicas,
    check_not_busy,
    check_stream,
    replica_checks,
)
from casemate.services.dynamodb.global_tables.settings import followed
from casemate.services.dynamodb.index_updates import check_units, with_index_updates
from casemate.services.dynamodb.key_changes import with_key_change
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.operations.tables import encryption_of, refuse_unmodelled
from casemate.services.dynamodb.quotas import check_ceilings
from casemate.services.dynamodb.quotas import check_units as check_units_of_account
from casemate.services.dynamodb.records import TableRecord, Throughput
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.single_change import check_single
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.switching import check_switch, close_stream, with_stream
from casemate.services.dynamodb.table_rules import throughput_of
from casemate.tables.errors import INVALID


@operations.operation("UpdateTable", checks=replica_checks, runs_async=True)
async def update_table(ctx: Context[DynamoState], params: Params) -> Output:
    """Changes take effect before this answers; new indexes and new replicas are filled afterwards (`building`)."""
    refuse_unmodelled(params)
    check_single(params)
    ref = table_ref(ctx, params["TableName"])
    old = ctx.state.described(ref)
    check_not_busy(ctx.state, old)
    if params.get("ReplicaUpdates"):
        changed = await change_replicas(ctx, old, params["ReplicaUpdates"])
        return {"TableDescription": table_description(ctx.state, changed, "UPDATING")}
    new = _changed(ctx, old, params)
    with ctx.store.transaction():
        if params.get("SSESpecification") is not None:
            new = with_key_change(new, ctx.now.timestamp())
            ctx.state.table_keys.release(old)
            new = replace(new, encryption=encryption_of(ctx, params["SSESpecification"], ref), key_lost=None)
        new = with_stream(ctx, new, params.get("StreamSpecification"))
        ctx.state.tables.put(ref.key, new)
        others = ctx.state.others(old)
        for other in others:
            ctx.state.tables.put(other.ref.key, followed(old, new, other))
    if old.stream is not None and not (new.stream and new.stream.enabled):
        close_stream(ctx.state, old)
    for replica in (old, *others):
        _drop(ctx.state, replica, new)
    await ctx.state.engine.durable()
    return {"TableDescription": table_description(ctx.state, new, "UPDATING")}


def _changed(ctx: Context[DynamoState], old: TableRecord, params: Params) -> TableRecord:
    now = ctx.now.timestamp()
    new = _billing(old, params, now)
    if params.get("DeletionProtectionEnabled") is not None:
        new = replace(new, deletion_protection=params["DeletionProtectionEnabled"])
    if params.get("TableClass"):
        new = reclassed(new, params["TableClass"], now)
    if params.get("OnDemandThroughput") is not None:
        limits = changed_limits(params["OnDemandThroughput"], new.billing_mode, new.on_demand)
        new = replace(new, on_demand=limits)
    if params.get("WarmThroughput"):
        new = replace(new, warm=raised_warm(params["WarmThroughput"], new.billing_mode, new))
    if params.get("GlobalSecondaryIndexUpdates"):
        definitions = params.get("AttributeDefinitions") or ()
        new = with_index_updates(ctx, new, params["GlobalSecondaryIndexUpdates"], definitions)
    if new.billing_mode != old.billing_mode:
        check_units(new)
    check_units_of_account(ctx.state, old, new)
    check_ceilings(new, old)
    _check_encryption(old, params.get("SSESpecification"))
    check_stream(new, params.get("StreamSpecification"))
    check_switch(new, params.get("StreamSpecification"))
    return new


def _check_encryption(record: TableRecord, given: Mapping[str, Any] | None) -> None:
    """The key that the table has already, by its ARN, is refused; by another of its names it is taken (seen on AWS)."""
    if given is not None and record.encryption is None and not (given.get("Enabled") or given.get("SSEType")):
        raise validation(f"{INVALID}Table is already encrypted by default")
    if given and record.encryption is not None and given.get("KMSMasterKeyId") == record.encryption.key_arn:
        raise validation(
            f"{INVALID}Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to "
            "change Master Key"
        )


def _billing(record: TableRecord, params: Params, now: float) -> TableRecord:
    mode = params.get("BillingMode") or record.billing_mode
    units = params.get("ProvisionedThroughput")
    # What it could take at once it can still take (ack-api-quirks, DDB-TABLE-058 and 064).
    kept = replace(record, warm=warm_throughput(record.billing_mode, record.throughput, record.warm))
    if mode == "PAY_PER_REQUEST":
        if units is not None:
            raise validation(
                INVALID
                + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        if mode == record.billing_mode:
            return record
        indexes = tuple(replace(index, throughput=Throughput()) for index in record.indexes)
        return replace(switched(kept, mode, now), throughput=Throughput(), indexes=indexes)
    if units is None:
        if params.get("BillingMode") is None:
            return record
        raise validation(f"{INVALID}ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
    wanted = throughput_of(units)
    if mode != record.billing_mode:
        # On-demand limits have no meaning any more.
        indexes = tuple(replace(index, on_demand=None) for index in record.indexes)
        return replace(switched(kept, mode, now), throughput=wanted, on_demand=None, indexes=indexes)
    if not wanted.is_same(record.throughput):
        return replace(kept, throughput=changed_units(record.throughput, wanted, now))
    if not params.get("GlobalSecondaryIndexUpdates"):
        raise unchanged("table", "table", wanted)
    return record


def _drop(state: DynamoState, old: TableRecord, new: TableRecord) -> None:
    """Empty deleted indexes after the record has forgotten them."""
    kept = {index.number for index in new.indexes}
    for index in old.indexes:
        if index.number not in kept:
            state.engine.drop_index(old.id_bytes, index.number)
