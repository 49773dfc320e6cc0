"""Streams and their events: one SQLite database, appended in batches, read in bounded pages.

WAL with synchronous=NORMAL: a commit costs no flush, so a line of log costs tens of microseconds; what is committed
survives `kill -9`, though not a power cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from msgspec import Struct

EVENT_OVERHEAD = 26
"""Bytes counted per event besides its message: API reference, PutLogEvents."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY, account TEXT, region TEXT, log_group TEXT, name TEXT,
    created INTEGER, first INTEGER, last INTEGER, ingested INTEGER,
    UNIQUE (account, region, log_group, name)
);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER, at INTEGER, ingested INTEGER, message TEXT
);
CREATE INDEX IF NOT EXISTS by_time ON events (stream, at, seq);
"""

GroupKey = tuple[str, str, str]
"""(account, Region, group name)."""
Position = tuple[int, int]
"""(time of the event, sequence number): events are ordered by it."""
FIRST: Position = (-1, -1)


class Stream(Struct, frozen=True, kw_only=True):
    """A log stream."""

    id: int
    name: str
    created: int
    first: int | None
    """Time of the oldest event; None while there is none. Milliseconds since the epoch, as all times here."""
    last: int | None
    ingested: int | None


class Event(Struct, frozen=True, kw_only=True):
    """A log event."""

    position: Position
    stream: str
    ingested: int
    message: str


class Arrived(NamedTuple):
    """Events for a stream, by its name."""

    group: GroupKey
    stream: str
    events: Sequence[tuple[int, str]]
    """(time, message)."""
    ingested: int


class EventLog:
    """All streams of all accounts."""

    def __init__(self, path: Path | None) -> None:
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def create_stream(self, group: GroupKey, name: str, now: int) -> bool:
        """False when there is one of that name."""
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO streams (account, region, log_group, name, created) VALUES (?, ?, ?, ?, ?)",
            (*group, name, now),
        )
        return cursor.rowcount == 1

    def stream(self, group: GroupKey, name: str) -> Stream | None:
        """The stream of that name."""
        return next(iter(self._streams("AND name = ?", group, name)), None)

    def streams(self, group: GroupKey, prefix: str = "") -> list[Stream]:
        """All streams whose names begin with `prefix`, by name."""
        return [one for one in self._streams("ORDER BY name", group) if one.name.startswith(prefix)]

    def _streams(self, clause: str, group: GroupKey, *values: object) -> list[Stream]:
        rows = self._db.execute(
            "SELECT id, name, created, first, last, ingested FROM streams"  # noqa: S608 - clauses are ours
            f" WHERE account = ? AND region = ? AND log_group = ? {clause}",
            (*group, *values),
        )
        return [
            Stream(id=row[0], name=row[1], created=row[2], first=row[3], last=row[4], ingested=row[5])
            for row in cast("Iterator[tuple[int, str, int, int | None, int | None, int | None]]", rows)
        ]

    def delete_stream(self, group: GroupKey, name: str) -> bool:
        """With its events; False when there is none."""
        found = self.stream(group, name)
        if found is None:
            return False
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM events WHERE stream = ?", (found.id,))
            self._db.execute("DELETE FROM streams WHERE id = ?", (found.id,))
        return True

    def delete_group(self, group: GroupKey) -> None:
        """All its streams and events."""
        with self._db:
            self._db.execute("BEGIN")
            where = "account = ? AND region = ? AND log_group = ?"
            self._db.execute(
                f"DELETE FROM events WHERE stream IN (SELECT id FROM streams WHERE {where})",  # noqa: S608
                group,
            )
            self._db.execute(f"DELETE FROM streams WHERE {where}", group)  # noqa: S608

    def append(self, stream: Stream, events: Sequence[tuple[int, str]], now: int) -> None:
        """Add (time, message) events in one commit."""
        if not events:
            return
        with self._db:
            self._db.execute("BEGIN")
            self._append(stream.id, events, now)

    def take(self, arrived: Sequence[Arrived]) -> None:
        """Add what has arrived for any streams, in order and in one commit; makes the streams that are missing."""
        with self._db:
            self._db.execute("BEGIN")
            ids: dict[tuple[GroupKey, str], int] = {}
            for one in arrived:
                key = (one.group, one.stream)
                if key not in ids:
                    self.create_stream(*key, one.ingested)
                    found = self.stream(*key)
                    assert found is not None
                    ids[key] = found.id
                if one.events:
                    self._append(ids[key], one.events, one.ingested)

    def _append(self, stream: int, events: Sequence[tuple[int, str]], now: int) -> None:
        self._db.executemany(
            "INSERT INTO events (stream, at, ingested, message) VALUES (?, ?, ?, ?)",
            [(stream, at, now, message) for at, message in events],
        )
        times = [at for at, _ in events]
        self._db.execute(
            "UPDATE streams SET first = min(coalesce(first, ?1), ?1), last = max(coalesce(last, ?2), ?2),"
            " ingested = ?3 WHERE id = ?4",
            (min(times), max(times), now, stream),
        )

    def stored_bytes(self, group: GroupKey) -> int:
        """Of all events of a group."""
        row = self._db.execute(
            "SELECT coalesce(sum(length(CAST(message AS BLOB)) + ?), 0) FROM events WHERE stream IN"
            " (SELECT id FROM streams WHERE account = ? AND region = ? AND log_group = ?)",
            (EVENT_OVERHEAD, *group),
        ).fetchone()
        return int(row[0])

    def expire(self, group: GroupKey, before: int) -> None:
        """Delete the events of a group that are older than `before`."""
        self._db.execute(
            "DELETE FROM events WHERE at < ? AND stream IN"
            " (SELECT id FROM streams WHERE account = ? AND region = ? AND log_group = ?)",
            (before, *group),
        )

    def page(
        self,
        streams: Sequence[Stream],
        *,
        after: Position | None = None,
        before: Position | None = None,
        start: int | None = None,
        end: int | None = None,
        limit: int,
    ) -> list[Event]:
        """Up to `limit` events, in order: the first ones past `after`, or the last ones ahead of `before`.

        `start` is inclusive, `end` exclusive.
        """
        names = {stream.id: stream.name for stream in streams}
        marks = ", ".join("?" * len(names))
        conditions, values = [f"stream IN ({marks})"], list[int](names)
        for condition, bound in (("at >= ?", start), ("at < ?", end)):
            if bound is not None:
                conditions.append(condition)
                values.append(bound)
        backwards = before is not None
        for condition, position in (("(at, seq) > (?, ?)", after), ("(at, seq) < (?, ?)", before)):
            if position is not None:
                conditions.append(condition)
                values.extend(position)
        order = "DESC" if backwards else "ASC"
        rows = self._db.execute(
            f"SELECT at, seq, stream, ingested, message FROM events WHERE {' AND '.join(conditions)}"  # noqa: S608
            f" ORDER BY at {order}, seq {order} LIMIT ?",
            (*values, limit),
        )
        found = [
            Event(position=(row[0], row[1]), stream=names[row[2]], ingested=row[3], message=row[4])
            for row in cast("Iterator[tuple[int, int, int, int, str]]", rows)
        ]
        return found[::-1] if backwards else found

    def close(self) -> None:
        """Close the database."""
        self._db.close()
