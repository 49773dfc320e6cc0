"""ExclusiveStartKey: where it is, and what is wrong with it.

The complaints, and which of them it is, are dynalite's, whose authors recorded them of DynamoDB: a start key of a Scan of
a table is complained of as one thing; elsewhere first the number of attributes counts, then those of what is read, then,
of an index, those of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from casemate.tables.errors import validation
from casemate.tables.expressions.keyconditions import KeyTerm
from casemate.tables.keys import WRONG_KEY, check_key_values, encode_scalar, index_key, item_key
from casemate.tables.schema import KeySchema
from casemate.tables.values import Item, Value, type_code

if TYPE_CHECKING:
    from casemate.tables.reads import Reading

BAD_START = "The provided starting key is invalid"
_WRONG_START = f"{BAD_START}: {WRONG_KEY}"


def start_position(reading: Reading, key: Item) -> bytes:
    """The entry that a start key names, whether it is there or not; ValidationException when it names none."""
    table, own = reading.table.key, reading.key
    if reading.index is None and reading.is_scan and (frozenset(key) != table.names or not _fits(table, key)):
        raise validation(_WRONG_START)
    if len(key) != len(table.names | own.names) or not own.names <= key.keys():
        raise validation(BAD_START)
    if not _fits(own, key):
        raise validation(WRONG_KEY)
    if not (table.names <= key.keys() and _fits(table, key)):
        raise validation(_WRONG_START)
    check_key_values(own, key)
    if reading.index is None:
        return item_key(reading.table, key)
    position = index_key(reading.table, reading.index, key)
    assert position is not None
    return position


def _fits(schema: KeySchema, key: Item) -> bool:
    return all(type_code(key[attribute.name]) == attribute.type for attribute in schema.attributes)


def outside_query(schema: KeySchema, terms: Mapping[str, KeyTerm], values: Item) -> Callable[[Item], str]:
    """The complaint about a start key that is not among what a Query's conditions leave."""

    def complaint(key: Item) -> str:
        sorted_by = [terms[attribute.name] for attribute in schema.sort if attribute.name in terms]
        if not all(_holds(term, key[term.attribute], values) for term in sorted_by):
            return "The provided starting key does not match the range key predicate"
        if sorted_by:
            return "The query can return at most one row and cannot be restarted"
        return "The provided starting key is outside query boundaries based on provided conditions"

    return complaint


def _holds(term: KeyTerm, value: Value, values: Item) -> bool:
    given = encode_scalar(value)
    operands = [encode_scalar(values[name]) for name in term.operands]
    match term.operator:
        case "=":
            return given == operands[0]
        case "<":
            return given < operands[0]
        case "<=":
            return given <= operands[0]
        case ">":
            return given > operands[0]
        case ">=":
            return given >= operands[0]
        case "BETWEEN":
            return operands[0] <= given <= operands[1]
        case _:
            return given.startswith(operands[0])


def outside_segment(segment: int, total: int) -> Callable[[Item], str]:
    """The complaint about a start key that is in another segment of a Scan."""
    return lambda _key: (
        f"{BAD_START}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "
        f"TotalSegments: {total} Segment: {segment}"
    )
