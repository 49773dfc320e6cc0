"""A lane: one reader of a shard. It reads, filters, batches, hands over, tries again, and keeps its checkpoint.

A shard has ParallelizationFactor lanes. Each reads all of the shard and takes the partitions that are its own, so that
what happens to one item stays in order, and a batch that fails holds up nothing but its lane.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from casemate.model.errors import AwsError
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import StreamChange, StreamChanges, TableStreams
from casemate.services.lambda_.event_sources.batches import Entry, Piece, after_attempt, pause, young
from casemate.services.lambda_.event_sources.checkpoints import Checkpoints
from casemate.services.lambda_.event_sources.mappings import OK, Checkpoint, EventSourceMapping
from casemate.services.lambda_.event_sources.patterns import Pattern, parse_pattern
from casemate.services.lambda_.event_sources.responses import first_failure
from casemate.services.lambda_.event_sources.stream_events import encoded, event_payload, event_record, fits

_log = logging.getLogger(__name__)

FAILED = "PROBLEM: Function call failed"
_KEEP_EVERY = 1000
"""Records that are passed over without a batch, after which the checkpoint is kept all the same."""


class Answer(Protocol):
    """What came of an invocation: `casemate.execution.function.Outcome`."""

    @property
    def payload(self) -> bytes: ...
    @property
    def failed(self) -> bool: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What the pollers work with."""

    streams: TableStreams
    checkpoints: Checkpoints
    invoke: Callable[[EventSourceMapping, bytes], Awaitable[Answer]]
    """AwsError when the function could not be run."""
    require: Callable[[EventSourceMapping, str], None]
    """AwsError unless the function's role may do an action with the stream."""
    report: Callable[[EventSourceMapping, str], None]
    """LastProcessingResult."""
    clock: Clock


