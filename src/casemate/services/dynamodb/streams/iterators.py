"""Shard iterators: a stream's ARN, and where in which shard to read on. Good for fifteen minutes.

AWS's are of the same form, `ARN|version|opaque text`, which is how GetRecords is authorized on a stream it never names.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

import msgspec
from msgspec import Struct

from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.streams.records import StreamRef, parse_stream_arn

ITERATOR_SECONDS = 15 * 60
"""API reference, GetShardIterator: "A shard iterator expires 15 minutes after it is returned to the requester"."""
_VERSION = "1"


class _Place(msgspec.Struct, array_like=True, frozen=True):
    shard: int
    position: int
    issued: float


class ShardIterator(Struct, frozen=True, kw_only=True):
    """A place in a stream."""

    stream: StreamRef
    shard: int
    position: int
    """The lowest sequence number to be read."""
    issued: float

    def text(self) -> str:
        """As clients hold it."""
        place = _Place(shard=self.shard, position=self.position, issued=self.issued)
        opaque = urlsafe_b64encode(msgspec.msgpack.encode(place)).decode()
        return f"{self.stream.arn}|{_VERSION}|{opaque}"

    def has_expired(self, now: float) -> bool:
        return now - self.issued > ITERATOR_SECONDS


def parse_iterator(text: str) -> ShardIterator:
    """Read what `text` gave; ValidationException for anything else."""
    arn, _, rest = text.partition("|")
    version, _, opaque = rest.partition("|")
    stream = parse_stream_arn(arn)
    try:
        place = msgspec.msgpack.decode(urlsafe_b64decode(opaque), type=_Place)
    except (Base64Error, ValueError, msgspec.DecodeError):
        place = None
    if stream is None or place is None or version != _VERSION or not 0 <= place.position < 1 << 63:
        raise validation("Invalid ShardIterator")
    return ShardIterator(stream=stream, shard=place.shard, position=place.position, issued=place.issued)
