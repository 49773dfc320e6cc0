"""Operands and conditions of a statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from casemate.tables.errors import validation
from casemate.tables.partiql import errors
from casemate.tables.partiql.cursor import Cursor
from casemate.tables.partiql.errors import malformed
from casemate.tables.partiql.keywords import TYPES
from casemate.tables.partiql.nodes import (
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    IsType,
    ListOf,
    MapOf,
    Missing,
    Not,
    Operand,
    Or,
    Parameter,
    Path,
    Scalar,
    SetOf,
    Value,
    Within,
)

T = TypeVar("T")
_COMPARATORS: Final = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
PREDICATES: Final = frozenset(
    ("begins_with", "contains", "attribute_type", "attribute_exists", "attribute_not_exists")
)
"""Functions that are conditions. The last two are not on AWS's page, and work (observed: whereFunctions, October 2026)."""

_VALUES: Final = frozenset(("size",))
"""Functions that are compared."""


def condition(cursor: Cursor) -> Condition:
    """OR binds least, then AND, then NOT ("PartiQL arithmetic, comparison, and logical operators for DynamoDB")."""
    parts = [_conjunction(cursor)]
    while cursor.accept_word("OR"):
        parts.append(_conjunction(cursor))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _conjunction(cursor: Cursor) -> Condition:
    parts = [_negation(cursor)]
    while cursor.accept_word("AND"):
        parts.append(_negation(cursor))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _negation(cursor: Cursor) -> Condition:
    if cursor.accept_word("NOT"):
        with cursor.deeper():
            return Not(_negation(cursor))
    if cursor.at("("):
        cursor.take()
        with cursor.deeper():
            inner = condition(cursor)
        cursor.expect(")")
        return inner
    return _predicate(cursor)


def _predicate(cursor: Cursor) -> Condition:
    left = operand(cursor)
    if cursor.token.kind == "symbol" and cursor.token.text in _COMPARATORS:
        operator = _COMPARATORS[cursor.take().text]
        return Compare(operator, left, operand(cursor))  # pyright: ignore[reportArgumentType]  # one of the table's
    negated = cursor.accept_word("NOT")
    if cursor.accept_word("BETWEEN"):
        low = operand(cursor)
        cursor.expect_word("AND")
        found: Condition = Between(left, low, operand(cursor))
    elif cursor.accept_word("IN"):
        found = Within(left, _choices(cursor))
    elif not negated and cursor.accept_word("IS"):
        return _is(cursor, left)
    elif isinstance(left, Call) and not negated and left.function not in _VALUES:
        return left
    elif cursor.token.kind == "end":
        raise cursor.unexpected("a comparison")
    else:
        raise malformed(errors.LEFTOVER)
    return Not(found) if negated else found


def _choices(cursor: Cursor) -> tuple[Operand, ...]:
    closing = "]" if cursor.at("[") else ")"
    if not cursor.accept("["):
        cursor.expect("(")
    return _listed(cursor, closing, operand)


def _is(cursor: Cursor, left: Operand) -> Condition:
    negated = cursor.accept_word("NOT")
    if cursor.accept_word("MISSING"):
        codes: tuple[str, ...] | None = None
    else:
        codes = _type(cursor)
    if not isinstance(left, Path):
        raise malformed("IS takes an attribute or a document path")
    found = Missing(left) if codes is None else IsType(left, codes)
    return Not(found) if negated else found


def _type(cursor: Cursor) -> tuple[str, ...]:
    name = cursor.token.text.upper() if cursor.token.kind == "word" else ""
    if cursor.following.kind == "word" and f"{name} {cursor.following.text.upper()}" in TYPES:
        cursor.take()
        name += f" {cursor.token.text.upper()}"
    if name not in TYPES:
        raise malformed(errors.NO_TYPE)
    cursor.take()
    return TYPES[name]


def operand(cursor: Cursor) -> Operand:
    """A path, a value, a function, or a sum of two."""
    left = _term(cursor)
    while cursor.at("+") or cursor.at("-"):
        operator = "+" if cursor.take().text == "+" else "-"
        left = Arithmetic(operator, left, _term(cursor))
    return left


def _term(cursor: Cursor) -> Operand:
    if cursor.at_call():
        return _call(cursor)
    return path(cursor) if cursor.at_name() else value(cursor)


def _call(cursor: Cursor) -> Call:
    word = cursor.take()
    cursor.expect("(")
    first = cursor.token.place
    with cursor.deeper():
        return Call(word.text.lower(), _listed(cursor, ")", operand), word.place, first)


def path(cursor: Cursor) -> Path:
    """An attribute name and what follows of dots and positions."""
    return _path(cursor, name(cursor))


def name(cursor: Cursor) -> str:
    """An identifier, quoted when it is a keyword."""
    if not cursor.at_name():
        raise cursor.no_term()
    if not cursor.token.text:
        raise malformed("A name is empty")
    return cursor.take().text


_POSITION_DIGITS = 9
"""More than any list has positions; int() would refuse a few thousand."""


def _path(cursor: Cursor, first: str) -> Path:
    elements: list[str | int] = [first]
    while True:
        if cursor.accept("."):
            if not cursor.at_name():
                raise malformed(errors.PATH_COMPONENT)
            elements.append(name(cursor))
        elif cursor.at("["):
            cursor.take()
            text = cursor.token.text
            if cursor.token.kind != "number" or not text.isdigit() or len(text) > _POSITION_DIGITS:
                raise cursor.unexpected("a list position")
            elements.append(int(cursor.take().text))
            cursor.expect("]")
        else:
            return Path(tuple(elements))


def value(cursor: Cursor) -> Value:
    """A literal or a parameter ("PartiQL data types for DynamoDB")."""
    if cursor.at_call():
        # Where only a value may stand (observed: partiqlFunctions, October 2026).
        name, place = cursor.token.text, cursor.token.place
        raise validation(f"Unsupported data type: {name} under key root at {place}")
    token = cursor.token
    match token.kind, token.text.upper():
        case "string", _:
            return Scalar("S", cursor.take().text)
        case "number", _:
            return Scalar("N", cursor.take().text)
        case "symbol", "-" if cursor.following.kind == "number":
            cursor.take()
            return Scalar("N", "-" + cursor.take().text)
        case "symbol", "?":
            cursor.take()
            cursor.parameters += 1
            return Parameter(cursor.parameters - 1)
        case "word", "TRUE" | "FALSE":
            return Scalar("BOOL", cursor.take().text.upper() == "TRUE")
        case "word", "NULL":
            cursor.take()
            return Scalar("NULL", True)
        case "symbol", "[" | "<<" | "{":
            cursor.take()
            with cursor.deeper():
                return _compound(cursor, token.text)
        case _:
            raise cursor.no_term()


def _compound(cursor: Cursor, opening: str) -> Value:
    if opening == "[":
        return ListOf(_listed(cursor, "]", value))
    if opening == "<<":
        return SetOf(_listed(cursor, ">>", value))
    return MapOf(_listed(cursor, "}", _pair))


def _pair(cursor: Cursor) -> tuple[str, Value]:
    if cursor.token.kind not in ("string", "quoted", "word"):
        raise cursor.unexpected("a name")
    key = cursor.take().text
    cursor.expect(":")
    return key, value(cursor)


def _listed(cursor: Cursor, closing: str, read: Callable[[Cursor], T]) -> tuple[T, ...]:
    """Members separated by commas up to the closing bracket, which may come at once."""
    members: list[T] = []
    if cursor.accept(closing):
        return ()
    while True:
        members.append(read(cursor))
        if cursor.accept(closing):
            return tuple(members)
        cursor.expect(",")
