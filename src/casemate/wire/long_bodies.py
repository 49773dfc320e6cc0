"""What a long body may cost its decoder: no more than its bytes are worth.

A structure or list takes two bytes of a body and, made, a hundred of memory and 0.15 microseconds; what Python's collector of
cycles does meanwhile, looking through all that was made so far again and again, takes three times that. A decoder makes
no cycles.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Generator
from contextlib import contextmanager

from casemate.wire.mismatch import Mismatch

_LONG = 64 << 10
"""Bytes from which on it is worth the microsecond."""
MOST_CONTAINERS = 1 << 19
"""Structures and lists of a document that is read without its types. With types they are the types' own: what an
operation takes decides. Documents without are looked at a second time, by readers that know what AWS forgives."""
MOST_STRINGS = 1 << 21
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""One that is not closed goes to the end: otherwise each of its escaped quotes would be tried as the beginning of another."""


@contextmanager
def collector_paused(body: bytes) -> Generator[None]:
    """While a body is decoded, if it is long."""
    if len(body) < _LONG or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def check_containers(body: bytes) -> None:
    """Mismatch when JSON has more structures and lists than any document that an operation takes."""
    if _containers(body) <= MOST_CONTAINERS:
        return
    # What is within strings counts for none, but is seldom there: it is looked for in as many as a second is enough for.
    rest, strings = _STRING.subn(b"", body, count=MOST_STRINGS)
    if strings == MOST_STRINGS or _containers(rest) > MOST_CONTAINERS:
        raise Mismatch(f"The request body has more than {MOST_CONTAINERS} structures and lists.")


def _containers(body: bytes) -> int:
    return body.count(b"{") + body.count(b"[")
