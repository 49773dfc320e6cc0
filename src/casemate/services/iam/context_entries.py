"""ContextEntries of a simulation: condition keys with typed values.

Source: IAM API Reference, ContextEntry.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from typing import Any

from casemate.policy.catalogue import condition_key
from casemate.policy.operators import parse_date, parse_number
from casemate.services.iam.errors import invalid_input

_LIST = "List"


def _is_ip(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


_TESTS: Mapping[str, Callable[[str], bool]] = {
    "string": lambda _: True,
    "numeric": lambda text: parse_number(text) is not None,
    "boolean": lambda text: text.lower() in {"true", "false"},
    "ip": _is_ip,
    "binary": _is_base64,
    "date": lambda text: parse_date(text) is not None,
}


def context_of(entries: Sequence[Mapping[str, Any]]) -> dict[str, str | tuple[str, ...]]:
    """The condition context that entries describe; InvalidInput for values that are not of their type."""
    context: dict[str, str | tuple[str, ...]] = {}
    for entry in entries:
        name = str(entry.get("ContextKeyName") or "")
        if ":" not in name:
            raise invalid_input(f"Invalid context key name: {name!r}")
        values: list[str] = list(entry.get("ContextKeyValues") or [])
        kind = entry.get("ContextKeyType")
        known = condition_key(name)
        listed = str(kind).endswith(_LIST) if kind else bool(known and known.multi_valued)
        single = str(kind or "string").removesuffix(_LIST)
        if not values or (len(values) > 1 and not listed):
            raise invalid_input(f"Context key {name} of type {kind or 'string'} has {len(values)} values")
        for value in values:
            if not _TESTS[single](value):
                raise invalid_input(f"Invalid value {value!r} of context key {name}: it is no {single}")
        context[name] = tuple(values) if listed else values[0]
    return context
