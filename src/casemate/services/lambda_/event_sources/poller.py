"""The poller of one mapping: follows the shards of its stream, a child only after its parent, and runs their lanes."""

from __future__ import annotations

import asyncio
import contextlib

from casemate.model.errors import AwsError
from casemate.servicekit.ports import StreamShard
from casemate.services.lambda_.event_sources.lane import Lane, Tools
from casemate.services.lambda_.event_sources.mappings import EventSourceMapping

_LOOK_AGAIN = 10.0
"""Seconds until a stream that cannot be read is looked at again."""


class MappingPoller:
    """`run` goes on until `stop`, and ends when no lane hands over anything any more."""

    def __init__(self, mapping: EventSourceMapping, tools: Tools) -> None:
        self.mapping = mapping
        self._tools = tools
        self._lanes: dict[tuple[str, int], tuple[Lane, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()
        self._stopping = False

    def stop(self) -> None:
        self._stopping = True
        self._changed.set()
        for lane, _ in self._lanes.values():
            lane.stop()

    async def run(self) -> None:
        self._tools.checkpoints.adopt(self.mapping)
        unwatch = self._tools.streams.watch(self.mapping.source, self._woken)
        try:
            while not self._stopping:
                self._changed.clear()
                again = None if self._follow() else _LOOK_AGAIN
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), again)
            await asyncio.gather(*(task for _, task in self._lanes.values()))
        finally:
            unwatch()
            for _, task in self._lanes.values():
                task.cancel()

    def _woken(self) -> None:
        """The stream has grown, or a shard has ended."""
        self._changed.set()
        for lane, _ in self._lanes.values():
            lane.wake()

    def _follow(self) -> bool:
        """Run the lanes of every shard whose time has come; False when the stream cannot be looked at."""
        try:
            for action in ("dynamodb:DescribeStream", "dynamodb:GetShardIterator"):
                self._tools.require(self.mapping, action)
            shards = self._tools.streams.shards(self.mapping.source)
        except AwsError as error:
            self._tools.report(self.mapping, f"PROBLEM: {error.message}")
            return False
        present = {shard.shard_id for shard in shards}
        self._tools.checkpoints.forget(self.mapping.uuid, but=present)
        for shard in shards:
            if self._may_begin(shard, present):
                self._run_lanes(shard.shard_id)
        return bool(shards)

    def _may_begin(self, shard: StreamShard, present: set[str]) -> bool:
        parent = shard.parent
        return parent not in present or self._tools.checkpoints.is_done(self.mapping, parent)

    def _run_lanes(self, shard_id: str) -> None:
        for number in range(self.mapping.factor):
            key = (shard_id, number)
            found = self._tools.checkpoints.get(self.mapping, shard_id, number)
            if key in self._lanes or (found is not None and found.done):
                continue
            lane = Lane(self.mapping, shard_id, number, self._tools)
            task = asyncio.get_running_loop().create_task(lane.run())
            self._lanes[key] = (lane, task)
            task.add_done_callback(lambda _, gone=key: self._ended(gone))

    def _ended(self, key: tuple[str, int]) -> None:
        del self._lanes[key]
        self._changed.set()
