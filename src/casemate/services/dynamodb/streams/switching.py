"""StreamSpecification of CreateTable and UpdateTable: streams begin and end.

The messages are those recorded from AWS (ack-api-quirks, DDB-TABLE-050).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from casemate.servicekit.service import Context
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.records import StreamSetting, TableRecord
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.records import StreamRecord
from casemate.tables.errors import INVALID

Specification = Mapping[str, Any]


def check_switch(record: TableRecord, given: Specification | None) -> None:
    """Whether UpdateTable may do with the table's stream what it is asked to."""
    if given is None:
        return
    on = record.stream is not None and record.stream.enabled
    _check_form(given)
    if given["StreamEnabled"] and on:
        raise validation(f"Table already has an enabled stream: TableName: {record.name}")
    if not given["StreamEnabled"] and not on:
        raise validation(f"Table has no stream to disable: TableName: {record.name}")


def _check_form(given: Specification) -> None:
    view = given.get("StreamViewType")
    if given["StreamEnabled"] and view is None:
        raise validation(f"{INVALID}If stream is being enabled then UpdateViewType is required")
    if not given["StreamEnabled"] and view is not None:
        raise validation(f"{INVALID}If stream is being disabled, then UpdateViewType must not be specified")


def check_first(given: Specification | None) -> None:
    """Whether CreateTable may make the table with that stream, or without one."""
    if given is None:
        return
    view = given.get("StreamViewType")
    if given["StreamEnabled"] and view is None:
        raise validation(f"{INVALID}Table is being created with a stream enabled, UpdateViewType is required")
    if not given["StreamEnabled"] and view is not None:
        raise validation(
            f"{INVALID}Table is being created with a stream disabled, UpdateViewType should not be specified"
        )


def with_stream(ctx: Context[DynamoState], record: TableRecord, given: Specification | None) -> TableRecord:
    """The table with the stream it is asked to have. Inside the transaction that keeps the table."""
    if given is None:
        return record
    _check_form(given)
    return _enabled(ctx, record, given) if given["StreamEnabled"] else disable_stream(ctx, record)


def _enabled(ctx: Context[DynamoState], record: TableRecord, given: Specification) -> TableRecord:
    now = ctx.now
    while (*record.ref.key, label := _label(now)) in ctx.state.streams:
        now += timedelta(milliseconds=1)
    names = (record.hash_key,) if record.range_key is None else (record.hash_key, record.range_key)
    stream = StreamRecord(
        account=record.account,
        region=record.region,
        table=record.name,
        label=label,
        stream_id=ctx.new_uuid().replace("-", ""),
        view=given["StreamViewType"],
        created=ctx.now.timestamp(),
        hash_key=record.hash_key,
        range_key=record.range_key,
        types={name: record.attributes[name] for name in names},
    )
    # A crash before the record is kept leaves a stream that the next start purges.
    ctx.state.engine.changes.open(stream.id_bytes)
    ctx.state.streams.put(stream.ref.key, stream)
    setting = StreamSetting(label=label, stream_id=stream.stream_id, view=stream.view, enabled=True)
    return replace(record, stream=setting)


def _label(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}"


def disable_stream(ctx: Context[DynamoState], record: TableRecord) -> TableRecord:
    """The table without its stream, whose record says since when. `close_stream` comes after the transaction."""
    if record.stream is None or not record.stream.enabled:
        return record
    stream = ctx.state.streams.get(*record.ref.key, record.stream.label)
    assert stream is not None, "the stream of a table is on record"
    ctx.state.streams.put(stream.ref.key, replace(stream, disabled=ctx.now.timestamp()))
    return replace(record, stream=replace(record.stream, enabled=False))


def close_stream(state: DynamoState, record: TableRecord) -> None:
    """End the shard of a stream that was disabled; a start does so too, should a crash come in between."""
    if record.stream is not None:
        state.engine.changes.close(bytes.fromhex(record.stream.stream_id))
