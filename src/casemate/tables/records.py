"""The stored form of an item: its size in DynamoDB's count, then its API form in JSON, as answers carry it.

An item that is returned whole is copied into the answer as it lies; where only its size is wanted nothing is read at
all. The first byte is the form: records written before the form was JSON have MessagePack and begin with a zero.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypedDict, cast

import msgspec

from casemate.tables.values import Item, WireItem, from_wire, item_from_wire, item_size, item_to_wire

_HEADER = 4
_JSON = 1 << 24
"""The first byte, above the three of the size (at most 400 KB)."""


class _WireValue(TypedDict, total=False):
    S: str
    N: str
    B: bytes
    SS: list[str]
    NS: list[str]
    BS: list[bytes]
    M: dict[str, _WireValue]
    L: list[_WireValue]
    NULL: bool
    BOOL: bool


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(dict[str, _WireValue])
_parts_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_value_decoder = msgspec.json.Decoder(_WireValue)
_former_decoder = msgspec.msgpack.Decoder()
encode_item = _encoder.encode
"""An item in the API's form, or one of `parts_of`, in JSON."""


def form_record(form: bytes, size: int) -> bytes:
    """The record of an item that is in JSON already."""
    # A size that has no room is still one that no item may have.
    return (_JSON | min(size, _JSON - 1)).to_bytes(_HEADER, "big") + form


def pack(item: Item, size: int | None = None) -> bytes:
    """The record of an item; `size` when it is known already."""
    return form_record(_encoder.encode(item_to_wire(item)), item_size(item) if size is None else size)


def record_size(record: bytes) -> int:
    """The item's size as DynamoDB counts it."""
    return int.from_bytes(record[1:_HEADER], "big")


def wire_of(record: bytes) -> WireItem:
    """The item in the API's form."""
    body = memoryview(record)[_HEADER:]
    decoder = _decoder if record[0] else _former_decoder
    return cast("WireItem", decoder.decode(body))


def encoded(record: bytes) -> msgspec.Raw:
    """The item in the API's form, as it stands in an answer."""
    return msgspec.Raw(record[_HEADER:] if record[0] else _encoder.encode(wire_of(record)))


def encoded_list(records: Iterable[bytes]) -> msgspec.Raw:
    """Several items, as a list of them stands in an answer."""
    forms = [record[_HEADER:] if record[0] else _encoder.encode(wire_of(record)) for record in records]
    return msgspec.Raw(b"[" + b",".join(forms) + b"]")


def parts_of(record: bytes) -> dict[str, Any]:
    """The item's attributes by name, each still encoded."""
    if record[0]:
        return _parts_decoder.decode(memoryview(record)[_HEADER:])
    return {name: msgspec.Raw(_encoder.encode(value)) for name, value in wire_of(record).items()}


def read_parts(parts: Mapping[str, Any], names: Iterable[str]) -> Item:
    """Those of the attributes that are there."""
    decode = _value_decoder.decode
    return {name: from_wire(decode(parts[name])) for name in names if name in parts}


def some_of(record: bytes, names: Iterable[str]) -> Item:
    """Those of the item's attributes: the others are not looked at."""
    return read_parts(parts_of(record), names)


def part_of(record: bytes, names: Collection[str]) -> Item:
    """The same, in the order they have in the item."""
    parts = parts_of(record)
    return read_parts(parts, [name for name in parts if name in names])


def item_of(record: bytes) -> Item:
    """The item."""
    return item_from_wire(wire_of(record))
