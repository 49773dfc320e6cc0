"""Item keys: bytes whose order is DynamoDB's order.

    "i" | table id (16) | index number (2) | hash of the partition key (8) | its length (2) | partition key | sort key ...

The hash spreads partitions, gives Scan DynamoDB's seemingly random order and its segments equal shares of the table.
Every sort component is escaped and closed, so that components can follow each other: an index entry ends with the
table's own key, which makes it unique. `attribute` bytes: S as UTF-8, B as they are, N by `encode_number`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any, cast

from casemate.tables.errors import INVALID, validation
from casemate.tables.numbers import encode_number
from casemate.tables.schema import IndexSchema, KeyAttribute, KeySchema, TableSchema
from casemate.tables.values import Item, Value, type_code

MAX_PARTITION_BYTES = 2048
MAX_SORT_BYTES = 1024
SHORT_KEY = MAX_SORT_BYTES // 4
"""Characters that fit into any key, however many bytes each takes."""
ITEMS = b"i"
"""What every item key begins with."""
_CLOSE = b"\x00\x01"
_AFTER = b"\x00\x02"
HASH_BYTES = 8
WRONG_KEY = "The provided key element does not match the schema"


def encode_scalar(value: Value) -> bytes:
    """Bytes of a key attribute that compare as its type compares."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, Decimal):
        return encode_number(value)
    return cast("bytes", value)


def sort_component(value: Value) -> bytes:
    """A sort key attribute, closed. No component is a prefix of another one."""
    return _number_component(value) if type(value) is Decimal else escape(value) + _CLOSE


@lru_cache(maxsize=16384)
def _number_component(value: Decimal) -> bytes:
    return escape(value) + _CLOSE


def escape(value: Value) -> bytes:
    """A sort key attribute without its end: every value that begins with it encodes to bytes that do."""
    return encode_scalar(value).replace(b"\x00", b"\x00\xff")


def after(component: bytes) -> bytes:
    """The first bytes above every key that continues `component` (which is closed)."""
    return component[:-2] + _AFTER


def successor(prefix: bytes) -> bytes:
    """The first bytes above every key that begins with `prefix`."""
    stripped = prefix.rstrip(b"\xff")
    # INVARIANT: every key begins with a letter, so something is left.
    return stripped[:-1] + bytes([stripped[-1] + 1])


@lru_cache(maxsize=4096)
def index_prefix(table_id: bytes, number: int) -> bytes:
    """Prefix of all entries of a table (number 0) or of one of its indexes."""
    return ITEMS + table_id + number.to_bytes(2, "big")


def partition_prefix(table_id: bytes, number: int, values: tuple[Value, ...]) -> bytes:
    """Prefix of the entries of one partition key."""
    if len(values) == 1:
        value = values[0]
        body = value.encode() if type(value) is str else encode_scalar(value)
    else:
        parts = [encode_scalar(value) for value in values]
        body = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    digest = blake2b(body, digest_size=HASH_BYTES).digest()
    return index_prefix(table_id, number) + digest + len(body).to_bytes(2, "big") + body


