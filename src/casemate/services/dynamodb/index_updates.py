"""GlobalSecondaryIndexUpdates of UpdateTable: indexes come, change and go.

Sources: Developer Guide, "Managing Global Secondary Indexes"; AWS's answers as recorded by ack-api-quirks, DDB-TABLE-152, 159,
160, 162, 442 and 446.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context
from casemate.services.dynamodb.capacity_settings import (
    changed_limits,
    changed_units,
    raised_warm,
    unchanged,
)
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.records import IndexRecord, TableRecord, Throughput
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.table_rules import (
    MAX_GLOBAL,
    attributes_of,
    check_projected,
    global_index,
    throughput_of,
)
from casemate.tables.errors import INVALID
from casemate.tables.schema import KeyType

Updates = Sequence[Mapping[str, Any]]
_ACTIONS = ("Update", "Create", "Delete")


def with_index_updates(
    ctx: Context[DynamoState], record: TableRecord, updates: Updates, definitions: Sequence[Mapping[str, str]]
) -> TableRecord:
    """The table after its indexes were changed. AttributeDefinitions are looked at for what is new, and only then."""
    _check_form(updates)
    _check_one_at_a_time(record, updates)
    defined = attributes_of(definitions)
    for update in updates:
        ((action, given),) = update.items()
        if action == "Create":
            record = _created(record, given, defined)
        else:
            record = _changed(ctx, record, action, given)
    used = {record.hash_key, record.range_key} | {
        name for index in record.indexes for name in index.hash_keys + index.range_keys
    }
    kept = {name: kind for name, kind in record.attributes.items() if name in used}
    return replace(record, attributes=kept)


def check_units(record: TableRecord) -> None:
    """A table that becomes provisioned says so for each of its indexes."""
    if record.billing_mode != "PROVISIONED":
        return
    without = [index.name for index in record.indexes if index.is_global and not index.throughput.read]
    if without:
        raise validation(f"{INVALID}ProvisionedThroughput must be specified for index: {','.join(without)}")


def _check_form(updates: Updates) -> None:
    seen: set[str] = set()
    for update in updates:
        if not update:
            names = ", ".join(f"GlobalSecondaryIndexUpdate.{action}" for action in _ACTIONS)
            raise validation(f"{INVALID}One of {names} must not be null")
        if len(update) != 1:
            raise validation(
                f"{INVALID}Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object"
            )
        ((_, given),) = update.items()
        name = given["IndexName"]
        if name in seen:
            raise validation(
                f"{INVALID}Only one global secondary index update per index is allowed simultaneously. Index: {name}"
            )
        seen.add(name)


def _check_one_at_a_time(record: TableRecord, updates: Updates) -> None:
    """An index that is being filled may be deleted; no other one may come or go meanwhile."""
    changed = {given["IndexName"] for update in updates for kind, given in update.items() if kind != "Update"}
    filling = {index.name for index in record.indexes if index.status == "CREATING"}
    if changed and len(changed | filling) > 1:
        raise AwsError(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        )


def _created(record: TableRecord, given: Mapping[str, Any], defined: Mapping[str, KeyType]) -> TableRecord:
    name = given["IndexName"]
    if record.index(name) is not None:
        raise validation("Attempting to create an index which already exists")
    if sum(index.is_global for index in record.indexes) >= MAX_GLOBAL:
        raise AwsError(
            "LimitExceededException",
            f"Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of {MAX_GLOBAL}",
        )
    if not defined:
        raise validation(f"{INVALID}AttributeDefinitions is not specified for index: {name}")
    for element in given["KeySchema"]:
        attribute = element["AttributeName"]
        kind = record.attributes.get(attribute)
        if kind is not None and defined.get(attribute, kind) != kind:
            # No recording of this is at hand. One attribute cannot have two types as a key.
            raise validation(
                f"{INVALID}AttributeDefinitions redefines attribute {attribute} of the table with another type"
            )
    _check_billing(record, given)
    # Those of the table come first, and keep their types.
    attributes: dict[str, KeyType] = {**record.attributes, **defined, **record.attributes}
    index = global_index(given, attributes, record.billing_mode, record.next_index)
    check_projected((*record.indexes, index))
    return replace(
        record,
        attributes=attributes,
        indexes=(*record.indexes, replace(index, status="CREATING")),
        next_index=record.next_index + 1,
    )


def _check_billing(record: TableRecord, given: Mapping[str, Any]) -> None:
    """As CreateTable does, in other words."""
    name, units = given["IndexName"], given.get("ProvisionedThroughput")
    if record.billing_mode == "PROVISIONED" and units is None:
        raise validation(
            f"{INVALID}Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: {name}"
        )
    if record.billing_mode == "PAY_PER_REQUEST" and units is not None:
        raise validation(
            f"{INVALID}Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {name} when "
            "BillingMode is PAY_PER_REQUEST"
        )


def _changed(
    ctx: Context[DynamoState], record: TableRecord, action: str, given: Mapping[str, Any]
) -> TableRecord:
    name = given["IndexName"]
    present = record.index(name)
    if present is None:
        raise AwsError(
            "ResourceNotFoundException", f"Requested resource not found: Index {name} for table {record.name}"
        )
    if not present.is_global:
        raise validation(f"Cannot {action.lower()} an index that is not a GlobalSecondaryIndex: {name}")
    if action == "Delete":
        return record.with_indexes(tuple(index for index in record.indexes if index is not present))
    changed = _updated(ctx, record, present, given)
    return replace(record, indexes=tuple(changed if index is present else index for index in record.indexes))


def _updated(
    ctx: Context[DynamoState], record: TableRecord, index: IndexRecord, given: Mapping[str, Any]
) -> IndexRecord:
    units = given.get("ProvisionedThroughput")
    if units is not None:
        index = _with_units(ctx, record, index, throughput_of(units))
    if given.get("OnDemandThroughput") is not None:
        limits = changed_limits(given["OnDemandThroughput"], record.billing_mode, index.on_demand, index.name)
        index = replace(index, on_demand=limits)
    if given.get("WarmThroughput"):
        index = replace(
            index, warm=raised_warm(given["WarmThroughput"], record.billing_mode, index, index.name)
        )
    return index


def _with_units(
    ctx: Context[DynamoState], record: TableRecord, index: IndexRecord, wanted: Throughput
) -> IndexRecord:
    if record.billing_mode == "PAY_PER_REQUEST":
        raise validation(
            f"{INVALID}The only Updates for index: {index.name} when TableThroughputMode is PAY_PER_REQUEST can be to "
            "OnDemandThroughput, WarmThroughput"
        )
    if wanted.is_same(index.throughput):
        raise unchanged(f"index {index.name}", "index", wanted)
    return replace(index, throughput=changed_units(index.throughput, wanted, ctx.now.timestamp()))
