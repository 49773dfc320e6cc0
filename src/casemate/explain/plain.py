"""Traces as plain data: dictionaries, lists, strings, numbers. Member names are those of the structs."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, cast

from msgspec import Struct

from casemate.policy.decision import Decision
from casemate.reachability.names import Answer
from casemate.reachability.verdict import Verdict


def to_json(trace: Verdict | Decision | Answer) -> dict[str, Any]:
    """A verdict, decision or DNS answer as a dictionary that `json.dumps` takes."""
    return cast("dict[str, Any]", _plain(trace))


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, IPv4Address | IPv6Address | IPv4Network | IPv6Network):
        return str(value)
    return value
