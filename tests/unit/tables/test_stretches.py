"""What goes through whole tables does so a stretch at a time: few items, and few bytes, and of the right table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.support.tables import GLOBAL, PLAIN, TABLE

from casemate.tables.engine import TablesEngine
from casemate.tables.expiry import Expiry
from casemate.tables.reads import Reading
from casemate.tables.schema import StreamSchema
from casemate.tables.storage import Change
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.stretches import BYTES, ENTRIES

LARGE = 300_000
FEW = 20
NOW = 1_800_000_000.0
BACKUP = b"b" * 16
FOLLOWED = replace(
    PLAIN, recoverable=True, stream=StreamSchema(stream_id=b"s" * 16, view="NEW_AND_OLD_IMAGES")
)


class Watched(MemoryStorage):
    """Notes how much each write is of."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def write(self, changes: Sequence[Change]) -> None:
        self.sizes.append(sum(len(value) for _, value in changes if value is not None))
        super().write(changes)


@pytest.fixture
def storage() -> Watched:
    return Watched()


@pytest.fixture
def engine(storage: Watched) -> TablesEngine:
    engine = TablesEngine(storage, now=lambda: NOW)
    engine.changes.open(b"s" * 16)
    for number in range(FEW):
        key: dict[str, Any] = {"p": f"{number:05}", "e": Decimal(int(NOW) - 60)}
        engine.put_item(FOLLOWED, {**key, "x": "z" * LARGE})
        indexed = {"s": Decimal(0), "g": "g", "h": Decimal(1), "l": "l", "extra": "z" * LARGE}
        engine.put_item(TABLE, {**key, **indexed})
    storage.sizes.clear()
    return engine


def _gone_through(steps: Iterator[None]) -> None:
    for _ in steps:
        """Nobody else is here."""


def _placed(step: Any) -> None:
    place: bytes | None = None
    while (place := step(place)) is not None:
        """On."""


def test_a_step_of_large_items_is_of_few(engine: TablesEngine, storage: Watched) -> None:
    most = BYTES + 2 * LARGE
    replica = replace(PLAIN, table_id=b"r" * 16)
    _gone_through(engine.backups.take(PLAIN.table_id, BACKUP))
    _gone_through(engine.backups.restore(BACKUP, b"x" * 16))
    _gone_through(engine.backups.restore_past(PLAIN.table_id, NOW + 60, b"y" * 16))
    _placed(lambda place: engine.copy_some(PLAIN, replica, place))
    _placed(lambda place: engine.fill_index(TABLE, GLOBAL, place))
    assert sum(storage.sizes) > 5 * FEW * LARGE
    assert max(storage.sizes) < most
    storage.sizes.clear()
    expiry = Expiry(attribute="e", now=NOW)
    _placed(lambda place: engine.expire(FOLLOWED, expiry, place))
    # Each is written twice: to the stream, and to be undone.
    assert sum(storage.sizes) > 2 * FEW * LARGE
    assert max(storage.sizes) < 2 * most
    assert engine.holding(PLAIN.table_id).items == 0


def test_going_back_over_many_writes_is_a_matter_of_steps_too(storage: Watched) -> None:
    now = [NOW]
    engine = TablesEngine(storage, now=lambda: now[0])
    engine.put_item(FOLLOWED, {"p": "one", "x": "first"})
    now[0] += 1
    for number in range(20):
        engine.put_item(FOLLOWED, {"p": "one", "x": str(number) + "z" * LARGE})
    steps = list(engine.backups.restore_past(PLAIN.table_id, NOW, b"y" * 16))
    assert len(steps) > 20 * LARGE // (BYTES + LARGE)
    (record,) = engine.scan(Reading(table=replace(PLAIN, table_id=b"y" * 16))).items
    assert record["x"] == {"S": "first"}


def test_a_place_in_another_table_is_none() -> None:
    """A table may be deleted and made anew under its name between two stretches: its keys lie elsewhere then."""
    storage = MemoryStorage()
    engine = TablesEngine(storage, now=lambda: NOW)
    low, middle, high = (replace(PLAIN, table_id=bytes([number]) * 16) for number in (1, 5, 9))
    expired = Decimal(int(NOW) - 60)
    engine.create(high)
    for number in range(2 * ENTRIES):
        engine.put_item(low, {"p": str(number), "e": expired})
        engine.put_item(middle, {"p": str(number), "e": expired, "secret": "of another account"})
        engine.put_item(high, {"p": str(number), "e": expired + 3600})
    expiry = Expiry(attribute="e", now=NOW)
    place = engine.expire(low, expiry, None)
    while place is not None:
        place = engine.expire(high, expiry, place)
    assert engine.holding(high.table_id).items == 2 * ENTRIES, "what expired was another table's"

    replica = replace(PLAIN, table_id=b"\xaa" * 16)
    place = engine.copy_some(low, replica, None)
    while place is not None:
        place = engine.copy_some(high, replica, place)
    items = engine.scan(Reading(table=replica)).items
    assert all("secret" not in item for item in items)
