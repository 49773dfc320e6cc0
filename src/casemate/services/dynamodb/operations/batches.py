"""BatchGetItem and BatchWriteItem. Nothing is ever left unprocessed but what exceeds 16 MB of answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.bounds import MAX_GETS, MAX_WRITES
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.item_requests import compiler_of
from casemate.services.dynamodb.legacy import modernized
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.operations.items import collection_metrics
from casemate.services.dynamodb.permissions import item_check, on_each_table
from casemate.services.dynamodb.registry import operations, until_durable
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.capacity import Units, consumed_capacity, read_units
from casemate.tables.expressions.compiled import ProjectionExpression
from casemate.tables.given import GivenItem, given_item, given_key, item_in, place_of
from casemate.tables.keys import WRONG_KEY
from casemate.tables.reads import shown_of
from casemate.tables.records import encoded, record_size
from casemate.tables.schema import TableSchema
from casemate.tables.values import type_code
from casemate.tables.writes import Written

MAX_ANSWER_BYTES = 16 << 20
_DUPLICATES = "Provided list of item keys contains duplicates"


def _get_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    for name, wanted in params["RequestItems"].items():
        projection = _projection(wanted)
        attributes = [attribute for key in wanted["Keys"] for attribute in key]
        if projection is not None:
            attributes += projection.attributes
        select = "ALL_ATTRIBUTES" if projection is None else "SPECIFIC_ATTRIBUTES"
        ref = table_ref(ctx, name)
        yield item_check(
            ctx, "BatchGetItem", ref, params, keys=wanted["Keys"], attributes=attributes, select=select
        )


def _projection(wanted: Mapping[str, Any]) -> ProjectionExpression | None:
    wanted = modernized(wanted)
    compiler = compiler_of(wanted)
    text = wanted.get("ProjectionExpression")
    projection = None if text is None else compiler.projection(text)
    compiler.check_all_used()
    return projection


def _check_count(requested: int, limit: int) -> None:
    """Of all tables together; of one it was checked before."""
    if requested > limit:
        raise validation(f"Too many items requested for the {_CALLS[limit]} call")


_CALLS = {MAX_GETS: "BatchGetItem", MAX_WRITES: "BatchWriteItem"}


@operations.operation("BatchGetItem", checks=_get_checks, asked=on_each_table)
def batch_get_item(ctx: Context[DynamoState], params: Params) -> Output:
    requested: Mapping[str, Mapping[str, Any]] = params["RequestItems"]
    _check_count(sum(len(wanted["Keys"]) for wanted in requested.values()), MAX_GETS)
    responses: dict[str, list[Any]] = {}
    unprocessed: dict[str, Any] = {}
    consumed: list[Any] = []
    answered = 0
    for name, wanted in requested.items():
        projection = _projection(wanted)
        found = ctx.state.find(table_ref(ctx, name))
        keys = [given_key(None if found is None else found.schema, key) for key in wanted["Keys"]]
        if found is None and _has_duplicates(wanted["Keys"]):
            raise validation(_DUPLICATES)
        table = ctx.state.usable(ctx, found).schema
        if len({place_of(table, key) for key in keys}) != len(keys):
            raise validation(_DUPLICATES)
        items = responses.setdefault(name, [])
        units = Units()
        for place, key in enumerate(keys):
            record = ctx.state.engine.get_item(table, key)
            size = 0 if record is None else record_size(record)
            if answered + size > MAX_ANSWER_BYTES:
                unprocessed[name] = {**wanted, "Keys": wanted["Keys"][place:]}
                break
            answered += size
            units.table += read_units(size, consistent=bool(wanted.get("ConsistentRead")))
            if record is not None:
                items.append(_shown(record, projection))
        consumed.append(consumed_capacity(table, units, params.get("ReturnConsumedCapacity"), name))
    answer: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": unprocessed}
    if params.get("ReturnConsumedCapacity") in ("TOTAL", "INDEXES"):
        answer["ConsumedCapacity"] = consumed
    return answer


def _has_duplicates(keys: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a key is written twice alike: that is said before a table is looked for (dynalite's recorded answers)."""
    return len(set(map(str, keys))) != len(keys)


