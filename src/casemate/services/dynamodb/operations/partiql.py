"""ExecuteStatement, BatchExecuteStatement, ExecuteTransaction."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Handler, Output, Params
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.operations.items import delete_item, put_item, update_item
from casemate.services.dynamodb.operations.transactions import cancelled, transact_write_items
from casemate.services.dynamodb.partiql.complaints import named_in_transaction, said_plainly
from casemate.services.dynamodb.partiql.pages import (
    Place,
    Selected,
    picked,
    place_of,
    read_selected,
    token_of,
)
from casemate.services.dynamodb.partiql.prepared import (
    Prepared,
    check,
    check_form,
    key_of,
    prepare,
    reading_of,
    write_of,
)
from casemate.services.dynamodb.partiql.statements import check_values
from casemate.services.dynamodb.partiql.writes import WriteRequest
from casemate.services.dynamodb.registry import operations, until_durable
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.stretches import in_stretches, still_readable
from casemate.tables.capacity import Units, consumed_capacity
from casemate.tables.partiql.nodes import Exists, Insert, Select
from casemate.tables.reads import all_at_once
from casemate.tables.schema import TableSchema

DUPLICATE: Final = "Duplicate primary key exists in table"
_NEEDS_KEY: Final = "Select statements within {} must specify the primary key in the where clause."
_INDEX_READ: Final = "Reads on indices are not supported within transactions."
_RETURNS: Final = "RETURNING clause is not supported in ExecuteTransaction."
"""Observed: paritysuite/dynamodb-conformance, error-messages/partiql, 2026."""
_MAX_STATEMENTS: Final = 100
_WRITERS: Final = {"Put": put_item, "Update": update_item, "Delete": delete_item}
_BATCH_CODES: Final = {
    "ConditionalCheckFailedException": "ConditionalCheckFailed",
    "ValidationException": "ValidationError",
    "ResourceNotFoundException": "ResourceNotFound",
    "DuplicateItemException": "DuplicateItem",
    "ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded",
    "AccessDeniedException": "AccessDenied",
    "InternalServerError": "InternalServerError",
}
"""Of a table's key, too, which one statement of a batch may lack while the others are carried out."""
_Consumed = dict[str, tuple[str, TableSchema, Units]]
"""By the ARN of a table: its first name among the statements, and what they used of it."""


