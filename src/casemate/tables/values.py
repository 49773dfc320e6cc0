"""Attribute values: typed, immutable; their JSON form, their sizes, their equality and order.

A value is a plain Python object, so that the common path costs nothing: `str` is S, `Decimal` N, `bytes` B, `bool`
BOOL, `None` NULL, `tuple` L, `Item` (a dict that nobody changes) M, and the three set classes SS, NS and BS.
Source of sizes: DynamoDB Developer Guide, "DynamoDB item sizes and formats".
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeAlias, cast

from casemate.model.errors import AwsError
from casemate.tables.errors import INVALID, validation
from casemate.tables.numbers import number_size, number_text, parse_number

MAX_DEPTH = 32
MAX_NAME_BYTES = 65_535
_SHORT_NAME = MAX_NAME_BYTES // 4
"""Characters that fit whatever they are."""
NAME_EMPTY = "Empty attribute name"
NAME_TOO_LARGE = "Attribute name is too large, must be less than 65536 bytes"


class StringSet(frozenset[str]):
    """SS: never empty, no order."""

    __slots__ = ()


class NumberSet(frozenset[Decimal]):
    """NS: equal by value, so {1, 1.0} has one member."""

    __slots__ = ()


class BinarySet(frozenset[bytes]):
    """BS."""

    __slots__ = ()


Value: TypeAlias = (
    "str | Decimal | bytes | bool | StringSet | NumberSet | BinarySet | tuple[Value, ...] | Item | None"
)
Item: TypeAlias = "Mapping[str, Value]"
"""Attributes by name. Treat as immutable; an M value is one too."""
Wire: TypeAlias = Mapping[str, Any]
"""An AttributeValue in the API's form: {"S": "x"}, {"N": "1"}, {"B": b"..."}."""
WireItem: TypeAlias = dict[str, dict[str, Any]]


_TYPE_CODES: dict[type, str] = {
    str: "S",
    Decimal: "N",
    bytes: "B",
    bool: "BOOL",
    type(None): "NULL",
    tuple: "L",
    dict: "M",
    StringSet: "SS",
    NumberSet: "NS",
    BinarySet: "BS",
}
TYPE_CODES = tuple(_TYPE_CODES.values())
_TYPE_NAMES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "BOOL": "BOOLEAN",
    "NULL": "NULL",
    "L": "LIST",
    "M": "MAP",
    "SS": "STRING_SET",
    "NS": "NUMBER_SET",
    "BS": "BINARY_SET",
}
_UNREADABLE = "Unexpected value type in payload"
_EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
_SEVERAL = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
_TOO_DEEP = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"


def type_code(value: Value) -> str:
    """`S`, `N`, `BOOL`, ..."""
    return _TYPE_CODES[type(value)]


def type_name(code: str) -> str:
    """The long form some messages use: `STRING` for `S`."""
    return _TYPE_NAMES[code]


def item_from_wire(wire: Mapping[str, Any]) -> Item:
    """An item or key in the API's form, checked."""
    check_names(wire)
    return {name: from_wire(value) for name, value in wire.items()}


def check_names(names: Iterable[str]) -> None:
    """Of attributes, of an item or of a map in one.

    Developer Guide, "Naming rules": at least one character, less than 64 KB; 65,535 bytes are the most that AWS takes
    (ScyllaDB's test/alternator/test_limits.py, which is run against AWS too).
    """
    for name in names:
        if not name:
            raise validation(NAME_EMPTY)
        if len(name) > _SHORT_NAME and len(name.encode()) > MAX_NAME_BYTES:
            raise validation(NAME_TOO_LARGE)


_SHORT = 18
"""Digits of the numbers that are remembered."""


def whole_number(text: Any) -> tuple[Decimal, int] | None:
    """The number and its size; None when `text` is not the form in which it is returned, or is long."""
    return _remembered_number(text) if type(text) is str and len(text) <= _SHORT else None


@lru_cache(maxsize=16384)
def _remembered_number(text: str) -> tuple[Decimal, int] | None:
    if not text.removeprefix("-").isdigit():
        return None
    number = parse_number(text)
    return (number, number_size(number)) if number_text(number) == text else None


def from_wire(wire: Any, depth: int = 1) -> Value:
    """One AttributeValue in the API's form, checked; ValidationException with AWS's words."""
    if depth > MAX_DEPTH:
        raise validation(_TOO_DEEP)
    if not isinstance(wire, dict):
        raise AwsError("SerializationException", _UNREADABLE)
    wire = cast("dict[str, Any]", wire)
    if len(wire) != 1:
        raise _not_one_type(wire)
    ((code, raw),) = wire.items()
    if code == "S" and isinstance(raw, str):
        return raw
    reader = _READERS.get(code)
    if reader is None:
        raise validation(_EMPTY)
    return reader(raw, depth)


def check_depth(value: Value, depth: int = 1) -> None:
    """The same of a value that was put together: no deeper than one that is sent may be."""
    if depth > MAX_DEPTH:
        raise validation(_TOO_DEEP)
    if isinstance(value, tuple):
        for member in value:
            check_depth(member, depth + 1)
    elif isinstance(value, dict):
        for member in cast("Item", value).values():
            check_depth(member, depth + 1)


def _not_one_type(wire: Mapping[str, Any]) -> AwsError:
    for code in ("N", "NS"):
        if code in wire:
            # DynamoDB looks at numbers before it counts the types (observed: dynalite's recorded answers).
            _READERS[code](wire[code], 1)
    return validation(_SEVERAL if any(code in _READERS for code in wire) else _EMPTY)


