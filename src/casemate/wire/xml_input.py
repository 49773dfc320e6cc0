"""XML documents -> typed input, for the bodies of rest-xml."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from xml.etree import ElementTree as ET

from casemate.wire.json_input import read_base64
from casemate.wire.long_bodies import collector_paused
from casemate.wire.mismatch import Incomplete, Mismatch
from casemate.wire.plan import (
    INT32,
    INT64,
    Plans,
    element_of,
    entry_of,
    members_of,
    required_of,
    unbound_members,
    wire_name,
)
from casemate.wire.timestamps import from_text

if TYPE_CHECKING:
    from botocore.model import Shape

Reader = Callable[[ET.Element], Any]
_MAX_DEPTH = 256


def decode_xml(body: bytes) -> ET.Element:
    """The root element; Mismatch when the body is not well-formed. Document types are refused: they expand."""
    if b"<!DOCTYPE" in body:
        raise Mismatch("Document types are not supported")
    try:
        with collector_paused(body):
            # Safe: no document type, hence no entities to expand; expat bounds the rest.
            root = ET.fromstring(body)  # noqa: S314
    except (ET.ParseError, ValueError, LookupError) as error:
        raise Mismatch("The XML you provided was not well-formed") from error
    _bound_depth(root)
    return root


def _bound_depth(root: ET.Element) -> None:
    level = [root]
    for _ in range(_MAX_DEPTH):
        level = [child for element in level for child in element]
        if not level:
            return
    raise Mismatch("The XML you provided is nested too deeply")


def _local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def _text(element: ET.Element) -> str:
    return element.text or ""


def read_scalar(text: str, type_name: str) -> Any:
    """A scalar written as text: in an element, a header, a query string or a path."""
    try:
        return _SCALARS[type_name](text)
    except ValueError as error:
        expected = type_name.capitalize()
        raise Mismatch(f"'{text}' is not a valid {type_name}", value=text, expected=expected) from error


def _boolean(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered not in {"true", "false"}:
        raise ValueError(text)
    return lowered == "true"


def _whole(text: str, limits: range) -> int:
    # `int` would take underscores and any script's digits.
    if len(text) > 20 or not text.strip().lstrip("+-").isdigit() or not text.isascii():
        raise ValueError(text)
    number = int(text)
    if number not in limits:
        raise ValueError(text)
    return number


def _double(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) and text.strip() not in {"NaN", "Infinity", "-Infinity"}:
        raise ValueError(text)
    return value


_SCALARS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "character": str,
    "boolean": _boolean,
    "integer": lambda text: _whole(text, INT32),
    "long": lambda text: _whole(text, INT64),
    "double": _double,
    "float": _double,
    "timestamp": from_text,
    "blob": read_base64,
}


def _scalar_reader(type_name: str) -> Reader:
    return lambda element: read_scalar(_text(element), type_name)


class XmlReaders(Plans):
    """Readers of XML elements."""

    scalars: ClassVar[Mapping[str, Reader]] = {type_name: _scalar_reader(type_name) for type_name in _SCALARS}

    def __init__(self, *, check_required: bool = True) -> None:
        super().__init__()
        self._check_required = check_required

    def compile_structure(self, shape: Shape) -> Reader:
        return self._structure_reader(members_of(shape), required_of(shape))

    def body_plan(self, shape: Shape) -> Reader:
        """The reader of a REST body: members that have a place elsewhere in the request are not of it."""
        if shape.type_name != "structure":
            return self.plan(shape)
        unbound = unbound_members(shape)
        return self._structure_reader(unbound, tuple(name for name in required_of(shape) if name in unbound))

    def _structure_reader(self, members: dict[str, Shape], required: tuple[str, ...]) -> Reader:
        one: dict[str, tuple[str, Reader]] = {}
        many: dict[str, tuple[str, Reader]] = {}
        for name, member in members.items():
            flat = bool(member.serialization.get("flattened"))
            if member.serialization.get("xmlAttribute"):
                continue
            if flat and member.type_name == "list":
                many[self._flat_name(member, name)] = (name, self.plan(element_of(member)))
            elif flat and member.type_name == "map":
                many[wire_name(member, name)] = (name, self._entry_reader(member))
            else:
                one[wire_name(member, name)] = (name, self.plan(member))
        finish = self._finisher(members, required if self._check_required else ())

        def read_structure(element: ET.Element) -> dict[str, Any]:
            result: dict[str, Any] = {}
            for child in element:
                tag = _local(child.tag)
                try:
                    if tag in one:
                        name, read = one[tag]
                        result[name] = read(child)
                    elif tag in many:
                        name, read = many[tag]
                        result.setdefault(name, []).append(read(child))
                except Mismatch as mismatch:
                    raise mismatch.under(tag) from None
            finish(element, result)
            return result

        return read_structure

    def _finisher(
        self, members: dict[str, Shape], required: tuple[str, ...]
    ) -> Callable[[ET.Element, dict[str, Any]], None]:
        """Adds what is written as attributes, makes flattened maps of their entries, and asks for what is required."""
        attributes = {
            wire_name(member, name).rpartition(":")[2]: name
            for name, member in members.items()
            if member.serialization.get("xmlAttribute")
        }
        flat_maps = [
            name
            for name, member in members.items()
            if member.type_name == "map" and member.serialization.get("flattened")
        ]

        def finish(element: ET.Element, result: dict[str, Any]) -> None:
            for attribute, value in element.attrib.items():
                if _local(attribute) in attributes:
                    result[attributes[_local(attribute)]] = value
            for name in flat_maps:
                if name in result:
                    result[name] = dict(result[name])
            for name in required:
                if name not in result:
                    raise Incomplete

        return finish

    @staticmethod
    def _flat_name(shape: Shape, name: str) -> str:
        # The reference's name wins over the element's: `<Tag>` for `TagSet` flattened with locationName `Tag`.
        if "name" in shape.serialization:
            return wire_name(shape, name)
        return wire_name(element_of(shape), name)

    def compile_list(self, shape: Shape) -> Reader:
        element = element_of(shape)
        read, tag = self.plan(element), wire_name(element, "member")

        def read_list(node: ET.Element) -> list[Any]:
            return [read(child) for child in node if _local(child.tag) == tag]

        return read_list

    def _entry_reader(self, shape: Shape) -> Reader:
        key_shape, value_shape = entry_of(shape)
        key_tag, value_tag = wire_name(key_shape, "key"), wire_name(value_shape, "value")
        read_key, read_value = self.plan(key_shape), self.plan(value_shape)

        def read_entry(node: ET.Element) -> tuple[str, Any]:
            parts = {_local(child.tag): child for child in node}
            if key_tag not in parts or value_tag not in parts:
                raise Mismatch("A map entry has no key or no value", expected="Map")
            return read_key(parts[key_tag]), read_value(parts[value_tag])

        return read_entry

    def compile_map(self, shape: Shape) -> Reader:
        read_entry = self._entry_reader(shape)

        def read_map(node: ET.Element) -> dict[str, Any]:
            return dict(read_entry(child) for child in node if _local(child.tag) == "entry")

        return read_map
