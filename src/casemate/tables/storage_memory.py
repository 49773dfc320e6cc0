"""Items in memory: `--ephemeral`, and the engine's own tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from casemate.model.errors import AwsError
from casemate.tables.sorted_keys import SortedKeys
from casemate.tables.storage import Change


class MemoryStorage:
    """A dictionary and its sorted keys."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys = SortedKeys()

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def scan(self, start: bytes, end: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        keys = self._keys.descending(start, end) if reverse else self._keys.ascending(start, end)
        return ((key, self._values[key]) for key in keys)

    def values(self, start: bytes, end: bytes, *, reverse: bool = False) -> Iterator[bytes]:
        return (value for _, value in self.scan(start, end, reverse=reverse))

    def snapshot(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        return iter([(key, self._values[key]) for key in self._keys.ascending(start, end)])

    def write(self, changes: Sequence[Change]) -> None:
        for key, value in changes:
            if value is None:
                if self._values.pop(key, None) is not None:
                    self._keys.remove(key)
            else:
                if key not in self._values:
                    self._keys.add(key)
                self._values[key] = value

    def clear(self, start: bytes, end: bytes) -> None:
        self.write([(key, None) for key in list(self._keys.ascending(start, end))])

    async def durable(self) -> None:
        """There is nothing to wait for."""

    def when_durable(self, told: Callable[[AwsError | None], None]) -> None:
        told(None)

    def when_seen_durable(self, told: Callable[[AwsError | None], None]) -> None:
        told(None)

    def close(self) -> None:
        self._values.clear()
        self._keys = SortedKeys()
