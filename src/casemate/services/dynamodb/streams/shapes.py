"""Streams, shards and records in the API's form."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from casemate.services.dynamodb.streams.records import StreamRecord
from casemate.tables.change_log import Shard
from casemate.tables.change_record import ChangeRecord

_OFFSET = 10**20
_ID_BYTES = 16


def sequence_text(sequence: int) -> str:
    """A SequenceNumber has between 21 and 40 digits (botocore's model)."""
    return str(_OFFSET + sequence)


def parse_sequence(text: str) -> int | None:
    """The number behind a SequenceNumber; None when it is none that `sequence_text` gives."""
    if not (text.isascii() and text.isdigit() and len(text) <= 40):
        return None
    sequence = int(text) - _OFFSET
    return sequence if 0 <= sequence < 1 << 63 else None


def shard_id(stream: StreamRecord, number: int) -> str:
    """`shardId-` with twenty digits and eight hexadecimal ones: the form of AWS's own."""
    digest = blake2b(stream.id_bytes + number.to_bytes(4, "big"), digest_size=4).hexdigest()
    return f"shardId-{int(stream.created * 1000) + number:020d}-{digest}"


def described_shard(stream: StreamRecord, shard: Shard) -> dict[str, Any]:
    """A member of `Shards`."""
    span = {"StartingSequenceNumber": sequence_text(shard.first)}
    if shard.last is not None:
        span["EndingSequenceNumber"] = sequence_text(shard.last)
    described: dict[str, Any] = {"ShardId": shard_id(stream, shard.number), "SequenceNumberRange": span}
    if shard.number > 0:
        described["ParentShardId"] = shard_id(stream, shard.number - 1)
    return described


def described_stream(stream: StreamRecord) -> dict[str, Any]:
    """StreamDescription without its shards."""
    keys = [(stream.hash_key, "HASH")]
    if stream.range_key is not None:
        keys.append((stream.range_key, "RANGE"))
    return {
        "StreamArn": stream.ref.arn,
        "StreamLabel": stream.label,
        "StreamStatus": "ENABLED" if stream.disabled is None else "DISABLED",
        "StreamViewType": stream.view,
        "CreationRequestDateTime": datetime.fromtimestamp(stream.created, UTC),
        "TableName": stream.table,
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    }


def stream_record(stream: StreamRecord, change: ChangeRecord) -> dict[str, Any]:
    """A member of `Records`; its time is to the second, as AWS's are."""
    about: dict[str, Any] = {
        "ApproximateCreationDateTime": datetime.fromtimestamp(int(change.at), UTC),
        "Keys": change.key,
        "SequenceNumber": sequence_text(change.sequence),
        "SizeBytes": change.size,
        "StreamViewType": stream.view,
    }
    if change.new is not None:
        about["NewImage"] = change.new
    if change.old is not None:
        about["OldImage"] = change.old
    identity = stream.id_bytes + change.sequence.to_bytes(8, "big")
    record: dict[str, Any] = {
        "eventID": blake2b(identity, digest_size=_ID_BYTES).hexdigest(),
        "eventName": change.name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": stream.region,
        "dynamodb": about,
    }
    if change.expired:
        # Developer Guide, "DynamoDB Streams and Time to Live".
        record["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    return record
