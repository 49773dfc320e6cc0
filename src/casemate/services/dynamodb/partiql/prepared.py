"""A statement bound to the table it names: what it is authorized on, and what it asks of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.names import TableRef, table_ref
from casemate.services.dynamodb.partiql.selection import Selection, select_plan
from casemate.services.dynamodb.partiql.statements import Parameters, read_statement
from casemate.services.dynamodb.partiql.writes import WriteRequest, write_request
from casemate.services.dynamodb.partiql.writing import Writing
from casemate.services.dynamodb.permissions import item_check
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.errors import INVALID
from casemate.tables.expressions.lexer import REWRITTEN
from casemate.tables.keys import check_key, item_key
from casemate.tables.partiql.nodes import Exists, Insert, Path, Select, Statement
from casemate.tables.reads import Reading
from casemate.tables.schema import IndexSchema, KeyAttribute, KeySchema, TableSchema

_UNKNOWN_KEY = KeySchema(partition=(KeyAttribute(name="", type="S"),))
"""Of a table that is not there: no condition names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """One statement of a request."""

    statement: Statement
    parameters: Parameters
    named: str
    """What the statement calls the table: its name or its ARN."""
    ref: TableRef
    failure_values: str | None
    """ReturnValuesOnConditionCheckFailure."""

    @property
    def table_name(self) -> str:
        return self.ref.name

    @property
    def is_read(self) -> bool:
        return isinstance(self.statement, Select)


def prepare(ctx: Context[DynamoState], given: Mapping[str, Any]) -> Prepared:
    """Read the members that every PartiQL operation has; ValidationException when the statement is none."""
    statement, parameters = read_statement(given["Statement"], given.get("Parameters"))
    table = statement.select.table if isinstance(statement, Exists) else statement.table
    return Prepared(
        statement=statement,
        parameters=parameters,
        named=table,
        ref=table_ref(ctx, table),
        failure_values=given.get("ReturnValuesOnConditionCheckFailure"),
    )


def check(ctx: Context[DynamoState], prepared: Prepared, enclosing: str | None = None) -> Check:
    """Source: Service Authorization Reference, DynamoDB: the PartiQL actions and their condition keys.

    A statement that cannot be carried out is authorized on its table alone; its own complaint comes after.
    """
    try:
        if isinstance(prepared.statement, Select):
            return _select_check(ctx, prepared, prepared.statement, enclosing)
        return _write_check(ctx, prepared, enclosing)
    except AwsError:
        return item_check(ctx, _action(prepared.statement), prepared.ref, {}, enclosing=enclosing)


def _write_check(ctx: Context[DynamoState], prepared: Prepared, enclosing: str | None) -> Check:
    found = ctx.state.find(prepared.ref)
    if found is None:
        return item_check(ctx, _action(prepared.statement), prepared.ref, {}, enclosing=enclosing)
    request = write_of(prepared, found.schema)
    return item_check(
        ctx,
        _action(prepared.statement),
        prepared.ref,
        {"ReturnValues": request.members.get("ReturnValues")},
        keys=(request.target,),
        attributes=dict.fromkeys((*request.target, *request.attributes)),
        enclosing=enclosing,
    )


def _action(statement: Statement) -> str:
    return "PartiQLSelect" if isinstance(statement, Exists) else f"PartiQL{type(statement).__name__}"


def _select_check(
    ctx: Context[DynamoState], prepared: Prepared, statement: Select, enclosing: str | None
) -> Check:
    found = ctx.state.find(prepared.ref)
    index = None if found is None else found.schema.indexes.get(statement.index or "")
    schema = _UNKNOWN_KEY if found is None else (found.schema.key if index is None else index.key)
    selection = select_plan(statement, prepared.parameters, schema)
    partitions = selection.partitions or ()
    made = item_check(
        ctx,
        "PartiQLSelect",
        prepared.ref,
        {},
        leading=[[key[attribute.name] for attribute in schema.partition] for key in partitions],
        attributes=dict.fromkeys((*_wanted(statement), *selection.named, *selection.writing.attributes)),
        select=_select(statement),
        index=statement.index,
        enclosing=enclosing,
    )
    scans = "true" if selection.partitions is None else "false"
    return replace(made, context={**made.context, "dynamodb:FullTableScan": scans})


def _select(statement: Select) -> str:
    if statement.paths is not None:
        return "SPECIFIC_ATTRIBUTES"
    return "ALL_ATTRIBUTES" if statement.index is None else "ALL_PROJECTED_ATTRIBUTES"


