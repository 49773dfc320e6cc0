"""Transactions that were done under a ClientRequestToken, so that one that comes again is not done again.

    "t" | ten minutes (4) | token (16)        what was asked, when, and what reading the written items costs

An entry is written in the same atomic change as its transaction: after a crash either both are there or neither is, and
a client that never saw its answer may ask again. A token is looked for in two spans of ten minutes, and what is older
than these is deleted as one range when the next span begins: nothing is kept in memory, and nothing is searched.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import msgspec

from casemate.tables.storage import Change, Storage

SECONDS = 600
"""API reference, TransactWriteItems, ClientRequestToken: valid for ten minutes."""
_TOKENS = b"t"
_TOKEN_BYTES = 16


class Done(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """A transaction that was done."""

    digest: bytes
    """Of what was asked: under the same token nothing else may be."""
    reads: tuple[tuple[str, float], ...]
    """Tables, and the units that a transaction consumes which reads what this one wrote there."""
    at: float = 0.0
    """When: the log says it."""


class TokenLog:
    """The tokens of all accounts, over the storage of the items."""

    def __init__(self, storage: Storage, now: Callable[[], float]) -> None:
        self._storage = storage
        self._now = now
        self._oldest = -1
        """The span before which there is nothing; at first nobody knows what the last process left."""

    def find(self, token: bytes) -> Done | None:
        """What was done under a token within ten minutes."""
        span = self._span()
        for one in (span, span - 1):
            data = self._storage.get(_place(one, token))
            if data is not None:
                done = _decoder.decode(data)
                return done if self._now() - done.at <= SECONDS else None
        return None

    def entry(self, token: bytes, done: Done) -> Change:
        """Remembers a transaction, to be written together with it."""
        span = self._span()
        self._trim(span)
        return _place(span, token), _encoder.encode(msgspec.structs.replace(done, at=self._now()))

    def _trim(self, span: int) -> None:
        if span - 1 <= self._oldest:
            return
        self._oldest = span - 1
        start, end = _place(0, b""), _place(self._oldest, b"")
        if next(iter(self._storage.scan(start, end)), None) is not None:
            self._storage.clear(start, end)

    def _span(self) -> int:
        return max(1, int(self._now()) // SECONDS)


def token_name(*parts: str) -> bytes:
    """The name of a token: what tells it from those of other accounts and Regions is part of it."""
    return blake2b("\0".join(parts).encode(), digest_size=_TOKEN_BYTES).digest()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Done)


def _place(span: int, token: bytes) -> bytes:
    return _TOKENS + span.to_bytes(4, "big") + token
