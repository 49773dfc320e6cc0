"""TransactWriteItems and TransactGetItems: all or nothing, with a reason per item when nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from casemate.tables.expressions.compiled import ProjectionExpression
from casemate.tables.given import GivenItem, given_item, given_key, given_size, place_of
from casemate.tables.keys import WRONG_KEY
from casemate.tables.quick_keys import quick_place
from casemate.tables.reads import shown_of
from casemate.tables.records import encoded, record_size
from casemate.tables.schema import TableSchema
from casemate.tables.values import item_from_wire
from casemate.tables.writes import MAX_ITEM_BYTES, TOO_LARGE, Guard, Update, Written

MAX_ACTIONS = 100
MAX_BYTES = 4 << 20
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


@dataclass(kw_only=True, slots=True)
class _Action:
    """One member of TransactItems, its expressions compiled and its values read.

    Not frozen only because making a frozen one costs microseconds; nobody changes it.
    """

    kind: str
    given: Mapping[str, Any]
    guard: Guard | None
    update: Update | None
    item: GivenItem
    """What a Put puts."""
    attributes: Sequence[str]

    @property
    def target(self) -> Mapping[str, Any]:
        """The item or the key, in the API's form."""
        return self.given["Item"] if self.kind == "Put" else self.given["Key"]


_last: tuple[Params, Sequence[_Action]] | None = None
"""The checks of a request and its handler, which follow each other, read the same."""


def _actions(params: Params) -> Sequence[_Action]:
    """What is wrong with the form of one fails the request, before any table is looked for, the first one first.

    Observed: paritysuite/dynamodb-conformance, validation-ordering/transactions.
    """
    global _last  # noqa: PLW0603 - a cache of one
    if _last is None or _last[0] is not params:
        _last = (params, [_action(action) for action in _items(params)])
    return _last[1]


def _action(action: Mapping[str, Any]) -> _Action:
    kind, given = _one(action, _ACTIONS)
    compiler = compiler_of(given)
    item: GivenItem = {}
    if kind == "Put":
        item = given_item(given["Item"])
        attributes = list(given["Item"])
    else:
        item_from_wire(given["Key"])
        attributes = list(given["Key"])
    text = given.get("UpdateExpression")
    update = None
    if text is not None:
        update = Update(expression=compiler.update(text), values=compiler.placeholders.values)
        attributes += update.expression.attributes
    guard = guard_of(given, compiler)
    if guard is not None:
        attributes += guard.condition.attributes
    compiler.check_all_used()
    return _Action(kind=kind, given=given, guard=guard, update=update, item=item, attributes=attributes)


def _write_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    for action in _actions(params):
        yield item_check(
            ctx,
            _ACTIONS[action.kind],
            table_ref(ctx, action.given["TableName"]),
            {"ReturnConsumedCapacity": params.get("ReturnConsumedCapacity")},
            keys=(action.target,),
            attributes=action.attributes,
            enclosing="TransactWriteItems",
        )


@operations.operation("TransactWriteItems", checks=_write_checks, lasting=until_durable, asked=_asked)
def transact_write_items(ctx: Context[DynamoState], params: Params) -> Output:
    actions = _actions(params)
    token = token_of(ctx, params)
    done = done_before(ctx, token)
    if done is not None:
        return answer_again(done, params)
    tables = [ctx.state.table(ctx, action.given["TableName"]).schema for action in actions]
    _check_distinct(_places(actions, tables))
    _check_puts(actions)
    writes, reasons = _attempt(
        [_planner(ctx, action, table) for action, table in zip(actions, tables, strict=True)]
    )
    if any(reason is not _NO_REASON for reason in reasons):
        raise cancelled(reasons)
    _check_size(sum(write.sizes[1] for write in writes))
    names = [action.given["TableName"] for action in actions]
    ctx.state.engine.commit(writes, beside=remembered(ctx, token, names, writes))
    return _write_answer(names, writes, params)


def _places(actions: Sequence[_Action], tables: Sequence[TableSchema]) -> list[bytes]:
    """The items that are meant; what has a key of another form has none here, and cancels the transaction later."""
    places = [
        _put_place(table, action.target) if action.kind == "Put" else _key_place(table, action.target)
        for action, table in zip(actions, tables, strict=True)
    ]
    return [place for place in places if place is not None]


def _put_place(table: TableSchema, item: Mapping[str, Any]) -> bytes | None:
    place = quick_place(table, item)
    if place is not None:
        return place
    names = table.key.names
    return _key_place(table, {name: value for name, value in item.items() if name in names})


