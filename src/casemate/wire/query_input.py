"""Form fields -> typed input, for the query and ec2 protocols.

Source: Smithy, "AWS query protocol" and "AWS EC2 query protocol": `Filter.1.Value.2=a` names a path into the input.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from casemate.wire.json_input import read_base64
from casemate.wire.mismatch import Incomplete, Mismatch
from casemate.wire.plan import INT32, INT64, Plans, element_of, entry_of, members_of, required_of, wire_name
from casemate.wire.timestamps import from_text

if TYPE_CHECKING:
    from botocore.model import Shape

Node = dict[str, Any]
"""A branch of the tree of fields by path component; its own text, if any, is under the empty key."""
Reader = Callable[[Node], Any]

_WHOLE = re.compile(r"[-+]?\d+", re.ASCII)
_MAX_DEPTH = 64
"""Deeper paths than any model has: a hostile one must not exhaust the stack."""
LONGEST_FORM, MOST_FIELDS = 2 << 20, 50_000
"""Bytes and fields, which have to be looked through for the action before it is known who asks. More than any operation
takes: a thousand rules of a security group, each with a description, are six thousand fields and half a megabyte."""
_MOST_BRANCHES = 500_000


def tree_of(fields: Iterable[tuple[str, str]]) -> Node:
    """The tree of dotted field names. The last of several fields of one name wins."""
    root: Node = {}
    branches = 0
    for name, value in fields:
        node = root
        branches += name.count(".")
        if branches > _MOST_BRANCHES:
            raise Mismatch("The request has more parameters than any operation")
        if "." in name:
            parts = name.split(".")
            if len(parts) > _MAX_DEPTH:
                raise Mismatch(f"The parameter {name[:80]} is not recognized")
            for part in parts:
                # An empty component would fall together with a node's own text.
                node = _below(node, part or " ")
        else:
            node = _below(root, name or " ")
        node[""] = value
    return root


def _below(node: Node, part: str) -> Node:
    below: Node | None = node.get(part)
    if below is None:
        below = node[part] = {}
    return below


def _text(node: Node) -> str:
    text = node.get("")
    if text is None:
        raise Mismatch("Unexpected complex element termination", expected="String")
    return text


def _read_whole(node: Node, limits: range, expected: str) -> int:
    text = _text(node)
    if len(text) > 20 or not _WHOLE.fullmatch(text) or int(text) not in limits:
        raise Mismatch(f"'{text}' is not a valid {expected.lower()}", value=text, expected=expected)
    return int(text)


def _read_integer(node: Node) -> int:
    return _read_whole(node, INT32, "Integer")


def _read_long(node: Node) -> int:
    return _read_whole(node, INT64, "Long")


def _read_boolean(node: Node) -> bool:
    text = _text(node).lower()
    if text in {"true", "1"}:
        return True
    if text in {"false", "0"}:
        return False
    raise Mismatch(f"'{text}' is not a valid boolean", value=text, expected="Boolean")


def _read_double(node: Node) -> float:
    text = _text(node)
    try:
        value = float(text)
    except ValueError as error:
        raise Mismatch(f"'{text}' is not a valid double", value=text, expected="Double") from error
    if not math.isfinite(value) and text not in {"NaN", "Infinity", "-Infinity"}:
        raise Mismatch(f"'{text}' is not a valid double", value=text, expected="Double")
    return value


def _read_timestamp(node: Node) -> Any:
    text = _text(node)
    try:
        return from_text(text)
    except ValueError as error:
        raise Mismatch(f"'{text}' is not a valid date", value=text, expected="Date") from error


def _read_blob(node: Node) -> bytes:
    return read_base64(_text(node))


def _numbered(node: Node) -> Iterator[tuple[str, Node]]:
    """The elements of a list, in the order of their numbers, which may have gaps."""
    numbers: list[tuple[int, str]] = []
    for key in node:
        if not key:
            continue
        if not (key.isascii() and key.isdigit() and len(key) <= 9):
            raise Mismatch(f"'{key}' is not a valid list index", value=key, expected="Integer")
        numbers.append((int(key), key))
    for _, key in sorted(numbers):
        yield key, node[key]


class QueryReaders(Plans):
    """Readers of the query protocol."""

    scalars: ClassVar[Mapping[str, Reader]] = {
        "string": _text,
        "character": _text,
        "boolean": _read_boolean,
        "integer": _read_integer,
        "long": _read_long,
        "double": _read_double,
        "float": _read_double,
        "timestamp": _read_timestamp,
        "blob": _read_blob,
    }

    def __init__(self, *, check_required: bool = True) -> None:
        super().__init__()
        self._check_required = check_required

    def key_of(self, shape: Shape, name: str) -> str:
        """The path component of a member."""
        if shape.type_name == "list" and shape.serialization.get("flattened"):
            # The elements of a flattened list stand in the parent under the element's name, when it has one.
            return wire_name(element_of(shape), wire_name(shape, name))
        return wire_name(shape, name)

    def compile_structure(self, shape: Shape) -> Reader:
        readers = [
            (self.key_of(member, name), name, self.plan(member)) for name, member in members_of(shape).items()
        ]
        required = required_of(shape) if self._check_required else ()

        def read_structure(node: Node) -> dict[str, Any]:
            if node.get(""):
                raise Mismatch("Unexpected list element termination", value=node[""], expected="Structure")
            result: dict[str, Any] = {}
            key = ""
            try:
                for key, name, read in readers:
                    if key in node:
                        result[name] = read(node[key])
            except Mismatch as mismatch:
                raise mismatch.under(key) from None
            for name in required:
                if name not in result:
                    raise Incomplete
            return result

        return read_structure

    def compile_list(self, shape: Shape) -> Reader:
        element = element_of(shape)
        flat = bool(shape.serialization.get("flattened"))
        return self._list_reader(self.plan(element), None if flat else wire_name(element, "member"))

    def _list_reader(self, read: Reader, wrapper: str | None) -> Reader:
        def read_list(node: Node) -> list[Any]:
            if wrapper is not None:
                # `Names=` is an empty list, `Names.member.1=x` its first element.
                node = node.get(wrapper) or {"": node.get("", "")}
            if node.get(""):
                raise Mismatch("Unexpected list element termination", value=node[""], expected="List")
            key = ""
            result: list[Any] = []
            try:
                for key, below in _numbered(node):  # noqa: B007 - the handler below names the element
                    result.append(read(below))
            except Mismatch as mismatch:
                raise (mismatch.under(key) if key else mismatch) from None
            return result

        return read_list

    def compile_map(self, shape: Shape) -> Reader:
        key_shape, value_shape = entry_of(shape)
        key_name, value_name = wire_name(key_shape, "key"), wire_name(value_shape, "value")
        read_key, read_value = self.plan(key_shape), self.plan(value_shape)
        flat = bool(shape.serialization.get("flattened"))

        def read_map(node: Node) -> dict[str, Any]:
            entries = node if flat else cast("Node", node.get("entry", {}))
            result: dict[str, Any] = {}
            for number, entry in _numbered(entries):
                if key_name not in entry:
                    raise Mismatch("A map entry has no key", expected="Map").under(number)
                key = read_key(entry[key_name])
                # A structure without members leaves no field: the entry is then only its key.
                result[key] = read_value(entry.get(value_name, {}))
            return result

        return read_map


class Ec2Readers(QueryReaders):
    """Readers of the ec2 protocol: every list is flat and names are capitalized."""

    def key_of(self, shape: Shape, name: str) -> str:
        serialization = shape.serialization
        if "queryName" in serialization:
            return cast("str", serialization["queryName"])
        if "name" in serialization:
            location: str = serialization["name"]
            return location[0].upper() + location[1:]
        return name

    def compile_list(self, shape: Shape) -> Reader:
        return self._list_reader(self.plan(element_of(shape)), None)
