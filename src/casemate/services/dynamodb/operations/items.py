"""PutItem, GetItem, UpdateItem, DeleteItem. Writes are acknowledged once they are durable (`until_durable`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.item_requests import check_return_values, compiler_of, guard_of
from casemate.services.dynamodb.legacy import in_legacy_words
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.permissions import item_check, on_one_table
from casemate.services.dynamodb.registry import operations, until_durable
from casemate.services.dynamodb.state import DynamoState, Table
from casemate.tables.capacity import Units, consumed_capacity, read_units
from casemate.tables.given import GivenKey, given_item, given_key
from casemate.tables.keys import partition_item
from casemate.tables.reads import shown_of
from casemate.tables.records import encoded, record_size
from casemate.tables.writes import Update, Written


def _put_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    try:
        guard = guard_of(params, compiler_of(params))
    except AwsError:
        # Of several faults those of the item and of ReturnValues come first (dynalite's recorded answers).
        compiler_of(params)
        given_item(params["Item"])
        check_return_values(params)
        raise
    item = params["Item"]
    attributes = (*item, *(guard.condition.attributes if guard else ()))
    ref = table_ref(ctx, params["TableName"])
    return (item_check(ctx, "PutItem", ref, params, keys=(item,), attributes=attributes),)


@operations.operation("PutItem", checks=_put_checks, lasting=until_durable, asked=on_one_table)
def put_item(ctx: Context[DynamoState], params: Params) -> Output:
    wanted = check_return_values(params)
    compiler = compiler_of(params)
    item = given_item(params["Item"])
    guard = guard_of(params, compiler)
    compiler.check_all_used()
    state = ctx.state
    written = state.engine.put_item(state.table(ctx, params["TableName"]).schema, item, guard)
    return _write_answer(written, params, written.old_item if wanted == "ALL_OLD" else None)


def _found(ctx: Context[DynamoState], params: Params) -> tuple[Table | None, GivenKey]:
    """The table, if there is one, and the key. What is wrong with a key is said first of all, then what with expressions."""
    found = ctx.state.find(table_ref(ctx, params["TableName"]))
    return found, given_key(None if found is None else found.schema, params["Key"])


def _key_checks(ctx: Context[DynamoState], params: Params, action: str) -> Iterable[Check]:
    try:
        return _checks_of_key(ctx, params, action)
    except AwsError:
        # Of several faults those of ReturnValues and of the key come first, as in the operations.
        compiler_of(params)
        if action == "DeleteItem":
            check_return_values(params)
        _found(ctx, params)
        raise


def _checks_of_key(ctx: Context[DynamoState], params: Params, action: str) -> Iterable[Check]:
    compiler = compiler_of(params)
    attributes = list(params["Key"])
    select = None
    if action == "GetItem":
        text = params.get("ProjectionExpression")
        select = "ALL_ATTRIBUTES" if text is None else "SPECIFIC_ATTRIBUTES"
        if text is not None:
            attributes += compiler.projection(text).attributes
    if params.get("UpdateExpression") is not None:
        attributes += compiler.update(params["UpdateExpression"]).attributes
    guard = guard_of(params, compiler)
    if guard is not None:
        attributes += guard.condition.attributes
    ref = table_ref(ctx, params["TableName"])
    return (
        item_check(ctx, action, ref, params, keys=(params["Key"],), attributes=attributes, select=select),
    )


@operations.operation(
    "GetItem", checks=lambda ctx, params: _key_checks(ctx, params, "GetItem"), asked=on_one_table
)
def get_item(ctx: Context[DynamoState], params: Params) -> Output:
    compiler = compiler_of(params)
    found, key = _found(ctx, params)
    text = params.get("ProjectionExpression")
    projection = None if text is None else compiler.projection(text)
    compiler.check_all_used()
    table = ctx.state.usable(ctx, found)
    record = ctx.state.engine.get_item(table.schema, key)
    answer: dict[str, Any] = {}
    if record is not None:
        answer["Item"] = encoded(record) if projection is None else shown_of(record, projection.tree)
    wanted = params.get("ReturnConsumedCapacity")
    if wanted is not None and wanted != "NONE":
        size = 0 if record is None else record_size(record)
        units = Units(table=read_units(size, consistent=bool(params.get("ConsistentRead"))))
        answer["ConsumedCapacity"] = consumed_capacity(table.schema, units, wanted, params["TableName"])
    return answer


@operations.operation(
    "UpdateItem",
    checks=lambda ctx, params: _key_checks(ctx, params, "UpdateItem"),
    lasting=until_durable,
    asked=on_one_table,
)
def update_item(ctx: Context[DynamoState], params: Params) -> Output:
    compiler = compiler_of(params)
    found, key = _found(ctx, params)
    text = params.get("UpdateExpression")
    update = (
        None
        if text is None
        else Update(expression=compiler.update(text), values=compiler.placeholders.values)
    )
    guard = guard_of(params, compiler)
    compiler.check_all_used()
    table = ctx.state.usable(ctx, found)
    try:
        written = ctx.state.engine.update_item(table.schema, key, update, guard)
    except AwsError as error:
        raise in_legacy_words(params, error) from None
    match params.get("ReturnValues"):
        case "ALL_OLD":
            attributes = written.old_item
        case "ALL_NEW":
            attributes = written.new_item
        case "UPDATED_OLD":
            attributes = written.updated(written.old)
        case "UPDATED_NEW":
            attributes = written.updated(written.new)
        case _:
            attributes = None
    return _write_answer(written, params, attributes)


@operations.operation(
    "DeleteItem",
    checks=lambda ctx, params: _key_checks(ctx, params, "DeleteItem"),
    lasting=until_durable,
    asked=on_one_table,
)
def delete_item(ctx: Context[DynamoState], params: Params) -> Output:
    wanted = check_return_values(params)
    compiler = compiler_of(params)
    found, key = _found(ctx, params)
    guard = guard_of(params, compiler)
    compiler.check_all_used()
    table = ctx.state.usable(ctx, found)
    written = ctx.state.engine.delete_item(table.schema, key, guard)
    return _write_answer(written, params, written.old_item if wanted == "ALL_OLD" else None)


def _write_answer(written: Written, params: Params, attributes: dict[str, Any] | None) -> Output:
    answer: dict[str, Any] = {}
    if attributes is not None:
        answer["Attributes"] = attributes
    wanted = params.get("ReturnConsumedCapacity")
    if wanted is not None and wanted != "NONE":
        capacity = consumed_capacity(written.table, written.units, wanted, params["TableName"])
        answer["ConsumedCapacity"] = capacity
    if params.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics = collection_metrics(written)
        if metrics is not None:
            answer["ItemCollectionMetrics"] = metrics
    return answer


def collection_metrics(written: Written) -> dict[str, Any] | None:
    """ItemCollectionMetrics: only tables with a local index have any."""
    if all(index.is_global for index in written.table.indexes.values()):
        return None
    item = written.new_item or written.old_item
    if item is None:
        return None
    return {"ItemCollectionKey": partition_item(written.table, item), "SizeEstimateRangeGB": [0.0, 1.0]}
