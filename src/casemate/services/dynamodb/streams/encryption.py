"""A stream is encrypted as its table is: who reads it must be able to use the table's key."""

from __future__ import annotations

from casemate.servicekit.service import Context
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.records import StreamRecord


def open_key(ctx: Context[DynamoState], stream: StreamRecord) -> None:
    """The errors of an item operation when the caller cannot use the key."""
    table = ctx.state.tables.get(*stream.ref.table.key)
    # A table made again under the same name is not the stream's own.
    if table is not None and table.created <= stream.created:
        ctx.state.table_keys.open(ctx, table)
