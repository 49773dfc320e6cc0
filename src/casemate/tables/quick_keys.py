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
    partition, sort = table.key.partition[0], table.key.sort
    if partition.type != "S":
        return None
    text = _member(wire.get(partition.name), "S")
    if text is None or not 0 < len(text) <= SHORT_KEY:
        return None
    body = text.encode()
    digest = blake2b(body, digest_size=HASH_BYTES).digest()
    key = index_prefix(table.table_id, 0) + digest + len(body).to_bytes(2, "big") + body
    if not sort:
        return key
    text = _member(wire.get(sort[0].name), sort[0].type)
    if text is None or not 0 < len(text) <= SHORT_KEY:
        return None
    if sort[0].type == "S":
        return key + sort_component(text)
    return key + _number(text) if text.isdigit() and len(text) <= _DIGITS and text.isascii() else None


def _member(value: Any, code: str) -> str | None:
    """The text of a value that has this type and no other."""
    if type(value) is not dict or len(cast("dict[str, Any]", value)) != 1:
        return None
    text = cast("dict[str, Any]", value).get(code)
    return text if type(text) is str else None


@lru_cache(maxsize=16384)
def _number(text: str) -> bytes:
    return sort_component(parse_number(text))
