"""From valid requests to others: whole expressions anew, parts of the body exchanged, the bytes themselves spoiled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.support.fuzz import grammar, junk
from tests.support.fuzz.junk import Raw
from tests.support.fuzz.seeds import NAMES, VALUES, seeds

_ALL = seeds()
_OPERATIONS = sorted({(service, operation) for service, operation, _ in _ALL})
_ARBITRARY = ("RequestItems", "TransactItems", "Select", "Limit", "Segment", "ExclusiveStartKey", "ReturnValues", "Expected", "NextToken",
              "AttributesToGet", "ConditionalOperator", "Parameters", "IndexName", "Key", "Item", "ScanFilter", "Tags", "RestoreDateTime")  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One request."""

    service: str
    operation: str
    body: bytes


class Twice(dict[str, Any]):
    """An object that has its first member twice."""


def mutated(dice: Random, filled: Mapping[str, str]) -> Input:
    """A request; `filled` are the values of placeholders."""
    service, operation, body = dice.choice(_ALL)
    for name, value in filled.items():
        body = body.replace(name.encode(), value.encode())
    roll = dice.random()
    if roll < 0.02:
        service, operation = dice.choice(_OPERATIONS)
    if roll < 0.97:
        body = _render(_changed(dice, json.loads(body))).encode("utf-8", "surrogatepass")
    if roll > 0.93:
        body = _spoiled(dice, body)
    return Input(service=service, operation=operation, body=body)


def _changed(dice: Random, params: dict[str, Any]) -> Any:
    slots = _slots(params)
    written = [slot for slot in slots if slot[1] in grammar.WRITERS]
    roll = dice.random()
    if written and roll < 0.7:
        for holder, name in written:
            text = grammar.WRITERS[name](dice)
            holder[name] = grammar.spoiled(dice, text) if dice.random() < 0.25 else text
            if name != "Statement" and dice.random() < 0.9:
                _define(dice, holder)
        return params
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        _change_one(dice, params)
    return params if dice.random() < 0.995 else junk.anything(dice)


def _define(dice: Random, holder: dict[str, Any]) -> None:
    """Just the placeholders that are used, mostly: an unused one is an error that hides all others."""
    text = " ".join(holder[name] for name in grammar.WRITERS if isinstance(holder.get(name), str))
    values = {key: value for key, value in VALUES.items() if key in text} if dice.random() < 0.97 else VALUES
    names = {key: name for key, name in NAMES.items() if key in text}
    if dice.random() < 0.2:
        values = {key: junk.value(dice) for key in values}
    for member, given in (("ExpressionAttributeValues", values), ("ExpressionAttributeNames", names)):
        holder.pop(member, None)
        if given:
            holder[member] = given


def _slots(root: Any) -> list[tuple[Any, Any]]:
    """Every place in the body: (container, key or position)."""
    found: list[tuple[Any, Any]] = []
    waiting = [root]
    while waiting:
        holder = waiting.pop()
        entries = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in entries:
            found.append((holder, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return found


def _change_one(dice: Random, params: Any) -> None:
    slots = _slots(params)
    if not slots:
        params["TableName"] = junk.anything(dice)
        return
    holder, key = dice.choice(slots)
    match dice.randrange(11):
        case 0:
            del holder[key]
        case 1:
            holder[key] = junk.anything(dice)
        case 2:
            holder[key] = junk.value(dice) if isinstance(holder[key], dict) else junk.like(dice, holder[key])
        case 3 | 4 | 9 | 10:
            holder[key] = junk.like(dice, holder[key])
        case 5:
            holder[key] = junk.deep(dice)
        case 6 if isinstance(holder, dict):
            name = dice.choice((*junk.TEXTS, *_ARBITRARY))
            holder[name] = holder[key] if dice.random() < 0.5 else junk.anything(dice)
        case 7 if isinstance(holder[key], dict) and holder[key]:
            holder[key] = Twice(holder[key])
        case _:
            other, place = dice.choice(slots)
            # By way of its text: an object within itself would have no end.
            holder[key] = Raw(_render(other[place]))


def _render(value: Any) -> str:
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        entries = list(value.items())
        if isinstance(value, Twice) and entries:
            entries.append(entries[0])
        return "{" + ",".join(f"{json.dumps(name)}:{_render(member)}" for name, member in entries) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_render, value)) + "]"
    return json.dumps(value)


def _spoiled(dice: Random, body: bytes) -> bytes:
    spoiled = bytearray(body)
    for _ in range(dice.choice((1, 1, 2, 8))):
        place = dice.randrange(len(spoiled) + 1)
        match dice.randrange(7):
            case 0 if place < len(spoiled):
                spoiled[place] ^= 1 << dice.randrange(8)
            case 1:
                spoiled[place : place + dice.choice((1, 3, 20))] = b""
            case 2:
                spoiled[place:place] = dice.randbytes(dice.choice((1, 3, 20)))
            case 3:
                spoiled[place:place] = spoiled[place : place + dice.choice((1, 10, 100))]
            case 4:
                del spoiled[place:]
            case 5:
                spoiled[place:place] = dice.choice(
                    (
                        b'"',
                        b"{",
                        b"}",
                        b"[",
                        b"]",
                        b",",
                        b":",
                        b"\\",
                        b"\\u",
                        b"null",
                        b"\xff",
                        b"\xed\xa0\x80",
                        b"\x00",
                        b"\xef\xbb\xbf",
                    )
                )
            case _ if dice.random() < 0.05:
                spoiled[:] = dice.randbytes(dice.choice((0, 1, 40, 500)))
            case _:
                pass
    return bytes(spoiled)
