"""Items and keys as requests give them: made out in one pass where they are as nearly all are, of texts and whole numbers.

What is not goes the long way (`values.item_from_wire`), which knows every type and says what is wrong. Property tests hold
that both ways give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from casemate.tables.keys import check_key, item_key
from casemate.tables.quick_keys import quick_key
from casemate.tables.records import encode_item, form_record, record_size
from casemate.tables.schema import TableSchema
from casemate.tables.values import MAX_NAME_BYTES, Item, item_from_wire, item_size, whole_number

_MOST_QUOTES = 6
"""Of an attribute that is a text or a number: two around its name, its type and its value."""
_AROUND = len('"":{"S":""},')
"""What the form adds to each name and value."""


@dataclass(kw_only=True, slots=True)
class QuickItem:
    """An item of texts and short whole numbers only, of which nothing is wrong but, maybe, its key and its size.

    Not frozen only because making a frozen one costs microseconds; nobody changes it.
    """

    wire: Mapping[str, Any]
    record: bytes

    @property
    def item(self) -> Item:
        return item_from_wire(self.wire)


@dataclass(kw_only=True, slots=True)
class QuickKey:
    """A key that is its table's, with its bytes. Not frozen for the same reason."""

    wire: Mapping[str, Any]
    place: bytes

    @property
    def item(self) -> Item:
        return item_from_wire(self.wire)


GivenItem: TypeAlias = "Item | QuickItem"
GivenKey: TypeAlias = "Item | QuickKey"


def given_item(wire: Mapping[str, Any]) -> GivenItem:
    """An item in the API's form, checked. Its values have the types that the API's model gives them."""
    record = quick_record(wire)
    return item_from_wire(wire) if record is None else QuickItem(wire=wire, record=record)


def given_key(table: TableSchema | None, wire: Mapping[str, Any]) -> GivenKey:
    """A Key parameter, checked, and where its table is known and it fits it, that too."""
    place = None if table is None else quick_key(table, wire)
    return item_from_wire(wire) if place is None else QuickKey(wire=wire, place=place)


def place_of(table: TableSchema, key: GivenKey) -> bytes:
    """The item's key in bytes; ValidationException when it is not one of the table."""
    if type(key) is QuickKey:
        return key.place
    item = cast("Item", key)
    check_key(table, item)
    return item_key(table, item)


def item_in(given: GivenItem | GivenKey) -> Item:
    """The attributes."""
    return given.item if isinstance(given, (QuickItem, QuickKey)) else given


def given_size(given: GivenItem) -> int:
    """Bytes the item counts for."""
    return record_size(given.record) if isinstance(given, QuickItem) else item_size(given)


def quick_record(wire: Mapping[str, Any]) -> bytes | None:
    """The record of an item; None unless it is of texts and short whole numbers alone.

    Its form tells. Without a backslash no quote stands within a text, so that `":{"S":"` marks a text attribute and
    nothing else; each takes six quotes, and where these are all there are, there is no attribute of another type, none
    with several types, and none within another one. What is left without the form is names and values: the size.
    """
    count = len(wire)
    try:
        form = encode_item(wire)
    except RecursionError:
        return None  # deeper than any item
    if form.count(b'"') != count * _MOST_QUOTES or not count or b"\\" in form:
        return None
    size = len(form) - count * _AROUND - 1
    left = count - form.count(b'":{"S":"')
    if left:
        try:
            # One with another type beside the number would make up, in quotes, for an empty value elsewhere.
            numbers = [value["N"] for value in wire.values() if len(value) == 1 and "N" in value]
        except TypeError:
            return None
        if len(numbers) != left:
            return None
        for text in numbers:
            read = whole_number(text)
            if read is None:
                return None
            size += read[1] - len(text)
    if size > MAX_NAME_BYTES or "" in wire:
        # The long way says what is wrong with a name, if anything is.
        return None
    return form_record(form, size)
