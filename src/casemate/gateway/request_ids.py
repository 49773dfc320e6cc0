"""Request ids: version 4 UUIDs, their randomness fetched for many at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator

_AT_A_TIME = 256
"""As many as two digits tell apart."""
_LAST = 10
"""Random digits of each."""


def _ids() -> Iterator[str]:
    """As `model.ids.uuid4` makes them. Those of one fetch begin alike; in it, they are told apart by their last digits."""
    while True:
        first = os.urandom(10).hex()
        variant = "89ab"[int(first[16], 16) & 3]
        start = f"{first[:8]}-{first[8:12]}-4{first[13:16]}-{variant}{first[17:20]}-"
        digits = os.urandom(_AT_A_TIME * _LAST // 2).hex()
        for at in range(_AT_A_TIME):
            yield f"{start}{digits[at * _LAST : (at + 1) * _LAST]}{at:02x}"


new_request_id = _ids().__next__
"""The next id. Called from the event loop's thread alone."""
