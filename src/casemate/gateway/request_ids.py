"""Request ids: version 4 UUIDs, their randomness fetched for many at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator

_AT_A_TIME = 256
_BYTES = 16


def _ids() -> Iterator[str]:
    """As `model.ids.uuid4` makes them, cut from hexadecimal digits."""
    while True:
        digits = os.urandom(_AT_A_TIME * _BYTES).hex()
        for at in range(0, len(digits), 2 * _BYTES):
            variant = "89ab"[int(digits[at + 16], 16) & 3]
            yield (
                f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-4{digits[at + 13 : at + 16]}-"
                f"{variant}{digits[at + 17 : at + 20]}-{digits[at + 20 : at + 32]}"
            )


new_request_id = _ids().__next__
"""The next id. Called from the event loop's thread alone."""
