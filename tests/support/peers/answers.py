"""How two answers to one request differ, in words that are the same for answers that differ alike."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from tests.support.peers.engines import Answer

_SETS = ("SS", "NS", "BS")
_MADE_UP = re.compile(
    r"\b(Table(Arn|Id)|.*Arn|.*DateTime|Table(Size|Status)\w*|ItemCount|Index(Size|Status)\w*|WarmThroughput|OnDemandThroughput|LatestStream\w*|SizeEstimateRangeGB)\b"
)


def difference(ours: Answer, theirs: Answer, operation: str) -> str | None:
    """In a line, or None."""
    if ours.status == theirs.status == 200:
        places = sorted(set(_places(tidied(ours.body, operation), tidied(theirs.body, operation), "")))
        return f"results differ: {', '.join(places)}" if places else None
    mine, other = _refusal(ours), _refusal(theirs)
    return None if _exact(ours) == _exact(theirs) else f"{mine}  |  {other}"


def _exact(answer: Answer) -> Any:
    if answer.status == 200:
        return "success"
    message = re.sub(r"\d{12}", "0", answer.message)
    if "failed to satisfy constraint" not in message:
        # AWS has begun to write this before other complaints too, in some Regions and operations.
        message = message.removeprefix("1 validation error detected: ")
    return answer.status, answer.code, _sorted_constraints(message)


def _sorted_constraints(message: str) -> str:
    """Of several constraints AWS's order is that of a Java map: it says nothing."""
    head, found, rest = message.partition(" detected: ")
    return f"{head}{found}{'; '.join(sorted(rest.split('; ')))}" if found else message


def _refusal(answer: Answer) -> str:
    if answer.status == 200:
        return "success"
    return f"{answer.status} {answer.code.rpartition('#')[2]} {shape(answer.message)}"


def shape(message: str) -> str:
    """The message without what it quotes of the request."""
    found = message
    if " detected: " in found:
        found = _sorted_constraints(found)
    found = re.sub(r"Value '.*?' at '", "Value '' at '", found, flags=re.DOTALL)
    for pattern in (
        r"(operand type|operator|function|operator or function|keyword|character|token|near|attribute name|Path One|Path two|attribute value|value|key|Key|Actual|Expected|path|name|names|values|parameters): [^;,]*?(?=[;,]|$)",
    ):
        found = re.sub(pattern, r"\1: _", found, flags=re.IGNORECASE)
    found = re.sub(r"\{.*\}", "{}", found, flags=re.DOTALL)
    found = re.sub(r"\[.*?\]", "[]", found, flags=re.DOTALL)
    return re.sub(r"\d+", "0", found)[:300]


def tidied(value: Any, operation: str) -> Any:
    """Without what an engine may choose: order of scans and sets, identities, times."""
    if isinstance(value, dict):
        found = {
            name: tidied(member, operation) for name, member in value.items() if not _MADE_UP.fullmatch(name)
        }
        if operation == "Scan" and isinstance(found.get("Items"), list):
            found["Items"] = sorted(found["Items"], key=json.dumps)
        if (
            len(found) == 1
            and next(iter(found)) in _SETS
            and isinstance(members := next(iter(found.values())), list)
        ):
            return {next(iter(found)): sorted(members, key=str)}
        if "Responses" in found and operation == "BatchGetItem":
            found["Responses"] = {
                name: sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
                for name, items in found["Responses"].items()
            }
        return dict(sorted(found.items()))
    if isinstance(value, list):
        members = [tidied(member, operation) for member in value]
        if operation in (
            "CreateTable",
            "DescribeTable",
            "UpdateTable",
            "DeleteTable",
            "ListTagsOfResource",
            "BatchGetItem",
        ):
            members = sorted(members, key=json.dumps)
        return members
    return value


def _places(ours: Any, theirs: Any, place: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in ours.keys() | theirs.keys():
            where = f"{place}.{name}"
            if name not in ours:
                yield f"{where} only theirs"
            elif name not in theirs:
                yield f"{where} only ours"
            else:
                yield from _places(ours[name], theirs[name], where)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            yield f"{place} length"
        else:
            for mine, other in zip(ours, theirs, strict=True):
                yield from _places(mine, other, f"{place}[]")
    elif ours != theirs and not _same_number(ours, theirs):
        yield place


def _same_number(ours: Any, theirs: Any) -> bool:
    if (
        isinstance(ours, bool)
        or isinstance(theirs, bool)
        or not isinstance(ours, int | float)
        or not isinstance(theirs, int | float)
    ):
        return False
    try:
        return Decimal(str(ours)) == Decimal(str(theirs))
    except InvalidOperation:
        return False
