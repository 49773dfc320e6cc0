"""Typed output -> JSON documents. For json 1.0, json 1.1 and the bodies of rest-json."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

from casemate.wire.plan import (
    Plans,
    UnknownMember,
    element_of,
    entry_of,
    is_document,
    members_of,
    unbound_members,
    wire_name,
)
from casemate.wire.timestamps import to_epoch, to_text

if TYPE_CHECKING:
    from botocore.model import Shape

Writer = Callable[[Any], Any]


def write_as_is(value: Any) -> Any:
    """What the encoder already writes as the protocol has it; bytes it writes in base64."""
    return value


def write_double(value: Any) -> Any:
    """JSON has no NaN and no infinities: AWS writes them as strings."""
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


_PLAIN_TYPES = frozenset({"string", "character", "boolean", "integer", "long", "blob"})
_encoder = msgspec.json.Encoder()
_LONG = 4096
"""Bytes: to look through less takes less time than to take it apart."""


class JsonWriters(Plans):
    """Writers of documents. `thorough` False leaves to the encoder what it writes correctly by itself."""

    scalars: ClassVar[Mapping[str, Writer]] = {
        "string": write_as_is,
        "character": write_as_is,
        "boolean": write_as_is,
        "integer": write_as_is,
        "long": write_as_is,
        "double": write_double,
        "float": write_double,
        "blob": write_as_is,
    }

    def __init__(self, *, thorough: bool = False) -> None:
        super().__init__()
        self._thorough = thorough
        self._bodies: dict[str, Writer] = {}

    def compile_timestamp(self, shape: Shape) -> Writer:
        style = shape.serialization.get("timestampFormat", "unixtimestamp")
        if style == "unixtimestamp":
            return to_epoch
        return lambda moment: to_text(moment, style)

    def compile_structure(self, shape: Shape) -> Writer:
        if is_document(shape) or (not self._thorough and self._is_plain(shape, set())):
            return write_as_is
        return self._structure_writer(shape, members_of(shape))

    def body_plan(self, shape: Shape) -> Writer:
        """The writer of a whole body, whose members that have a place elsewhere are left out."""
        made = self._bodies.get(shape.name)
        if made is None:
            if shape.type_name != "structure" or is_document(shape):
                made = self.plan(shape)
            else:
                made = self._structure_writer(shape, unbound_members(shape))
            self._bodies[shape.name] = made
        return made

    def _structure_writer(self, shape: Shape, members: dict[str, Shape]) -> Writer:
        writers = {name: (wire_name(member, name), self.plan(member)) for name, member in members.items()}
        known = members_of(shape)

        def write_structure(value: Mapping[str, Any]) -> dict[str, Any]:
            result: dict[str, Any] = {}
            for name, item in value.items():
                if item is None:
                    continue
                entry = writers.get(name)
                if entry is not None:
                    result[entry[0]] = entry[1](item)
                elif name not in known:
                    raise UnknownMember(shape, name)
            return result

        return write_structure

    def compile_list(self, shape: Shape) -> Writer:
        write = self.plan(element_of(shape))
        if write is write_as_is:
            return write_as_is

        def write_list(value: Any) -> Any:
            # A service may hold a list or a map in its encoded form already.
            if type(value) is msgspec.Raw:
                return value
            return [None if item is None else write(item) for item in value]

        return write_list

    def compile_map(self, shape: Shape) -> Writer:
        write = self.plan(entry_of(shape)[1])
        if write is write_as_is:
            return write_as_is

        def write_map(value: Any) -> Any:
            if type(value) is msgspec.Raw:
                return value
            return {key: write(item) for key, item in value.items()}

        return write_map

    def _is_plain(self, shape: Shape, above: set[str]) -> bool:
        """Whether the encoder alone writes the shape correctly: no floats, times or renamed members in it."""
        if shape.type_name in _PLAIN_TYPES or is_document(shape) or shape.name in above:
            return True
        if shape.type_name == "structure":
            inside = above | {shape.name}
            return all(
                "name" not in member.serialization and self._is_plain(member, inside)
                for member in members_of(shape).values()
            )
        if shape.type_name == "list":
            return self._is_plain(element_of(shape), above)
        return shape.type_name == "map" and self._is_plain(entry_of(shape)[1], above)


class JsonBodies:
    """The bodies of a service's responses."""

    def __init__(self) -> None:
        self._quick = JsonWriters()
        self._thorough = JsonWriters(thorough=True)

    def encode(self, shape: Shape, value: Any) -> bytes:
        """The document of `value`."""
        document = self._quick.body_plan(shape)(value)
        body = _encoder.encode(document)
        if b":null" in (body if len(body) < _LONG else _scanned(document, body)):
            # A member that is None deep in a plain structure, or a text that looks like one: go through it all.
            body = _encoder.encode(self._thorough.body_plan(shape)(value))
        return body


def _scanned(document: Any, body: bytes) -> bytes:
    """Where nulls are looked for: not in members that a service holds in their encoded form already."""
    if type(document) is not dict:
        return body
    members = cast("dict[str, Any]", document)
    rest = {name: member for name, member in members.items() if type(member) is not msgspec.Raw}
    return body if len(rest) == len(members) else _encoder.encode(rest)


def encode_plain(value: Any) -> bytes:
    """JSON of what needs no model."""
    return _encoder.encode(value)