def _wanted(statement: Select) -> list[str]:
    return [str(path.elements[0]) for path in statement.paths or ()]


def write_of(prepared: Prepared, schema: TableSchema) -> WriteRequest:
    """The write as a request of the item operation; ValidationException when it names no single item."""
    assert not isinstance(prepared.statement, Select)
    names = [attribute.name for attribute in schema.key.attributes]
    return write_request(prepared.statement, prepared.parameters, names, prepared.failure_values)


def check_form(prepared: Prepared) -> None:
    """What is wrong with the condition whatever the table is: it is said before the table is looked for.

    Observed: paritysuite/dynamodb-conformance, validation-ordering/partiql.
    """
    statement = prepared.statement
    if isinstance(statement, Insert):
        return
    where = statement.select.where if isinstance(statement, Exists) else statement.where
    if where is not None:
        writing = Writing(prepared.parameters)
        text = writing.condition(where)
        writing.compiler(limits=REWRITTEN).condition(text)


def reading_of(
    prepared: Prepared, table: TableSchema, *, consistent: bool, limit: int | None = None
) -> tuple[Selection, Reading]:
    """The plan of a SELECT and what the engine reads for it."""
    statement = prepared.statement
    assert isinstance(statement, Select)
    index = _index(statement, table, consistent=consistent)
    if statement.function is not None:
        # Though the page lists functions among the expressions of a SELECT (observed: partiqlFunctions, October 2026).
        raise validation(f"Unexpected path component at {statement.function}")
    selection = select_plan(statement, prepared.parameters, table.key if index is None else index.key)
    compiler = selection.writing.compiler()
    condition = None if selection.filter is None else compiler.condition(selection.filter, "FilterExpression")
    if index is not None and condition is not None and selection.partitions is not None:
        _check_filter(table, index, condition.attributes)
    reading = Reading(
        table=table,
        index=index,
        limit=limit,
        filter=condition,
        filter_values=compiler.placeholders.values,
        fetch=index is not None and _beyond(table, index, statement.paths),
        consistent=consistent,
        forward=selection.forward,
    )
    return selection, reading


def _index(statement: Select, table: TableSchema, *, consistent: bool) -> IndexSchema | None:
    """Its words and their order: paritysuite/dynamodb-conformance, partiqlIndexQualifier and partiqlMultiAttributeIndex."""
    if statement.index is None:
        return None
    index = table.indexes.get(statement.index)
    if index is None:
        raise validation("The table does not have the specified index")
    if index.is_global and consistent:
        raise validation("Strongly consistent read is not supported on Global Secondary Indexes")
    if len(index.key.partition) > 1 or len(index.key.sort) > 1:
        raise validation(
            "PartiQL statements cannot be executed on tables with multi-attribute HASH keys or multi-attribute RANGE keys."
        )
    return index


def _check_filter(table: TableSchema, index: IndexSchema, attributes: Sequence[str]) -> None:
    """A read of some keys of an index may ask about what the index holds only; a scan of it just does not find the rest.

    Observed: paritysuite/dynamodb-conformance, partiql/indexQualifier.
    """
    held = table.projected(index)
    missing = [] if held is None else [name for name in attributes if name not in held]
    if missing:
        raise validation(
            f"{INVALID}Secondary index {index.name} does not project one or more filter attributes: "
            f"[{', '.join(missing)}]"
        )


def _beyond(table: TableSchema, index: IndexSchema, paths: Sequence[Path] | None) -> bool:
    """Whether a local index must read the table for attributes it does not hold; a global one may not."""
    held = table.projected(index)
    if held is None:
        return False
    wanted = dict.fromkeys(str(path.elements[0]) for path in paths or ())
    missing = [name for name in wanted if name not in held]
    if missing and index.is_global:
        raise validation(
            f"{INVALID}Global secondary index {index.name} does not project [{', '.join(missing)}]"
        )
    return bool(missing)


def key_of(selection: Selection, reading: Reading) -> bytes | None:
    """What tells items apart when a SELECT names a single one and asks nothing else; None when it does not."""
    if reading.index is not None or not selection.whole_key or reading.filter is not None:
        return None
    values = selection.partition_values(0)
    key = {name: values[term.operands[0]] for name, term in selection.terms.items()}
    check_key(reading.table, key)
    return item_key(reading.table, key)
