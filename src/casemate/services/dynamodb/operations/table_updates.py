"""UpdateTable: billing, deletion protection, table class, encryption, global indexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Output, Params
from casemate.services.dynamodb.descriptions import table_description
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.operations.tables import encryption_of, refuse_unmodelled
from casemate.services.dynamodb.permissions import on_table
from casemate.services.dynamodb.records import TableRecord, Throughput
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
)
_NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
    "SSESpecification or ReplicaUpdates is required"
)


@operations.operation("UpdateTable", checks=on_table("UpdateTable"), runs_async=True)
async def update_table(ctx: Context[DynamoState], params: Params) -> Output:
    """Changes take effect before this answers; a new index is filled by then."""
    refuse_unmodelled(params)
    ref = table_ref(ctx, params["TableName"])
    old = ctx.state.described(ref)
    if all(params.get(member) is None for member in _CHANGES):
        raise validation(_NOTHING)
    new = _billing(ctx, old, params)
    if params.get("DeletionProtectionEnabled") is not None:
        new = replace(new, deletion_protection=params["DeletionProtectionEnabled"])
    if params.get("TableClass"):
        new = replace(new, table_class=params["TableClass"])
    if params.get("GlobalSecondaryIndexUpdates") is not None:
        new = _indexes(new, params)
    _check_encryption(old, params.get("SSESpecification"))
    check_switch(new, params.get("StreamSpecification"))
    with ctx.store.transaction():
        if params.get("SSESpecification") is not None:
            ctx.state.table_keys.release(old)
            new = replace(new, encryption=encryption_of(ctx, params["SSESpecification"], ref))
        _build(ctx.state, old, new)
        new = with_stream(ctx, new, params.get("StreamSpecification"))
        ctx.state.tables.put(ref.key, new)
    if old.stream is not None and not (new.stream and new.stream.enabled):
        close_stream(ctx.state, old)
    _drop(ctx.state, old, new)
    await ctx.state.engine.durable()
    return {"TableDescription": table_description(ctx.state, new, "UPDATING")}


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
    changes: dict[str, Any] = {}
    if mode != record.billing_mode:
        changes = {"billing_mode": mode, "billing_changed": ctx.now.timestamp()}
    if mode == "PAY_PER_REQUEST":
        if units is not None:
            raise validation(
                INVALID
                + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
                "PAY_PER_REQUEST"
            )
        changes["throughput"] = Throughput()
        changes["indexes"] = tuple(replace(index, throughput=Throughput()) for index in record.indexes)
        return replace(record, **changes)
    if units is None:
        if mode != record.billing_mode:
            raise validation(
                INVALID
                + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
                "PROVISIONED"
            )
        return record
    wanted = throughput_of(units)
    if (
        mode == record.billing_mode
        and wanted == record.throughput
        and "GlobalSecondaryIndexUpdates" not in params
    ):
        raise validation(
            f"The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the table: {wanted.read}. Requested ReadCapacityUnits: "
            f"{wanted.read}. Current WriteCapacityUnits provisioned for the table: {wanted.write}. Requested "
            f"WriteCapacityUnits: {wanted.write}. Refer to the Amazon DynamoDB Developer Guide for current limits and "
            "how to request higher limits."
        )
    return replace(record, throughput=wanted, **changes)


def _indexes(record: TableRecord, params: Params) -> TableRecord:
    updates: list[Mapping[str, Any]] = params["GlobalSecondaryIndexUpdates"]
    if not updates:
        raise validation(INVALID + "List of GlobalSecondaryIndexUpdates is empty")
    if sum("Create" in update or "Delete" in update for update in updates) > 1:
        raise AwsError(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )
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
        record = _index_update(record, action, given)
    used = {record.hash_key, record.range_key} | {
        name for index in record.indexes for name in index.hash_keys + index.range_keys
    }
    if any("Create" in update for update in updates):
        check_all_used(record.attributes, (record.hash_key, record.range_key), record.indexes)
    kept = {name: kind for name, kind in record.attributes.items() if name in used}
    return replace(record, attributes=kept)


def _index_update(record: TableRecord, action: str, given: Mapping[str, Any]) -> TableRecord:
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
        return replace(record, indexes=(*record.indexes, index), next_index=record.next_index + 1)
    if present is None or not present.is_global:
        raise AwsError("ResourceNotFoundException", "Requested resource not found")
    if action == "Delete":
        return replace(record, indexes=tuple(index for index in record.indexes if index is not present))
    units = given.get("ProvisionedThroughput")
    if units is None:
        return record
    changed = replace(present, throughput=throughput_of(units))
    return replace(record, indexes=tuple(changed if index is present else index for index in record.indexes))


def _build(state: DynamoState, old: TableRecord, new: TableRecord) -> None:
    """Fill new indexes before the record says that they exist."""
    known = {index.number for index in old.indexes}
    schema = new.schema()
    for index in new.indexes:
        if index.number not in known:
            state.engine.build_index(schema, schema.indexes[index.name])


def _drop(state: DynamoState, old: TableRecord, new: TableRecord) -> None:
    """Empty deleted indexes after the record has forgotten them."""
    kept = {index.number for index in new.indexes}
    for index in old.indexes:
        if index.number not in kept:
            state.engine.drop_index(old.id_bytes, index.number)
