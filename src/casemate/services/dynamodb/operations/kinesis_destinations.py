"""Kinesis streaming destinations: kept and described, nothing is delivered. Streams are not looked for.

Sources: API reference; Developer Guide, "Using Kinesis Data Streams to capture changes to DynamoDB". The words are
AWS's answers as recorded by ack-api-quirks, DDB-TABLE-268, 299, 300 and 442; of a stream's ARN that is none, no recording is at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from casemate.servicekit.service import Check, Checks, Context, Output, Params
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.names import own_table_ref
from casemate.services.dynamodb.permissions import on_table
from casemate.services.dynamodb.records import KinesisDestination, TableRecord
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState

SERVICE = "kinesisreplication.dynamodb.amazonaws.com"
_STREAM = re.compile(r"arn:aws(-[a-z]+)*:kinesis:[a-z0-9-]+:\d{12}:stream/[a-zA-Z0-9_.-]{1,128}")
_USED = ("DescribeStream", "PutRecords")
_PRECISION = "ApproximateCreationDateTimePrecision"


def _with_stream(action: str) -> Checks[DynamoState]:
    """The caller must be able to write to the stream (Developer Guide, "Using IAM with Kinesis Data Streams")."""

    def checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
        yield from on_table(action)(ctx, params)
        for used in _USED:
            yield Check(action=f"kinesis:{used}", resource=_stream(params))

    return checks


def _stream(params: Params) -> str:
    arn = params["StreamArn"]
    if not _STREAM.fullmatch(arn):
        raise validation(f"Invalid StreamArn: {arn} is not the ARN of a Kinesis data stream")
    return arn


def _found(ctx: Context[DynamoState], params: Params) -> tuple[TableRecord, KinesisDestination | None]:
    record = ctx.state.described(own_table_ref(ctx, params["TableName"]))
    arn = _stream(params)
    return record, next((one for one in record.kinesis if one.stream_arn == arn), None)


def _keep(ctx: Context[DynamoState], record: TableRecord, destination: KinesisDestination) -> None:
    others = [one for one in record.kinesis if one.stream_arn != destination.stream_arn]
    ctx.state.tables.put(record.ref.key, replace(record, kinesis=(*others, destination)))


def _precision(destination: KinesisDestination) -> dict[str, str]:
    """What was not asked for is not told; it is the millisecond (DDB-TABLE-300)."""
    return {} if destination.precision is None else {_PRECISION: destination.precision}


def _answer(record: TableRecord, destination: KinesisDestination, status: str) -> dict[str, Any]:
    return {
        "TableName": record.name,
        "StreamArn": destination.stream_arn,
        "DestinationStatus": status,
    }


@operations.operation(
    "EnableKinesisStreamingDestination", checks=_with_stream("EnableKinesisStreamingDestination")
)
def enable_kinesis_streaming_destination(ctx: Context[DynamoState], params: Params) -> Output:
    record, _ = _found(ctx, params)
    if any(one.enabled for one in record.kinesis):
        # Of one table one stream at a time: AWS says so of this one too (DDB-TABLE-268 and 299).
        raise validation(
            "Table is not in a valid state to enable Kinesis Streaming Destination: EnableKinesisStreamingDestination "
            "must be DISABLED or ENABLE_FAILED to perform ENABLE operation."
        )
    if ctx.state.linked_roles is not None:
        ctx.state.linked_roles.ensure(ctx, SERVICE)
    configuration: Mapping[str, Any] = params.get("EnableKinesisStreamingConfiguration") or {}
    precision = configuration.get(_PRECISION)
    made = KinesisDestination(stream_arn=params["StreamArn"], enabled=True, precision=precision)
    _keep(ctx, record, made)
    return {**_answer(record, made, "ENABLING"), "EnableKinesisStreamingConfiguration": _precision(made)}


@operations.operation(
    "DisableKinesisStreamingDestination", checks=on_table("DisableKinesisStreamingDestination")
)
def disable_kinesis_streaming_destination(ctx: Context[DynamoState], params: Params) -> Output:
    record, present = _found(ctx, params)
    if params.get("EnableKinesisStreamingConfiguration"):
        raise validation("Stream cannot be disabled using EnableKinesisStreamingConfiguration parameters")
    if present is None or not present.enabled:
        raise validation(
            "Table is not in a valid state to enable Kinesis Streaming Destination: KinesisStreamingDestination must be "
            "ACTIVE to perform DISABLE operation."
        )
    _keep(ctx, record, replace(present, enabled=False))
    return _answer(record, present, "DISABLING")


@operations.operation(
    "UpdateKinesisStreamingDestination", checks=on_table("UpdateKinesisStreamingDestination")
)
def update_kinesis_streaming_destination(ctx: Context[DynamoState], params: Params) -> Output:
    record, present = _found(ctx, params)
    given: Mapping[str, Any] = params.get("UpdateKinesisStreamingConfiguration") or {}
    precision = given.get(_PRECISION)
    if precision is None:
        raise validation(
            "Streaming destination cannot be updated with given parameters: UpdateKinesisStreamingConfiguration cannot be "
            "null or contain only null values"
        )
    if present is None or not present.enabled:
        raise validation(
            "Table is not in a valid state to enable Kinesis Streaming Destination: Kinesis streaming is not in ACTIVE "
            f"state. Updates are only allowed in ACTIVE state. TableName: {record.name}, kdsArn: {params['StreamArn']}"
        )
    if precision == (present.precision or "MILLISECOND"):
        raise validation(
            f"Invalid Request: Precision is already set to the desired value of {precision} for tableId: "
            f"{record.table_id}, kdsArn: {present.stream_arn}"
        )
    changed = replace(present, precision=precision)
    _keep(ctx, record, changed)
    return {
        **_answer(record, present, "UPDATING"),
        "UpdateKinesisStreamingConfiguration": _precision(changed),
    }


@operations.operation(
    "DescribeKinesisStreamingDestination", checks=on_table("DescribeKinesisStreamingDestination")
)
def describe_kinesis_streaming_destination(ctx: Context[DynamoState], params: Params) -> Output:
    record = ctx.state.described(own_table_ref(ctx, params["TableName"]))
    return {
        "TableName": record.name,
        "KinesisDataStreamDestinations": [
            {
                "StreamArn": one.stream_arn,
                "DestinationStatus": "ACTIVE" if one.enabled else "DISABLED",
                **_precision(one),
            }
            for one in record.kinesis
        ],
    }
