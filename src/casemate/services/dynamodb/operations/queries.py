"""Query and Scan."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.item_requests import compiler_of
from casemate.services.dynamodb.legacy import Modernized
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.permissions import item_check, on_one_table
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState, Table
from casemate.services.dynamodb.stretches import in_stretches, still_readable
from casemate.tables.capacity import consumed_capacity
from casemate.tables.errors import INVALID
from casemate.tables.expressions.compiled import Compiler, ProjectionExpression
from casemate.tables.expressions.conditions import ConditionExpression
from casemate.tables.expressions.keyconditions import KeyConditionExpression
from casemate.tables.expressions.paths import Tree, tree_of
from casemate.tables.reads import Page, Reading, Steps
from casemate.tables.records import encoded_list
from casemate.tables.schema import IndexSchema, TableSchema
from casemate.tables.values import item_from_wire, to_wire


@dataclass(kw_only=True, slots=True)
class _Wanted:
    """The expressions of a Query or Scan.

    Not frozen only because making a frozen one costs microseconds; nobody changes it.
    """

    compiler: Compiler
    key: KeyConditionExpression | None
    filter: ConditionExpression | None
    projection: ProjectionExpression | None

    @property
    def attributes(self) -> Iterable[str]:
        parts = (self.key, self.filter, self.projection)
        return [name for part in parts if part is not None for name in part.attributes]


_last: tuple[Params, bool, _Wanted] | None = None
"""The checks of a request and its handler, which follow each other, ask the same."""


def _wanted(params: Params, *, query: bool) -> _Wanted:
    """What a request wants, the same for the same parameters."""
    global _last  # noqa: PLW0603 - a cache of one
    if _last is None or _last[0] is not params or _last[1] is not query:
        _last = (params, query, _compiled(params, query=query))
    return _last[2]


def _compiled(params: Params, *, query: bool) -> _Wanted:
    compiler = compiler_of(params)
    key = None
    if query:
        text = params.get("KeyConditionExpression")
        if text is None:
            raise validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."
            )
        key = compiler.key_condition(text)
    condition, projection = params.get("FilterExpression"), params.get("ProjectionExpression")
    wanted = _Wanted(
        compiler=compiler,
        key=key,
        filter=None if condition is None else compiler.condition(condition, "FilterExpression"),
        projection=None if projection is None else compiler.projection(projection),
    )
    compiler.check_all_used()
    _check_select(params, query=query)
    return wanted


def _check_select(params: Params, *, query: bool) -> None:
    """What Select may not be together with; of a Query AWS counts it among the errors of members.

    Observed: nubo-db/dynoxide, issues 96 and 121 and pull request 100, June 2026.
    """
    select, projected = params.get("Select"), params.get("ProjectionExpression") is not None
    prefix = "1 validation error detected: " if query else ""
    if projected and select not in (None, "SPECIFIC_ATTRIBUTES"):
        wanted = "only the Count" if select == "COUNT" else select
        raise validation(f"{prefix}Cannot specify the ProjectionExpression when choosing to get {wanted}")
    if select == "SPECIFIC_ATTRIBUTES" and not projected:
        raise validation(
            f"{prefix}Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES"
        )
    if select == "ALL_PROJECTED_ATTRIBUTES" and params.get("IndexName") is None:
        raise validation(
            f"{prefix}ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"
        )


def _select(params: Params) -> str:
    """What is selected when the request does not say (API reference, Query, Select)."""
    if params.get("Select"):
        return params["Select"]
    if params.get("ProjectionExpression") is not None:
        return "SPECIFIC_ATTRIBUTES"
    return "ALL_ATTRIBUTES" if params.get("IndexName") is None else "ALL_PROJECTED_ATTRIBUTES"


def _checks(ctx: Context[DynamoState], params: Params, action: str) -> Iterable[Check]:
    wanted = _wanted(params, query=action == "Query")
    ref = table_ref(ctx, params["TableName"])
    index = params.get("IndexName")
    check = item_check(
        ctx,
        action,
        ref,
        params,
        leading=_leading(ctx, params, wanted),
        attributes=wanted.attributes,
        select=_select(params),
        index=index,
    )
    return (check,)


def _leading(ctx: Context[DynamoState], params: Params, wanted: _Wanted) -> list[list[dict[str, Any]]]:
    """The partition key a Query names, of the table or of the index it reads: the values of its attributes in order."""
    found = ctx.state.find(table_ref(ctx, params["TableName"]))
    if found is None or wanted.key is None:
        return []
    index = found.schema.indexes.get(params.get("IndexName") or "")
    schema = found.schema.key if index is None else index.key
    values = wanted.compiler.placeholders.values
    named = {
        term.attribute: to_wire(values[term.operands[0]]) for term in wanted.key.terms if term.operator == "="
    }
    given = [named.get(attribute.name) for attribute in schema.partition]
    # A key that is not named whole is refused by the operation itself.
    return [[value for value in given if value is not None]] if None not in given else []


def _reading(table: Table, params: Params, wanted: _Wanted) -> Reading:
    schema = table.schema
    name = params.get("IndexName")
    index = schema.indexes.get(name) if name is not None else None
    if name is not None and index is None:
        raise validation(f"The table does not have the specified index: {name}")
    if index is not None and index.is_global and params.get("ConsistentRead"):
        raise validation("Consistent reads are not supported on global secondary indexes")
    start = params.get("ExclusiveStartKey")
    fetch = index is not None and _beyond(schema, index, params, wanted)
    return Reading(
        table=schema,
        index=index,
        limit=params.get("Limit"),
        start_after=None if start is None else item_from_wire(start),
        filter=wanted.filter,
        filter_values=wanted.compiler.placeholders.values,
        projection=_projection(
            schema, index, wanted, fetched=fetch and params.get("Select") != "ALL_ATTRIBUTES"
        ),
        count_only=params.get("Select") == "COUNT",
        fetch=fetch,
        consistent=bool(params.get("ConsistentRead")),
        forward=params.get("ScanIndexForward") is not False,
        whole=True,
    )


def _projection(
    schema: TableSchema, index: IndexSchema | None, wanted: _Wanted, *, fetched: bool
) -> Tree | None:
    """What is shown of items; None: what was read. Of items that are fetched for a filter's sake, what the index holds."""
    if wanted.projection is not None:
        return wanted.projection.tree
    held = schema.projected(index) if index is not None and fetched else None
    return None if held is None else tree_of((name,) for name in held)


