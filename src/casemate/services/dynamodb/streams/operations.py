"""ListStreams, DescribeStream, GetShardIterator, GetRecords."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from casemate.model.errors import AwsError
from casemate.servicekit.constrained import ConstrainedOperations
from casemate.servicekit.constraints import Violation, message
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.encryption import open_key
from casemate.services.dynamodb.streams.iterators import ShardIterator, parse_iterator
from casemate.services.dynamodb.streams.records import StreamRecord, StreamRef, parse_stream_arn
from casemate.services.dynamodb.streams.shapes import (
    described_shard,
    described_stream,
    parse_sequence,
    sequence_text,
    shard_id,
    stream_record,
)
from casemate.tables.change_log import MAX_RECORDS, Shard
from casemate.tables.errors import trimmed

_PAGE = 100
"""API reference, DescribeStream and ListStreams: "The upper limit is 100"."""


def _refuse(found: list[Violation]) -> AwsError:
    return validation(message(found))


operations: ConstrainedOperations[DynamoState] = ConstrainedOperations(
    "dynamodbstreams", refuse=_refuse, iam_prefix="dynamodb"
)


def _not_found(what: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Requested resource not found: {what} not found")


def _ref(ctx: Context[DynamoState], arn: str) -> StreamRef:
    ref = parse_stream_arn(arn)
    if ref is None or ref.table.region != ctx.region:
        raise validation("Invalid StreamArn")
    return ref


def _stream(ctx: Context[DynamoState], ref: StreamRef) -> StreamRecord:
    found = ctx.state.streams.get(*ref.key)
    if found is None or found.is_gone(ctx.now.timestamp()):
        raise _not_found(f"Stream: {ref.arn}")
    return found


def _limit(params: Params, most: int) -> int:
    wanted = params.get("Limit") or most
    if wanted > most:
        raise validation(
            f"1 validation error detected: Value '{wanted}' at 'limit' failed to satisfy constraint: Member must have "
            f"value less than or equal to {most}"
        )
    return wanted


def _on_stream(ctx: Context[DynamoState], params: Params, action: str) -> Iterable[Check]:
    return (Check(action=f"dynamodb:{action}", resource=_ref(ctx, params["StreamArn"]).arn),)


@operations.operation("ListStreams")
def list_streams(ctx: Context[DynamoState], params: Params) -> Output:
    """The account's streams in this Region, or those of one table."""
    limit = _limit(params, _PAGE)
    now, table = ctx.now.timestamp(), params.get("TableName")
    found = sorted(
        (stream.ref.arn, stream)
        for stream in ctx.state.streams.values(ctx.account, ctx.region)
        if table in (None, stream.table) and not stream.is_gone(now)
    )
    start = params.get("ExclusiveStartStreamArn")
    if start is not None:
        found = [(arn, stream) for arn, stream in found if arn > start]
    answer: dict[str, Any] = {
        "Streams": [
            {"StreamArn": arn, "TableName": stream.table, "StreamLabel": stream.label}
            for arn, stream in found[:limit]
        ]
    }
    if len(found) > limit:
        answer["LastEvaluatedStreamArn"] = found[limit - 1][0]
    return answer


@operations.operation("DescribeStream", checks=lambda ctx, params: _on_stream(ctx, params, "DescribeStream"))
def describe_stream(ctx: Context[DynamoState], params: Params) -> Output:
    """A stream and a page of its shards, oldest first."""
    limit = _limit(params, _PAGE)
    stream = _stream(ctx, _ref(ctx, params["StreamArn"]))
    shards = ctx.state.engine.changes.shards(stream.id_bytes)
    wanted: Mapping[str, str] = params.get("ShardFilter") or {}
    if wanted:
        if wanted.get("Type") != "CHILD_SHARDS" or wanted.get("ShardId") is None:
            raise validation("ShardFilter needs Type CHILD_SHARDS and a ShardId")
        parent = _shard(stream, shards, wanted["ShardId"]).number
        shards = tuple(shard for shard in shards if shard.number == parent + 1)
    start = params.get("ExclusiveStartShardId")
    if start is not None:
        after = _shard(stream, shards, start).number
        shards = tuple(shard for shard in shards if shard.number > after)
    page = [described_shard(stream, shard) for shard in shards[:limit]]
    described = {**described_stream(stream), "Shards": page}
    if len(shards) > limit:
        described["LastEvaluatedShardId"] = page[-1]["ShardId"]
    return {"StreamDescription": described}


