"""Query and Scan: which entries a request covers, and the page of them it gets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from casemate.tables.capacity import READ_BLOCK, Units, blocks, read_units
from casemate.tables.errors import INVALID, validation
from casemate.tables.expressions.conditions import ConditionExpression
from casemate.tables.expressions.keyconditions import KeyTerm
from casemate.tables.expressions.paths import Tree, project
from casemate.tables.keys import (
    WRONG_KEY,
    after,
    check_key_value,
    check_key_values,
    escape,
    index_key,
    item_key,
    partition_prefix,
    segment_bounds,
    sort_component,
    successor,
)
from casemate.tables.records import item_of, record_size, some_of, wire_of
from casemate.tables.schema import IndexSchema, KeyAttribute, KeySchema, TableSchema
from casemate.tables.storage import Storage
from casemate.tables.values import Item, Value, WireItem, item_from_wire, item_to_wire, type_code

PAGE_BYTES = 1 << 20
STRETCH = 250
"""Items read in one go. With the longest filter they take about fifteen milliseconds, without one less than one."""
_BAD_START = "The provided starting key is invalid"
_OUTSIDE_PARTITION = "The provided starting key is outside query boundaries based on provided conditions"
_OUTSIDE_RANGE = "The provided starting key does not match the range key predicate"
_ONE_ROW = "The query can return at most one row and cannot be restarted"
_OUTSIDE_SEGMENT = (
    "The provided Exclusive start key does not map to the provided Segment and TotalSegments values."
)


@dataclass(kw_only=True, slots=True)
class Range:
    """Entries with start <= key < end.

    Not frozen only because making a frozen one costs microseconds, here and below; nobody changes it.
    """

    start: bytes
    end: bytes


@dataclass(kw_only=True, slots=True)
class Reading:
    """What a Query and a Scan have in common."""

    table: TableSchema
    index: IndexSchema | None = None
    limit: int | None = None
    start_after: Item | None = None
    """ExclusiveStartKey."""
    filter: ConditionExpression | None = None
    filter_values: Item = field(default_factory=dict[str, Value])
    projection: Tree | None = None
    count_only: bool = False
    """Select=COUNT."""
    fetch: bool = False
    """An LSI query that wants attributes the index does not hold: each item is read from the table."""
    consistent: bool = False
    forward: bool = True
    whole: bool = False
    """Items that are wanted whole may stay records (`records.encoded_list`)."""

    @property
    def number(self) -> int:
        return 0 if self.index is None else self.index.number

    @property
    def key(self) -> KeySchema:
        return self.table.key if self.index is None else self.index.key


@dataclass(kw_only=True, slots=True)
class Page:
    """One page of results."""

    items: list[WireItem] = field(default_factory=list["WireItem"])
    """In the API's form."""
    records: list[bytes] = field(default_factory=list[bytes])
    """Instead of items, where the reading allows it and shows them whole."""
    count: int = 0
    scanned: int = 0
    last_key: WireItem | None = None
    """LastEvaluatedKey; None when nothing is left."""
    units: Units = field(default_factory=Units)


def query_range(
    table: TableSchema, index: IndexSchema | None, terms: Mapping[str, KeyTerm], values: Item
) -> Range:
    """The entries that satisfy key conditions; ValidationException when they do not fit the key."""
    schema = table.key if index is None else index.key
    _check_terms(schema, terms, values)
    partition = tuple(values[terms[attribute.name].operands[0]] for attribute in schema.partition)
    prefix = partition_prefix(table.table_id, 0 if index is None else index.number, partition)
    for attribute in schema.sort:
        term = terms.get(attribute.name)
        if term is None:
            break
        operands = [values[key] for key in term.operands]
        if term.operator != "=":
            return _sort_range(prefix, term, operands)
        prefix += sort_component(operands[0])
    return Range(start=prefix, end=successor(prefix))


def _check_terms(schema: KeySchema, terms: Mapping[str, KeyTerm], values: Item) -> None:
    if len(terms) > len(schema.attributes):
        raise validation(
            f"The number of query conditions ({len(terms)}) exceeds the number of key attributes defined in the schema "
            f"({len(schema.attributes)})"
        )
    for attribute in schema.partition:
        term = terms.get(attribute.name)
        if term is None:
            raise validation(f"Query condition missed key schema element: {attribute.name}")
        if term.operator != "=":
            raise validation("Query key condition not supported")
    if not terms.keys() <= schema.names:
        missed = next(attribute.name for attribute in schema.sort if attribute.name not in terms)
        raise validation(f"Query condition missed key schema element: {missed}")
    if schema.sort:
        _check_sort_order(schema, terms)
    for name, term in terms.items():
        attribute = schema.by_name[name]
        for key in term.operands:
            _check_operand(attribute, values[key], is_partition=attribute in schema.partition)