class Lane:
    """`run` ends at the end of the shard, or soon after `stop`: what was being handed over is waited for."""

    def __init__(self, mapping: EventSourceMapping, shard_id: str, number: int, tools: Tools) -> None:
        self._mapping = mapping
        self._shard_id = shard_id
        self._number = number
        self._tools = tools
        self._patterns: list[Pattern] = [parse_pattern(text) for text in mapping.filters]
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._position: int | None = None
        """Where to read on; None at the end of the shard."""
        self._kept = 0
        """Where the checkpoint is."""
        self._passed = 0

    def wake(self) -> None:
        """There may be more to read."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        self._begin()
        problems, clean = 0, True
        while self._position is not None and not self._stopping.is_set():
            try:
                entries = await self._gather()
                if entries:
                    clean = await self._hand_over(entries)
                elif self._passed >= _KEEP_EVERY:
                    self._keep(self._position)
                problems = 0
            except AwsError as error:
                problems += 1
                self._tools.report(self._mapping, f"PROBLEM: {error.message}")
                await self._pause(pause(problems))
                self._begin()
            except Exception:
                problems += 1
                _log.exception("event source mapping %s failed", self._mapping.uuid)
                await self._pause(pause(problems))
                self._begin()
        if not clean:
            return
        if self._position is None:
            end = Checkpoint(next=self._kept, done=True)
            self._tools.checkpoints.put(self._mapping, self._shard_id, self._number, end)
        elif self._passed:
            self._keep(self._position)

    # Reading.

    def _begin(self) -> None:
        """At the checkpoint, or at the beginning of the shard."""
        found = self._tools.checkpoints.get(self._mapping, self._shard_id, self._number)
        if found is None:
            place = self._tools.streams.trim_horizon(self._mapping.source, self._shard_id)
            found = Checkpoint(next=place)
        self._kept = found.next
        self._position = None if found.done else found.next
        self._passed = 0

    async def _gather(self) -> list[Entry]:
        """The next batch: full, or all there is once the batching window is over."""
        found: list[Entry] = []
        size = 0
        ends: float | None = None
        loop = asyncio.get_running_loop()
        while self._position is not None and not self._stopping.is_set():
            self._wake.clear()
            read = self._read(self._position)
            for change in read.changes:
                entry = self._entry(change)
                if entry is not None:
                    if found and not fits(size, entry.data):
                        return await self._durable(found)
                    found.append(entry)
                    size += len(entry.data) + 1
                self._position = change.sequence + 1
                if len(found) == self._mapping.batch_size:
                    return await self._durable(found)
            self._position = read.position
            if read.changes or self._position is None:
                continue
            if not found and self._passed >= _KEEP_EVERY:
                return []
            if found and ends is None:
                ends = loop.time() + self._mapping.window
            left = None if ends is None else ends - loop.time()
            if left is not None and left <= 0:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), left)
        return await self._durable(found)

    async def _durable(self, found: list[Entry]) -> list[Entry]:
        if found:
            await self._tools.streams.durable()
        return found

    def _read(self, position: int) -> StreamChanges:
        self._tools.require(self._mapping, "dynamodb:GetRecords")
        source, shard_id = self._mapping.source, self._shard_id
        try:
            return self._tools.streams.read(source, shard_id, position)
        except AwsError as error:
            if error.code != "TrimmedDataAccessException":
                raise
            # They were older than a stream keeps them before the function took them.
            return self._tools.streams.read(
                source, shard_id, self._tools.streams.trim_horizon(source, shard_id)
            )

    def _entry(self, change: StreamChange) -> Entry | None:
        """The record, if it is of this lane and passes a filter."""
        self._passed += 1
        if self._lane_of(change.partition) != self._number:
            return None
        record = event_record(change.record, self._mapping.source)
        if self._patterns and not any(pattern.matches(record) for pattern in self._patterns):
            return None
        text: str = record["dynamodb"]["SequenceNumber"]
        return Entry(sequence=change.sequence, text=text, at=change.at, data=encoded(record))

    def _lane_of(self, partition: str) -> int:
        if self._mapping.factor == 1:
            return 0
        digest = blake2b(partition.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self._mapping.factor

    # Handing over.

    async def _hand_over(self, entries: list[Entry]) -> bool:
        """Until every record is processed or given up; False when it had to stop: what is left is read again."""
        pieces = [Piece(entries=tuple(entries))]
        throttled = 0
        while pieces and not self._stopping.is_set():
            piece, *pieces = pieces
            kept = young(piece.entries, now=self._tools.clock().timestamp(), max_age=self._mapping.max_age)
            if not kept:
                self._keep(piece.entries[-1].sequence + 1)
                continue
            piece = Piece(entries=kept, failures=piece.failures)
            try:
                failure = await self._attempt(piece)
            except AwsError as error:
                # It did not run: throttled, or the function or its role is not usable. That is no attempt.
                throttled += 1
                self._tools.report(self._mapping, f"PROBLEM: {error.message}")
                pieces = [piece, *pieces]
                await self._pause(pause(throttled))
                continue
            throttled = 0
            self._tools.report(self._mapping, OK if failure is None else FAILED)
            left = after_attempt(piece, failure, bisect=self._mapping.bisect, retries=self._mapping.retries)
            pieces = [*left.pieces, *pieces]
            self._keep(left.pieces[0].entries[0].sequence if left.pieces else kept[-1].sequence + 1)
            if left.wait:
                await self._pause(pause(left.pieces[0].failures))
        if not pieces and self._position is not None:
            self._keep(self._position)
        return not pieces

    async def _attempt(self, piece: Piece) -> int | None:
        answer = await self._tools.invoke(
            self._mapping, event_payload([entry.data for entry in piece.entries])
        )
        return first_failure(
            [entry.text for entry in piece.entries],
            answer.payload,
            failed=answer.failed,
            reports_failures=self._mapping.reports_failures,
        )

    def _keep(self, place: int) -> None:
        if place != self._kept:
            self._tools.checkpoints.put(self._mapping, self._shard_id, self._number, Checkpoint(next=place))
            self._kept = place
        self._passed = 0

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
