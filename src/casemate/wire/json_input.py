"""JSON documents -> typed input. For json 1.0, json 1.1 and the bodies of rest-json."""

from __future__ import annotations

import binascii
import math
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

from casemate.wire.long_bodies import check_containers, collector_paused
from casemate.wire.mismatch import Incomplete, Mismatch
from casemate.wire.plan import (
    INT32,
    INT64,
    Plans,
    element_of,
    entry_of,
    is_document,
    is_sparse,
    members_of,
    required_of,
    unbound_members,
    wire_name,
)
from casemate.wire.timestamps import from_epoch, from_text

if TYPE_CHECKING:
    from botocore.model import Shape

Reader = Callable[[Any], Any]

# The messages are those of the Jackson-based front end that AWS's JSON services share, as their clients quote them:
# "NUMBER_VALUE cannot be converted to String", "Start of structure or map found where not expected", "Unexpected
# field type", "Unrecognized collection type class java.lang.String".
_STRUCTURE_FOUND = "Start of structure or map found where not expected."


_UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_skipper = msgspec.json.Decoder(msgspec.Raw)


def check_json(body: bytes) -> None:
    """Mismatch when a body is not JSON. Nothing is made of it: seven nanoseconds a byte, whatever it holds."""
    try:
        if body:
            _skipper.decode(body)
    except _UNREADABLE as error:
        raise _not_json() from error


def decode_json(body: bytes) -> Any:
    """The document of a body; Mismatch when it is not JSON. No body is an empty structure."""
    if not body:
        return {}
    check_containers(body)
    try:
        with collector_paused(body):
            return msgspec.json.decode(body)
    except _UNREADABLE as error:
        raise _not_json() from error


def _not_json() -> Mismatch:
    return Mismatch("Unable to parse the request body as JSON.")


def _token(value: object) -> str:
    """What Jackson calls the token that was found."""
    if value is None:
        return "NULL_VALUE"
    if isinstance(value, bool):
        return "TRUE_VALUE" if value else "FALSE_VALUE"
    if isinstance(value, int):
        return "NUMBER_VALUE"
    return "DECIMAL_VALUE" if isinstance(value, float) else "STRING_VALUE"


def _unexpected(value: object, java_type: str) -> Mismatch:
    if isinstance(value, dict):
        return Mismatch(_STRUCTURE_FOUND, expected=java_type)
    if isinstance(value, list):
        return Mismatch(f"Unrecognized collection type class java.lang.{java_type}", expected=java_type)
    return Mismatch(
        f"{_token(value)} cannot be converted to {java_type}", value=str(value), expected=java_type
    )


def _read_string(value: Any) -> str:
    if type(value) is str:
        return value
    raise _unexpected(value, "String")


def _read_boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _unexpected(value, "Boolean")


def _read_whole(value: Any, limits: range, java_type: str) -> int:
    if type(value) is float and math.isfinite(value):
        value = int(value)
    if type(value) is not int:
        raise _unexpected(value, java_type)
    if value not in limits:
        raise Mismatch(
            f"Numeric value ({value}) out of range of {java_type.lower()} ({limits[0]} - {limits[-1]})",
            value=str(value),
            expected=java_type,
        )
    return value


def _read_integer(value: Any) -> int:
    return _read_whole(value, INT32, "Integer")


def _read_long(value: Any) -> int:
    return _read_whole(value, INT64, "Long")


_NAMED_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _read_double(value: Any) -> float:
    if type(value) is float or type(value) is int:
        try:
            return float(value)
        except OverflowError as error:
            raise _unexpected(value, "Double") from error
    if isinstance(value, str) and value in _NAMED_FLOATS:
        return _NAMED_FLOATS[value]
    raise _unexpected(value, "Double")


def read_base64(text: str) -> bytes:
    """Base64 as AWS decodes it: padded, and nothing outside the alphabet."""
    if len(text) % 4:
        raise Mismatch(
            f"Base64 encoded length is expected a multiple of 4 bytes but found: {len(text)}",
            value=text,
            expected="Blob",
        )
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Mismatch(
            "Invalid last non-final Base64 character detected", value=text, expected="Blob"
        ) from error


def _read_blob(value: Any) -> bytes:
    if type(value) is str:
        return read_base64(value)
    raise _unexpected(value, "Blob")


def _read_timestamp(value: Any) -> Any:
    try:
        if type(value) is int or type(value) is float:
            return from_epoch(value)
        if type(value) is str:
            return from_text(value)
    except ValueError as error:
        raise Mismatch(f"{value} is not a valid date", value=str(value), expected="Date") from error
    raise _unexpected(value, "Date")


def read_any(value: Any) -> Any:
    """A document: any JSON value, as it is."""
    return value


class JsonReaders(Plans):
    """Readers of decoded JSON. `check_required` False reads what is there without asking for what is not."""

    scalars: ClassVar[Mapping[str, Reader]] = {
        "string": _read_string,
        "character": _read_string,
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

    def compile_structure(self, shape: Shape) -> Reader:
        if is_document(shape):
            return read_any
        readers = {
            wire_name(member, name): (name, self.plan(member)) for name, member in members_of(shape).items()
        }
        return structure_reader(readers, required_of(shape) if self._check_required else ())

    def body_plan(self, shape: Shape) -> Reader:
        """The reader of a REST body: members that have a place elsewhere in the request are not of it."""
        if shape.type_name != "structure" or is_document(shape):
            return self.plan(shape)
        unbound = unbound_members(shape)
        readers = {wire_name(member, name): (name, self.plan(member)) for name, member in unbound.items()}
        required = tuple(name for name in required_of(shape) if name in unbound)
        return structure_reader(readers, required if self._check_required else ())

    def compile_list(self, shape: Shape) -> Reader:
        read, sparse = self.plan(element_of(shape)), is_sparse(shape)

        def read_list(value: Any) -> list[Any]:
            if type(value) is not list:
                raise Mismatch(
                    _STRUCTURE_FOUND if isinstance(value, dict) else "Unexpected field type", expected="List"
                )
            items = cast("list[Any]", value)
            if None in items and not sparse:
                raise Mismatch("NULL_VALUE is not allowed in a list", expected="List")
            return [None if item is None else read(item) for item in items]

        return read_list

    def compile_map(self, shape: Shape) -> Reader:
        read = self.plan(entry_of(shape)[1])

        def read_map(value: Any) -> dict[str, Any]:
            if type(value) is not dict:
                found = "Unrecognized collection type java.util.Map" if isinstance(value, list) else ""
                raise Mismatch(found or "Unexpected field type", expected="Map")
            entries = cast("dict[str, Any]", value)
            return {key: read(item) for key, item in entries.items() if item is not None}

        return read_map


def structure_reader(readers: dict[str, tuple[str, Reader]], required: tuple[str, ...]) -> Reader:
    """Reads a mapping of wire names to values. Unknown members are ignored and null ones absent, as AWS has it."""

    def read_structure(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            if isinstance(value, list):
                raise Mismatch("Unrecognized collection type class", expected="Structure")
            raise Mismatch("Unexpected value type in payload", value=str(value), expected="Structure")
        result: dict[str, Any] = {}
        name = ""
        try:
            for key, item in cast("dict[str, Any]", value).items():
                if item is not None and key in readers:
                    name, read = readers[key]
                    result[name] = read(item)
        except Mismatch as mismatch:
            raise mismatch.under(name) from None
        for name in required:
            if name not in result:
                raise Incomplete
        return result

    return read_structure
