"""Updates: what is wrong with them whatever the item, and the item after them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from tests.support.naive_expressions.projections import overlaps
from tests.support.naive_expressions.values import RefusedError, Tree, Wire, at, kind, number


def update_complaints(actions: list[Tree]) -> set[str]:
    """What is wrong with an update before any item is looked at."""
    found = overlaps([action[1] for action in actions])
    for action in actions:
        match action:
            case ("set", _, operand):
                found |= _operand_complaints(operand)
            case ("add", _, ("value", wire)) if kind(wire) not in ("N", "SS", "NS", "BS"):
                found.add("type")
            case ("delete", _, ("value", wire)) if kind(wire) not in ("SS", "NS", "BS"):
                found.add("type")
            case ("add" | "delete", _, ("undefined",)):
                found.add("undefined")
            case _:
                pass
    return found


def _operand_complaints(operand: Tree) -> set[str]:
    match operand:
        case ("undefined",):
            return {"undefined"}
        case ("+" | "-", left, right):
            found = _operand_complaints(left) | _operand_complaints(right)
            return found | ({"type"} if {_static(left), _static(right)} - {"N", None} else set())
        case ("call", name, arguments):
            found = set[str]().union(*map(_operand_complaints, arguments))
            if any(one[:2] == ("call", "list_append") for one in arguments):
                found.add("place")
            if name not in ("if_not_exists", "list_append"):
                return found | {"function"}
            if len(arguments) != 2:
                return found | {"count"}
            if name == "if_not_exists":
                return found | (set() if arguments[0][0] == "path" else {"path"})
            return found | ({"type"} if {_static(one) for one in arguments} - {"L", None} else set())
        case _:
            return set()


def _static(operand: Tree) -> str | None:
    match operand:
        case ("value", wire):
            return kind(wire)
        case ("+" | "-", _, _):
            return "N"
        case ("call", "list_append", _):
            return "L"
        case _:
            return None


def updated(actions: list[Tree], item: Wire) -> tuple[Wire | None, set[str]]:
    """The item after an update without complaints; None, and every reason there is, where this item refuses it."""
    reasons: set[str] = set()
    new = _opened({"M": item})
    for action in actions:
        try:
            _apply(action, item, new)
        except RefusedError as refused:
            reasons |= refused.reasons
    return (None, reasons) if reasons else (_closed(new)["M"], reasons)


def _opened(wire: Wire) -> Any:
    """Lists become mappings from positions, so that what is removed leaves a gap until the end."""
    match kind(wire):
        case "L":
            return {"L": {position: _opened(member) for position, member in enumerate(wire["L"])}}
        case "M":
            return {"M": {name: _opened(member) for name, member in wire["M"].items()}}
        case _:
            return wire


def _closed(node: Any) -> Wire:
    if "L" in node:
        return {"L": [_closed(node["L"][position]) for position in sorted(node["L"])]}
    if "M" in node:
        return {"M": {name: _closed(member) for name, member in node["M"].items()}}
    return node


def _apply(action: Tree, item: Wire, new: Any) -> None:
    path = action[1]
    parent = {"M": item} if len(path) == 1 else at(item, path[:-1])
    letter = "L" if isinstance(path[-1], int) else "M"
    reasons: set[str] = set()
    if parent is None or letter not in parent:
        reasons.add("document path")
    value: Wire | None = None
    try:
        value = _result(action, item)
    except RefusedError as refused:
        reasons |= refused.reasons
    if reasons:
        raise RefusedError(*reasons)
    place = new
    for step in path[:-1]:
        place = place["L" if isinstance(step, int) else "M"][step]
    if value is None:
        place[letter].pop(path[-1], None)
    else:
        place[letter][path[-1]] = _opened(value)


def _result(action: Tree, item: Wire) -> Wire | None:
    """What stands at the path afterwards; None: nothing."""
    match action:
        case ("set", _, operand):
            return _evaluated(operand, item)
        case ("remove", _):
            return None
        case (section, path, ("value", wire)):
            present = at(item, path)
            if present is None:
                return wire if section == "add" else None
            if kind(present) != kind(wire):
                raise RefusedError("operand")
            if kind(wire) == "N":
                return {"N": _text(number(present["N"]) + number(wire["N"]))}
            code = kind(wire)
            members = (
                {number(one): one for one in present[code]}
                if code == "NS"
                else {one: one for one in present[code]}
            )
            for one in wire[code]:
                key = number(one) if code == "NS" else one
                if section == "add":
                    members.setdefault(key, one)
                else:
                    members.pop(key, None)
            return {code: list(members.values())} if members else None
    raise AssertionError(action)


def _evaluated(operand: Tree, item: Wire) -> Wire:
    match operand:
        case ("path", path):
            found = at(item, path)
            if found is None:
                raise RefusedError("absent")
            return found
        case ("value", wire):
            return wire
        case ("call", "if_not_exists", (("path", path), other)):
            found = at(item, path)
            return _evaluated(other, item) if found is None else found
        case ("call", "list_append", (left, right)):
            one, two = _both(left, right, item)
            if kind(one) != "L" or kind(two) != "L":
                raise RefusedError("operand")
            return {"L": one["L"] + two["L"]}
        case ("+" | "-" as sign, left, right):
            one, two = _both(left, right, item)
            if kind(one) != "N" or kind(two) != "N":
                raise RefusedError("operand")
            return {"N": _text(number(one["N"]) + (1 if sign == "+" else -1) * number(two["N"]))}
    raise AssertionError(operand)


def _both(left: Tree, right: Tree, item: Wire) -> tuple[Wire, Wire]:
    reasons: set[str] = set()
    found: list[Wire] = []
    for side in (left, right):
        try:
            found.append(_evaluated(side, item))
        except RefusedError as refused:
            reasons |= refused.reasons
    if reasons:
        raise RefusedError(*reasons)
    return found[0], found[1]


def _text(value: Fraction) -> str:
    """The digits of a number; RefusedError where DynamoDB has no such number."""
    scaled, exponent = value, 0
    while scaled.denominator != 1:
        scaled, exponent = scaled * 10, exponent - 1
    digits = str(abs(scaled.numerator))
    significant = digits.rstrip("0") or "0"
    magnitude = len(digits) + exponent - 1
    if value and (len(significant) > 38 or not -130 <= magnitude <= 125):
        raise RefusedError("number")
    return f"{scaled.numerator}e{exponent}"
