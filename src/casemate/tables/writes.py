"""What a write would do: planned against the present items, then committed by the engine, alone or with others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from casemate.tables.capacity import Units, write_units
from casemate.tables.errors import INVALID, conditional_check_failed, validation
from casemate.tables.expressions.conditions import ConditionExpression
from casemate.tables.expressions.paths import project, tree_of
from casemate.tables.expressions.updates import UpdateExpression
from casemate.tables.given import GivenItem, GivenKey, QuickItem, item_in, place_of
from casemate.tables.keys import check_index_keys, check_item_keys, index_key, item_key
from casemate.tables.quick_keys import quick_place
from casemate.tables.records import (
    encode_item,
    form_record,
    pack,
    part_of,
    parts_of,
    read_parts,
    record_size,
    some_of,
    wire_of,
)
from casemate.tables.schema import IndexSchema, TableSchema
from casemate.tables.storage import Change, Storage
from casemate.tables.values import (
    Item,
    WireItem,
    attribute_size,
    check_depth,
    item_to_wire,
    to_wire,
)

MAX_ITEM_BYTES = 400 * 1024
TOO_LARGE = "Item size has exceeded the maximum allowed size"
UPDATE_TOO_LARGE = "Item size to update has exceeded the maximum allowed size"


@dataclass(kw_only=True, slots=True)
class Guard:
    """A condition on the item as it is.

    Not frozen only because making a frozen one costs microseconds, here and below; nobody changes it.
    """

    condition: ConditionExpression
    values: Item
    return_item: bool = False
    """ReturnValuesOnConditionCheckFailure=ALL_OLD."""


@dataclass(kw_only=True, slots=True)
class Update:
    """An update expression and its values."""

    expression: UpdateExpression
    values: Item


@dataclass(kw_only=True, slots=True)
class Growth:
    """How a write changes the count and the bytes of an index."""

    number: int
    items: int
    size: int


@dataclass(kw_only=True, slots=True)
class Written:
    """A planned write, and what the caller may want to know of it."""

    table: TableSchema
    key: bytes
    old: bytes | None
    """The record as it was; None: there was none."""
    new: bytes | None
    changes: tuple[Change, ...]
    index_units: Mapping[str, float] | None = None
    growth: tuple[Growth, ...] = ()
    """Of the table's indexes."""
    update: UpdateExpression | None = None

    @property
    def sizes(self) -> tuple[int, int]:
        """The item's before and after."""
        old, new = self.old, self.new
        return 0 if old is None else record_size(old), 0 if new is None else record_size(new)

    @property
    def units(self) -> Units:
        """What it consumes."""
        return Units(table=write_units(max(self.sizes)), indexes=dict(self.index_units or {}))

    @property
    def old_item(self) -> WireItem | None:
        return None if self.old is None else wire_of(self.old)

    @property
    def new_item(self) -> WireItem | None:
        return None if self.new is None else wire_of(self.new)

    def updated(self, record: bytes | None) -> WireItem | None:
        """The attributes of `record` that the update named: UPDATED_OLD and UPDATED_NEW."""
        if self.update is None or record is None:
            return None
        item = some_of(record, self.update.attributes_changed)
        return item_to_wire(project(item, tree_of(self.update.targets))) or None


@dataclass(kw_only=True, slots=True)
class _IndexChanges:
    changes: list[Change] = field(default_factory=list[Change])
    units: dict[str, float] = field(default_factory=dict[str, float])
    growth: list[Growth] = field(default_factory=list[Growth])


def plan_put(
    storage: Storage, table: TableSchema, given: GivenItem, guard: Guard | None, *, in_batch: bool = False
) -> Written:
    """Replace the item of that key."""
    key = quick_place(table, given.wire) if type(given) is QuickItem else None
    if type(given) is QuickItem and key is not None:
        record = given.record
        if table.indexes:
            check_index_keys(table, part_of(record, table.indexed_names))
    else:
        item = item_in(given)
        check_item_keys(table, item, in_batch=in_batch)
        check_index_keys(table, item)
        key, record = item_key(table, item), pack(item)
    if record_size(record) > MAX_ITEM_BYTES:
        raise validation(TOO_LARGE)
    old = storage.get(key)
    _check_guard(guard, old)
    _check_local_sizes(table, record, TOO_LARGE)
    return _written(table, key, old, record)


def plan_delete(storage: Storage, table: TableSchema, key: GivenKey, guard: Guard | None) -> Written:
    """Delete the item of that key, if there is one."""
    place = place_of(table, key)
    old = storage.get(place)
    _check_guard(guard, old)
    return _written(table, place, old, None)


def plan_update(
    storage: Storage, table: TableSchema, key: GivenKey, update: Update | None, guard: Guard | None
) -> Written:
    """Change the item of that key, or make it."""
    place = place_of(table, key)
    if update is not None:
        check_targets(table, update.expression)
    old = storage.get(place)
    if old is not None:
        new = _changed(old, update, guard)
    else:
        _check_guard(guard, None)
        if update is not None and update.expression.only_takes:
            return _written(table, place, None, None, update.expression)
        # Operands see the item as it is: of an absent one, nothing but what the request says of its key.
        item = item_in(key)
        if update is not None:
            item = update.expression.apply(item, update.values)
        new = pack(item)
    if table.indexes:
        check_index_keys(table, part_of(new, table.indexed_names))
    if record_size(new) > MAX_ITEM_BYTES:
        raise validation(UPDATE_TOO_LARGE)
    _check_local_sizes(table, new, UPDATE_TOO_LARGE)
    return _written(table, place, old, new, None if update is None else update.expression)


