"""Work on many entries, a stretch at a time: a few milliseconds in which nobody else has a turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from casemate.tables.keys import index_prefix, successor
from casemate.tables.storage import Storage

ENTRIES = 200
BYTES = 1 << 20
"""Items may have 400 KB: what is read at once, and often written again, is bounded by both."""
Entry = tuple[bytes, bytes]


V = TypeVar("V", bytes, "bytes | None")


def stretch(entries: Iterator[tuple[bytes, V]], most: int = ENTRIES) -> list[tuple[bytes, V]]:
    """The next entries; none: that was all."""
    taken: list[tuple[bytes, V]] = []
    size = 0
    for entry in entries:
        taken.append(entry)
        size += len(entry[1] or b"")
        if len(taken) == most or size >= BYTES:
            break
    return taken


def items_from(storage: Storage, table_id: bytes, place: bytes | None) -> list[Entry]:
    """The next items of a table from `place` on, or from its beginning. `after` says where the ones after them are.

    A place in another table is none: a table may have been made anew under its name.
    """
    start = index_prefix(table_id, 0)
    end = successor(start)
    if place is not None and start <= place < end:
        start = place
    return stretch(storage.scan(start, end))


def after(entries: list[Entry]) -> bytes | None:
    """Where the entries begin that come after these; None when there were none left."""
    return entries[-1][0] + b"\x00" if entries else None