def _check_sort_order(schema: KeySchema, terms: Mapping[str, KeyTerm]) -> None:
    """Multi-attribute sort keys are used from the left, and only the last condition may be other than `=`.

    Its words: paritysuite/dynamodb-conformance, query/multiAttributeGsiKey, October 2026.
    """
    named = [attribute.name for attribute in schema.sort if attribute.name in terms]
    if not named:
        return
    last = named[-1]
    wanting: list[str] = []
    for attribute in schema.sort:
        if attribute.name == last:
            break
        if attribute.name not in terms or terms[attribute.name].operator != "=":
            wanting.append(attribute.name)
    if wanting:
        raise validation(
            f"RANGE key attributes {', '.join(wanting)} must have equality conditions specified in the query because a "
            f"condition is present on key attribute {last}"
        )


def _check_operand(attribute: KeyAttribute, value: Value, *, is_partition: bool) -> None:
    if type_code(value) != attribute.type:
        raise validation(INVALID + "Condition parameter type does not match schema type")
    if is_partition:
        check_key_value(attribute, value, is_partition=True)


def _sort_range(prefix: bytes, term: KeyTerm, operands: list[Value]) -> Range:
    first = prefix + sort_component(operands[0])
    match term.operator:
        case "<":
            return Range(start=prefix, end=first)
        case "<=":
            return Range(start=prefix, end=after(first))
        case ">":
            return Range(start=after(first), end=successor(prefix))
        case ">=":
            return Range(start=first, end=successor(prefix))
        case "BETWEEN":
            return Range(start=first, end=after(prefix + sort_component(operands[1])))
        case _:
            start = prefix + escape(operands[0])
            return Range(start=start, end=successor(start))


def scan_range(table: TableSchema, index: IndexSchema | None, segment: int, total: int) -> Range:
    """The entries of one segment."""
    start, end = segment_bounds(table.table_id, 0 if index is None else index.number, segment, total)
    return Range(start=start, end=end)


T = TypeVar("T")
Steps = Generator[None, None, Page]
"""A page that is read in stretches: each `next` is one of them, and the last one returns the page."""


def all_at_once(steps: Generator[None, None, T]) -> T:
    """What the stretches come to, without pauses."""
    while True:
        try:
            next(steps)
        except StopIteration as over:
            return over.value


@dataclass(frozen=True, kw_only=True, slots=True)
class StartComplaints:
    """What is said of a start key."""

    invalid: str
    """That is no key of what is read."""
    outside: str
    """That is one, but not of the range."""


def scan_complaints(reading: Reading) -> StartComplaints:
    """Of a Scan (observed: ExtendDB/extenddb's conformance tests, which are run against AWS too; so the Query's)."""
    invalid = f"{_BAD_START}: {WRONG_KEY}" if reading.index is None else _BAD_START
    return StartComplaints(invalid=invalid, outside=_OUTSIDE_SEGMENT)


def query_complaints(reading: Reading, terms: Mapping[str, KeyTerm], values: Item) -> StartComplaints:
    """Of a Query, by what it asks of the sort key (observed: architect/dynalite, actions/query.js)."""
    term = None if not reading.key.sort else terms.get(reading.key.sort[0].name)
    outside = _OUTSIDE_PARTITION
    if term is not None:
        start = cast("Item", reading.start_after).get(term.attribute)
        is_that_row = term.operator == "=" and start == values[term.operands[0]]
        outside = _ONE_ROW if is_that_row else _OUTSIDE_RANGE
    return StartComplaints(invalid=_BAD_START, outside=outside)


