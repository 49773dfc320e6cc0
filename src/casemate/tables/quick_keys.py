"""From a Key parameter straight to the bytes of an item's key, for keys as nearly all requests have them.

The same bytes as `keys.item_key` gives (a property test holds it), or None: then the key is for `check_key` to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any, cast

from casemate.tables.keys import HASH_BYTES, SHORT_KEY, index_prefix, sort_component
from casemate.tables.numbers import parse_number
from casemate.tables.schema import TableSchema

_DIGITS = 18


def quick_key(table: TableSchema, wire: Mapping[str, Any]) -> bytes | None:
    """The item's key; None unless it is of short texts and short whole numbers of the right types."""
    return quick_place(table, wire) if len(wire) == len(table.key.attributes) else None


def quick_place(table: TableSchema, wire: Mapping[str, Any]) -> bytes | None:
    """The same of a whole item."""
    if table.plain_key is None:
        return None
    partition, sort, code = table.plain_key
    # Twice the same look at a value: a function of it would be called for each key of each request.
    value = wire.get(partition)
    if type(value) is not dict or len(value := cast("dict[str, Any]", value)) != 1:
        return None
    text = value.get("S")
    if type(text) is not str or not 0 < len(text) <= SHORT_KEY:
        return None
    body = text.encode()
    digest = blake2b(body, digest_size=HASH_BYTES).digest()
    key = index_prefix(table.table_id, 0) + digest + len(body).to_bytes(2, "big") + body
    if sort is None:
        return key
    value = wire.get(sort)
    if type(value) is not dict or len(value := cast("dict[str, Any]", value)) != 1:
        return None
    text = value.get(code)
    if type(text) is not str or not 0 < len(text) <= SHORT_KEY:
        return None
    if code == "S":
        return key + sort_component(text)
    return key + _number(text) if text.isdigit() and len(text) <= _DIGITS and text.isascii() else None


@lru_cache(maxsize=16384)
def _number(text: str) -> bytes:
    return sort_component(parse_number(text))
