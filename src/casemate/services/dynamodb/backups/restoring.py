"""How a table is made from a backup or from another table's past.

Source: API reference, RestoreTableFromBackup and RestoreTableToPointInTime. Keys, indexes, capacity and encryption come
with the items unless they are overridden; tags, policies, streams, time to live, recovery, deletion protection and the
table class do not (the last two: ack-api-quirks, DDB-TABLE-215).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.backups.taking import gone_through
from casemate.services.dynamodb.descriptions import table_description
from casemate.services.dynamodb.errors import not_modelled, validation
from casemate.services.dynamodb.names import TableRef
from casemate.services.dynamodb.operations.tables import encryption_of
from casemate.services.dynamodb.quotas import check_ceilings, check_new_table
from casemate.services.dynamodb.records import (
    Encryption,
    IndexRecord,
    OnDemand,
    Restored,
    TableRecord,
    Throughput,
)
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.table_rules import table_name, throughput_of
from casemate.tables.backups import Copying
from casemate.tables.engine import TablesEngine
from casemate.tables.schema import IndexSchema, TableSchema

_ON_TARGET = ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
_UNMODELLED = ("VectorIndexOverride",)
_LIMITS = ("MaxReadRequestUnits", "MaxWriteRequestUnits")


def target_ref(ctx: Context[DynamoState], params: Params) -> TableRef:
    """The table to make."""
    return TableRef(account=ctx.account, region=ctx.region, name=table_name(params["TargetTableName"]))


def target_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    """Developer Guide, "Using IAM with DynamoDB backup and restore": "DynamoDB read and write permissions on the target
    table are necessary for restore functionality"; which ones is in the Service Authorization Reference.
    """
    arn = target_ref(ctx, params).arn
    return (Check(action=f"dynamodb:{action}", resource=arn) for action in _ON_TARGET)


def check_region(ctx: Context[DynamoState], params: Params, source: TableRecord) -> None:
    """Its words: ack-api-quirks, DDB-TABLE-274 and 442."""
    if source.region != ctx.region and params.get("SSESpecificationOverride") is None:
        raise validation(
            "Invalid Request: sseSpecificationOverride must be provided for cross-region restores"
        )


def check_index_overrides(params: Params) -> None:
    """API reference, RestoreTableToPointInTime: WarmThroughput in an entry "causes the request to fail with a validation
    error", of whose words no recording is at hand.
    """
    for index in params.get("GlobalSecondaryIndexOverride") or ():
        if index.get("WarmThroughput"):
            raise validation(
                f"Invalid Request: WarmThroughput is not supported for index {index['IndexName']} when restoring to a point in "
                "time"
            )


async def restore_table(
    ctx: Context[DynamoState],
    params: Params,
    source: TableRecord,
    restored: Restored,
    fill: Callable[[TableRecord], Copying],
) -> Output:
    """Make the table, let `fill` put its items, build its indexes; then, durably, put it on record.

    Others have their turns meanwhile. Whatever ends this before its end leaves nothing behind.
    """
    ref = target_ref(ctx, params)
    if ref.key in ctx.state.tables:
        raise _exists(ref.name)
    record = _target(ctx, params, source, restored, ref)
    check_new_table(ctx.state, record)
    check_ceilings(record)
    # "You will need that same key to restore those backups" (Developer Guide, "DynamoDB encryption at rest usage notes").
    # It is of the source's Region.
    there = ctx if ctx.region == source.region else dataclasses.replace(ctx, region=source.region)
    ctx.state.table_keys.open(there, source)
    try:
        items, size = await gone_through(fill(record))
        ctx.state.engine.found(record.id_bytes, items, size)
        schema = record.schema()
        for index in schema.indexes.values():
            await gone_through(_filled(ctx.state.engine, schema, index))
        await ctx.state.engine.durable()
        with ctx.store.transaction():
            # Looked at again: another request may have made the table meanwhile.
            if ref.key in ctx.state.tables:
                raise _exists(ref.name)
            record = replace(record, encryption=_encryption(ctx, params, source, ref))
            ctx.state.tables.put(ref.key, record)
    except BaseException:
        ctx.state.engine.drop(record.id_bytes)
        raise
    described = table_description(ctx.state, record, "CREATING")
    described["RestoreSummary"]["RestoreInProgress"] = True
    return {"TableDescription": described}


def _exists(name: str) -> AwsError:
    return AwsError("TableAlreadyExistsException", f"Table already exists: {name}")


def _filled(engine: TablesEngine, table: TableSchema, index: IndexSchema) -> Generator[None, None, None]:
    place: bytes | None = None
    while (place := engine.fill_index(table, index, place)) is not None:
        yield


def _target(
    ctx: Context[DynamoState], params: Params, source: TableRecord, restored: Restored, ref: TableRef
) -> TableRecord:
    for member in _UNMODELLED:
        if params.get(member):
            raise not_modelled(member)
    record = TableRecord(
        account=ref.account,
        region=ref.region,
        name=ref.name,
        table_id=ctx.new_uuid(),
        created=ctx.now.timestamp(),
        attributes=source.attributes,
        hash_key=source.hash_key,
        range_key=source.range_key,
        indexes=_indexes(params, source),
        next_index=source.next_index,
        billing_mode=source.billing_mode,
        throughput=source.throughput,
        restored=restored,
        on_demand=source.on_demand,
        warm=source.warm,
    )
    used = {record.hash_key, record.range_key}.union(
        *(index.hash_keys + index.range_keys for index in record.indexes)
    )
    kept = {name: kind for name, kind in record.attributes.items() if name in used}
    return _limited(_billed(replace(record, attributes=kept), params), params)


def _limited(record: TableRecord, params: Params) -> TableRecord:
    """OnDemandThroughputOverride: what is not given of it stays as it was."""
    given = params.get("OnDemandThroughputOverride")
    if record.billing_mode != "PAY_PER_REQUEST":
        record = replace(record, on_demand=None)
    if not given:
        return record
    for member in sorted(given):
        if record.billing_mode != "PAY_PER_REQUEST":
            raise validation(
                f"Invalid Request: Cannot override {member} for OnDemandThroughput unless BillingModeOverride is "
                "PAY_PER_REQUEST"
            )
        if given[member] < 1:
            raise validation(
                f"Invalid Request: Requested {member} for OnDemandThroughput is outside of valid range"
            )
    before = record.on_demand or OnDemand(read=None, write=None)
    read, write = (
        given.get(member, limit) for member, limit in zip(_LIMITS, (before.read, before.write), strict=True)
    )
    return replace(record, on_demand=OnDemand(read=read, write=write))


def _billed(record: TableRecord, params: Params) -> TableRecord:
    mode = params.get("BillingModeOverride") or record.billing_mode
    units = params.get("ProvisionedThroughputOverride")
    if mode == record.billing_mode and units is None:
        return record
    if mode == "PAY_PER_REQUEST" and units is not None:
        overridden = params.get("BillingModeOverride") is not None
        when = (
            "if BillingMode is overridden to PAY_PER_REQUEST"
            if overridden
            else "unless BillingMode is PROVISIONED"
        )
        raise validation(f"Invalid Request: Cannot override ProvisionedThroughput {when}")
    if mode == "PROVISIONED" and units is None:
        raise validation(
            "Invalid Request: Must override ProvisionedThroughput if BillingMode is overridden to PROVISIONED"
        )
    throughput = Throughput() if units is None else throughput_of(units)
    indexes = record.indexes
    if mode == "PAY_PER_REQUEST":
        indexes = tuple(replace(index, throughput=Throughput()) for index in indexes)
    elif record.billing_mode == "PAY_PER_REQUEST":
        for index in indexes:
            if index.is_global and not index.throughput.read:
                # Those of the table are the table's alone (ack-api-quirks, DDB-TABLE-279 and 442).
                raise validation(
                    f"Invalid Request: Must specify provisioned throughput for index {index.name}"
                )
    return replace(record, billing_mode=mode, throughput=throughput, indexes=indexes)


def _indexes(params: Params, source: TableRecord) -> tuple[IndexRecord, ...]:
    chosen: list[IndexRecord] = []
    for member, is_global in (("LocalSecondaryIndexOverride", False), ("GlobalSecondaryIndexOverride", True)):
        held = [index for index in source.indexes if index.is_global is is_global]
        wanted = params.get(member)
        chosen += held if wanted is None else _matching(held, wanted)
    return tuple(replace(index, status="ACTIVE") for index in chosen)


def _matching(held: Sequence[IndexRecord], wanted: Sequence[Mapping[str, Any]]) -> Iterator[IndexRecord]:
    """API reference: "indexes provided should match existing secondary indexes"; by their keys and what they hold, not by
    their names (seen on AWS: ack-api-quirks, DDB-TABLE-280). Their units may differ too.
    """
    left = list(held)
    for given in wanted:
        name = given["IndexName"]
        found = [index for index in left if _is_like(index, given)]
        if not found:
            raise validation(
                f"Invalid Request: Index {name} does not match a secondary index that existed in the source table and "
                "cannot be created during the restore operation"
            )
        # Of two that are alike, the one of that name.
        index = next((index for index in found if index.name == name), found[0])
        left.remove(index)
        units = given.get("ProvisionedThroughput")
        index = replace(index, name=name)
        yield index if units is None else replace(index, throughput=throughput_of(units))


def _is_like(index: IndexRecord, given: Mapping[str, Any]) -> bool:
    keys = {"HASH": index.hash_keys, "RANGE": index.range_keys}
    asked = {
        kind: tuple(each["AttributeName"] for each in given["KeySchema"] if each["KeyType"] == kind)
        for kind in keys
    }
    projection = given["Projection"]
    included = frozenset(projection.get("NonKeyAttributes") or ())
    kind = projection.get("ProjectionType") or index.projection
    return asked == keys and kind == index.projection and included == frozenset(index.included)


def _encryption(
    ctx: Context[DynamoState], params: Params, source: TableRecord, ref: TableRef
) -> Encryption | None:
    override = params.get("SSESpecificationOverride")
    if override is None and source.encryption is not None:
        override = {"Enabled": True, "KMSMasterKeyId": source.encryption.key_arn}
    return encryption_of(ctx, override, ref)
