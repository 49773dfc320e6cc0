"""A lane: one reader of a shard. It reads, filters, batches, hands over, tries again, and keeps its checkpoint.

A shard has ParallelizationFactor lanes. Each reads all of the shard and takes the partitions that are its own, so that
what happens to one item stays in order, and a batch that fails holds up nothing but its lane.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from math import inf
from typing import Protocol

from msgspec import Struct

from casemate.model.errors import AwsError
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import StreamChange, StreamChanges, TableStreams
from casemate.services.lambda_.event_sources.batches import Entry, Piece, after_attempt, pause, young
from casemate.services.lambda_.event_sources.checkpoints import Checkpoints
from casemate.services.lambda_.event_sources.mappings import OK, Checkpoint, EventSourceMapping
from casemate.services.lambda_.event_sources.patterns import Pattern, parse_pattern
from casemate.services.lambda_.event_sources.responses import first_failure
from casemate.services.lambda_.event_sources.stream_events import encoded, event_payload, event_record, fits
from casemate.services.lambda_.event_sources.windows import Window, has_state, window_start

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


class Tools(Struct, frozen=True, kw_only=True):
    """What the pollers work with."""

    streams: TableStreams
    checkpoints: Checkpoints
    invoke: Callable[[EventSourceMapping, bytes], Awaitable[Answer]]
    """AwsError when the function could not be run."""
    require: Callable[[EventSourceMapping, str], None]
    """AwsError unless the function's role may do an action with the stream."""
    unlock: Callable[[EventSourceMapping], None]
    """AwsError unless the role can use the key of the stream's table."""
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
        self._window: Window | None = None

    def wake(self) -> None:
        """There may be more to read."""
        self._wake.set()

    def stop(self) -> None:
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        problems, clean, begun = 0, True, False
        while not self._stopping.is_set():
            try:
                if not begun:
                    self._begin()
                    begun = True
                if self._position is None:
                    clean = self._window is None or await self._close_window()
                    break
                entries = await self._gather()
                if entries:
                    clean = await self._hand_over(entries)
                elif self._window is not None and self._window_left() <= 0:
                    clean = await self._close_window()
                elif self._passed >= _KEEP_EVERY:
                    self._keep(self._position)
                problems = 0
            except AwsError as error:
                problems += 1
                self._tools.report(self._mapping, f"PROBLEM: {error.message}")
                begun = False
                await self._pause(pause(problems))
            except Exception:
                problems += 1
                _log.exception("event source mapping %s failed", self._mapping.uuid)
                begun = False
                await self._pause(pause(problems))
        if not (begun and clean):
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
        self._window = None
        if found.window is not None and self._mapping.tumbling:
            self._window = Window(start=found.window, seconds=self._mapping.tumbling, state=found.state)
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
                    if found and not (fits(size, entry.data) and self._same_window(found[0], entry)):
                        return await self._durable(found)
                    found.append(entry)
                    size += len(entry.data) + 1
                self._position = change.sequence + 1
                if len(found) == self._mapping.batch_size:
                    return await self._durable(found)
            self._position = read.position
            if read.changes or self._position is None:
                continue
            if not found and (self._passed >= _KEEP_EVERY or self._window_left() <= 0):
                return []
            if found and ends is None:
                ends = loop.time() + self._mapping.window
            left = self._window_left() if ends is None else ends - loop.time()
            if left <= 0:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), None if left == inf else left)
        return await self._durable(found)

    async def _durable(self, found: list[Entry]) -> list[Entry]:
        if found:
            await self._tools.streams.durable()
        return found

    def _read(self, position: int) -> StreamChanges:
        self._tools.require(self._mapping, "dynamodb:GetRecords")
        self._tools.unlock(self._mapping)
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
        if not await self._enter_window(entries[0]):
            return False
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
            if self._window is not None and self._window.is_full and not await self._close_window(early=True):
                return False
            if left.wait:
                await self._pause(pause(left.pieces[0].failures))
        if not pieces and self._position is not None:
            self._keep(self._position)
        return not pieces

    async def _attempt(self, piece: Piece) -> int | None:
        records = [entry.data for entry in piece.entries]
        source = self._mapping.source
        window = self._window
        if self._mapping.tumbling and window is None:
            # The one before was full, and ended early.
            start = window_start(piece.entries[0].at, self._mapping.tumbling)
            window = Window(start=start, seconds=self._mapping.tumbling)
        answer = await self._tools.invoke(
            self._mapping,
            event_payload(records)
            if window is None
            else window.event(records, shard_id=self._shard_id, source=source),
        )
        failure = first_failure(
            [entry.text for entry in piece.entries],
            answer.payload,
            failed=answer.failed or (window is not None and not has_state(answer.payload)),
            reports_failures=self._mapping.reports_failures,
        )
        if window is not None:
            self._window = window if failure == 0 else window.after(answer.payload)
        return failure

    # Tumbling windows.

    def _same_window(self, first: Entry, entry: Entry) -> bool:
        seconds = self._mapping.tumbling
        return not seconds or window_start(first.at, seconds) == window_start(entry.at, seconds)

    def _window_left(self) -> float:
        """Seconds until the open window ends; for ever when there is none."""
        return inf if self._window is None else self._window.end - self._tools.clock().timestamp()

    async def _enter_window(self, entry: Entry) -> bool:
        """Have the window of a record open, the one before closed; False when it had to stop."""
        seconds = self._mapping.tumbling
        if not seconds:
            return True
        start = window_start(entry.at, seconds)
        if self._window is not None and self._window.start != start and not await self._close_window():
            return False
        if self._window is None:
            self._window = Window(start=start, seconds=seconds)
        return True

    async def _close_window(self, *, early: bool = False) -> bool:
        """The last invocation of a window, tried as a batch is; False when it had to stop."""
        window, failures, throttled = self._window, 0, 0
        assert window is not None
        source, shard_id = self._mapping.source, self._shard_id
        event = window.event([], shard_id=shard_id, source=source, final=True, early=early)
        while not self._stopping.is_set():
            try:
                answer = await self._tools.invoke(self._mapping, event)
            except AwsError as error:
                throttled += 1
                self._tools.report(self._mapping, f"PROBLEM: {error.message}")
                await self._pause(pause(throttled))
                continue
            failed = answer.failed or not has_state(answer.payload)
            self._tools.report(self._mapping, FAILED if failed else OK)
            failures += failed
            if not failed or (self._mapping.retries != -1 and failures > self._mapping.retries):
                self._window = None
                self._keep(self._kept)
                return True
            await self._pause(pause(failures))
        return False

    def _keep(self, place: int) -> None:
        if place != self._kept or self._mapping.tumbling:
            window = self._window
            checkpoint = Checkpoint(next=place)
            if window is not None:
                checkpoint = Checkpoint(next=place, window=window.start, state=window.state)
            self._tools.checkpoints.put(self._mapping, self._shard_id, self._number, checkpoint)
            self._kept = place
        self._passed = 0

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
