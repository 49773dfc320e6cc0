"""The record of every request: a CloudTrail-shaped event with the whole decision trace. Kept and queryable.

Recording costs a request one append; events are written to SQLite in batches, one row each, off the path of the
request. The journal is not a service's state: losing its last quarter second in a crash loses no resource.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from casemate.gateway.exchange import Exchange
from casemate.gateway.repetition import Repetition
from casemate.gateway.trail import brief_parameters, event_like, event_of, event_of_call
from casemate.policy.decision import Decision
from casemate.servicekit.ports import ServiceCall

_log = logging.getLogger(__name__)
_FLUSH_SECONDS = 0.25
_IN_MEMORY = 2_000
_ON_DISK = 200_000
_NO_PLACE = 2**63 - 1
_SEPARATOR = b"\n"

_DECISIONS = msgspec.json.Decoder(list[Decision])
_Brief = tuple[int, datetime, str, dict[str, Any]]
"""An event by what differs from another one: which of the batch's frames that is; time, request id, parameters."""
_Place = int | list[int]
_Line = tuple[str, str, bytes | _Brief, _Place]
"""Account, Region, event, which of the batch's decisions: one list of them, or several lists one after the other."""


class _Batch(NamedTuple):
    """What is written together."""

    lines: list[_Line]
    decisions: list[bytes]
    """Once each, however many requests of the batch have them."""
    frames: Sequence[bytes] = ()
    """Events that others are like."""

    def event(self, line: _Line) -> dict[str, Any]:
        """CloudTrail's form."""
        event = line[2]
        if isinstance(event, bytes):
            return json.loads(event)
        frame, now, request_id, params = event
        return event_like(json.loads(self.frames[frame]), now=now, request_id=request_id, params=params)

    def decided(self, line: _Line) -> list[Decision]:
        places = line[3] if isinstance(line[3], list) else [line[3]]
        return [decision for place in places for decision in _DECISIONS.decode(self.decisions[place])]


_Repeated = tuple[Repetition, list[Decision], datetime, str, dict[str, Any]]
"""What is recorded of one more of a repetition: decisions, time, request id, parameters."""

_Pending = Exchange | ServiceCall | _Repeated

_BATCHES = msgspec.msgpack.Decoder(_Batch)


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """A request on record."""

    event: dict[str, Any]
    """CloudTrail's form."""
    decisions: list[Decision]
    """Every authorization question it raised, in order, with its trace."""


class Journal:
    """`path` None keeps the last events in memory only."""

    def __init__(self, path: Path | None) -> None:
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        # `first` is the place of a batch's first event, `ids` its request ids, one after the other.
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS batches (first INTEGER PRIMARY KEY, size INTEGER, ids BLOB, body BLOB)"
        )
        row = self._db.execute("SELECT first + size FROM batches ORDER BY first DESC LIMIT 1").fetchone()
        self._next = cast("int", row[0]) if row else 1
        self._pending: list[_Pending] = []
        self._flusher: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Write batches from now on, on the running loop."""
        self._flusher = asyncio.get_running_loop().create_task(self._flush_forever())

    async def close(self) -> None:
        """Write what is left."""
        if self._flusher is not None:
            self._flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flusher
        self.flush()
        self._db.close()

    def record(self, exchange: Exchange) -> None:
        """Keep the event of a finished exchange: of a repetition only what differs, so that the rest of it can go."""
        repetition, one = exchange.repetition, exchange
        if repetition is not None and (params := brief_parameters(exchange)) is not None:
            one = (repetition, exchange.decisions, exchange.now, exchange.request_id, params)
        self._pending.append(one)
        if len(self._pending) >= _IN_MEMORY:
            self.flush()

    def called(self, call: ServiceCall) -> None:
        """Keep the event of a call between services. It has no decisions: those are of the request that it was made in."""
        self._pending.append(call)
        if len(self._pending) >= _IN_MEMORY:
            self.flush()

    def find(self, request_id: str) -> Recorded | None:
        """What is known of a request; None when it is not on record."""
        self.flush()
        wanted = request_id.encode()
        query = "SELECT first, ids, body FROM batches WHERE instr(ids, ?) ORDER BY first DESC"
        for first, ids, body in cast(
            "Iterator[tuple[int, bytes, bytes]]", self._db.execute(query, (wanted,))
        ):
            listed = ids.split(_SEPARATOR)
            if wanted in listed and first + listed.index(wanted) > self._next - 1 - _ON_DISK:
                batch = _BATCHES.decode(body)
                line = batch.lines[listed.index(wanted)]
                return Recorded(event=batch.event(line), decisions=batch.decided(line))
        return None

    def events(
        self, *, account: str, region: str, before: int | None = None
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """(place on record, event) of an account and Region, newest first, read as they are asked for.

        `before` leaves out that place and what was recorded after it: pages stay whole while requests go on.
        """
        self.flush()
        end = _NO_PLACE if before is None else before
        oldest = self._next - _ON_DISK
        query = "SELECT first, body FROM batches WHERE first < ? ORDER BY first DESC"
        for first, body in cast("Iterator[tuple[int, bytes]]", self._db.execute(query, (end,))):
            batch = _BATCHES.decode(body)
            lines = batch.lines
            for place in range(min(first + len(lines), end) - 1, max(first, oldest) - 1, -1):
                line = lines[place - first]
                if line[0] == account and line[1] == region:
                    yield place, batch.event(line)

    def flush(self) -> None:
        """Write what is pending."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        try:
            self._write(pending)
        except Exception:
            # A disk that is full costs the record of requests, never their answers nor what comes later.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            _log.exception("%d requests are not on record", len(pending))

    def _write(self, pending: Sequence[_Pending]) -> None:
        ids = _SEPARATOR.join(
            [(one[3] if isinstance(one, tuple) else one.request_id).encode() for one in pending]
        )
        row = (self._next, len(pending), ids, msgspec.msgpack.encode(_batch(pending)))
        after = self._next + len(pending)
        self._db.execute("BEGIN")
        self._db.execute("INSERT INTO batches VALUES (?, ?, ?, ?)", row)
        self._db.execute("DELETE FROM batches WHERE first + size <= ?", (after - _ON_DISK,))
        self._db.execute("COMMIT")
        self._next = after

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self.flush()