def read_page(
    storage: Storage, reading: Reading, covered: Range, complaints: StartComplaints | None = None
) -> Steps:
    """Read until the range, the limit or a megabyte is used up; the filter comes after.

    A megabyte may be of more than a hundred thousand small items, and a filter of hundreds of operators: hence stretches,
    between which others have their turns and may write. `complaints` are there where there is a start key.
    """
    page = Page()
    rest = covered if complaints is None else _rest(reading, covered, complaints)
    limit = reading.limit or sys.maxsize
    take = page.records.append if _is_whole(reading) else _taking(reading, page)
    fetching = _Fetching(storage, reading, page) if reading.fetch else None
    size = scanned = 0
    last: bytes | None = None
    is_over = False
    while not is_over:
        stop = min(limit, scanned + STRETCH)
        is_over = True
        for record in storage.values(rest.start, rest.end, reverse=not reading.forward):
            grown = size + record_size(record)
            if fetching is None:
                found, measured = record, grown
            else:
                found, measured = fetching.item_of(record), fetching.size_with(grown)
            if measured > PAGE_BYTES and last is not None:
                page.last_key = _position(reading, last)
                break
            if fetching is not None:
                fetching.charge()
            size, last = grown, record
            take(found)
            scanned += 1
            if scanned == stop:
                is_over = stop == limit
                if is_over:
                    page.last_key = _position(reading, last)
                break
        if not is_over and last is not None:
            yield
            rest = _beyond(rest, _key_at(reading, item_from_wire(_position(reading, last))), reading)
    page.scanned = scanned
    page.count += len(page.records)
    units = read_units(size, consistent=reading.consistent)
    if reading.index is None:
        page.units.table += units
    else:
        page.units.indexes[reading.index.name] = units
    return page


class _Fetching:
    """Items that are read from the table for the sake of what a local index does not hold.

    Each is read, charged and measured by itself, in blocks of 4 KB, and the page's megabyte is of the index's entries and
    of them together (Developer Guide, "Local secondary indexes", Read capacity units).
    """

    def __init__(self, storage: Storage, reading: Reading, page: Page) -> None:
        self._storage = storage
        self._reading = reading
        self._page = page
        self._blocks = 0
        self._size = 0

    def item_of(self, entry: bytes) -> bytes:
        found = self._storage.get(item_key(self._reading.table, item_of(entry)))
        # INVARIANT: an index entry and its item are written together.
        assert found is not None
        self._size = record_size(found)
        return found

    def size_with(self, entries: int) -> int:
        """What the page would have, with entries of that size in all and the item just read."""
        return READ_BLOCK * (blocks(entries) + self._blocks + blocks(self._size))

    def charge(self) -> None:
        """The item just read is on the page."""
        self._blocks += blocks(self._size)
        self._page.units.table += read_units(self._size, consistent=self._reading.consistent)


def _is_whole(reading: Reading) -> bool:
    """Whether the page is of the very records that are read."""
    return (
        reading.whole
        and reading.filter is None
        and reading.projection is None
        and not reading.count_only
        and not reading.fetch
    )


def _taking(reading: Reading, page: Page) -> Callable[[bytes], None]:
    """Puts a record on the page unless the filter holds it back."""

    def take(record: bytes) -> None:
        held = reading.filter
        if held is not None and not held.holds(some_of(record, held.attributes), reading.filter_values):
            return
        if reading.count_only:
            page.count += 1
        elif reading.whole and reading.projection is None:
            page.records.append(record)
        else:
            page.count += 1
            whole = reading.projection is None
            page.items.append(wire_of(record) if whole else shown_of(record, reading.projection or {}))

    return take


def shown_of(record: bytes, tree: Tree) -> WireItem:
    """What a projection shows of an item."""
    return item_to_wire(project(some_of(record, cast("Iterable[str]", tree)), tree))


def _position(reading: Reading, record: bytes) -> WireItem:
    wire = wire_of(record)
    names = [attribute.name for attribute in (*reading.table.key.attributes, *reading.key.attributes)]
    return {name: wire[name] for name in names}


def _rest(reading: Reading, covered: Range, complaints: StartComplaints) -> Range:
    """The part of a range that lies after the start key."""
    position = _start_position(reading, complaints)
    if not covered.start <= position < covered.end:
        raise validation(complaints.outside)
    return _beyond(covered, position, reading)


def _beyond(covered: Range, position: bytes, reading: Reading) -> Range:
    if reading.forward:
        return Range(start=position + b"\x00", end=covered.end)
    return Range(start=covered.start, end=position)


def _start_position(reading: Reading, complaints: StartComplaints) -> bytes:
    key = cast("Item", reading.start_after)
    attributes = {
        attribute.name: attribute for attribute in (*reading.table.key.attributes, *reading.key.attributes)
    }
    if key.keys() != attributes.keys():
        raise validation(complaints.invalid)
    for name, attribute in attributes.items():
        if type_code(key[name]) != attribute.type:
            raise validation(complaints.invalid)
    check_key_values(reading.key, key)
    return _key_at(reading, key)


def _key_at(reading: Reading, key: Item) -> bytes:
    """Where the entry is that has those key attributes."""
    if reading.index is None:
        return item_key(reading.table, key)
    position = index_key(reading.table, reading.index, key)
    assert position is not None
    return position
