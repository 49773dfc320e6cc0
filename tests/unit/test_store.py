from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from casemate.servicekit.store import Store


@dataclass(frozen=True, kw_only=True)
class Thing:
    name: str
    tags: dict[str, str]


def test_records_survive_reopening(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db")
    things = store.collection("t.things", Thing)
    with store.transaction():
        things.put(("a", "1"), Thing(name="one", tags={"k": "v"}))
        things.put(("a", "2"), Thing(name="two", tags={}))
    with store.transaction():
        things.delete("a", "2")
        things.put(("b", "1"), Thing(name="three", tags={}))
        things.put(("a", "1"), Thing(name="uno", tags={}))
    store.close()
    again = Store(tmp_path / "s.db").collection("t.things", Thing)
    assert [thing.name for thing in again.values()] == ["uno", "three"]
    assert again.values("a") == [Thing(name="uno", tags={})]


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.db")
    things = store.collection("t.things", Thing)
    seen: list[frozenset[str]] = []
    store.subscribe(seen.append)
    with store.transaction():
        things.put(("1",), Thing(name="kept", tags={}))
    with pytest.raises(ValueError, match="stop"), store.transaction():
        things.put(("2",), Thing(name="gone", tags={}))
        things.delete("1")
        raise ValueError("stop")
    assert [thing.name for thing in things.values()] == ["kept"]
    assert seen == [frozenset({"t.things"})]
    store.close()
    assert len(Store(tmp_path / "s.db").collection("t.things", Thing)) == 1


def test_writing_outside_a_transaction_is_a_defect() -> None:
    things = Store(None).collection("t.things", Thing)
    with pytest.raises(AssertionError):
        things.put(("1",), Thing(name="x", tags={}))
