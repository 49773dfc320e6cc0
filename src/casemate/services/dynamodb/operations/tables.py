"""CreateTable, DescribeTable, DeleteTable, ListTables."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.capacity_settings import first_limits, first_warm
from casemate.services.dynamodb.descriptions import table_description
from casemate.services.dynamodb.errors import not_modelled, table_exists, validation
from casemate.services.dynamodb.names import TableRef, table_ref
from casemate.services.dynamodb.operations.policies import new_revision
from casemate.services.dynamodb.operations.tags import check_tags
from casemate.services.dynamodb.permissions import on_table
from casemate.services.dynamodb.policy_documents import checked_policy
from casemate.services.dynamodb.quotas import check_ceilings, check_new_table
from casemate.services.dynamodb.records import Encryption, IndexRecord, TableRecord
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.removal import check_removable, deleting, remove_table
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.switching import check_first, with_stream
from casemate.services.dynamodb.stretches import in_stretches
from casemate.services.dynamodb.table_rules import (
    attributes_of,
    billing_of,
    check_all_used,
    check_projected,
    global_indexes,
    local_indexes,
    new_table_ref,
    table_keys,
)
from casemate.tables.errors import INVALID

_PAGE = 100


def _create_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    arn = new_table_ref(ctx, params["TableName"]).arn
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    context: dict[str, str | tuple[str, ...]] = {
        f"aws:RequestTag/{key}": value for key, value in tags.items()
    }
    if tags:
        context["aws:TagKeys"] = tuple(tags)
    yield Check(action="dynamodb:CreateTable", resource=arn, context=context)
    if tags:
        yield Check(action="dynamodb:TagResource", resource=arn, context=context)
    if params.get("ResourcePolicy"):
        yield Check(action="dynamodb:PutResourcePolicy", resource=arn)


@operations.operation("CreateTable", checks=_create_checks)
def create_table(ctx: Context[DynamoState], params: Params) -> Output:
    """A table, usable as soon as this has answered."""
    record = _new_table(ctx, params)
    check_first(params.get("StreamSpecification"))
    ref = record.ref
    if ref.key in ctx.state.tables:
        raise table_exists(ref.name)
    check_new_table(ctx.state, record)
    check_ceilings(record)
    record = replace(record, encryption=encryption_of(ctx, params.get("SSESpecification"), ref))
    record = with_stream(ctx, record, params.get("StreamSpecification"))
    ctx.state.tables.put(ref.key, record)
    ctx.state.engine.create(record.schema())
    return {"TableDescription": table_description(ctx.state, record, "CREATING")}


def _new_table(ctx: Context[DynamoState], params: Params) -> TableRecord:
    refuse_unmodelled(params)
    for member in ("AttributeDefinitions", "KeySchema"):
        if not params.get(member):
            raise validation(
                f"1 validation error detected: Value null at '{member[0].lower()}{member[1:]}' failed to satisfy "
                "constraint: Member must not be null"
            )
    mode, throughput = billing_of(params)
    attributes = attributes_of(params["AttributeDefinitions"])
    hash_key, range_key = table_keys(params["KeySchema"], attributes)
    indexes: list[IndexRecord] = []
    if params.get("LocalSecondaryIndexes") is not None:
        indexes += local_indexes(params["LocalSecondaryIndexes"], attributes, hash_key, range_key)
    if params.get("GlobalSecondaryIndexes") is not None:
        indexes += global_indexes(params["GlobalSecondaryIndexes"], attributes, mode, indexes)
    check_all_used(attributes, (hash_key, range_key), indexes)
    check_projected(indexes)
    ref = new_table_ref(ctx, params["TableName"])
    policy = params.get("ResourcePolicy")
    limits, warm = params.get("OnDemandThroughput"), params.get("WarmThroughput")
    return TableRecord(
        account=ctx.account,
        region=ctx.region,
        name=ref.name,
        table_id=ctx.new_uuid(),
        created=ctx.now.timestamp(),
        attributes=attributes,
        hash_key=hash_key,
        range_key=range_key,
        indexes=tuple(indexes),
        next_index=len(indexes) + 1,
        billing_mode=mode,
        throughput=throughput,
        on_demand=first_limits(limits, mode) if limits else None,
        warm=first_warm(warm, mode, throughput) if warm else None,
        table_class=params.get("TableClass") or "STANDARD",
        deletion_protection=params.get("DeletionProtectionEnabled") or False,
        tags=check_tags({}, params.get("Tags") or ()),
        policy=None if policy is None else checked_policy(policy, ref.arn),
        policy_revision="" if policy is None else new_revision(ctx, ""),
    )


def refuse_unmodelled(params: Mapping[str, Any]) -> None:
    """Say so where a request asks for what Casemate does not have."""
    for member in (
        "VectorIndexes",
        "VectorIndexUpdates",
        "GlobalTableSourceArn",
        "GlobalTableWitnessUpdates",
        "GlobalTableSettingsReplicationMode",
        "DisassociationProtectionEnabled",
    ):
        if params.get(member) not in (None, [], ""):
            raise not_modelled(member)
    if params.get("MultiRegionConsistency") == "STRONG":
        raise not_modelled("MultiRegionConsistency STRONG")


def encryption_of(
    ctx: Context[DynamoState], given: Mapping[str, Any] | None, ref: TableRef
) -> Encryption | None:
    """SSESpecification: None is the AWS owned key. Call inside a transaction.

    SSEType KMS says as much as Enabled (seen on AWS: ack-api-quirks, DDB-TABLE-044 and 442).
    """
    if not given:
        return None
    key, kind, enabled = (given.get(member) for member in ("KMSMasterKeyId", "SSEType", "Enabled"))
    if enabled is False and (kind or key):
        given_too = "SSEType" if kind else "KMSMasterKeyId"
        raise validation(f"{INVALID}{given_too} can not be specified if Enabled is false")
    if kind == "AES256":
        raise validation(f"{INVALID}SSEType AES256 is not supported")
    if not enabled and kind is None:
        if key:
            raise validation(f"{INVALID}SSEType KMS is required if KMSMasterKeyId is specified")
        return None
    return ctx.state.table_keys.adopt(ctx, key, ref)


@operations.operation("DescribeTable", checks=on_table("DescribeTable"))
def describe_table(ctx: Context[DynamoState], params: Params) -> Output | Awaitable[Output]:
    """With counts that are true now: where a crash took them, after counting."""
    ref = table_ref(ctx, params["TableName"])
    record = ctx.state.described(ref)
    numbers = (0, *(index.number for index in record.indexes))
    return in_stretches(
        ctx.state,
        ctx.state.engine.count_steps(record.id_bytes, numbers),
        lambda _: {"Table": table_description(ctx.state, ctx.state.described(ref))},
        lambda: ctx.state.described(ref),
    )


@operations.operation("DeleteTable", checks=on_table("DeleteTable"), runs_async=True)
async def delete_table(ctx: Context[DynamoState], params: Params) -> Output:
    record = ctx.state.described(table_ref(ctx, params["TableName"]))
    check_removable(ctx, record)
    answer = deleting(ctx.state, record)
    await remove_table(ctx, record)
    return {"TableDescription": answer}


@operations.operation("ListTables")
def list_tables(ctx: Context[DynamoState], params: Params) -> Output:
    """Names in order, up to a hundred a page."""
    names = sorted(record.name for record in ctx.state.tables.values(ctx.account, ctx.region))
    start = params.get("ExclusiveStartTableName")
    if start is not None:
        names = [name for name in names if name > start]
    limit = params.get("Limit") or _PAGE
    page = names[:limit]
    if len(names) > limit:
        return {"TableNames": page, "LastEvaluatedTableName": page[-1]}
    return {"TableNames": page}