def _key_place(table: TableSchema, key: Mapping[str, Any]) -> bytes | None:
    """None: it is no key of the table. What is, but empty or too long, fails the request.

    Observed: paritysuite/dynamodb-conformance, error-messages/transactWriteItems.
    """
    try:
        return place_of(table, given_key(table, key))
    except AwsError as error:
        if error.message == WRONG_KEY:
            return None
        raise


def _check_puts(actions: Sequence[_Action]) -> None:
    """How large a Put's item is, the request says; what an Update makes is known when it is carried out.

    Observed: paritysuite/dynamodb-conformance, limits/itemSizeBySurface and limits/transactionLimits.
    """
    total = 0
    for action in actions:
        if action.kind == "Put":
            size = given_size(action.item)
            if size > MAX_ITEM_BYTES:
                raise validation(TOO_LARGE)
            total += size
    _check_size(total)


def _check_size(total: int) -> None:
    """API reference, TransactWriteItems and TransactGetItems; that it is a ValidationException: transactionLimits."""
    if total > MAX_BYTES:
        raise validation("The aggregate size of the items in the transaction exceeded 4 MB")


def _planner(ctx: Context[DynamoState], action: _Action, table: TableSchema) -> Callable[[], Written]:
    """What one action would do."""
    engine = ctx.state.engine
    guard = action.guard
    if action.kind == "Put":
        return lambda: engine.plan_put(table, action.item, guard)
    key = given_key(table, action.given["Key"])
    if action.kind == "Update":
        return lambda: engine.plan_update(table, key, action.update, guard)
    if action.kind == "Delete":
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


@dataclass(kw_only=True, slots=True)
class _Get:
    """One member of TransactItems of a read. Not frozen for the same reason."""

    given: Mapping[str, Any]
    projection: ProjectionExpression | None


_last_gets: tuple[Params, Sequence[_Get]] | None = None


def _gets(params: Params) -> Sequence[_Get]:
    """As `_actions`."""
    global _last_gets  # noqa: PLW0603 - a cache of one
    if _last_gets is None or _last_gets[0] is not params:
        _last_gets = (params, [_get(action["Get"]) for action in _items(params)])
    return _last_gets[1]


def _get(given: Mapping[str, Any]) -> _Get:
    item_from_wire(given["Key"])
    compiler = compiler_of(given)
    text = given.get("ProjectionExpression")
    projection = None if text is None else compiler.projection(text)
    compiler.check_all_used()
    return _Get(given=given, projection=projection)


def _get_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    for get in _gets(params):
        attributes = list(get.given["Key"])
        if get.projection is not None:
            attributes += get.projection.attributes
        yield item_check(
            ctx,
            "GetItem",
            table_ref(ctx, get.given["TableName"]),
            params,
            keys=(get.given["Key"],),
            attributes=attributes,
            select="ALL_ATTRIBUTES" if get.projection is None else "SPECIFIC_ATTRIBUTES",
            enclosing="TransactGetItems",
        )


@operations.operation("TransactGetItems", checks=_get_checks, asked=_asked)
def transact_get_items(ctx: Context[DynamoState], params: Params) -> Output:
    gets = _gets(params)
    tables = [ctx.state.table(ctx, get.given["TableName"]).schema for get in gets]
    places = [_key_place(table, get.given["Key"]) for get, table in zip(gets, tables, strict=True)]
    _check_distinct([place for place in places if place is not None])
    if None in places:
        reason = {"Code": "ValidationError", "Message": WRONG_KEY}
        raise cancelled([reason if place is None else _NO_REASON for place in places])
    responses: list[dict[str, Any]] = []
    consumed: list[tuple[str, TableSchema, Units]] = []
    total = 0
    for get, table in zip(gets, tables, strict=True):
        record = ctx.state.engine.get_item(table, given_key(table, get.given["Key"]))
        size = 0 if record is None else record_size(record)
        total += size
        consumed.append((get.given["TableName"], table, Units(table=read_units(size, consistent=True))))
        if record is None:
            responses.append({})
        elif get.projection is None:
            responses.append({"Item": encoded(record)})
        else:
            responses.append(_shown(record, get.projection))
    _check_size(total)
    answer: dict[str, Any] = {"Responses": responses}
    wanted = params.get("ReturnConsumedCapacity")
    if wanted in ("TOTAL", "INDEXES"):
        answer["ConsumedCapacity"] = _capacity(consumed, wanted, "ReadCapacityUnits")
    return answer


def _shown(record: bytes, projection: ProjectionExpression) -> dict[str, Any]:
    """Nothing when nothing is left: "the corresponding ItemResponse object is an empty Map"."""
    shown = shown_of(record, projection.tree)
    return {"Item": shown} if shown else {}
