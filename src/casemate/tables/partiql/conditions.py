"""Operands and conditions of a statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from casemate.tables.partiql.cursor import Cursor
from casemate.tables.partiql.errors import malformed
from casemate.tables.partiql.nodes import (
    And,
    Arithmetic,
    Between,
    Call,
    Compare,
    Condition,
    Is,
    ListOf,
    MapOf,
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
KEYWORDS: Final = frozenset(
    (
        "SELECT",
        "FROM",
        "WHERE",
        "ORDER",
        "BY",
        "INSERT",
        "INTO",
        "VALUE",
        "UPDATE",
        "SET",
        "REMOVE",
        "DELETE",
        "RETURNING",
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "BETWEEN",
        "MISSING",
        "NULL",
        "TRUE",
        "FALSE",
        "EXISTS",
        "ASC",
        "DESC",
        "AS",
        "LIMIT",
        "GROUP",
        "HAVING",
        "JOIN",
        "UNION",
    )
)
"""Words that are no attribute names unless quoted."""
_COMPARATORS: Final = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_PREDICATES: Final = frozenset(("begins_with", "contains", "attribute_type"))


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
    if isinstance(left, Call) and left.function in _PREDICATES:
        return left
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
    else:
        raise cursor.unexpected("a comparison")
    return Not(found) if negated else found


def _choices(cursor: Cursor) -> tuple[Operand, ...]:
    closing = "]" if cursor.at("[") else ")"
    if not cursor.accept("["):
        cursor.expect("(")
    return _listed(cursor, closing, operand)


def _is(cursor: Cursor, left: Operand) -> Condition:
    negated = cursor.accept_word("NOT")
    if not isinstance(left, Path):
        raise malformed("IS takes an attribute or a document path")
    if cursor.accept_word("MISSING"):
        found = Is(left, "MISSING")
    elif cursor.accept_word("NULL"):
        found = Is(left, "NULL")
    else:
        raise cursor.unexpected("MISSING or NULL")
    return Not(found) if negated else found


def operand(cursor: Cursor) -> Operand:
    """A path, a value, a function, or a sum of two."""
    left = _term(cursor)
    while cursor.at("+") or cursor.at("-"):
        operator = "+" if cursor.take().text == "+" else "-"
        left = Arithmetic(operator, left, _term(cursor))
    return left


def _term(cursor: Cursor) -> Operand:
    token = cursor.token
    if token.kind == "word" and token.text.upper() not in KEYWORDS:
        name = cursor.take().text
        if cursor.accept("("):
            with cursor.deeper():
                return Call(name.lower(), _listed(cursor, ")", operand))
        return _path(cursor, name)
    if token.kind == "quoted":
        return path(cursor)
    return value(cursor)


def path(cursor: Cursor) -> Path:
    """An attribute name and what follows of dots and positions."""
    return _path(cursor, name(cursor))


def name(cursor: Cursor) -> str:
    """An identifier, quoted when it is a keyword."""
    token = cursor.token
    if token.kind == "quoted" or (token.kind == "word" and token.text.upper() not in KEYWORDS):
        if not token.text:
            raise malformed("A name is empty")
        return cursor.take().text
    raise cursor.unexpected("a name")


_POSITION_DIGITS = 9
"""More than any list has positions; int() would refuse a few thousand."""


def _path(cursor: Cursor, first: str) -> Path:
    elements: list[str | int] = [first]
    while True:
        if cursor.accept("."):
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
    token = cursor.take()
    match token.kind, token.text.upper():
        case "string", _:
            return Scalar("S", token.text)
        case "number", _:
            return Scalar("N", token.text)
        case "symbol", "-" if cursor.token.kind == "number":
            return Scalar("N", "-" + cursor.take().text)
        case "symbol", "?":
            cursor.parameters += 1
            return Parameter(cursor.parameters - 1)
        case "word", "TRUE" | "FALSE":
            return Scalar("BOOL", token.text.upper() == "TRUE")
        case "word", "NULL":
            return Scalar("NULL", True)
        case "symbol", "[" | "<<" | "{":
            with cursor.deeper():
                return _compound(cursor, token.text)
        case _:
            shown = "end of statement" if token.kind == "end" else f"'{token.text}'"
            raise malformed(f"Expected a value, found {shown}")


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
