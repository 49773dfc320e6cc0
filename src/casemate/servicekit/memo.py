"""Values computed from records, kept until one of those records is replaced."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from casemate.servicekit.store import Collection, Key

R = TypeVar("R")
V = TypeVar("V")

_MOST_KEPT = 20_000


class Reads:
    """Reads records on behalf of a computation and remembers which it saw, absent ones included."""

    def __init__(self) -> None:
        self.seen: list[tuple[Collection[Any], Key, object]] = []

    def get(self, collection: Collection[R], *key: str) -> R | None:
        """As `Collection.get`, remembered."""
        record = collection.get(*key)
        self.seen.append((collection, key, record))
        return record


class Memo(Generic[V]):
    """Remembers computed values by key.

    INVARIANT: a kept value is given out only while every record it was computed from is still the same object, so
    a change, a deletion or a rolled-back transaction is noticed without anybody announcing it.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[tuple[Collection[Any], Key, object], ...], V]] = {}

    def get(self, key: Hashable, compute: Callable[[Reads], V]) -> V:
        """The value of `key`; `compute` must take everything that can change from its `Reads`."""
        kept = self._kept.get(key)
        if kept is not None and all(
            collection.get(*record_key) is record for collection, record_key, record in kept[0]
        ):
            return kept[1]
        reads = Reads()
        value = compute(reads)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[key] = (tuple(reads.seen), value)
        return value
