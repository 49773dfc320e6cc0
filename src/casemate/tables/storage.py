"""The port to where items live: an ordered map of bytes with atomic writes.

Two implementations: `storage_rocksdb` (durable) and `storage_memory` (ephemeral). All methods but `durable` are called
from one thread. A write is visible as soon as `write` returns; it survives a crash of the process from then on, and of
the machine once `durable` has returned. Operations are acknowledged after `durable`; those that only read, after the
writes that they saw (`when_seen_durable`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeAlias

from casemate.model.errors import AwsError

Change: TypeAlias = tuple[bytes, bytes | None]
"""A key and its new value; None deletes."""


class Storage(Protocol):
    """An ordered map."""

    def get(self, key: bytes) -> bytes | None: ...

    def scan(self, start: bytes, end: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        """Entries with start <= key < end in order of their keys, or in reverse.

        Nothing may be written before the caller is done with it.
        """
        ...

    def values(self, start: bytes, end: bytes, *, reverse: bool = False) -> Iterator[bytes]:
        """As `scan`, without the keys, for less."""
        ...

    def snapshot(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The entries that there are at the call, in order, however much is written while they are read."""
        ...

    def write(self, changes: Sequence[Change]) -> None:
        """All of the changes or none."""
        ...

    def clear(self, start: bytes, end: bytes) -> None:
        """Delete every key with start <= key < end."""
        ...

    async def durable(self) -> None:
        """Returns once everything written before the call survives a power failure."""
        ...

    def when_durable(self, told: Callable[[AwsError | None], None]) -> None:
        """As `durable`, for who is called back: with the error when it failed. On the event loop, maybe at once."""
        ...

    def when_seen_durable(self, told: Callable[[AwsError | None], None]) -> None:
        """Calls back, mostly at once, when what was read since this was last asked (or `when_durable`) is durable.

        To be asked in the turn of the event loop in which it was read.
        """
        ...

    def close(self) -> None: ...
