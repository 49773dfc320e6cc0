"""Attribute values at random: good ones of every type, and some that are not."""

from __future__ import annotations

from random import Random
from typing import Any

GOOD: tuple[dict[str, Any], ...] = (
    {"S": "x"}, {"S": "abc"}, {"S": ""}, {"S": "a"}, {"S": "S"}, {"S": "N"}, {"S": "SS"}, {"S": "left"},
    {"N": "1"}, {"N": "5"}, {"N": "0"}, {"N": "-1.5"}, {"N": "1e2"}, {"N": "2"},
    {"B": "AA=="}, {"B": "AAEC/w=="}, {"B": ""}, {"BOOL": True}, {"BOOL": False}, {"NULL": True},
    {"SS": ["a"]}, {"SS": ["b", "a"]}, {"SS": ["abcé", "a", "b"]}, {"NS": ["1"]}, {"NS": ["2.5", "1"]}, {"BS": ["AA=="]},
    {"L": []}, {"L": [{"S": "y"}]}, {"L": [{"S": "x"}, {"N": "100"}]}, {"M": {}}, {"M": {"o1": {"N": "1"}}},
)  # fmt: skip
BAD: tuple[Any, ...] = (
    {"N": "abc"}, {"N": ""}, {"N": "1e126"}, {"N": "1e-131"}, {"N": "1" * 39}, {"N": " 1"}, {"N": "1_0"}, {"N": "0x1"}, {"N": "NaN"},
    {"N": "Infinity"}, {"N": "+1"}, {"N": ".5"}, {"N": "5."}, {"N": "1" + "0" * 39}, {"N": "1E+125"}, {"N": "00012"}, {"N": "-"},
    {"SS": []}, {"NS": []}, {"BS": []}, {"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}, {"BS": ["AA==", "AA=="]}, {"SS": [""]}, {"BS": [""]},
    {"NS": ["1", "x"]}, {"NS": [""]}, {"NULL": False}, {}, {"S": "a", "N": "1"}, {"X": "a"}, {"S": None}, {"S": 1}, {"N": 1}, {"B": "*"},
    {"B": "A"}, {"BOOL": "true"}, {"NULL": "true"}, {"L": {}}, {"M": []}, {"SS": "a"}, {"SS": [1]}, {"L": ["a"]}, {"M": {"a": "b"}},
    {"M": {"a": {}}}, {"L": [{}]}, {"L": [{"N": "x"}]}, {"M": {"": {"S": "a"}}}, {"L": [{"SS": []}]}, "a", 1, None, [], True,
    {"SS": ["a"], "NS": []}, {"N": "1e999999999999"}, {"NS": ["1e126"]}, {"M": {"a": {"NS": ["1", "1"]}}}, {"SS": [None]}, {"S": "a", "X": 1},
    {"BOOL": None}, {"NULL": None}, {"L": None}, {"L": [None]}, {"M": {"a": None}}, {"B": None}, {"B": 1}, {"NS": [1]}, {"NS": "1"},
    {"S": True}, {"S": []}, {"S": {}}, {"BOOL": 1}, {"M": "a"}, {"L": "a"}, {"s": "a"}, {"BOOL": []}, {"N": True}, {"N": []}, {"B": []},
)  # fmt: skip


def good(dice: Random) -> dict[str, Any]:
    return dice.choice(GOOD)


def number(dice: Random) -> dict[str, str]:
    """A number as people or adversaries write it."""
    digits = "".join(dice.choice("0123456789") for _ in range(dice.choice((1, 2, 5, 20, 37, 38, 38, 39, 40))))
    if dice.random() < 0.5:
        place = dice.randrange(len(digits) + 1)
        digits = digits[:place] + "." + digits[place:]
    power = f"{dice.choice('eE')}{dice.choice(('', '-', '+'))}{dice.choice((0, 1, 10, 87, 88, 124, 125, 126, 129, 130, 131, 168))}"
    return {"N": dice.choice(("", "", "-", "0", "00")) + digits + (power if dice.random() < 0.5 else "")}


def value(dice: Random, spoiled: float = 0.05) -> Any:
    """An attribute value; `spoiled` is the share of bad ones."""
    if dice.random() < spoiled:
        return dice.choice(BAD)
    return number(dice) if dice.random() < 0.05 else good(dice)
