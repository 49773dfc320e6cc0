"""TransactWriteItems and TransactGetItems: all or nothing, with a reason per item when nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.idempotency import answer_again, done_before, remembered, token_of
from casemate.services.dynamodb.item_requests import compiler_of, guard_of
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.operations.items import collection_metrics
from casemate.services.dynamodb.permissions import item_check
from casemate.services.dynamodb.registry import operations, until_durable
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.capacity import Units, consumed_capacity, read_units
from casemate.tables.given import GivenItem, GivenKey, given_item, given_key, place_of
from casemate.tables.reads import shown_of
from casemate.tables.records import encoded, record_size
from casemate.tables.schema import TableSchema
from casemate.tables.writes import Update, Written

MAX_ACTIONS = 100
_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_NO_REASON: dict[str, Any] = {"Code": "None"}
_CODES = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
}


def _items(params: Params) -> Sequence[Mapping[str, Any]]:
    """TransactItems: between one and a hundred."""
    items: Sequence[Mapping[str, Any]] = params["TransactItems"]
    if not 1 <= len(items) <= MAX_ACTIONS:
        limit = "less than or equal to 100" if items else "greater than or equal to 1"
        raise validation(
            f"1 validation error detected: Value '[{', '.join(str(item) for item in items)}]' at 'transactItems' failed "
            f"to satisfy constraint: Member must have length {limit}"
        )
    return items


def _one(action: Mapping[str, Any], kinds: Collection[str]) -> tuple[str, Mapping[str, Any]]:
    if len(action) == 1:
        ((kind, given),) = action.items()
        if given is not None and kind in kinds:
            return kind, given
    found = [(kind, action[kind]) for kind in kinds if action.get(kind) is not None]
    if len(found) != 1:
        raise validation("TransactItems can only contain one of Check, Put, Update or Delete")
    return found[0]


def _asked(params: Params) -> Hashable:
    """What the checks follow from, one for each action: the action's kind, and its table."""
    return tuple([(kind, given["TableName"]) for action in _items(params) for kind, given in action.items()])


def _write_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    for action in _items(params):
        kind, given = _one(action, _ACTIONS)
        compiler = compiler_of(given)
        target = given["Item"] if kind == "Put" else given["Key"]
        attributes = list(target)
        if given.get("UpdateExpression") is not None:
            attributes += compiler.update(given["UpdateExpression"]).attributes
        guard = guard_of(given, compiler)
        if guard is not None:
            attributes += guard.condition.attributes
        yield item_check(
            ctx,
            _ACTIONS[kind],
            table_ref(ctx, given["TableName"]),
            {"ReturnConsumedCapacity": params.get("ReturnConsumedCapacity")},
            keys=(target,),
            attributes=attributes,
            enclosing="TransactWriteItems",
        )


@operations.operation("TransactWriteItems", checks=_write_checks, lasting=until_durable, asked=_asked)
def transact_write_items(ctx: Context[DynamoState], params: Params) -> Output:
    actions = _items(params)
    token = token_of(ctx, params)
    done = done_before(ctx, token)
    if done is not None:
        return answer_again(done, params)
    plans = [_planner(ctx, action) for action in actions]
    writes, reasons = _attempt(plans)
    if any(reason is not _NO_REASON for reason in reasons):
        raise cancelled(reasons)
    _check_distinct([write.key for write in writes])
    names = [_one(action, _ACTIONS)[1]["TableName"] for action in actions]
    ctx.state.engine.commit(writes, beside=remembered(ctx, token, names, writes))
    return _write_answer(names, writes, params)


def _planner(ctx: Context[DynamoState], action: Mapping[str, Any]) -> Callable[[], Written]:
    """What one action would do. What is wrong with its form fails the request, not the transaction."""
    kind, given = _one(action, _ACTIONS)
    compiler = compiler_of(given)
    found = ctx.state.find(table_ref(ctx, given["TableName"]))
    item: GivenItem = {}
    key: GivenKey = {}
    if kind == "Put":
        item = given_item(given["Item"])
    else:
        key = given_key(None if found is None else found.schema, given["Key"])
    text = given.get("UpdateExpression")
    update = (
        None
        if text is None
        else Update(expression=compiler.update(text), values=compiler.placeholders.values)
    )
    guard = guard_of(given, compiler)
    compiler.check_all_used()
    table = ctx.state.usable(ctx, found).schema
    engine = ctx.state.engine
    if kind == "Put":
        return lambda: engine.plan_put(table, item, guard)
    if kind == "Update":
        return lambda: engine.plan_update(table, key, update, guard)
    if kind == "Delete":
        return lambda: engine.plan_delete(table, key, guard)
    assert guard is not None, "the model requires ConditionExpression"
    return lambda: engine.plan_check(table, key, guard)