def _shard(stream: StreamRecord, shards: Iterable[Shard], wanted: str) -> Shard:
    for shard in shards:
        if shard_id(stream, shard.number) == wanted:
            return shard
    raise _not_found(f"Shard: {wanted}")


@operations.operation(
    "GetShardIterator", checks=lambda ctx, params: _on_stream(ctx, params, "GetShardIterator")
)
def get_shard_iterator(ctx: Context[DynamoState], params: Params) -> Output:
    """A place in a shard, good for fifteen minutes."""
    stream = _stream(ctx, _ref(ctx, params["StreamArn"]))
    changes = ctx.state.engine.changes
    shard = _shard(stream, changes.shards(stream.id_bytes), params["ShardId"])
    match params["ShardIteratorType"]:
        case "TRIM_HORIZON":
            position = changes.trim_horizon(shard)
        case "LATEST":
            position = changes.latest(stream.id_bytes, shard)
        case "AT_TIMESTAMP":
            moment = params.get("Timestamp")
            if moment is None:
                raise validation("Timestamp must be specified for ShardIteratorType AT_TIMESTAMP")
            if moment > ctx.now:
                # API reference, GetShardIterator; no recording of its words is at hand.
                raise validation("Timestamp must not be in the future")
            position = changes.at_time(shard, moment.timestamp())
        case kind:
            position = _at_sequence(ctx, stream, shard, params, kind)
    place = ShardIterator(
        stream=stream.ref, shard=shard.number, position=position, issued=ctx.now.timestamp()
    )
    return {"ShardIterator": place.text()}


def _at_sequence(
    ctx: Context[DynamoState], stream: StreamRecord, shard: Shard, params: Params, kind: str
) -> int:
    given = params.get("SequenceNumber")
    if given is None:
        raise validation(f"SequenceNumber must be specified for ShardIteratorType {kind}")
    changes = ctx.state.engine.changes
    sequence = parse_sequence(given)
    if sequence is None or not shard.first <= sequence < changes.latest(stream.id_bytes, shard):
        raise validation(
            f"Invalid SequenceNumber: {given} is not in the shard, which begins at {sequence_text(shard.first)}"
        )
    if sequence < changes.trim_horizon(shard):
        raise trimmed()
    return sequence + 1 if kind == "AFTER_SEQUENCE_NUMBER" else sequence


def _records_checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
    place = parse_iterator(params["ShardIterator"])
    return (Check(action="dynamodb:GetRecords", resource=_ref(ctx, place.stream.arn).arn),)


@operations.operation("GetRecords", checks=_records_checks)
def get_records(ctx: Context[DynamoState], params: Params) -> Output:
    """Records from an iterator on; the next iterator is left out at the end of a closed shard."""
    limit = _limit(params, MAX_RECORDS)
    place = parse_iterator(params["ShardIterator"])
    stream = _stream(ctx, place.stream)
    now = ctx.now.timestamp()
    if place.has_expired(now):
        raise AwsError(
            "ExpiredIteratorException",
            "The shard iterator has expired and can no longer be used: it was issued more than 15 minutes ago",
        )
    open_key(ctx, stream)
    changes = ctx.state.engine.changes
    shard = next((one for one in changes.shards(stream.id_bytes) if one.number == place.shard), None)
    if shard is None:
        raise trimmed()
    found = changes.read(stream.id_bytes, shard, place.position, stream.key_schema(), limit=limit)
    answer: dict[str, Any] = {"Records": [stream_record(stream, change) for change in found.records]}
    if found.position is not None:
        onward = ShardIterator(stream=stream.ref, shard=shard.number, position=found.position, issued=now)
        answer["NextShardIterator"] = onward.text()
    return answer
