"""What requests want of tables, item by item. Of a table that is not there nothing is wanted: the operation says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.partiql.prepared import prepare
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.throttling.buckets import Kind
from casemate.services.dynamodb.throttling.throttle import Demand
from casemate.tables.capacity import read_units, write_units
from casemate.tables.partiql.nodes import Select
from casemate.tables.values import item_from_wire, item_size


def demand_on(
    ctx: Context[DynamoState], name: str, kind: Kind, index_name: str | None = None
) -> Demand | None:
    """On the table of that name, or on a global index of it: a local one is read on the table's account."""
    table = _table(ctx, name)
    if table is None:
        return None
    index = None if index_name is None else table.index(index_name)
    drawn_on = index if index is not None and index.is_global else None
    return Demand(named=name, table=table, kind=kind, index=drawn_on)


def _table(ctx: Context[DynamoState], name: str) -> TableRecord | None:
    found = ctx.state.find(table_ref(ctx, name))
    return None if found is None else found.record


def action_demand(ctx: Context[DynamoState], action: Mapping[str, Mapping[str, Any]]) -> Demand | None:
    """Of one member of TransactItems."""
    ((kind, given),) = action.items()
    return demand_on(ctx, given["TableName"], "read" if kind == "Get" else "write")


def statement_demand(ctx: Context[DynamoState], given: Mapping[str, Any]) -> Demand | None:
    """Of a PartiQL statement; of what is none, nothing: the operation says so."""
    try:
        prepared = prepare(ctx, given)
    except AwsError:
        return None
    index = prepared.statement.index if isinstance(prepared.statement, Select) else None
    return demand_on(ctx, prepared.named, "read" if prepared.is_read else "write", index)


def expected_units(request: Mapping[str, Any]) -> float:
    """About what a member of a batch will take: of a put its own size, of a deletion and of a read the least."""
    put: Mapping[str, Any] | None = request.get("PutRequest")
    if put is not None:
        return write_units(item_size(item_from_wire(put["Item"])))
    return 1.0 if "DeleteRequest" in request else read_units(0, consistent=False)
