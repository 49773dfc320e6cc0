"""A second evaluator of expressions: slow, plain, on the API's JSON, knowing nothing of the engine.

It takes trees, not text. A tree is a tuple whose first member says what it is:

    ("path", (name | position, ...))   ("value", wire)   ("undefined",)   ("call", function, (operand, ...))
    ("compare", operator, left, right)   ("between", operand, low, high)   ("in", operand, (choice, ...))
    ("and" | "or", left, right)   ("not", condition)
    ("+" | "-", left, right)   ("set", path, operand)   ("remove", path)   ("add" | "delete", path, value)

Sources: DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions", "Using update
expressions", "Using projection expressions". What may be complained about is gathered in sets: which complaint comes
first, where there are several, is not this evaluator's business.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

Wire = dict[str, Any]
Tree = tuple[Any, ...]
_ORDERED = {"S", "N", "B"}
_SIZED = {"S", "B", "L", "M", "SS", "NS", "BS"}
_PREDICATES = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
_TYPES = {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}


class RefusedError(Exception):
    """The expression is wrong for this item, for one of these reasons."""

    def __init__(self, *reasons: str) -> None:
        super().__init__(*reasons)
        self.reasons = set(reasons)


# Values.


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
    if one is None or two is None or kind(one) != kind(two) or kind(one) not in _ORDERED:
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


# Conditions: first what is wrong with them whatever the item, then whether they hold.


def complaints(tree: Tree) -> set[str]:
    """What is wrong with a condition before any item is looked at."""
    match tree:
        case ("and" | "or", left, right):
            return complaints(left) | complaints(right)
        case ("not", inner):
            return complaints(inner)
        case ("compare", operator, left, right):
            allowed = _TYPES if operator in ("=", "<>") else _ORDERED
            return _parts((left, right), allowed) | _repeats(left, (right,))
        case ("between", operand, low, high):
            found = _parts((operand, low, high), _ORDERED) | _repeats(operand, (low, high))
            return found | (_bounds(low[1], high[1]) if low[0] == high[0] == "value" else set())
        case ("in", operand, choices):
            found = _parts((operand, *choices), _TYPES) | _repeats(operand, choices)
            return found | ({"count"} if len(choices) > 100 else set())
        case ("call", name, arguments):
            return _predicate_complaints(name, arguments)
    raise AssertionError(tree)


def _predicate_complaints(name: str, arguments: tuple[Tree, ...]) -> set[str]:
    inside = _parts(arguments, _TYPES)
    if name == "size":
        return inside | {"place"}
    if name not in _PREDICATES:
        return inside | {"function"}
    if len(arguments) != _PREDICATES[name]:
        return inside | {"count"}
    if name in ("attribute_exists", "attribute_not_exists"):
        return inside | (set() if arguments[0][0] == "path" else {"path"})
    if name == "attribute_type":
        wanted = arguments[1]
        if wanted[0] == "undefined":
            return inside
        if wanted[0] != "value" or kind(wanted[1]) != "S":
            return inside | {"type"}
        return inside | (set() if wanted[1]["S"] in _TYPES else {"type name"})
    repeats = _repeats(arguments[0], arguments[1:])
    if name == "begins_with":
        return inside | repeats | _parts(arguments, {"S", "B"})
    return inside | repeats | _parts(arguments[:1], {"S", "B", "L", "SS", "NS", "BS"})


def _parts(operands: tuple[Tree, ...], allowed: set[str]) -> set[str]:
    """Complaints about operands, each of which must be of an allowed type where its type is known."""
    found: set[str] = set()
    for operand in operands:
        if operand[0] == "undefined":
            found.add("undefined")
        elif operand[0] == "value" and kind(operand[1]) not in allowed:
            found.add("type")
        elif operand[0] == "call":
            found |= _size_complaints(operand[1], operand[2])
            if operand[1] == "size" and "N" not in allowed:
                found.add("type")
    return found


def _size_complaints(name: str, arguments: tuple[Tree, ...]) -> set[str]:
    inside = _parts(arguments, _TYPES)
    if name in _PREDICATES:
        return inside | {"place"}
    if name != "size":
        return inside | {"function"}
    return inside | ({"count"} if len(arguments) != 1 else _parts(arguments, _SIZED))


def _repeats(first: Tree, rest: tuple[Tree, ...]) -> set[str]:
    return {"distinct"} if first[0] == "path" and first in rest else set()


def _bounds(low: Wire, high: Wire) -> set[str]:
    return {"bounds"} if kind(low) != kind(high) or below(high, low) else set()


def holds(tree: Tree, item: Wire) -> bool:
    """Whether a condition without complaints holds."""
    match tree:
        case ("and", left, right):
            return holds(left, item) and holds(right, item)
        case ("or", left, right):
            return holds(left, item) or holds(right, item)
        case ("not", inner):
            return not holds(inner, item)
        case ("compare", operator, left, right):
            return _compares(operator, _read(left, item), _read(right, item))
        case ("between", operand, low, high):
            value = _read(operand, item)
            return _compares(">=", value, _read(low, item)) and _compares("<=", value, _read(high, item))
        case ("in", operand, choices):
            return any(alike(_read(operand, item), _read(choice, item)) for choice in choices)
        case ("call", name, arguments):
            return _predicate(name, arguments, item)
    raise AssertionError(tree)


def _read(operand: Tree, item: Wire) -> Wire | None:
    match operand:
        case ("path", path):
            return at(item, path)
        case ("value", wire):
            return wire
        case ("call", "size", (inner,)):
            value = _read(inner, item)
            if value is None or kind(value) not in _SIZED:
                return None
            (raw,) = value.values()
            return {"N": str(len(raw.encode() if kind(value) == "S" else raw))}
    raise AssertionError(operand)


def _compares(operator: str, left: Wire | None, right: Wire | None) -> bool:
    if operator == "=":
        return alike(left, right)
    if operator == "<>":
        return not alike(left, right)
    less, more = below(left, right), below(right, left)
    if less is None:
        return False
    return {"<": less, "<=": not more, ">": bool(more), ">=": not less}[operator]


def _predicate(name: str, arguments: tuple[Tree, ...], item: Wire) -> bool:
    value = _read(arguments[0], item)
    if name == "attribute_exists":
        return value is not None
    if name == "attribute_not_exists":
        return value is None
    wanted = _read(arguments[1], item)
    if value is None or wanted is None:
        return False
    (raw,), (sought,) = value.values(), wanted.values()
    if name == "attribute_type":
        return bool(kind(value) == sought)
    if name == "begins_with":
        return kind(value) == kind(wanted) and kind(value) in ("S", "B") and raw[: len(sought)] == sought
    match kind(value):
        case "S" | "B":
            return kind(wanted) == kind(value) and raw.find(sought) >= 0
        case "L":
            return any(alike(member, wanted) for member in raw)
        case "SS" | "NS" | "BS":
            one = kind(value)[0]
            return any(alike({one: member}, wanted) for member in raw)
        case _:
            return False


# Projections.


def overlaps(paths: list[tuple[Any, ...]]) -> set[str]:
    """Paths of which one contains the other, or that take one thing for a list and a map."""
    found: set[str] = set()
    for place, one in enumerate(paths):
        for two in paths[:place]:
            apart = [(a, b) for a, b in zip(one, two, strict=False) if a != b]
            if not apart:
                found.add("overlap")
            elif isinstance(apart[0][0], int) != isinstance(apart[0][1], int):
                found.add("conflict")
    return found


def projected(paths: list[tuple[Any, ...]], item: Wire) -> Wire:
    """The parts of an item that paths without overlaps name."""
    root: Any = {"M": {}}
    for path in paths:
        found = at(item, path)
        if found is None:
            continue
        place = root
        for step, following in zip(path, (*path[1:], None), strict=True):
            # Lists are kept by position until all is gathered.
            holder = place.setdefault("L" if isinstance(step, int) else "M", {})
            if following is None:
                holder[step] = {"whole": found}
            else:
                place = holder.setdefault(step, {})
    return _gathered(root)["M"]


def _gathered(node: Any) -> Any:
    if "whole" in node:
        return node["whole"]
    if "L" in node:
        return {"L": [_gathered(node["L"][position]) for position in sorted(node["L"])]}
    return {"M": {name: _gathered(member) for name, member in node["M"].items()}}


# Updates.


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