def _expect(raw: Any, *kinds: type) -> None:
    if not isinstance(raw, kinds):
        raise AwsError("SerializationException", _UNREADABLE)


def _read_string(raw: Any, _depth: int) -> Value:
    _expect(raw, str)
    return raw


def _read_number(raw: Any, _depth: int) -> Value:
    known = whole_number(raw)
    if known is not None:
        return known[0]
    _expect(raw, str)
    return parse_number(raw)


def _read_binary(raw: Any, _depth: int) -> Value:
    _expect(raw, bytes, bytearray)
    return bytes(raw)


def _read_bool(raw: Any, _depth: int) -> Value:
    _expect(raw, bool)
    return raw


def _read_null(raw: Any, _depth: int) -> Value:
    if raw is not True:
        raise validation(INVALID + "Null attribute value types must have the value of true")
    return None


def _read_string_set(raw: Any, _depth: int) -> Value:
    _expect(raw, list)
    for member in raw:
        _expect(member, str)
    found = StringSet(raw)
    if not found:
        raise validation(INVALID + "An string set  may not be empty")
    if len(found) != len(raw):
        raise validation(f"{INVALID}Input collection [{', '.join(raw)}] contains duplicates.")
    return found


def _read_number_set(raw: Any, _depth: int) -> Value:
    _expect(raw, list)
    if not raw:
        raise validation(INVALID + "An number set  may not be empty")
    found = NumberSet(cast("Decimal", _read_number(text, 1)) for text in raw)
    if len(found) != len(raw):
        raise validation("Input collection contains duplicates")
    return found


def _read_binary_set(raw: Any, _depth: int) -> Value:
    _expect(raw, list)
    found = BinarySet(cast("bytes", _read_binary(member, 1)) for member in raw)
    if not found:
        raise validation(INVALID + "Binary sets should not be empty")
    if len(found) != len(raw):
        shown = ", ".join(b64encode(member).decode() for member in raw)
        raise validation(f"{INVALID}Input collection [{shown}]of type BS contains duplicates.")
    return found


def _read_list(raw: Any, depth: int) -> Value:
    _expect(raw, list)
    return tuple(from_wire(member, depth + 1) for member in raw)


def _read_map(raw: Any, depth: int) -> Value:
    _expect(raw, dict)
    check_names(raw)
    return {name: from_wire(member, depth + 1) for name, member in raw.items()}


_READERS: dict[str, Callable[[Any, int], Value]] = {
    "S": _read_string,
    "N": _read_number,
    "B": _read_binary,
    "BOOL": _read_bool,
    "NULL": _read_null,
    "SS": _read_string_set,
    "NS": _read_number_set,
    "BS": _read_binary_set,
    "L": _read_list,
    "M": _read_map,
}


def item_to_wire(item: Item) -> WireItem:
    """An item in the API's form."""
    return {name: to_wire(value) for name, value in item.items()}


def to_wire(value: Value) -> dict[str, Any]:
    """A value in the API's form. Sets come out sorted, so that answers are reproducible."""
    match value:
        case str():
            return {"S": value}
        case Decimal():
            return {"N": number_text(value)}
        case bool():
            return {"BOOL": value}
        case None:
            return {"NULL": True}
        case bytes():
            return {"B": value}
        case tuple():
            return {"L": [to_wire(member) for member in value]}
        case StringSet():
            return {"SS": sorted(value)}
        case NumberSet():
            return {"NS": [number_text(member) for member in sorted(value)]}
        case BinarySet():
            return {"BS": sorted(value)}
        case _:
            return {"M": item_to_wire(value)}


def item_size(item: Item) -> int:
    """Bytes the item counts for: names in UTF-8 and values."""
    size = 0
    for name, value in item.items():
        size += len(name) if name.isascii() else len(name.encode())
        if type(value) is str and value.isascii():
            size += len(value)
        else:
            size += value_size(value)
    return size


def attribute_size(name: str, value: Value) -> int:
    """Bytes an attribute of an item counts for."""
    return (len(name) if name.isascii() else len(name.encode())) + value_size(value)


def value_size(value: Value) -> int:
    """Bytes a value counts for: containers cost 3 and one per element."""
    match value:
        case str():
            return len(value) if value.isascii() else len(value.encode())
        case Decimal():
            return number_size(value)
        case bool() | None:
            return 1
        case bytes():
            return len(value)
        case tuple():
            return 3 + sum(1 + value_size(member) for member in value)
        case StringSet() | NumberSet() | BinarySet():
            return sum(value_size(member) for member in value)
        case _:
            return 3 + len(value) + item_size(value)


def same(left: Value, right: Value) -> bool:
    """Equal in type and value. Python's == is not enough: there True equals 1."""
    if type(left) is not type(right):
        return False
    if isinstance(left, tuple):
        members = cast("tuple[Value, ...]", right)
        return len(left) == len(members) and all(map(same, left, members))
    if isinstance(left, dict):
        other = cast("Item", right)
        return left.keys() == other.keys() and all(same(member, other[name]) for name, member in left.items())
    return left == right


def describe(value: Value) -> str:
    """As messages print a value: `AttributeValue: {S:abc}`."""
    ((code, raw),) = to_wire(value).items()
    shown = b64encode(raw).decode() if isinstance(raw, bytes) else raw
    return f"AttributeValue: {{{code}:{shown}}}"
