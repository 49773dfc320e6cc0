"""The stored form of an item: its size in DynamoDB's count, then its API form in JSON, as answers carry it.

An item that is returned whole is copied into the answer as it lies; where only its size is wanted nothing is read at
all. The first byte is the form: records written before the form was JSON have MessagePack and begin with a zero.
"""

from __future__ import annotations

from typing import TypedDict, cast

import msgspec

from casemate.tables.values import Item, WireItem, item_from_wire, item_size, item_to_wire

_HEADER = 4
_JSON = 1 << 24
"""The first byte, above the three of the size (at most 400 KB)."""
_SIZE = _JSON - 1


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
_former_decoder = msgspec.msgpack.Decoder()


def pack(item: Item, size: int | None = None) -> bytes:
    """The record of an item; `size` when it is known already."""
    counted = item_size(item) if size is None else size
    return (_JSON | counted).to_bytes(_HEADER, "big") + _encoder.encode(item_to_wire(item))


def record_size(record: bytes) -> int:
    """The item's size as DynamoDB counts it."""
    return int.from_bytes(record[:_HEADER], "big") & _SIZE


def wire_of(record: bytes) -> WireItem:
    """The item in the API's form."""
    body = memoryview(record)[_HEADER:]
    decoder = _decoder if record[0] else _former_decoder
    return cast("WireItem", decoder.decode(body))


def encoded(record: bytes) -> msgspec.Raw:
    """The item in the API's form, as it stands in an answer."""
    return msgspec.Raw(record[_HEADER:] if record[0] else _encoder.encode(wire_of(record)))


def decode_wire(raw: msgspec.Raw) -> WireItem:
    """What `encoded` made, as `wire_of` has it."""
    return cast("WireItem", _decoder.decode(raw))


def item_of(record: bytes) -> Item:
    """The item."""
    return item_from_wire(wire_of(record))
