"""BatchGetItem and BatchWriteItem. Nothing is ever left unprocessed but what exceeds the bounds of answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.batch_requests import DUPLICATES, check_distinct, check_gets, check_writes
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.item_requests import compiler_of
from casemate.services.dynamodb.legacy import modernized
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.operations.items import collection_metrics
from casemate.services.dynamodb.permissions import item_check, on_each_table
from casemate.services.dynamodb.registry import operations, until_durable
from casemate.services.dynamodb.state import DynamoState, Table
from casemate.tables.capacity import Units, consumed_capacity, read_units
from casemate.tables.engine import TablesEngine
from casemate.tables.expressions.compiled import ProjectionExpression
from casemate.tables.given import given_item, given_key, place_of
from casemate.tables.reads import shown_of
from casemate.tables.records import encoded, record_size
from casemate.tables.schema import TableSchema
from casemate.tables.writes import Written

MAX_ANSWER_BYTES = 16 << 20
MAX_PARTITION_BYTES = 1 << 20


def _get_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    check_gets(params["RequestItems"])
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


@operations.operation("BatchGetItem", checks=_get_checks, asked=on_each_table)
def batch_get_item(ctx: Context[DynamoState], params: Params) -> Output:
    requested: Mapping[str, Mapping[str, Any]] = params["RequestItems"]
    check_gets(requested)
    room = _Room()
    responses: dict[str, list[Any]] = {}
    unprocessed: dict[str, Any] = {}
    consumed: list[Any] = []
    for name, wanted, table, projection in _wanted(ctx, requested):
        keys = [given_key(table, key) for key in wanted["Keys"]]
        if len({place_of(table, key) for key in keys}) != len(keys):
            raise validation(DUPLICATES)
        items = responses.setdefault(name, [])
        units = Units()
        left: list[Any] = []
        for wire, key in zip(wanted["Keys"], keys, strict=True):
            record = ctx.state.engine.get_item(table, key)
            size = 0 if record is None else record_size(record)
            if not room.takes(table, wire, size):
                left.append(wire)
                continue
            units.table += read_units(size, consistent=bool(wanted.get("ConsistentRead")))
            if record is not None:
                items.append(_shown(record, projection))
        if left:
            unprocessed[name] = {**wanted, "Keys": left}
        consumed.append(consumed_capacity(table, units, params.get("ReturnConsumedCapacity"), name))
    answer: dict[str, Any] = {"Responses": responses, "UnprocessedKeys": unprocessed}
    if params.get("ReturnConsumedCapacity") in ("TOTAL", "INDEXES"):
        answer["ConsumedCapacity"] = consumed
    return answer


def _wanted(
    ctx: Context[DynamoState], requested: Mapping[str, Mapping[str, Any]]
) -> Iterable[tuple[str, Mapping[str, Any], TableSchema, ProjectionExpression | None]]:
    """What is asked of each table. All that can be said without the tables is said before any is looked for."""
    projections = {name: _projection(wanted) for name, wanted in requested.items()}
    found: dict[str, Table | None] = {}
    for name, wanted in requested.items():
        found[name] = ctx.state.find(table_ref(ctx, name))
        if found[name] is None:
            check_distinct(wanted["Keys"])
    for name, wanted in requested.items():
        yield name, wanted, ctx.state.usable(ctx, found[name]).schema, projections[name]


class _Room:
    """How much more a batch may answer: 16 MB, and of one partition 1 MB (API reference, BatchGetItem)."""

    def __init__(self) -> None:
        self._answered = 0
        self._is_full = False
        self._partitions: dict[tuple[bytes, str], int] = {}

    def takes(self, table: TableSchema, key: Mapping[str, Any], size: int) -> bool:
        """Whether there is room for an item; then it is taken. What comes after the first that is not waits too."""
        self._is_full = self._is_full or self._answered + size > MAX_ANSWER_BYTES
        if self._is_full:
            return False
        if table.key.sort:
            partition = (table.table_id, repr(key[table.key.partition[0].name]))
            held = self._partitions.get(partition, 0) + size
            if held > MAX_PARTITION_BYTES:
                return False
            self._partitions[partition] = held
        self._answered += size
        return True


def _shown(record: bytes, projection: ProjectionExpression | None) -> Any:
    return encoded(record) if projection is None else shown_of(record, projection.tree)


def _write_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    check_writes(params["RequestItems"])
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
    words = (
        "Supplied AttributeValue has more than one"
        if put is not None
        else "Supplied AttributeValue is empty, must contain exactly one"
    )
    raise validation(f"{words} of the supported request types")


@operations.operation("BatchWriteItem", checks=_write_checks, lasting=until_durable, asked=on_each_table)
def batch_write_item(ctx: Context[DynamoState], params: Params) -> Output:
    """All writes are checked before the first is made; then they are one atomic change, which AWS does not promise."""
    requested: Mapping[str, Sequence[Mapping[str, Any]]] = params["RequestItems"]
    check_writes(requested)
    writes: list[Written] = []
    by_table: dict[str, tuple[TableSchema, list[Written]]] = {}
    # What is wrong with values is said before a table is missed.
    found = {name: ctx.state.find(table_ref(ctx, name)) for name in requested}
    given = {name: [_given(found[name], request) for request in requested[name]] for name in requested}
    for name, targets in given.items():
        table = ctx.state.usable(ctx, found[name]).schema
        planned = [plan(ctx.state.engine, table) for plan in targets]
        writes += planned
        by_table[name] = (table, planned)
    if len({write.key for write in writes}) != len(writes):
        raise validation(DUPLICATES)
    ctx.state.engine.commit(writes)
    return _write_answer(by_table, params)


def _given(found: Table | None, request: Mapping[str, Any]) -> Callable[[TablesEngine, TableSchema], Written]:
    """One write, its values checked, to be planned."""
    target = _target(request)
    if request.get("PutRequest") is not None:
        item = given_item(target)
        return lambda engine, table: engine.plan_put(table, item, in_batch=True)
    key = given_key(None if found is None else found.schema, target)
    return lambda engine, table: engine.plan_delete(table, key)


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
