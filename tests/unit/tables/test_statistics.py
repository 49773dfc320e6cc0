"""Counting what a table holds, while others write."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.support.tables import GLOBAL, PLAIN, TABLE

from casemate.tables.engine import TablesEngine
from casemate.tables.reads import Reading
from casemate.tables.statistics import Statistics
from casemate.tables.storage_memory import MemoryStorage

MANY = 5000


def _filled(items: int) -> tuple[MemoryStorage, TablesEngine]:
    """As after a crash: there are items, and nobody has counted them."""
    storage = MemoryStorage()
    engine = TablesEngine(storage)
    engine.commit([engine.plan_put(PLAIN, {"p": f"{number:05}"}) for number in range(items)])
    return storage, TablesEngine(storage)


def _held(engine: TablesEngine, number: int = 0, table: Any = PLAIN) -> tuple[int, int]:
    held = engine.holding(table.table_id, number)
    return held.items, held.size


def test_a_table_is_counted_in_stretches_and_its_writers_are_followed() -> None:
    _, engine = _filled(MANY)
    turns = 0
    for turns, _ in enumerate(engine.count_steps(PLAIN.table_id, [0]), 1):
        engine.put_item(PLAIN, {"p": f"0 {turns}"})
        engine.put_item(PLAIN, {"p": f"9 {turns}", "x": "more"})
        engine.delete_item(PLAIN, {"p": f"{turns:05}"})
        engine.delete_item(PLAIN, {"p": f"{MANY - turns:05}"})
    assert turns > 1
    whole = sum(1 for _ in engine.count_steps(PLAIN.table_id, [0]))
    assert whole == 0, "it is known from now on"
    items = engine.scan(Reading(table=PLAIN)).items
    assert _held(engine)[0] == len(items) == MANY
    fresh = Statistics(engine._storage)
    for _ in fresh.count(PLAIN.table_id, [0]):
        """On."""
    held = fresh.holding(PLAIN.table_id, 0)
    assert (held.items, held.size) == _held(engine)


def test_a_look_at_much_that_was_never_counted_is_short_and_is_not_believed() -> None:
    _, engine = _filled(MANY)
    assert 0 < _held(engine)[0] < MANY
    for _ in engine.count_steps(PLAIN.table_id, [0]):
        """On."""
    assert _held(engine)[0] == MANY


def test_two_count_together_and_who_gives_up_leaves_it_to_the_other() -> None:
    _, engine = _filled(MANY)
    first, second = engine.count_steps(PLAIN.table_id, [0]), engine.count_steps(PLAIN.table_id, [0])
    next(first)
    next(second)
    first.close()
    for _ in second:
        """On."""
    assert _held(engine)[0] == MANY


def test_a_table_that_is_dropped_meanwhile_is_not_remembered() -> None:
    _, engine = _filled(MANY)
    steps = engine.count_steps(PLAIN.table_id, [0])
    next(steps)
    engine.drop(PLAIN.table_id)
    steps.close()
    assert not engine._statistics._counted


def test_the_entries_of_an_index_are_followed_too() -> None:
    storage = MemoryStorage()
    engine = TablesEngine(storage)

    def item(number: int, *, red: bool = True) -> dict[str, Any]:
        more = {"g": "red", "h": Decimal(number)} if red else {}
        return {"p": "one", "s": Decimal(number), **more}

    engine.commit([engine.plan_put(TABLE, item(number)) for number in range(MANY)])
    engine = TablesEngine(storage)
    steps = engine.count_steps(TABLE.table_id, [0, GLOBAL.number])
    for number, _ in enumerate(steps):
        engine.put_item(TABLE, item(number, red=False))
        engine.put_item(TABLE, item(2 * MANY + number))
        engine.put_item(TABLE, item(MANY - 1 - number, red=False))
    fresh = Statistics(storage)
    for _ in fresh.count(TABLE.table_id, [0, GLOBAL.number]):
        """On."""
    for number in (0, GLOBAL.number):
        found = fresh.holding(TABLE.table_id, number)
        assert (found.items, found.size) == _held(engine, number, TABLE)
