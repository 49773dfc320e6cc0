"""The port `TableStreams`: streams as Lambda reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from casemate.model.errors import AwsError
from casemate.model.principals import Principal
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import StreamChange, StreamChanges, StreamShard
from casemate.servicekit.service import Authorize
from casemate.servicekit.store import Store
from casemate.services.dynamodb.asking import context_of
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.streams.encryption import open_key
from casemate.services.dynamodb.streams.records import StreamRecord, parse_stream_arn
from casemate.services.dynamodb.streams.shapes import described_shard, shard_id, stream_record
from casemate.tables.change_log import Shard
from casemate.tables.change_record import ChangeRecord


class StreamReading:
    """Implements the port over the state of the service."""

    def __init__(self, state: DynamoState, store: Store, *, clock: Clock) -> None:
        self._state = state
        self._store = store
        self._clock = clock
        self._watchers: dict[bytes, list[Callable[[], None]]] = {}
        state.engine.changes.subscribe(self._announced)

    def stream_exists(self, arn: str) -> bool:
        return self._find(arn) is not None

    def shards(self, arn: str) -> tuple[StreamShard, ...]:
        stream = self._find(arn)
        if stream is None:
            return ()
        described = [
            (shard, described_shard(stream, shard))
            for shard in self._state.engine.changes.shards(stream.id_bytes)
        ]
        return tuple(
            StreamShard(
                shard_id=one["ShardId"], parent=one.get("ParentShardId"), closed=shard.closed is not None
            )
            for shard, one in described
        )

    def trim_horizon(self, arn: str, shard_id: str) -> int:
        stream, shard = self._shard(arn, shard_id)
        return self._state.engine.changes.trim_horizon(stream.id_bytes, shard)

    def latest(self, arn: str, shard_id: str) -> int:
        stream, shard = self._shard(arn, shard_id)
        return self._state.engine.changes.latest(stream.id_bytes, shard)

    def read(self, arn: str, shard_id: str, position: int) -> StreamChanges:
        stream, shard = self._shard(arn, shard_id)
        found = self._state.engine.changes.read(stream.id_bytes, shard, position, stream.key_schema())
        changes = tuple(_change(stream, change) for change in found.records)
        return StreamChanges(changes=changes, position=found.position)

    def unlock(self, arn: str, *, principal: Principal, authorize: Authorize) -> None:
        stream = self._find(arn)
        if stream is None:
            return

        context = context_of(
            principal,
            state=self._state,
            store=self._store,
            clock=self._clock,
            region=stream.region,
            authorize=authorize,
        )
        open_key(context, stream)

    async def durable(self) -> None:
        await self._state.engine.durable()

    def watch(self, arn: str, woken: Callable[[], None]) -> Callable[[], None]:
        stream = self._find(arn)
        if stream is None:
            return lambda: None
        watchers = self._watchers.setdefault(stream.id_bytes, [])
        watchers.append(woken)
        return lambda: watchers.remove(woken)

    def _announced(self, stream_id: bytes) -> None:
        for woken in self._watchers.get(stream_id, ()):
            woken()

    def _find(self, arn: str) -> StreamRecord | None:
        ref = parse_stream_arn(arn)
        stream = None if ref is None else self._state.streams.get(*ref.key)
        return None if stream is None or stream.is_gone(self._clock().timestamp()) else stream

    def _shard(self, arn: str, wanted: str) -> tuple[StreamRecord, Shard]:
        stream = self._find(arn)
        if stream is not None:
            for shard in self._state.engine.changes.shards(stream.id_bytes):
                if shard_id(stream, shard.number) == wanted:
                    return stream, shard
        raise AwsError(
            "ResourceNotFoundException", f"Requested resource not found: Shard: {wanted} of {arn} not found"
        )


def _change(stream: StreamRecord, change: ChangeRecord) -> StreamChange:
    return StreamChange(
        sequence=change.sequence,
        at=change.at,
        partition=json.dumps(change.key[stream.hash_key], default=_hexadecimal),
        record=stream_record(stream, change),
    )


def _hexadecimal(value: Any) -> str:
    return bytes(value).hex()
