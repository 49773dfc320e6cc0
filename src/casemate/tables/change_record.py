"""One change of an item as its stream keeps it, and as a reader gets it back.

A record holds the images its stream's view promises, in the form items are stored in; only where the view leaves no
image does it hold the key besides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec

from casemate.tables.records import record_size, wire_of
from casemate.tables.schema import KeySchema, StreamView
from casemate.tables.values import WireItem, item_from_wire, item_size
from casemate.tables.writes import Written

EventName = Literal["INSERT", "MODIFY", "REMOVE"]
_WITH_OLD = ("OLD_IMAGE", "NEW_AND_OLD_IMAGES")
_WITH_NEW = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")


class _Stored(msgspec.Struct, array_like=True, frozen=True):
    """The stored form; the sequence number is in its key."""

    at: float
    name: EventName
    expired: bool
    key: WireItem | None
    old: bytes | None
    new: bytes | None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Stored)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRecord:
    """A change, read back."""

    sequence: int
    at: float
    """Seconds since the epoch."""
    name: EventName
    expired: bool
    """Deleted by time to live."""
    key: WireItem
    old: WireItem | None
    new: WireItem | None
    size: int
    """Of key and images, as items are counted."""


def encode_change(written: Written, view: StreamView, *, at: float, expired: bool) -> bytes:
    """The record of a write that changes something."""
    present = written.new if written.new is not None else written.old
    assert present is not None, "a write that changes something has an item before or after"
    old = written.old if view in _WITH_OLD else None
    new = written.new if view in _WITH_NEW else None
    key = None
    if old is None and new is None:
        key = _key_of(written.table.key, wire_of(present))
    name: EventName = "INSERT" if written.old is None else "REMOVE" if written.new is None else "MODIFY"
    return _encoder.encode(_Stored(at=at, name=name, expired=expired, key=key, old=old, new=new))


def decode_change(sequence: int, data: bytes, schema: KeySchema) -> ChangeRecord:
    """A record, read back; `schema` is the key of its table."""
    stored = _decoder.decode(data)
    old = None if stored.old is None else wire_of(stored.old)
    new = None if stored.new is None else wire_of(stored.new)
    image = new if new is not None else old
    key = stored.key if image is None else _key_of(schema, image)
    assert key is not None, "a record without images has its key"
    size = item_size(item_from_wire(key))
    size += sum(record_size(image) for image in (stored.old, stored.new) if image is not None)
    return ChangeRecord(
        sequence=sequence,
        at=stored.at,
        name=stored.name,
        expired=stored.expired,
        key=key,
        old=old,
        new=new,
        size=size,
    )


def _key_of(schema: KeySchema, item: WireItem) -> WireItem:
    return {attribute.name: item[attribute.name] for attribute in schema.attributes}