def _shown(record: bytes, projection: ProjectionExpression | None) -> Any:
    return encoded(record) if projection is None else shown_of(record, projection.tree)


def _write_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    for name, requests in params["RequestItems"].items():
        items = [_target(request) for request in requests]
        attributes = [attribute for item in items for attribute in item]
        ref = table_ref(ctx, name)
        yield item_check(ctx, "BatchWriteItem", ref, params, keys=items, attributes=attributes)


def _target(request: Mapping[str, Any]) -> Mapping[str, Any]:
    put: Mapping[str, Any] | None = request.get("PutRequest")
    delete: Mapping[str, Any] | None = request.get("DeleteRequest")
    if put is not None and delete is None:
        return put["Item"]
    if delete is not None and put is None:
        return delete["Key"]
    # Its words are these for none of them too, as BatchWriteItem answered a request that somebody put into a comment of
    # code (WriteRequests made and then appended to).
    raise validation(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    )


@operations.operation("BatchWriteItem", checks=_write_checks, lasting=until_durable, asked=on_each_table)
def batch_write_item(ctx: Context[DynamoState], params: Params) -> Output:
    """All writes are checked before the first is made; then they are one atomic change, which AWS does not promise."""
    requested: Mapping[str, Sequence[Mapping[str, Any]]] = params["RequestItems"]
    _check_count(sum(len(requests) for requests in requested.values()), MAX_WRITES)
    given = {
        name: [_given(ctx, name, request) for request in requests] for name, requests in requested.items()
    }
    writes: list[Written] = []
    by_table: dict[str, tuple[TableSchema, list[Written]]] = {}
    for name, requests in given.items():
        table = ctx.state.table(ctx, name).schema
        planned = [_plan(ctx, table, request) for request in requests]
        writes += planned
        by_table[name] = (table, planned)
    if len({write.key for write in writes}) != len(writes):
        raise validation(_DUPLICATES)
    ctx.state.engine.commit(writes)
    return _write_answer(by_table, params)


def _given(ctx: Context[DynamoState], name: str, request: Mapping[str, Any]) -> tuple[bool, Any]:
    """Whether it is a put, and the item or key, its values checked: they are before the table is looked for."""
    target = _target(request)
    if request.get("PutRequest") is not None:
        return True, given_item(target)
    found = ctx.state.find(table_ref(ctx, name))
    return False, given_key(None if found is None else found.schema, target)


def _plan(ctx: Context[DynamoState], table: TableSchema, given: tuple[bool, Any]) -> Written:
    is_put, target = given
    if not is_put:
        return ctx.state.engine.plan_delete(table, target)
    try:
        return ctx.state.engine.plan_put(table, target)
    except AwsError:
        _check_keys(table, target)
        raise


def _check_keys(table: TableSchema, given: GivenItem) -> None:
    """An item's keys, in the words for a key (paritysuite/dynamodb-conformance, error-messages/batchWriteItem)."""
    item = item_in(given)
    for attribute in table.key.attributes:
        if attribute.name not in item or type_code(item[attribute.name]) != attribute.type:
            raise validation(WRONG_KEY)


def _write_answer(by_table: Mapping[str, tuple[TableSchema, list[Written]]], params: Params) -> Output:
    answer: dict[str, Any] = {"UnprocessedItems": {}}
    if params.get("ReturnConsumedCapacity") in ("TOTAL", "INDEXES"):
        consumed: list[Any] = []
        for name, (table, planned) in by_table.items():
            units = Units()
            for write in planned:
                units.add(write.units)
            consumed.append(consumed_capacity(table, units, params["ReturnConsumedCapacity"], name))
        answer["ConsumedCapacity"] = consumed
    if params.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics = {
            name: [found for write in planned if (found := collection_metrics(write)) is not None]
            for name, (_, planned) in by_table.items()
        }
        answer["ItemCollectionMetrics"] = {name: found for name, found in metrics.items() if found}
    return answer
