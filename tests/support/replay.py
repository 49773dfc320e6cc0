"""A table as its stream tells of it, read on from where the last reading ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Replay:
    """Applies a stream's records; each must begin where the ones before it left the item."""

    keys: tuple[str, ...]
    """The table's key attributes."""
    items: dict[tuple[str, ...], dict[str, Any]] = field(
        default_factory=dict[tuple[str, ...], dict[str, Any]]
    )
    records: int = 0
    _read: dict[str, str] = field(default_factory=dict[str, str])
    """The last sequence number by shard."""

    def advance(self, streams: Any, arn: str) -> None:
        """Apply everything the stream has beyond what was applied."""
        for shard in shards_of(streams, arn):
            for record in records_of(streams, arn, shard, self._read.get(shard)):
                self._read[shard] = record["dynamodb"]["SequenceNumber"]
                self._apply(record)

    def _apply(self, record: dict[str, Any]) -> None:
        change = record["dynamodb"]
        key = tuple(next(iter(change["Keys"][name].values())) for name in self.keys)
        old, new = change.get("OldImage"), change.get("NewImage")
        assert old == self.items.get(key), f"the old image of {key} is not what came before"
        assert old != new, f"a record of {key} that changes nothing"
        named = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        assert record["eventName"] == named
        self.records += 1
        if new is None:
            del self.items[key]
        else:
            self.items[key] = new


def shards_of(streams: Any, arn: str) -> list[str]:
    """The shards of a stream, parents first."""
    found: list[str] = []
    start: dict[str, str] = {}
    while True:
        page = streams.describe_stream(StreamArn=arn, **start)["StreamDescription"]
        found += [shard["ShardId"] for shard in page["Shards"]]
        if page.get("LastEvaluatedShardId") is None:
            return found
        start = {"ExclusiveStartShardId": page["LastEvaluatedShardId"]}


def records_of(streams: Any, arn: str, shard: str, after: str | None = None) -> Iterator[dict[str, Any]]:
    """Every record of a shard, or those after a sequence number."""
    where: dict[str, str] = (
        {"ShardIteratorType": "TRIM_HORIZON"}
        if after is None
        else {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
    )
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **where)["ShardIterator"]
    while iterator is not None:
        page = streams.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            number = record["dynamodb"]["SequenceNumber"]
            assert after is None or int(number) > int(after), "numbers grow"
            after = number
            yield record
        # An open shard always has a next iterator: its end is the first page without records.
        iterator = page.get("NextShardIterator") if page["Records"] else None
