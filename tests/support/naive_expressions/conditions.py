"""Conditions: first what is wrong with them whatever the item, then whether they hold."""

from __future__ import annotations

from tests.support.naive_expressions.values import ORDERED, Tree, Wire, alike, at, below, kind

_SIZED = {"S", "B", "L", "M", "SS", "NS", "BS"}
_PREDICATES = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
}
_TYPES = {"S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}


def complaints(tree: Tree) -> set[str]:
    """What is wrong with a condition before any item is looked at."""
    match tree:
        case ("and" | "or", left, right):
            return complaints(left) | complaints(right)
        case ("not", inner):
            return complaints(inner)
        case ("compare", operator, left, right):
            allowed = _TYPES if operator in ("=", "<>") else ORDERED
            return _parts((left, right), allowed) | _repeats(left, (right,))
        case ("between", operand, low, high):
            found = _parts((operand, low, high), ORDERED) | _repeats(operand, (low, high))
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