def _changed(old: bytes, update: Update | None, guard: Guard | None) -> bytes:
    """The record of an item that is changed: only what the expressions name is read, and only that is measured."""
    parts = parts_of(old)
    if guard is not None:
        named = read_parts(parts, guard.condition.attributes)
        if not guard.condition.holds(named, guard.values):
            raise conditional_check_failed(wire_of(old) if guard.return_item else None)
    size = record_size(old)
    if update is not None:
        before = read_parts(parts, update.expression.attributes)
        after = update.expression.apply(before, update.values)
        for name in update.expression.attributes_changed:
            if name in before:
                size -= attribute_size(name, before[name])
            if name in after:
                if not update.expression.is_flat:
                    check_depth(after[name])
                size += attribute_size(name, after[name])
                parts[name] = to_wire(after[name])
            else:
                parts.pop(name, None)
    return form_record(encode_item(parts), size)


def plan_check(storage: Storage, table: TableSchema, key: GivenKey, guard: Guard) -> Written:
    """ConditionCheck of a transaction: changes nothing, costs a write."""
    place = place_of(table, key)
    old = storage.get(place)
    _check_guard(guard, old)
    return Written(table=table, key=place, old=old, new=old, changes=())


def _check_local_sizes(table: TableSchema, record: bytes, words: str) -> None:
    """An item and its entry in each local index are 400 KB at most together.

    Developer Guide, "Quotas", Item size for tables with local secondary indexes.
    """
    if not table.has_local_indexes:
        return
    size = record_size(record)
    if size <= MAX_ITEM_BYTES // 2:
        return  # no entry is larger than its item
    for name, (_, entry) in index_entries(table, record).items():
        if not table.indexes[name].is_global and size + record_size(entry) > MAX_ITEM_BYTES:
            raise validation(words)


def plan_copy(storage: Storage, table: TableSchema, place: bytes, record: bytes | None) -> Written:
    """Have at `place` what another replica has there. Nothing is checked: it was, where it was written.

    It may be older than an index, and not fit it.
    """
    return _written(table, place, storage.get(place), record)


def check_targets(table: TableSchema, update: UpdateExpression) -> None:
    """No update may touch the table's key, nor reach into an attribute that is an index's key."""
    keys = table.key.names
    for path in update.targets:
        if path[0] in keys:
            raise validation(f"{INVALID}Cannot update attribute {path[0]}. This attribute is part of the key")
    if not table.indexes:
        return
    index_keys = {
        attribute.name for index in table.indexes.values() for attribute in index.key.attributes
    } - keys
    for path in (*update.targets, *update.reads):
        if len(path) > 1 and path[0] in index_keys:
            raise validation(
                "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: "
                f"IndexKey: {path[0]}"
            )


def _check_guard(guard: Guard | None, old: bytes | None) -> None:
    if guard is None:
        return
    seen = None if old is None else some_of(old, guard.condition.attributes)
    if not guard.condition.holds(seen, guard.values):
        raise conditional_check_failed(wire_of(old) if old is not None and guard.return_item else None)


def _written(
    table: TableSchema,
    key: bytes,
    old: bytes | None,
    new: bytes | None,
    update: UpdateExpression | None = None,
) -> Written:
    if old == new or (table.stream is not None and _only_reordered(old, new)):
        return Written(table=table, key=key, old=old, new=new, changes=(), update=update)
    if not table.indexes:
        return Written(table=table, key=key, old=old, new=new, changes=((key, new),), update=update)
    gathered = _index_changes(table, old, new)
    return Written(
        table=table,
        key=key,
        old=old,
        new=new,
        changes=((key, new), *gathered.changes),
        index_units=gathered.units,
        growth=tuple(gathered.growth),
        update=update,
    )


def _only_reordered(old: bytes | None, new: bytes | None) -> bool:
    """The same attributes in another order: a stream has no record of what changes nothing."""
    if old is None or new is None or len(old) != len(new):
        return False
    return wire_of(old) == wire_of(new)


def _index_changes(table: TableSchema, old: bytes | None, new: bytes | None) -> _IndexChanges:
    """Index entries follow their item in the same atomic write."""
    gathered = _IndexChanges()
    old_entries, new_entries = index_entries(table, old), index_entries(table, new)
    for name, index in table.indexes.items():
        before, after = old_entries.get(name), new_entries.get(name)
        if before == after:
            continue
        units = 0.0
        if before is not None and (after is None or after[0] != before[0]):
            gathered.changes.append((before[0], None))
            units += write_units(record_size(before[1]))
        if after is not None:
            gathered.changes.append(after)
            replaced = before is not None and before[0] == after[0]
            units += write_units(
                max(record_size(after[1]), record_size(before[1]) if before and replaced else 0)
            )
        gathered.units[index.name] = units
        sizes = [0 if entry is None else record_size(entry[1]) for entry in (before, after)]
        items = (after is not None) - (before is not None)
        gathered.growth.append(Growth(number=index.number, items=items, size=sizes[1] - sizes[0]))
    return gathered


def index_entries(table: TableSchema, record: bytes | None) -> dict[str, tuple[bytes, bytes]]:
    """Key and record of an item in each index that it is in, by the index's name."""
    if record is None:
        return {}
    item = part_of(record, table.indexed_names)
    found = {name: _entry(table, index, record, item) for name, index in table.indexes.items()}
    return {name: entry for name, entry in found.items() if entry is not None}


def index_entry(table: TableSchema, index: IndexSchema, record: bytes) -> tuple[bytes, bytes] | None:
    """The same in one index; None: it is not in it."""
    return _entry(table, index, record, part_of(record, table.indexed_names))


def _entry(table: TableSchema, index: IndexSchema, record: bytes, item: Item) -> tuple[bytes, bytes] | None:
    key = index_key(table, index, item)
    if key is None:
        return None
    held = table.projected(index)
    shown = record if held is None else pack({name: item[name] for name in item if name in held})
    return key, shown
