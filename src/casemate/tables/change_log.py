"""Streams: what happened to the items of a table, in order, for a day.

    "s" | stream id (16) | "h" | shard number (4)        a shard
    "s" | stream id (16) | "r" | sequence number (8)     a record

A record is written in the same atomic change as its item, so a stream never disagrees with its table. Sequence numbers
are microseconds since the epoch, made to grow strictly: they order all records of a stream, and their age can be read
off them, so that what is trimmed is a comparison. One shard is open at a time. It is closed after four hours and a child
follows it; every item's changes are therefore in order along the lineage.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import msgspec

from casemate.tables.change_record import ChangeRecord, decode_change, encode_change
from casemate.tables.errors import trimmed
from casemate.tables.keys import successor
from casemate.tables.schema import KeySchema
from casemate.tables.storage import Change, Storage
from casemate.tables.writes import Written

RETENTION_SECONDS = 24 * 3600
"""Developer Guide, "Change data capture for DynamoDB Streams": records are kept for 24 hours."""
_SLACK_SECONDS = 60
"""For so long after a day a record is still there: who was given the place of a busy stream's oldest record, and asks for
it a moment later, would otherwise find it gone, every time."""
SHARD_SECONDS = 4 * 3600
"""How long a shard takes records. AWS does not promise a time; about four hours is what is seen."""
MAX_RECORDS = 1000
MAX_BYTES = 1 << 20
"""API reference, GetRecords: 1000 records or 1 MB, whichever comes first."""
_STREAMS = b"s"
_ID_BYTES = 16


class Shard(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """A span of a stream's records."""

    number: int
    opened: float
    first: int
    """No record of the shard has a lower sequence number."""
    closed: float | None = None
    last: int | None = None
    """Of a closed shard: no record has a higher one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """Some records of a shard."""

    records: tuple[ChangeRecord, ...]
    position: int | None
    """Where to read on; None at the end of a closed shard."""


@dataclass(kw_only=True, slots=True)
class _Tail:
    """What is in memory of a stream."""

    shards: list[Shard]
    last: int
    """The highest sequence number given out."""
    trimmed: int = 0
    """The highest sequence number known to have been deleted for its age."""


class ChangeLog:
    """The streams of all tables, over the storage of the items."""

    def __init__(self, storage: Storage, now: Callable[[], float]) -> None:
        self._storage = storage
        self._now = now
        self._tails: dict[bytes, _Tail] = {}
        self._listeners: list[Callable[[bytes], None]] = []

    def subscribe(self, listener: Callable[[bytes], None]) -> None:
        """Call `listener` with the id of a stream that is about to grow, or one of whose shards has ended."""
        self._listeners.append(listener)

    # Writing.

    def records(self, writes: Sequence[Written], *, expired: bool = False) -> list[Change]:
        """The stream records of planned writes, to be written together with them."""
        made: list[Change] = []
        for write in writes:
            stream = write.table.stream
            if stream is None or not write.changes:
                continue
            tail = self._tail(stream.stream_id)
            tail.last = self._next(tail)
            record = encode_change(write, stream.view, at=self._now(), expired=expired)
            made.append((_record_key(stream.stream_id, tail.last), record))
            self._announce(stream.stream_id)
        return made

    def open(self, stream_id: bytes) -> None:
        """Have a shard that takes records: of a new stream the first, of one that has an open shard already that one."""
        tail = self._tail(stream_id)
        if not tail.shards or tail.shards[-1].closed is not None:
            self._storage.write([self._add_shard(stream_id, tail)])

    def close(self, stream_id: bytes) -> None:
        """No more records will come: the open shard ends, and has no child."""
        tail = self._tail(stream_id)
        if tail.shards and tail.shards[-1].closed is None:
            self._storage.write([self._close_shard(stream_id, tail)])
            self._announce(stream_id)

    def drop(self, stream_id: bytes) -> None:
        """Forget a stream and its records."""
        self._tails.pop(stream_id, None)
        prefix = _STREAMS + stream_id
        self._storage.clear(prefix, successor(prefix))

    def purge(self, kept: Collection[bytes]) -> None:
        """Drop every stream that is not `kept`: what a crash left behind."""
        place, end = _STREAMS, successor(_STREAMS)
        while (entry := next(iter(self._storage.scan(place, end)), None)) is not None:
            stream_id = entry[0][1 : 1 + _ID_BYTES]
            if stream_id not in kept:
                self.drop(stream_id)
            place = successor(_STREAMS + stream_id)

    def trim(self, stream_id: bytes) -> None:
        """Delete what is older than a day."""
        tail = self._tail(stream_id)
        start, end = _record_key(stream_id, 0), _record_key(stream_id, self._gone())
        newest = next(iter(self._storage.scan(start, end, reverse=True)), None)
        if newest is not None:
            tail.trimmed = _sequence(newest[0])
            self._storage.clear(start, end)
        for shard in [shard for shard in tail.shards if self._is_gone(shard)]:
            tail.shards.remove(shard)
            self._storage.write([(_shard_key(stream_id, shard.number), None)])

    # Reading.

    def shards(self, stream_id: bytes) -> tuple[Shard, ...]:
        """The shards a reader may still see, oldest first."""
        return tuple(shard for shard in self._tail(stream_id).shards if not self._is_gone(shard))

    def trim_horizon(self, stream_id: bytes, shard: Shard) -> int:
        """Where the oldest record of a shard is."""
        # What was trimmed stays trimmed, should the clock be set back.
        return max(shard.first, self._horizon(), self._tail(stream_id).trimmed + 1)

    def latest(self, stream_id: bytes, shard: Shard) -> int:
        """Just after the newest record of a shard."""
        return (self._tail(stream_id).last if shard.last is None else shard.last) + 1

    def at_time(self, stream_id: bytes, shard: Shard, moment: float) -> int:
        """Where the first record not older than `moment` is."""
        return max(self.trim_horizon(stream_id, shard), _microseconds(moment))

    def read(
        self,
        stream_id: bytes,
        shard: Shard,
        position: int,
        key: KeySchema,
        *,
        limit: int = MAX_RECORDS,
        max_bytes: int = MAX_BYTES,
    ) -> Changes:
        """Records of a shard from `position` on; TrimmedDataAccessException when there were some that are gone."""
        tail = self._tail(stream_id)
        shard = next((one for one in tail.shards if one.number == shard.number), shard)
        if position <= tail.trimmed and shard.first <= tail.trimmed:
            raise trimmed()
        end = (
            successor(_STREAMS + stream_id) if shard.last is None else _record_key(stream_id, shard.last + 1)
        )
        found: list[ChangeRecord] = []
        size = 0
        for place, data in self._storage.scan(_record_key(stream_id, position), end):
            sequence = _sequence(place)
            if sequence < self._gone():
                raise trimmed()
            if len(found) == limit or (found and size + len(data) > max_bytes):
                return Changes(records=tuple(found), position=found[-1].sequence + 1)
            size += len(data)
            found.append(decode_change(sequence, data, key))
        if shard.last is not None:
            return Changes(records=tuple(found), position=None)
        after = found[-1].sequence + 1 if found else max(position, min(self._horizon(), tail.last + 1))
        return Changes(records=tuple(found), position=after)

    # The tail of a stream.

    def _tail(self, stream_id: bytes) -> _Tail:
        tail = self._tails.get(stream_id)
        if tail is None:
            tail = self._tails[stream_id] = self._loaded(stream_id)
        shard = tail.shards[-1] if tail.shards else None
        if shard is not None and shard.closed is None and self._now() - shard.opened >= SHARD_SECONDS:
            # One change: no crash leaves a stream without a shard that takes records.
            self._storage.write([self._close_shard(stream_id, tail), self._add_shard(stream_id, tail)])
            self._announce(stream_id)
        return tail

    def _loaded(self, stream_id: bytes) -> _Tail:
        prefix = _STREAMS + stream_id + b"h"
        shards = [_decoder.decode(data) for _, data in self._storage.scan(prefix, successor(prefix))]
        last = max((shard.first - 1 if shard.last is None else shard.last for shard in shards), default=0)
        records = _STREAMS + stream_id + b"r"
        newest = next(iter(self._storage.scan(records, successor(records), reverse=True)), None)
        if newest is not None:
            last = max(last, _sequence(newest[0]))
        return _Tail(shards=shards, last=last)

    def _add_shard(self, stream_id: bytes, tail: _Tail) -> Change:
        number = tail.shards[-1].number + 1 if tail.shards else 0
        shard = Shard(number=number, opened=self._now(), first=self._next(tail))
        tail.shards.append(shard)
        # INVARIANT: every record of the shard is numbered from `first` on, should the clock be set back meanwhile.
        tail.last = shard.first - 1
        return _shard_key(stream_id, number), _encoder.encode(shard)

    def _close_shard(self, stream_id: bytes, tail: _Tail) -> Change:
        # The end of a shard without records is its beginning, and no later record may carry that number.
        tail.last = max(tail.last, tail.shards[-1].first)
        closed = msgspec.structs.replace(tail.shards[-1], closed=self._now(), last=tail.last)
        tail.shards[-1] = closed
        return _shard_key(stream_id, closed.number), _encoder.encode(closed)

    def _next(self, tail: _Tail) -> int:
        return max(tail.last + 1, _microseconds(self._now()))

    def _horizon(self) -> int:
        return _microseconds(self._now() - RETENTION_SECONDS)

    def _gone(self) -> int:
        """Below it nothing is read any more."""
        return _microseconds(self._now() - RETENTION_SECONDS - _SLACK_SECONDS)

    def _is_gone(self, shard: Shard) -> bool:
        return shard.closed is not None and shard.closed <= self._now() - RETENTION_SECONDS

    def _announce(self, stream_id: bytes) -> None:
        for listener in self._listeners:
            listener(stream_id)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Shard)


def _microseconds(seconds: float) -> int:
    return max(0, int(seconds * 1_000_000))


def _record_key(stream_id: bytes, sequence: int) -> bytes:
    return _STREAMS + stream_id + b"r" + sequence.to_bytes(8, "big")


def _sequence(key: bytes) -> int:
    return int.from_bytes(key[-8:], "big")


def _shard_key(stream_id: bytes, number: int) -> bytes:
    return _STREAMS + stream_id + b"h" + number.to_bytes(4, "big")