def segment_bounds(table_id: bytes, number: int, segment: int, total: int) -> tuple[bytes, bytes]:
    """First and one-past-last bytes of a Scan segment."""
    prefix = index_prefix(table_id, number)
    space = 1 << (8 * HASH_BYTES)
    start = prefix + (space * segment // total).to_bytes(HASH_BYTES, "big")
    if segment + 1 == total:
        return start, successor(prefix)
    return start, prefix + (space * (segment + 1) // total).to_bytes(HASH_BYTES, "big")


def table_prefix(table_id: bytes) -> bytes:
    """Prefix of everything a table holds, its indexes included."""
    return ITEMS + table_id


def item_key(table: TableSchema, item: Item) -> bytes:
    """Key of an item whose key attributes were checked."""
    partition = partition_prefix(table.table_id, 0, (item[table.key.partition[0].name],))
    sort = table.key.sort
    return partition + sort_component(item[sort[0].name]) if sort else partition


def index_key(table: TableSchema, index: IndexSchema, item: Item) -> bytes | None:
    """Key of an item's entry in `index`; None when it is not in it.

    It lacks one of the index's attributes (a sparse index), or has one that does not fit: what was there before the index
    was made stays out. Source: Developer Guide, "Detecting and correcting index key violations in DynamoDB".
    """
    for attribute in index.key.attributes:
        value = item.get(attribute.name)
        if value is None or type_code(value) != attribute.type:
            return None
        if attribute.type != "N" and not 0 < len(encode_scalar(value)) <= _limit(index, attribute):
            return None
    partition = tuple(item[attribute.name] for attribute in index.key.partition)
    parts = [partition_prefix(table.table_id, index.number, partition)]
    parts += [sort_component(item[attribute.name]) for attribute in index.key.sort]
    parts += [sort_component(item[attribute.name]) for attribute in table.key.attributes]
    return b"".join(parts)


def _limit(index: IndexSchema, attribute: KeyAttribute) -> int:
    return MAX_PARTITION_BYTES if attribute in index.key.partition else MAX_SORT_BYTES


def check_item_keys(table: TableSchema, item: Item, *, in_batch: bool = False) -> None:
    """The checks PutItem makes of the key attributes of an item.

    A batch says no more of them than of a Key (paritysuite/dynamodb-conformance, error-messages/batchWriteItem).
    """
    for attribute in table.key.attributes:
        if in_batch and (attribute.name not in item or type_code(item[attribute.name]) != attribute.type):
            raise validation(WRONG_KEY)
        if attribute.name not in item:
            raise validation(f"{INVALID}Missing the key {attribute.name} in the item")
        actual = type_code(item[attribute.name])
        if actual != attribute.type:
            raise validation(
                f"{INVALID}Type mismatch for key {attribute.name} expected: {attribute.type} actual: {actual}"
            )
    check_key_values(table.key, item)


def check_key(table: TableSchema, key: Item) -> None:
    """The checks of a Key parameter: the key attributes of the table, all of them and nothing else."""
    attributes = table.key.attributes
    if len(key) != len(attributes):
        raise validation(WRONG_KEY)
    for attribute in attributes:
        if attribute.name not in key or type_code(key[attribute.name]) != attribute.type:
            raise validation(WRONG_KEY)
    check_key_values(table.key, key)


def check_key_values(schema: KeySchema, item: Item) -> None:
    """Key values are neither empty nor too long."""
    for place, attribute in enumerate(schema.attributes):
        check_key_value(attribute, item[attribute.name], is_partition=place < len(schema.partition))


def check_key_value(attribute: KeyAttribute, value: Value, *, is_partition: bool) -> None:
    """The same of one attribute."""
    if attribute.type == "N" or (type(value) is str and 0 < len(value) <= SHORT_KEY):
        return
    if value in ("", b""):
        kind = "string" if value == "" else "binary"
        raise validation(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
            f"empty {kind} value. Key: {attribute.name}"
        )
    _check_length(value, is_partition=is_partition)


def _check_length(value: Value, *, is_partition: bool) -> None:
    size = len(encode_scalar(value))
    if is_partition and size > MAX_PARTITION_BYTES:
        raise validation(
            f"{INVALID}Size of hashkey has exceeded the maximum size limit of{MAX_PARTITION_BYTES} bytes"
        )
    if not is_partition and size > MAX_SORT_BYTES:
        raise validation(
            f"{INVALID}Aggregated size of all range keys has exceeded the size limit of {MAX_SORT_BYTES} bytes"
        )


def check_index_keys(table: TableSchema, item: Item) -> None:
    """Attributes that are keys of an index have its type, are not empty and not too long."""
    for index in table.indexes.values():
        for attribute in index.key.attributes:
            if attribute.name not in item:
                continue
            value = item[attribute.name]
            actual = type_code(value)
            if actual != attribute.type:
                raise validation(
                    f"{INVALID}Type mismatch for Index Key {attribute.name} Expected: {attribute.type} "
                    f"Actual: {actual} IndexName: {index.name}"
                )
            if value in ("", b""):
                kind = "string" if value == "" else "binary"
                raise validation(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not "
                    f"supported. The AttributeValue for a key attribute cannot contain an empty {kind} value. "
                    f"IndexName: {index.name}, IndexKey: {attribute.name}"
                )
            _check_index_length(index, attribute, value)


def _check_index_length(index: IndexSchema, attribute: KeyAttribute, value: Value) -> None:
    limit = _limit(index, attribute)
    size = 0 if attribute.type == "N" else len(encode_scalar(value))
    if size > limit:
        raise validation(
            f"{INVALID}Size limit exceeded for Index Key {attribute.name} Actual Size: {size} bytes "
            f"Max Size: {limit} bytes IndexName: {index.name}"
        )


def partition_item(table: TableSchema, item: Mapping[str, Any]) -> dict[str, Any]:
    """The partition key of an item: an ItemCollectionKey."""
    name = table.key.partition[0].name
    return {name: item[name]}
