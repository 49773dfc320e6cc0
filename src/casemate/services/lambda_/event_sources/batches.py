"""What is left to do of a batch after an attempt. Pure.

Sources: Lambda Developer Guide, "How Lambda processes records from stream and queue-based event sources" and
"Configuring partial batch response with DynamoDB and Lambda"; API reference, CreateEventSourceMapping.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
"""Seconds between attempts, doubled each time. Lambda backs off too, and does not say how long."""
RETENTION_SECONDS = 24 * 3600
"""What is older than a day no stream keeps."""


class Entry(Struct, frozen=True, kw_only=True):
    """One record of a batch."""

    sequence: int
    text: str
    """The SequenceNumber."""
    at: float
    data: bytes
    """As it stands in the event."""


class Piece(Struct, frozen=True, kw_only=True):
    """Records that are handed over together."""

    entries: tuple[Entry, ...]
    failures: int = 0
    """How often they have failed."""


class Remainder(Struct, frozen=True, kw_only=True):
    """What an attempt leaves."""

    pieces: tuple[Piece, ...] = ()
    """To be handed over next, in this order."""
    discarded: tuple[Entry, ...] = ()
    """Given up."""
    wait: bool = False
    """Pause before the next attempt."""


def after_attempt(piece: Piece, failure: int | None, *, bisect: bool, retries: int) -> Remainder:
    """`failure` is the place of the first record that failed; None: none did.

    A bisection is no attempt: "Splitting a batch doesn't count towards the retry quota". What precedes the first failure
    is processed, and the records after it begin their attempts anew.
    """
    if failure is None:
        return Remainder()
    rest = piece.entries[failure:]
    if bisect and failure > 0:
        return Remainder(pieces=(Piece(entries=rest),))
    if bisect and len(rest) > 1:
        middle = len(rest) // 2
        halves = (rest[:middle], rest[middle:])
        return Remainder(pieces=tuple(Piece(entries=half, failures=piece.failures) for half in halves))
    failures = 1 if failure > 0 else piece.failures + 1
    if retries != -1 and failures > retries:
        return Remainder(discarded=rest)
    return Remainder(pieces=(Piece(entries=rest, failures=failures),), wait=True)


def young(entries: Iterable[Entry], *, now: float, max_age: int) -> tuple[Entry, ...]:
    """Those that are not older than a mapping allows."""
    limit = RETENTION_SECONDS if max_age == -1 else min(max_age, RETENTION_SECONDS)
    return tuple(entry for entry in entries if now - entry.at <= limit)


def pause(failures: int) -> float:
    """Seconds before the attempt that follows so many failures."""
    return min(FIRST_PAUSE * 2 ** min(max(failures - 1, 0), 16), LONGEST_PAUSE)
