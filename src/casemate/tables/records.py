"""The stored form of an item: its size in DynamoDB's count (four bytes), then its API form in MessagePack.

Reading an item back needs no conversion where it is returned whole, and none at all where only its size is wanted.
"""

from __future__ import annotations

from typing import cast

import msgspec

from casemate.tables.values import Item, WireItem, item_from_wire, item_size, item_to_wire

_HEADER = 4
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder()


def pack(item: Item, size: int | None = None) -> bytes:
    """The record of an item; `size` when it is known already."""
    counted = item_size(item) if size is None else size
    return counted.to_bytes(_HEADER, "big") + _encoder.encode(item_to_wire(item))


def record_size(record: bytes) -> int:
    """The item's size as DynamoDB counts it."""
    return int.from_bytes(record[:_HEADER], "big")


def wire_of(record: bytes) -> WireItem:
    """The item in the API's form."""
    return cast("WireItem", _decoder.decode(memoryview(record)[_HEADER:]))


def item_of(record: bytes) -> Item:
    """The item."""
    return item_from_wire(wire_of(record))