class _Writing:
    """What is pending on its way to a batch."""

    def __init__(self) -> None:
        self._made: list[bytes] = []
        self.batch = _Batch([], [], self._made)
        self._places: dict[tuple[int, ...], int] = {}
        self._frames: dict[_Likeness, tuple[int, _Place]] = {}
        """Number and decisions of the event that others are like."""
        self._repeated: dict[tuple[int, ...], tuple[str, str, int, _Place]] = {}
        """The same of repetitions, after account and Region."""

    def add(self, exchange: Exchange) -> None:
        # INVARIANT: all that is told apart by its identity here is held by what is pending: none has that of another one.
        key = tuple(map(id, exchange.decisions))
        params = brief_parameters(exchange)
        if params is None:
            self.batch.lines.append((*_home(exchange), _encoded(exchange), self._place(exchange, key)))
            return
        likeness = _likeness(exchange, key)
        known = self._frames.get(likeness)
        if known is None:
            known = self._frames[likeness] = self._frame(exchange, key)
        brief = (known[0], exchange.now, exchange.request_id, params)
        self.batch.lines.append((*_home(exchange), brief, known[1]))

    def add_repeated(self, one: _Repeated) -> None:
        repetition, decisions, now, request_id, params = one
        key = (id(repetition), *map(id, decisions))
        known = self._repeated.get(key)
        if known is None:
            like = repetition.like(decisions, now, request_id, params)
            known = self._repeated[key] = (*_home(like), *self._frame(like, key[1:]))
        account, region, frame, place = known
        self.batch.lines.append((account, region, (frame, now, request_id, params), place))

    def add_call(self, call: ServiceCall) -> None:
        event = msgspec.json.encode(event_of_call(call), enc_hook=str)
        self.batch.lines.append((call.account, call.region, event, self._kept([], ())))

    def _frame(self, exchange: Exchange, key: tuple[int, ...]) -> tuple[int, _Place]:
        self._made.append(_encoded(exchange))
        return len(self._made) - 1, self._place(exchange, key)

    def _place(self, exchange: Exchange, key: tuple[int, ...]) -> _Place:
        if len(key) < 2:
            return self._kept(exchange.decisions, key)
        # The hundred actions of a transaction have a handful of decisions, in an order of their own.
        return [self._kept([decision], (one,)) for one, decision in zip(key, exchange.decisions, strict=True)]

    def _kept(self, decisions: list[Decision], key: tuple[int, ...]) -> int:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = len(self.batch.decisions)
            self.batch.decisions.append(msgspec.json.encode(decisions))
        return place


def _batch(pending: Sequence[_Pending]) -> _Batch:
    writing = _Writing()
    for one in pending:
        if isinstance(one, tuple):
            writing.add_repeated(one)
        elif isinstance(one, ServiceCall):
            writing.add_call(one)
        else:
            writing.add(one)
    return writing.batch


def _home(exchange: Exchange) -> tuple[str, str]:
    """Whose event it is."""
    return exchange.principal.account if exchange.principal else "", exchange.region


def _encoded(exchange: Exchange) -> bytes:
    try:
        return msgspec.json.encode(event_of(exchange), enc_hook=str)
    except Exception:
        # A defect: whoever finds out what it takes must not be able to keep others, or himself, off the record.
        _log.exception("the parameters of %s are not on record", exchange.request_id)
        bare = replace(exchange, parsed=exchange.parsed and replace(exchange.parsed, params={}))
        return msgspec.json.encode(event_of(bare), enc_hook=str)


_Likeness = tuple[tuple[int, ...], int, int, int, int, str, str | None]


def _likeness(exchange: Exchange, decisions: tuple[int, ...]) -> _Likeness:
    """What the event of a successful data request is made of beside its time, its id and its parameters."""
    return (
        decisions,
        id(exchange.principal),
        id(exchange.operation),
        id(exchange.arrival),
        id(exchange.origin),
        exchange.region,
        exchange.request.headers.lowered.get("user-agent"),
    )
