"""Request ids: version 4 UUIDs, their randomness fetched for many at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from casemate.model.ids import uuid4

_AT_A_TIME = 256
_BYTES = 16


def _cut(block: bytes, place: int, size: int) -> bytes:
    return block[place : place + size]


def _ids() -> Iterator[str]:
    while True:
        block = os.urandom(_AT_A_TIME * _BYTES)
        for place in range(0, len(block), _BYTES):
            yield uuid4(partial(_cut, block, place))


new_request_id = _ids().__next__
"""The next id. Called from the event loop's thread alone."""
