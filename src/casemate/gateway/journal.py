"""The record of every request: a CloudTrail-shaped event with the whole decision trace. Kept and queryable.

Recording costs a request one append; events are written to SQLite in batches, one row each, off the path of the
request. The journal is not a service's state: losing its last quarter second in a crash loses no resource.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec

from casemate.gateway.exchange import Exchange
from casemate.gateway.trail import event_of
from casemate.policy.decision import Decision

_FLUSH_SECONDS = 0.25
_IN_MEMORY = 2_000
_ON_DISK = 200_000
_NO_PLACE = 2**63 - 1
_SEPARATOR = b"\n"

_DECISIONS = msgspec.json.Decoder(list[Decision])
_Line = tuple[str, str, bytes, int]
"""Account, Region, event, which of the batch's decisions."""


class _Batch(NamedTuple):
    """What is written together."""

    lines: list[_Line]
    decisions: list[bytes]
    """Once each, however many requests of the batch have them."""


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
        self._pending: list[Exchange] = []
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
        """Keep the event of a finished exchange."""
        self._pending.append(exchange)
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
                _, _, event, decisions = batch.lines[listed.index(wanted)]
                return Recorded(
                    event=json.loads(event), decisions=_DECISIONS.decode(batch.decisions[decisions])
                )
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
            lines = _BATCHES.decode(body).lines
            for place in range(min(first + len(lines), end) - 1, max(first, oldest) - 1, -1):
                line = lines[place - first]
                if line[0] == account and line[1] == region:
                    yield place, json.loads(line[2])

    def flush(self) -> None:
        """Write what is pending."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        ids = _SEPARATOR.join([exchange.request_id.encode() for exchange in pending])
        row = (self._next, len(pending), ids, msgspec.msgpack.encode(_batch(pending)))
        self._next += len(pending)
        self._db.execute("BEGIN")
        self._db.execute("INSERT INTO batches VALUES (?, ?, ?, ?)", row)
        self._db.execute("DELETE FROM batches WHERE first + size <= ?", (self._next - _ON_DISK,))
        self._db.execute("COMMIT")

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self.flush()


def _batch(pending: Sequence[Exchange]) -> _Batch:
    batch = _Batch([], [])
    places: dict[tuple[int, ...], int] = {}
    for exchange in pending:
        # INVARIANT: every decision of `pending` is alive, so that none has the identity of another one.
        key = tuple(map(id, exchange.decisions))
        place = places.get(key)
        if place is None:
            place = places[key] = len(batch.decisions)
            batch.decisions.append(msgspec.json.encode(exchange.decisions))
        event = msgspec.json.encode(event_of(exchange), enc_hook=str)
        account = exchange.principal.account if exchange.principal else ""
        batch.lines.append((account, exchange.region, event, place))
    return batch
