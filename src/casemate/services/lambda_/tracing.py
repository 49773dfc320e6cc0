"""The X-Ray header of an invocation, and in it the chain of functions that led there. Pure.

Sources: X-Ray Developer Guide, "Tracing header" (Root, Parent, Sampled, and Lineage, which Lambda appends:
`a87bd80c:1|68fd508a:5`); Lambda Developer Guide, "Use Lambda recursive loop detection to prevent infinite loops": SDKs
send the header of the invocation they run in (botocore: `add_recursion_detection_header`), a function invoked more than
some 16 times in one chain is stopped. What the eight digits are is not documented; here of the ARN.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from urllib.parse import unquote

from casemate.model.ids import RandomBytes

RECURSION_LIMIT = 16
_ROOT = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
_LINK = re.compile(r"([0-9a-f]{8}):(\d{1,4})")
_LONGEST = 64
"""Functions of a chain that are remembered: a header does not grow for ever."""


def header(
    function_arn: str, *, sampled: bool, now: datetime, random_bytes: RandomBytes, caller: str = ""
) -> str:
    """The header of an invocation of that function; `caller` is the header that its request came with."""
    if not caller:  # as most are
        root, parent = _new_root(now, random_bytes), random_bytes(8).hex()
        return f"Root={root};Parent={parent};Sampled={int(sampled)};Lineage={_mark(function_arn)}:1"
    fields = _fields(caller)
    root = fields.get("Root", "")
    if not _ROOT.fullmatch(root):
        root = _new_root(now, random_bytes)
    decided = fields.get("Sampled", "")
    decision = decided if decided in ("0", "1") else str(int(sampled))
    chain = _chain(fields)
    chain[_mark(function_arn)] = chain.get(_mark(function_arn), 0) + 1
    lineage = "|".join(f"{mark}:{count}" for mark, count in list(chain.items())[-_LONGEST:])
    return f"Root={root};Parent={random_bytes(8).hex()};Sampled={decision};Lineage={lineage}"


def is_loop(function_arn: str, header: str) -> bool:
    """Whether the invocation with that header is one too many in its chain."""
    return _chain(_fields(header)).get(_mark(function_arn), 0) > RECURSION_LIMIT


def _new_root(now: datetime, random_bytes: RandomBytes) -> str:
    return f"1-{int(now.timestamp()):08x}-{random_bytes(12).hex()}"


def _fields(header: str) -> dict[str, str]:
    parts = (part.partition("=") for part in unquote(header).split(";"))
    return {name.strip(): value.strip() for name, _, value in parts}


def _chain(fields: dict[str, str]) -> dict[str, int]:
    links = (_LINK.fullmatch(link) for link in fields.get("Lineage", "").split("|")[:_LONGEST])
    return {link[1]: int(link[2]) for link in links if link is not None}


@lru_cache(1024)
def _mark(function_arn: str) -> str:
    return sha256(function_arn.encode()).hexdigest()[:8]
