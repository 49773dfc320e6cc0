"""What a crash of the machine could still undo, and whether somebody looked at it.

A write is seen by the next reader, before it is synced. Whoever is told what that reader saw must be told no sooner than
the writer: otherwise the machine stops, and has shown what never was. So the keys of writes are kept until they are
synced, and each look at one of them is noted. Looks at anything else cost one question whether there is any such key.

Generations number the syncs: keys of one generation are synced together. While a thread syncs one, the next is written.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

from casemate.tables.storage import Change

_MOST = 4096
"""Keys that are told apart. Of more (an index is built, and nobody waits for it) any look counts."""


class Unsynced:
    """Used by the thread that reads and writes."""

    __slots__ = ("_everything", "_generation", "_newest", "_order", "keys", "seen")

    def __init__(self) -> None:
        self.keys: dict[bytes, int] = {}
        """The generation of each key. Empty: nothing is unsynced."""
        self._order: list[bytes] = []
        """The keys in order."""
        self._generation = 1
        """That of the next write."""
        self._newest = 0
        """That of the last write."""
        self._everything = 0
        """The generation up to which keys were too many to be told apart."""
        self.seen = 0
        """The latest generation that was looked at since this was last set back; 0: none."""

    def add(self, changes: Sequence[Change]) -> None:
        """Those keys were written, or deleted."""
        keys, generation = self.keys, self._generation
        self._newest = generation
        if len(keys) >= _MOST:
            self._everything = generation
            return
        for key, _ in changes:
            if key not in keys:
                insort(self._order, key)
            keys[key] = generation

    def look(self, key: bytes) -> None:
        """Somebody looks at a key, whether there is anything or not."""
        self.seen = max(self.seen, self._everything, self.keys.get(key, 0))

    def look_between(self, start: bytes, end: bytes) -> None:
        """Somebody looks at whatever there is with start <= key < end."""
        order = self._order
        first = bisect_left(order, start)
        self.seen = max(self.seen, self._everything)
        if first < len(order) and order[first] < end:
            self.seen = max(self.seen, *map(self.keys.__getitem__, order[first : bisect_left(order, end)]))

    def begin_sync(self) -> int:
        """All that was written up to now is one generation; what is written from now on is the next."""
        self._generation += 1
        return self._generation - 1

    def end_sync(self, generation: int) -> None:
        """All up to that generation is on disk. Not called when the sync failed: then it stays unsynced for good."""
        if self._everything > generation:
            return  # whatever is still unsynced, any look counts
        self._everything = 0
        if self._newest <= generation:
            self.keys.clear()
            self._order.clear()
        else:
            self.keys = {key: number for key, number in self.keys.items() if number > generation}
            self._order = sorted(self.keys)