def _beyond(schema: TableSchema, index: IndexSchema, params: Params, wanted: _Wanted) -> bool:
    """Whether an index does not hold all that is wanted: a local one then reads the table, a global one may not."""
    held = schema.projected(index)
    if held is None:
        return False
    if params.get("Select") == "ALL_ATTRIBUTES":
        if index.is_global:
            raise validation(
                f"{INVALID}Select type ALL_ATTRIBUTES is not supported for global secondary index {index.name} because "
                "its projection type is not ALL"
            )
        return True
    parts = (wanted.projection, wanted.filter)
    missing = [name for part in parts if part is not None for name in part.attributes if name not in held]
    if missing and index.is_global:
        _refuse_unprojected(index, wanted, held)
        return False
    return bool(missing)


def _refuse_unprojected(index: IndexSchema, wanted: _Wanted, held: frozenset[str]) -> None:
    """Naming an attribute that a global index lacks is an error in a projection; a filter just does not find it."""
    names: Sequence[str] = () if wanted.projection is None else wanted.projection.attributes
    missing = [name for name in names if name not in held]
    if missing:
        raise validation(
            f"{INVALID}Global secondary index {index.name} does not project [{', '.join(missing)}]"
        )


def _answer(page: Page, reading: Reading, params: Params) -> Output:
    answer: dict[str, Any] = {"Count": page.count, "ScannedCount": page.scanned}
    if not reading.count_only:
        answer["Items"] = page.items or encoded_list(page.records)
    if page.last_key is not None:
        answer["LastEvaluatedKey"] = page.last_key
    wanted = params.get("ReturnConsumedCapacity")
    capacity = consumed_capacity(reading.table, page.units, wanted, params["TableName"])
    if capacity is not None:
        answer["ConsumedCapacity"] = capacity
    return answer


@operations.operation("Query", checks=lambda ctx, params: _checks(ctx, params, "Query"), asked=on_one_table)
def query(ctx: Context[DynamoState], params: Params) -> Output | Awaitable[Output]:
    wanted = _wanted(params, query=True)
    assert wanted.key is not None
    table = ctx.state.table(ctx, params["TableName"])
    reading = _reading(table, params, wanted)
    terms = {term.attribute: term for term in wanted.key.terms}
    _check_filter(reading, wanted, "QueryFilter" if isinstance(params, Modernized) else "Filter Expression")
    steps = ctx.state.engine.query_steps(reading, terms, wanted.compiler.placeholders.values)
    return _read(ctx, params, reading, steps)


def _read(
    ctx: Context[DynamoState], params: Params, reading: Reading, steps: Steps
) -> Output | Awaitable[Output]:
    return in_stretches(
        ctx.state,
        steps,
        lambda page: _answer(page, reading, params),
        lambda: still_readable(ctx, params["TableName"], reading),
    )


def _check_filter(reading: Reading, wanted: _Wanted, member: str) -> None:
    """A Query's filter may not name the key it queries by."""
    if wanted.filter is None:
        return
    keys = {attribute.name for attribute in reading.key.attributes}
    for name in wanted.filter.attributes:
        if name in keys:
            raise validation(
                f"{member} can only contain non-primary key attributes: Primary key attribute: {name}"
            )


@operations.operation("Scan", checks=lambda ctx, params: _checks(ctx, params, "Scan"), asked=on_one_table)
def scan(ctx: Context[DynamoState], params: Params) -> Output | Awaitable[Output]:
    wanted = _wanted(params, query=False)
    segment, total = _segments(params)
    table = ctx.state.table(ctx, params["TableName"])
    reading = _reading(table, params, wanted)
    steps = ctx.state.engine.scan_steps(reading, segment=segment, total_segments=total)
    return _read(ctx, params, reading, steps)


def _segments(params: Params) -> tuple[int, int]:
    segment, total = params.get("Segment"), params.get("TotalSegments")
    if segment is None and total is None:
        return 0, 1
    if segment is None:
        raise validation(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present"
        )
    if total is None:
        raise validation(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present"
        )
    if segment >= total:
        raise validation(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
            f"Segment: {segment} is not less than TotalSegments: {total}"
        )
    return segment, total
