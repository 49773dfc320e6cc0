"""UpdateTable: billing, deletion protection, table class, encryption, global indexes, replicas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Output, Params
from casemate.services.dynamodb.capacity_settings import (
    changed_units,
    on_demand_of,
    switched,
    warm_of,
    warm_throughput,
)
from casemate.services.dynamodb.descriptions import table_description
from casemate.services.dynamodb.errors import index_being_updated, validation
from casemate.services.dynamodb.global_tables.membership import (
    change_replicas,
    check_not_busy,
    check_stream,
    replica_checks,
)
from casemate.services.dynamodb.global_tables.settings import followed
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.operations.tables import encryption_of, refuse_unmodelled
from casemate.services.dynamodb.records import IndexRecord, TableRecord, Throughput
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.switching import check_switch, close_stream, with_stream
from casemate.services.dynamodb.table_rules import (
    MAX_GLOBAL,
    attributes_of,
    check_all_used,
    global_index,
    throughput_of,
)
from casemate.tables.errors import INVALID

_CHANGES = (
    "BillingMode",
    "ProvisionedThroughput",
    "GlobalSecondaryIndexUpdates",
    "SSESpecification",
    "TableClass",
    "DeletionProtectionEnabled",
    "StreamSpecification",
    "OnDemandThroughput",
    "WarmThroughput",
    "ReplicaUpdates",
)
_WITH_REPLICAS = ("ReplicaUpdates",)
_NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
    "SSESpecification or ReplicaUpdates is required"
)


@operations.operation("UpdateTable", checks=replica_checks, runs_async=True)
async def update_table(ctx: Context[DynamoState], params: Params) -> Output:
    """Changes take effect before this answers; new indexes and new replicas are filled afterwards (`building`)."""
    refuse_unmodelled(params)
    ref = table_ref(ctx, params["TableName"])
    old = ctx.state.described(ref)
    if all(params.get(member) is None for member in _CHANGES):
        raise validation(_NOTHING)
    check_not_busy(ctx.state, old)
    if params.get("ReplicaUpdates"):
        return await _replicas(ctx, old, params)
    new = _changed(ctx, old, params)
    with ctx.store.transaction():
        if params.get("SSESpecification") is not None:
            ctx.state.table_keys.release(old)
            new = replace(new, encryption=encryption_of(ctx, params["SSESpecification"], ref))
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


async def _replicas(ctx: Context[DynamoState], record: TableRecord, params: Params) -> Output:
    if any(params.get(member) is not None for member in _CHANGES if member not in _WITH_REPLICAS):
        raise validation(f"{INVALID}ReplicaUpdates cannot be combined with other changes of the table")
    record = await change_replicas(ctx, record, params["ReplicaUpdates"])
    return {"TableDescription": table_description(ctx.state, record, "UPDATING")}


def _changed(ctx: Context[DynamoState], old: TableRecord, params: Params) -> TableRecord:
    new = _billing(ctx, old, params)
    if params.get("DeletionProtectionEnabled") is not None:
        new = replace(new, deletion_protection=params["DeletionProtectionEnabled"])
    if params.get("TableClass"):
        new = replace(new, table_class=params["TableClass"])
    if params.get("OnDemandThroughput") is not None:
        limits = on_demand_of(params["OnDemandThroughput"], new.billing_mode, new.on_demand)
        new = replace(new, on_demand=limits)
    if params.get("WarmThroughput"):
        warm = warm_throughput(new.billing_mode, new.throughput, new.warm)
        new = replace(new, warm=warm_of(params["WarmThroughput"], warm))
    if params.get("GlobalSecondaryIndexUpdates") is not None:
        new = _indexes(ctx, new, params)
    _check_encryption(old, params.get("SSESpecification"))
    check_stream(new, params.get("StreamSpecification"))
    check_switch(new, params.get("StreamSpecification"))
    return new


def _check_encryption(record: TableRecord, given: Mapping[str, Any] | None) -> None:
    """The key that the table has already, by its ARN, is refused; by another of its names it is taken (seen on AWS)."""
    if given and record.encryption is not None and given.get("KMSMasterKeyId") == record.encryption.key_arn:
        raise validation(
            f"{INVALID}Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to "
            "change Master Key"
        )


def _billing(ctx: Context[DynamoState], record: TableRecord, params: Params) -> TableRecord:
    mode = params.get("BillingMode") or record.billing_mode
    units = params.get("ProvisionedThroughput")
    now = ctx.now.timestamp()
    switches = mode != record.billing_mode
    if switches:
        record = switched(record, mode, now)
    if mode == "PAY_PER_REQUEST":
        if units is not None:
            raise validation(
                INVALID
                + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        indexes = tuple(replace(index, throughput=Throughput()) for index in record.indexes)
        return replace(record, throughput=Throughput(), indexes=indexes)
    if units is None:
        if switches:
            raise validation(
                INVALID
                + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
                "PROVISIONED"
            )
        return record
    wanted = throughput_of(units)
    if not switches and wanted.is_same(record.throughput) and "GlobalSecondaryIndexUpdates" not in params:
        raise validation(
            f"The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the table: {wanted.read}. Requested ReadCapacityUnits: "
            f"{wanted.read}. Current WriteCapacityUnits provisioned for the table: {wanted.write}. Requested "
            f"WriteCapacityUnits: {wanted.write}. Refer to the Amazon DynamoDB Developer Guide for current limits and "
            "how to request higher limits."
        )
    if switches:
        # On-demand limits have no meaning any more.
        indexes = tuple(replace(index, on_demand=None) for index in record.indexes)
        return replace(record, throughput=wanted, on_demand=None, indexes=indexes)
    return replace(record, throughput=changed_units(record.throughput, wanted, now))


def _indexes(ctx: Context[DynamoState], record: TableRecord, params: Params) -> TableRecord:
    updates: list[Mapping[str, Any]] = params["GlobalSecondaryIndexUpdates"]
    if not updates:
        raise validation(INVALID + "List of GlobalSecondaryIndexUpdates is empty")
    _check_one_at_a_time(record, updates)
    if params.get("AttributeDefinitions"):
        added = attributes_of(params["AttributeDefinitions"])
        for name, kind in added.items():
            if record.attributes.get(name, kind) != kind:
                raise validation(
                    f"{INVALID}AttributeDefinitions redefines attribute {name} of the table with another type"
                )
        record = replace(record, attributes={**record.attributes, **added})
    for update in updates:
        if len(update) != 1:
            raise validation(
                INVALID
                + "Each of GlobalSecondaryIndexUpdates must contain exactly one of Create, Update, Delete"
            )
        ((action, given),) = update.items()
        record = _index_update(ctx, record, action, given)
    used = {record.hash_key, record.range_key} | {
        name for index in record.indexes for name in index.hash_keys + index.range_keys
    }
    if any("Create" in update for update in updates):
        check_all_used(record.attributes, (record.hash_key, record.range_key), record.indexes)
    kept = {name: kind for name, kind in record.attributes.items() if name in used}
    return replace(record, attributes=kept)


def _check_one_at_a_time(record: TableRecord, updates: Sequence[Mapping[str, Any]]) -> None:
    """An index that is being filled may be deleted; no other one may come or go meanwhile (Developer Guide, "Managing
    Global Secondary Indexes").
    """
    named = [update.get("Create") or update.get("Delete") for update in updates]
    changed = {given["IndexName"] for given in named if given}
    filling = {index.name for index in record.indexes if index.status == "CREATING"}
    if changed and len(changed | filling) > 1:
        raise AwsError(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )


def _index_update(
    ctx: Context[DynamoState], record: TableRecord, action: str, given: Mapping[str, Any]
) -> TableRecord:
    name = given["IndexName"]
    present = record.index(name)
    if action == "Create":
        if present is not None:
            raise validation(f"Attempting to create an index which already exists: {name}")
        if sum(index.is_global for index in record.indexes) >= MAX_GLOBAL:
            raise AwsError(
                "LimitExceededException",
                f"GlobalSecondaryIndex count exceeds the per-table limit of {MAX_GLOBAL}",
            )
        index = global_index(given, record.attributes, record.billing_mode, record.next_index)
        index = replace(index, status="CREATING")
        return replace(record, indexes=(*record.indexes, index), next_index=record.next_index + 1)
    if present is None or not present.is_global:
        raise AwsError("ResourceNotFoundException", "Requested resource not found")
    if action == "Delete":
        return record.with_indexes(tuple(index for index in record.indexes if index is not present))
    changed = _changed_index(ctx, record, present, given)
    return replace(record, indexes=tuple(changed if index is present else index for index in record.indexes))


def _changed_index(
    ctx: Context[DynamoState], record: TableRecord, index: IndexRecord, given: Mapping[str, Any]
) -> IndexRecord:
    units = given.get("ProvisionedThroughput")
    if units is not None:
        if index.status == "CREATING":
            raise index_being_updated(record.name, index.name)
        wanted = changed_units(index.throughput, throughput_of(units), ctx.now.timestamp())
        index = replace(index, throughput=wanted)
    if given.get("OnDemandThroughput") is not None:
        limits = on_demand_of(given["OnDemandThroughput"], record.billing_mode, index.on_demand)
        index = replace(index, on_demand=limits)
    if given.get("WarmThroughput"):
        warm = warm_throughput(record.billing_mode, index.throughput, index.warm)
        index = replace(index, warm=warm_of(given["WarmThroughput"], warm))
    return index


def _drop(state: DynamoState, old: TableRecord, new: TableRecord) -> None:
    """Empty deleted indexes after the record has forgotten them."""
    kept = {index.number for index in new.indexes}
    for index in old.indexes:
        if index.number not in kept:
            state.engine.drop_index(old.id_bytes, index.number)
