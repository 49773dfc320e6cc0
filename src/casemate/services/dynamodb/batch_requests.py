"""What is wrong with a batch whatever its tables are: looked at before any of them is.

Words as observed (paritysuite/dynamodb-conformance, tests/tier3, October 2026; dynalite's recorded answers): where the
Regions of AWS differ, of the newer of the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any

from casemate.model.errors import AwsError
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.legacy import check_unmixed
from casemate.services.dynamodb.names import is_name
from casemate.tables.values import item_from_wire, to_wire

MAX_GETS = 100
MAX_WRITES = 25
DUPLICATES = "Provided list of item keys contains duplicates"
_EMPTY = "Member must have length greater than or equal to 1"
_KEYS = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length "
    "greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"
)
_LISTS = f"Map value must satisfy constraint: [Member must have length less than or equal to {MAX_WRITES}, {_EMPTY}]"


def check_gets(requested: Mapping[str, Mapping[str, Any]]) -> None:
    """The tables and how many keys of each; ValidationException."""
    _check_tables(requested)
    for name, wanted in requested.items():
        at = f"RequestItems.{name}.member.Keys"
        if not wanted["Keys"]:
            raise _violation(at, _EMPTY)
        if len(wanted["Keys"]) > MAX_GETS:
            raise _violation(at, f"Member must have length less than or equal to {MAX_GETS}")
    _check_total((wanted["Keys"] for wanted in requested.values()), MAX_GETS, "BatchGetItem")
    if len(requested) > 1:
        # Expressions here and legacy parameters there are mixed too.
        check_unmixed({member: value for wanted in requested.values() for member, value in wanted.items()})


def check_writes(requested: Mapping[str, Sequence[Any]]) -> None:
    """The tables and how many writes to each; ValidationException."""
    _check_tables(requested)
    for name, writes in requested.items():
        if not writes:
            raise _violation("requestItems", _LISTS, f"{{{name}=[]}}")
        if len(writes) > MAX_WRITES:
            at = f"RequestItems.{name}.member"
            raise _violation(at, f"Member must have length less than or equal to {MAX_WRITES}")
    _check_total(requested.values(), MAX_WRITES, "BatchWriteItem")


def check_distinct(keys: Iterable[Mapping[str, Any]]) -> None:
    """No key of a table that may not exist is there twice. That 1.0 is the key 1 is seen here, too."""
    seen: set[str] = set()
    for key in keys:
        values = {name: to_wire(value) for name, value in item_from_wire(key).items()}
        text = json.dumps(values, sort_keys=True, default=repr)
        if text in seen:
            raise validation(DUPLICATES)
        seen.add(text)


def _check_tables(requested: Mapping[str, Any]) -> None:
    if not requested:
        raise _violation("RequestItems", _EMPTY)
    for name in requested:
        if not (is_name(name) or name.startswith("arn:")):
            raise _violation("requestItems", _KEYS, _shown(requested))


def _check_total(lists: Iterable[Sized], limit: int, operation: str) -> None:
    if sum(map(len, lists)) > limit:
        raise validation(f"Too many items requested for the {operation} call")


def _violation(at: str, rule: str, value: str | None = None) -> AwsError:
    shown = "Value" if value is None else f"Value '{value}'"
    return validation(f"1 validation error detected: {shown} at '{at}' failed to satisfy constraint: {rule}")


def _shown(requested: Mapping[str, Any]) -> str:
    try:
        return json.dumps(requested, separators=(",", ":"), default=repr)
    except RecursionError:  # a document deeper than can be written down
        return f"{{{', '.join(requested)}}}"
