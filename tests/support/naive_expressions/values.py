"""Values of the API's JSON: their types, their order, and where they are in an item."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Wire = dict[str, Any]
Tree = tuple[Any, ...]
ORDERED = {"S", "N", "B"}


class RefusedError(Exception):
    """The expression is wrong for this item, for one of these reasons."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = set(reasons)


def number(text: str) -> Fraction:
    return Fraction(text)


def kind(wire: Wire) -> str:
    return next(iter(wire))


def alike(one: Wire | None, two: Wire | None) -> bool:
    """Equal in type and value."""
    if one is None or two is None or kind(one) != kind(two):
        return False
    (left,), (right,) = one.values(), two.values()
    match kind(one):
        case "N":
            return number(left) == number(right)
        case "NS":
            return {number(text) for text in left} == {number(text) for text in right}
        case "SS" | "BS":
            return set(left) == set(right)
        case "L":
            return len(left) == len(right) and all(alike(a, b) for a, b in zip(left, right, strict=True))
        case "M":
            return set(left) == set(right) and all(alike(left[name], right[name]) for name in left)
        case _:
            return bool(left == right)


def rank(wire: Wire) -> Any:
    """What a value of an ordered type sorts by."""
    (raw,) = wire.values()
    return number(raw) if kind(wire) == "N" else raw.encode() if kind(wire) == "S" else raw


def below(one: Wire | None, two: Wire | None) -> bool | None:
    """Whether one is less than the other; None where they have no order."""
    if one is None or two is None or kind(one) != kind(two) or kind(one) not in ORDERED:
        return None
    return bool(rank(one) < rank(two))


def at(item: Wire, path: tuple[Any, ...]) -> Wire | None:
    """What stands at a path."""
    found: Wire | None = {"M": item}
    for step in path:
        if found is None:
            return None
        if isinstance(step, int):
            found = dict(enumerate(found.get("L", ()))).get(step)
        else:
            found = found.get("M", {}).get(step)
    return found
