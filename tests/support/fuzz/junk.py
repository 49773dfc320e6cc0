"""What belongs nowhere: values of every type that JSON can spell, and some that it cannot."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.support.fuzz.seeds import RICH, VALUES


class Raw(str):
    """JSON text as it is, well-formed or not."""

    __slots__ = ()


TEXTS = (
    "", " ", "\x00", "a" * 256, "a" * 5000, "é", "𝒳" * 40, "\ud800", "\udfff\ud800", "\u2028", "\ufeff", "NaN", "true",
    "arn:aws:dynamodb:us-east-2:000000000000:table/things", "arn:aws:dynamodb:::", "arn:::::", "things/index/global",
    "#a", ":n", "٣", "²", "null", "%s", "{}", "[]", "ALL", "things", "plain", "local", "global", "p", "s", "S", "N",
)  # fmt: skip
NUMBERS = (
    "0", "-0", "+1", "00", "1e125", "9.9999999999999999999999999999999999999E+125", "1e126", "1E-130", "1E-131", "-1e-131",
    "1e999999999999999999999", "1e-999999999999999999999", "0e999999999999999999999", "9" * 38, "9" * 39, "1" + "0" * 200,
    "0." + "0" * 300 + "1", "1" * 20000, "1.", ".1", ".", "", " 1", "1 ", "1\n", "1_000", "0x1", "Infinity", "-Infinity", "NaN",
    "sNaN", "١٢", "²", "1e", "1e+", "--1", "1,0", "1e1.5", "−1",
)  # fmt: skip
_TYPES = ("S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL")
_JSON = (
    "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1E400", "123456789012345678901234567890", "9223372036854775808",
    "-9223372036854775809", "2147483648", "-1", "0", "-0", "1.0", "0.5", "1e2", "01", "true", "false", "null", '"\\ud800"', '"\\x"',
    '"\\u12"', "'x'", "undefined", "{,}", "[1,]", "[", "}", '"', "/*c*/1", '{"S":"a","S":"b"}', '{"N":"1","N":1}', '{"S":null}',
    '{"M":{"a":{"S":"1"},"a":{"S":"2"}}}', '{"L":[null]}', '{"M":{"a":null}}', '{"SS":[null]}', '{"NS":["1","1.0"]}', '{"SS":[]}',
    '{"NULL":false}', '{"BOOL":"true"}', '{"B":"*"}', '{"B":"A"}', '{"S":1}', '{"N":1}', '{"X":1}', "{}", "[]", "[[]]", '{"":{}}',
)  # fmt: skip


def deep(dice: Random) -> Raw:
    """Brackets within brackets; sometimes far more than any stack holds."""
    depth = dice.choice((2, 30, 31, 32, 33, 34, 64, 200, 900, 1100, 5000, 100_000))
    begin, end = dice.choice(
        (("[", "]"), ('{"a":', "}"), ('{"L":[', "]}"), ('{"M":{"a":', "}}"), ('{"L":[null,', "]}"))
    )
    inside = dice.choice(('{"S":"x"}', "1", "", '"x"', "null"))
    closed = depth if dice.random() < 0.9 else dice.randrange(depth)
    return Raw(begin * depth + inside + end * closed)


def value(dice: Random) -> Any:
    """An attribute value: a good one, or nearly."""
    roll = dice.random()
    if roll < 0.4:
        return json.loads(json.dumps(dice.choice(list((RICH | VALUES).values()))))
    if roll < 0.7:
        number = dice.choice(NUMBERS)
        return {"NS": [number, dice.choice(NUMBERS)]} if dice.random() < 0.2 else {"N": number}
    if roll < 0.9:
        return {dice.choice(("S", "B", "SS", "BS", "M", "L", "BOOL", "NULL")): anything(dice)}
    return {"L": [value(dice) for _ in range(dice.randrange(4))]}


def anything(dice: Random) -> Any:
    """Any JSON, or none."""
    roll = dice.random()
    if roll < 0.35:
        return Raw(dice.choice(_JSON))
    if roll < 0.55:
        return dice.choice(TEXTS)
    if roll < 0.65:
        return "".join(
            chr(dice.choice((dice.randrange(128), dice.randrange(0x110000))))
            for _ in range(dice.randrange(12))
        )
    if roll < 0.7:
        return deep(dice)
    if roll < 0.8:
        return dice.choice((0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**40, 1.5, True, False, None))
    if roll < 0.9:
        return {dice.choice(TEXTS): value(dice) for _ in range(dice.randrange(3))}
    return [value(dice) for _ in range(dice.randrange(3))]


def long(dice: Random, present: str = "") -> str:
    """Text over which a careless pattern takes the square of its length, or more."""
    part = dice.choice(
        (present[:20] or "x", "1", "0", "a", "a.", "arn:", " ", "-", "/", "''", '"', "((", "é", "\n")
    )
    return part * (dice.choice((300, 20_000, 100_000)) // len(part)) + dice.choice(("", "!", "x", "\x00"))


def like(dice: Random, present: Any) -> Any:
    """Something of the same JSON type, which the reader of the body lets pass and the operation has to look at."""
    if isinstance(present, bool):
        return not present
    if isinstance(present, int):
        return dice.choice((0, 1, -1, 2, 100, 101, 1000, 2**31 - 1, -(2**31)))
    if isinstance(present, str) and dice.random() < 0.04:
        return long(dice, present)
    if isinstance(present, str):
        return dice.choice(NUMBERS) if dice.random() < 0.4 else dice.choice(TEXTS)
    if isinstance(present, dict) and len(present) == 1 and next(iter(present)) in _TYPES:
        return value(dice)
    if isinstance(present, dict):
        return {name: member for name, member in present.items() if dice.random() < 0.7}
    if isinstance(present, list):
        kept = [member for member in present if dice.random() < 0.8]
        return kept * dice.choice((1, 2, 26, 101)) if dice.random() < 0.3 else kept
    return anything(dice)
