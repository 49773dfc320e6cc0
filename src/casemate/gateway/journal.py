"""The record of every request: a CloudTrail-shaped event with the whole decision trace. Kept and queryable.

Recording costs a request one append; events are written to SQLite in batches, off the path of the request. The
journal is not a service's state: losing its last quarter second in a crash loses no resource.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import msgspec

from casemate.gateway.exchange import Exchange
from casemate.gateway.trail import event_of
from casemate.policy.decision import Decision

_FLUSH_SECONDS = 0.25
_IN_MEMORY = 2_000
_ON_DISK = 200_000
_NO_PLACE = 2**63 - 1


_DECISIONS = msgspec.json.Decoder(list[Decision])


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
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS events (request_id TEXT PRIMARY KEY, time REAL, account TEXT, region TEXT, event TEXT, decisions BLOB)"
        )
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
        query = "SELECT event, decisions FROM events WHERE request_id = ?"
        row = cast("tuple[str, bytes] | None", self._db.execute(query, (request_id,)).fetchone())
        if row is None:
            return None
        return Recorded(event=json.loads(row[0]), decisions=_DECISIONS.decode(row[1]))

    def events(
        self, *, account: str, region: str, before: int | None = None
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """(place on record, event) of an account and Region, newest first, read as they are asked for.

        `before` leaves out that place and what was recorded after it: pages stay whole while requests go on.
        """
        self.flush()
        rows = self._db.execute(
            "SELECT rowid, event FROM events WHERE account = ? AND region = ? AND rowid < ? ORDER BY rowid DESC",
            (account, region, _NO_PLACE if before is None else before),
        )
        for place, text in cast("Iterator[tuple[int, str]]", rows):
            yield place, json.loads(text)

    def flush(self) -> None:
        """Write what is pending."""
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?)", map(_row, pending))
        self._db.execute("DELETE FROM events WHERE rowid <= (SELECT max(rowid) FROM events) - ?", (_ON_DISK,))
        self._db.execute("COMMIT")

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self.flush()


def _row(exchange: Exchange) -> tuple[str, float, str, str, str, bytes]:
    event = event_of(exchange)
    account = exchange.principal.account if exchange.principal else ""
    decisions = msgspec.json.encode(exchange.decisions)
    text = msgspec.json.encode(event, enc_hook=str).decode()
    return exchange.request_id, exchange.now.timestamp(), account, exchange.region, text, decisions