def _attempt(plans: Sequence[Callable[[], Written]]) -> tuple[list[Written], list[dict[str, Any]]]:
    writes: list[Written] = []
    reasons: list[dict[str, Any]] = []
    for plan in plans:
        try:
            writes.append(plan())
        except AwsError as error:
            if error.code not in _CODES:
                raise
            reasons.append({"Code": _CODES[error.code], "Message": error.message, **error.fields})
        else:
            reasons.append(_NO_REASON)
    return writes, reasons


def cancelled(reasons: Sequence[Mapping[str, Any]]) -> AwsError:
    codes = ", ".join(reason["Code"] for reason in reasons)
    return AwsError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        fields={"CancellationReasons": [dict(reason) for reason in reasons]},
    )


def _check_distinct(keys: Sequence[bytes]) -> None:
    if len(set(keys)) != len(keys):
        raise validation("Transaction request cannot include multiple operations on one item")


def _capacity(
    used: Iterable[tuple[str, TableSchema, Units]],
    wanted: str,
    split: Literal["ReadCapacityUnits", "WriteCapacityUnits"],
) -> list[Any]:
    """What was used of each table, which has the first of its names; doubled: a transaction prepares and commits."""
    found: dict[bytes, tuple[str, TableSchema, Units]] = {}
    for name, table, units in used:
        found.setdefault(table.table_id, (name, table, Units()))[2].add(units, 2.0)
    return [
        consumed_capacity(table, units, wanted, name, split=split) for name, table, units in found.values()
    ]


def _write_answer(names: Sequence[str], writes: Sequence[Written], params: Params) -> Output:
    answer: dict[str, Any] = {}
    wanted = params.get("ReturnConsumedCapacity")
    if wanted in ("TOTAL", "INDEXES"):
        used = ((name, write.table, write.units) for name, write in zip(names, writes, strict=True))
        answer["ConsumedCapacity"] = _capacity(used, wanted, "WriteCapacityUnits")
    if params.get("ReturnItemCollectionMetrics") == "SIZE":
        metrics: dict[str, list[Any]] = {}
        for name, write in zip(names, writes, strict=True):
            found = collection_metrics(write)
            if found is not None:
                metrics.setdefault(name, []).append(found)
        answer["ItemCollectionMetrics"] = metrics
    return answer


def _get_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    for action in _items(params):
        given = action["Get"]
        attributes = list(given["Key"])
        text = given.get("ProjectionExpression")
        if text is not None:
            attributes += compiler_of(given).projection(text).attributes
        yield item_check(
            ctx,
            "GetItem",
            table_ref(ctx, given["TableName"]),
            params,
            keys=(given["Key"],),
            attributes=attributes,
            select="ALL_ATTRIBUTES" if text is None else "SPECIFIC_ATTRIBUTES",
            enclosing="TransactGetItems",
        )


@operations.operation("TransactGetItems", checks=_get_checks, asked=_asked)
def transact_get_items(ctx: Context[DynamoState], params: Params) -> Output:
    responses: list[dict[str, Any]] = []
    consumed: list[tuple[str, TableSchema, Units]] = []
    reasons: list[dict[str, Any]] = []
    keys: list[bytes] = []
    for action in _items(params):
        given = action["Get"]
        compiler = compiler_of(given)
        text = given.get("ProjectionExpression")
        projection = None if text is None else compiler.projection(text)
        compiler.check_all_used()
        found = ctx.state.find(table_ref(ctx, given["TableName"]))
        key = given_key(None if found is None else found.schema, given["Key"])
        table = ctx.state.usable(ctx, found).schema
        try:
            record = ctx.state.engine.get_item(table, key)
        except AwsError as error:
            reasons.append({"Code": _CODES[error.code], "Message": error.message})
            continue
        reasons.append(_NO_REASON)
        keys.append(place_of(table, key))
        units = read_units(0 if record is None else record_size(record), consistent=True)
        consumed.append((given["TableName"], table, Units(table=units)))
        if record is None:
            responses.append({})
        elif projection is None:
            responses.append({"Item": encoded(record)})
        else:
            responses.append({"Item": shown_of(record, projection.tree)})
    if any(reason is not _NO_REASON for reason in reasons):
        raise cancelled(reasons)
    _check_distinct(keys)
    answer: dict[str, Any] = {"Responses": responses}
    wanted = params.get("ReturnConsumedCapacity")
    if wanted in ("TOTAL", "INDEXES"):
        answer["ConsumedCapacity"] = _capacity(consumed, wanted, "ReadCapacityUnits")
    return answer
