"""A sorted set of byte strings, in blocks: adding and removing move one block, not the whole set."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

_BLOCK = 1024


class SortedKeys:
    """Keys in order. No duplicates are added by its user."""

    def __init__(self) -> None:
        self._blocks: list[list[bytes]] = []
        self._firsts: list[bytes] = []
        """First key of each block."""

    def _block_of(self, key: bytes) -> int:
        return max(bisect_right(self._firsts, key) - 1, 0)

    def add(self, key: bytes) -> None:
        if not self._blocks:
            self._blocks.append([key])
            self._firsts.append(key)
            return
        number = self._block_of(key)
        block = self._blocks[number]
        insort(block, key)
        self._firsts[number] = block[0]
        if len(block) > 2 * _BLOCK:
            self._blocks[number : number + 1] = [block[:_BLOCK], block[_BLOCK:]]
            self._firsts[number : number + 1] = [block[0], block[_BLOCK]]

    def remove(self, key: bytes) -> None:
        number = self._block_of(key)
        block = self._blocks[number]
        del block[bisect_left(block, key)]
        if block:
            self._firsts[number] = block[0]
        else:
            del self._blocks[number], self._firsts[number]

    def cut(self, start: bytes, end: bytes) -> list[bytes]:
        """Remove the keys with start <= key < end, block by block."""
        taken: list[bytes] = []
        if not self._blocks:
            return taken
        first, last = self._block_of(start), self._block_of(end)
        for block in self._blocks[first : last + 1]:
            low, high = bisect_left(block, start), bisect_left(block, end)
            taken += block[low:high]
            del block[low:high]
        left = [block for block in self._blocks[first : last + 1] if block]
        self._blocks[first : last + 1] = left
        self._firsts[first : last + 1] = [block[0] for block in left]
        return taken

    def ascending(self, start: bytes, end: bytes) -> Iterator[bytes]:
        """Keys with start <= key < end."""
        for number in range(self._block_of(start), len(self._blocks)):
            block = self._blocks[number]
            for key in block[bisect_left(block, start) :] if block[0] < start else block:
                if key >= end:
                    return
                yield key

    def descending(self, start: bytes, end: bytes) -> Iterator[bytes]:
        """The same, from the end."""
        if not self._blocks:
            return
        for number in range(self._block_of(end), -1, -1):
            block = self._blocks[number]
            for key in reversed(block[: bisect_left(block, end)]):
                if key < start:
                    return
                yield key
