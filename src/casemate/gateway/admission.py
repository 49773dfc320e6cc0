"""What the clients of one side may hold of this process at once.

Code in functions and instances is not trusted: it may open connections without end, or announce bodies and not send
them. The laptop's own programs are not limited. The limits are Casemate's: AWS's front ends publish none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Final

CONNECTIONS_PER_PEER: Final = 1024
UNANSWERED_PER_PEER: Final = 160 * 1024 * 1024
"""Bytes of bodies: two of the largest, and some more."""
UNANSWERED: Final = 768 * 1024 * 1024


class Admission:
    """Counts connections by peer, and bytes of bodies that are not answered yet by peer and together."""

    __slots__ = ("_bytes", "_connections", "_total")

    def __init__(self) -> None:
        self._connections: Counter[Hashable] = Counter()
        self._bytes: Counter[Hashable] = Counter()
        self._total = 0

    def enter(self, peer: Hashable) -> bool:
        """Whether one more connection is let in; `leave` gives it back."""
        if self._connections[peer] >= CONNECTIONS_PER_PEER:
            return False
        self._connections[peer] += 1
        return True

    def leave(self, peer: Hashable) -> None:
        self._connections[peer] -= 1
        if not self._connections[peer]:
            del self._connections[peer]

    def hold(self, peer: Hashable, size: int) -> bool:
        """Whether `size` more bytes may be kept; they count either way until `release`."""
        self._total += size
        self._bytes[peer] += size
        return self._total <= UNANSWERED and self._bytes[peer] <= UNANSWERED_PER_PEER

    def release(self, peer: Hashable, size: int) -> None:
        if not size:
            return
        self._total -= size
        self._bytes[peer] -= size
        if not self._bytes[peer]:
            del self._bytes[peer]


class Unlimited(Admission):
    """For the laptop's side."""

    __slots__ = ()

    def enter(self, peer: Hashable) -> bool:
        del peer
        return True

    def leave(self, peer: Hashable) -> None:
        del peer

    def hold(self, peer: Hashable, size: int) -> bool:
        del peer, size
        return True

    def release(self, peer: Hashable, size: int) -> None:
        del peer, size