def _one_check(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    return (check(ctx, prepare(ctx, params)),)


@operations.operation("ExecuteStatement", checks=_one_check, lasting=until_durable)
def execute_statement(ctx: Context[DynamoState], params: Params) -> Output | Awaitable[Output]:
    with said_plainly():
        prepared = prepare(ctx, params)
        check_form(prepared)
        if isinstance(prepared.statement, Exists):
            raise validation("EXISTS can only be used in ExecuteTransaction")
        if not prepared.is_read:
            return _write(ctx, prepared, params)
        return _read(ctx, prepared, params)


def _run(handler: Handler[DynamoState], ctx: Context[DynamoState], params: Params) -> Output:
    """Another operation's work, without its checks: ours were done."""
    return cast("Output", handler(ctx, params))


def _write(ctx: Context[DynamoState], prepared: Prepared, params: Params) -> Output:
    """Items holds what RETURNING asked for."""
    table = ctx.state.table(ctx, prepared.ref.arn).schema
    request = write_of(prepared, table)
    members = {**request.members, "TableName": prepared.named}
    if params.get("ReturnConsumedCapacity") is not None:
        members["ReturnConsumedCapacity"] = params["ReturnConsumedCapacity"]
    try:
        answer = _run(_WRITERS[request.kind], ctx, members)
    except AwsError as error:
        if isinstance(prepared.statement, Insert) and error.code == "ConditionalCheckFailedException":
            raise AwsError("DuplicateItemException", DUPLICATE) from None
        raise
    items = [answer["Attributes"]] if answer.get("Attributes") else []
    return {
        "Items": items,
        **{name: answer[name] for name in ("ConsumedCapacity",) if name in answer},
    }


def _read(ctx: Context[DynamoState], prepared: Prepared, params: Params) -> Output | Awaitable[Output]:
    table = ctx.state.table(ctx, prepared.ref.arn).schema
    consistent = bool(params.get("ConsistentRead"))
    selection, reading = reading_of(prepared, table, consistent=consistent, limit=params.get("Limit"))
    identity = msgspec.msgpack.encode((params["Statement"], params.get("Parameters")))
    place = place_of(params.get("NextToken"), identity)

    def answer(found: Selected) -> Output:
        return _page(prepared, table, params, found, identity)

    steps = read_selected(ctx.state.engine, selection, reading, place)
    return in_stretches(ctx.state, steps, answer, lambda: still_readable(ctx, prepared.ref.arn, reading))


def _page(
    prepared: Prepared, table: TableSchema, params: Params, found: Selected, identity: bytes
) -> dict[str, Any]:
    assert isinstance(prepared.statement, Select)
    answer: dict[str, Any] = {"Items": [picked(item, prepared.statement.paths) for item in found.items]}
    if found.following is not None:
        answer["NextToken"] = token_of(found.following, identity)
    if found.last_key is not None:
        answer["LastEvaluatedKey"] = found.last_key
    wanted = params.get("ReturnConsumedCapacity")
    capacity = consumed_capacity(table, found.units, wanted, prepared.named)
    if capacity is not None:
        answer["ConsumedCapacity"] = capacity
    return answer


# Batches.


def _batch(params: Params) -> Sequence[Mapping[str, Any]]:
    return params["Statements"]


def _batch_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    for given in _batch(params):
        prepared = _prepared(ctx, given)
        if isinstance(prepared, Prepared):
            yield check(ctx, prepared, "BatchExecuteStatement")


def _prepared(ctx: Context[DynamoState], given: Mapping[str, Any]) -> Prepared | AwsError:
    """A statement of a batch, or what is wrong with it."""
    try:
        with said_plainly():
            return prepare(ctx, given)
    except AwsError as error:
        return error


@operations.operation("BatchExecuteStatement", checks=_batch_checks, lasting=until_durable)
def batch_execute_statement(ctx: Context[DynamoState], params: Params) -> Output:
    """Each statement succeeds or fails by itself ("Running batch operations with PartiQL for DynamoDB")."""
    statements = [_prepared(ctx, given) for given in _batch(params)]
    _check_one_kind([one for one in statements if isinstance(one, Prepared)], "batch")
    consumed: _Consumed = {}
    responses: list[dict[str, Any]] = []
    for one, given in zip(statements, _batch(params), strict=True):
        response: dict[str, Any] = {"TableName": one.table_name} if isinstance(one, Prepared) else {}
        try:
            if isinstance(one, AwsError):
                raise one
            with said_plainly():
                response |= _batched(ctx, one, given, consumed)
        except AwsError as error:
            if error.code not in _BATCH_CODES:
                raise
            response["Error"] = {"Code": _BATCH_CODES[error.code], "Message": error.message, **error.fields}
        responses.append(response)
    answer: dict[str, Any] = {"Responses": responses}
    wanted = params.get("ReturnConsumedCapacity")
    if wanted in ("TOTAL", "INDEXES"):
        answer["ConsumedCapacity"] = [
            consumed_capacity(table, units, wanted, name) for name, table, units in consumed.values()
        ]
    return answer


def _check_one_kind(prepared: Sequence[Prepared], what: str) -> None:
    if len({one.is_read for one in prepared}) > 1:
        raise validation(f"The statements of a {what} must be all reads or all writes")


def _batched(
    ctx: Context[DynamoState],
    one: Prepared,
    given: Mapping[str, Any],
    consumed: _Consumed,
) -> dict[str, Any]:
    check_form(one)
    if isinstance(one.statement, Exists):
        raise validation("EXISTS can only be used in ExecuteTransaction")
    table = ctx.state.table(ctx, one.ref.arn).schema
    units = consumed.setdefault(one.ref.arn, (one.named, table, Units()))[2]
    if one.is_read:
        consistent = bool(given.get("ConsistentRead"))
        item, used, _ = _single(ctx, one, table, "BatchExecuteStatement", consistent=consistent)
        units.add(used)
        return {} if item is None else {"Item": item}
    answer = _write(ctx, one, {"ReturnConsumedCapacity": "INDEXES"})
    units.add(_units(answer["ConsumedCapacity"]))
    return {"Item": answer["Items"][0]} if answer["Items"] else {}


def _units(capacity: Mapping[str, Any]) -> Units:
    """Back from what an item operation reported."""
    indexes: dict[str, float] = {}
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        indexes |= {name: used["CapacityUnits"] for name, used in capacity.get(kind, {}).items()}
    return Units(table=capacity["Table"]["CapacityUnits"], indexes=indexes)


def _single(
    ctx: Context[DynamoState], one: Prepared, table: TableSchema, operation: str, *, consistent: bool
) -> tuple[dict[str, Any] | None, Units, bytes]:
    """The item that a SELECT of a batch or transaction names, what reading it cost, and its key."""
    assert isinstance(one.statement, Select)
    selection, reading = reading_of(one, table, consistent=consistent)
    key = key_of(selection, reading)
    if key is None:
        raise validation(_NEEDS_KEY.format(operation))
    found = all_at_once(read_selected(ctx.state.engine, selection, reading, Place()))
    item = picked(found.items[0], one.statement.paths) if found.items else None
    return item, found.units, key


# Transactions.


def _statements(params: Params) -> Sequence[Mapping[str, Any]]:
    given: Sequence[Mapping[str, Any]] = params["TransactStatements"]
    if not 1 <= len(given) <= _MAX_STATEMENTS:
        raise validation("Member must have length less than or equal to 100 at 'transactStatements'")
    return given


def _transaction_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    for one in _all_prepared(ctx, params):
        yield check(ctx, one, "ExecuteTransaction")


@operations.operation("ExecuteTransaction", checks=_transaction_checks, lasting=until_durable)
def execute_transaction(ctx: Context[DynamoState], params: Params) -> Output:
    """All or nothing ("Performing transactions with PartiQL for DynamoDB")."""
    prepared = _all_prepared(ctx, params)
    _check_one_kind(prepared, "transaction")
    if prepared[0].is_read:
        return _read_transaction(ctx, prepared, params)
    actions: list[dict[str, Any]] = []
    for number, one in enumerate(prepared):
        table = ctx.state.table(ctx, one.ref.arn).schema
        with named_in_transaction(number):
            request = _transacted(one, table)
        actions.append({request.kind: {**request.members, "TableName": one.named}})
    rest = {
        name: params[name]
        for name in ("ClientRequestToken", "ReturnConsumedCapacity")
        if params.get(name) is not None
    }
    try:
        with said_plainly():
            answer = _run(transact_write_items, ctx, {"TransactItems": actions, **rest})
    except AwsError as error:
        raise _duplicates_named(error, prepared) from None
    # "This statement does not return any values": there is not even one answer for each.
    return {"Responses": [], **answer}


def _all_prepared(ctx: Context[DynamoState], params: Params) -> list[Prepared]:
    """The statements, named by their places when something is wrong with them; with their values they are not."""
    statements = _statements(params)
    for given in statements:
        check_values(given.get("Parameters"))
    prepared: list[Prepared] = []
    for number, given in enumerate(statements):
        with named_in_transaction(number):
            prepared.append(prepare(ctx, given))
            check_form(prepared[-1])
    return prepared


def _transacted(one: Prepared, table: TableSchema) -> WriteRequest:
    request = write_of(one, table)
    if "ReturnValues" in request.members:
        raise validation(_RETURNS)
    return request


def _duplicates_named(error: AwsError, prepared: Sequence[Prepared]) -> AwsError:
    """An INSERT that failed on its condition is a DuplicateItem."""
    reasons = error.fields.get("CancellationReasons")
    if error.code != "TransactionCanceledException" or reasons is None:
        return error
    named = [
        {"Code": "DuplicateItem", "Message": DUPLICATE}
        if isinstance(one.statement, Insert) and reason["Code"] == "ConditionalCheckFailed"
        else reason
        for one, reason in zip(prepared, reasons, strict=True)
    ]
    return cancelled(named)


def _read_transaction(ctx: Context[DynamoState], prepared: Sequence[Prepared], params: Params) -> Output:
    responses: list[dict[str, Any]] = []
    consumed: _Consumed = {}
    keys: set[bytes] = set()
    for number, one in enumerate(prepared):
        table = ctx.state.table(ctx, one.ref.arn).schema
        with named_in_transaction(number):
            if cast("Select", one.statement).index is not None:
                raise validation(_INDEX_READ)
            item, used, key = _single(ctx, one, table, "ExecuteTransaction", consistent=True)
        if key in keys:
            raise validation("Transaction request cannot include multiple operations on one item")
        keys.add(key)
        # A transaction prepares and commits each read: twice the units.
        consumed.setdefault(one.ref.arn, (one.named, table, Units()))[2].add(used, 2.0)
        responses.append({} if item is None else {"Item": item})
    answer: dict[str, Any] = {"Responses": responses}
    wanted = params.get("ReturnConsumedCapacity")
    if wanted in ("TOTAL", "INDEXES"):
        answer["ConsumedCapacity"] = [
            consumed_capacity(table, units, wanted, name, split="ReadCapacityUnits")
            for name, table, units in consumed.values()
        ]
    return answer
