"""What the stream of the table tells."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis.stateful import rule

from tests.support.replay import records_of, shards_of
from tests.support.service_machine.machine import Machine
from tests.support.table_model import same


class Streams(Machine):
    @rule()
    def stream_tells_everything(self) -> None:
        """Every change in its order, each item's images one after the other, and who made it."""
        wanted = self.table.changes
        if wanted is None:
            return
        if self.service.now - self.begun > timedelta(hours=20):
            return  # records are kept for a day
        streams, arn = _Streams(self), self.describe()["LatestStreamArn"]
        found = [one for shard in shards_of(streams, arn) for one in records_of(streams, arn, shard)]
        assert len(found) == len(wanted)
        by_item: dict[Any, list[Any]] = {}
        for record in found:
            by_item.setdefault(self.table.key_of(record["dynamodb"]["Keys"]), []).append(record)
        for change in wanted:
            record = by_item[change.key].pop(0)
            images = record["dynamodb"]
            assert same(images.get("OldImage"), change.old)
            assert same(images.get("NewImage"), change.new)
            identity = record.get("userIdentity", {}).get("PrincipalId")
            assert identity == ("dynamodb.amazonaws.com" if change.expired else None)

    def at_the_end(self) -> None:
        self.stream_tells_everything()


class _Streams:
    """A client of streams, as far as `Replay` asks."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def describe_stream(self, **params: Any) -> Any:
        return self._machine.call("DescribeStream", params, "dynamodbstreams")

    def get_shard_iterator(self, **params: Any) -> Any:
        return self._machine.call("GetShardIterator", params, "dynamodbstreams")

    def get_records(self, **params: Any) -> Any:
        return self._machine.call("GetRecords", params, "dynamodbstreams")
