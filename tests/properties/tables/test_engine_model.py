"""The engine against a model that keeps items in a dictionary and reads them all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.tables import GLOBAL, LOCAL, TABLE, query, update

from casemate.model.errors import AwsError
from casemate.tables.engine import TablesEngine
from casemate.tables.reads import Page, Reading
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.values import item_from_wire
from casemate.tables.writes import Written

partitions = st.sampled_from(["a", "b", "\x00"])
sorts = st.sampled_from(["-2", "-1.5", "0", "1e3", "7"])
local_keys = st.none() | st.sampled_from(["", "x", "xy", "y\x00"]).filter(bool)
global_keys = st.none() | st.sampled_from(["red", "blue"])
Key = tuple[str, float]


class EngineMatchesModel(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.engine = TablesEngine(MemoryStorage())
        self.items: dict[Key, dict[str, Any]] = {}

    def note(self, key: Key, written: Written) -> None:
        before = self.items.get(key)
        assert written.old_item == before
        if written.new_item is None:
            self.items.pop(key, None)
        else:
            self.items[key] = written.new_item

    @rule(p=partitions, s=sorts, left=local_keys, g=global_keys, h=sorts, extra=st.integers(0, 3))
    def put(self, p: str, s: str, left: str | None, g: str | None, h: str, extra: int) -> None:
        item: dict[str, Any] = {"p": {"S": p}, "s": {"N": s}, "h": {"N": h}, "extra": {"N": str(extra)}}
        if left is not None:
            item["l"] = {"S": left}
        if g is not None:
            item["g"] = {"S": g}
        self.note((p, float(s)), self.engine.put_item(TABLE, item_from_wire(item)))
        assert self.items[p, float(s)].keys() == item.keys()

    @rule(p=partitions, s=sorts)
    def delete(self, p: str, s: str) -> None:
        self.note(
            (p, float(s)), self.engine.delete_item(TABLE, item_from_wire({"p": {"S": p}, "s": {"N": s}}))
        )
        assert (p, float(s)) not in self.items

    @rule(p=partitions, s=sorts, h=sorts)
    def move_in_index(self, p: str, s: str, h: str) -> None:
        key = {"p": {"S": p}, "s": {"N": s}}
        self.note(
            (p, float(s)),
            update(self.engine, key, "SET h = :h REMOVE l ADD n :one", {":h": {"N": h}, ":one": {"N": "1"}}),
        )

    @rule(p=partitions, s=sorts)
    def refused(self, p: str, s: str) -> None:
        with pytest.raises(AwsError, match="ConditionalCheckFailed"):
            update(
                self.engine,
                {"p": {"S": p}, "s": {"N": s}},
                "SET x = :x",
                {":x": {"S": "x"}},
                condition="p = :x",
            )

    @rule(p=partitions, low=sorts, high=sorts, forward=st.booleans(), limit=st.integers(1, 3))
    def query_pages(self, p: str, low: str, high: str, forward: bool, limit: int) -> None:
        low, high = sorted((low, high), key=float)
        values = {":p": {"S": p}, ":l": {"N": low}, ":h": {"N": high}}
        found: list[float] = []
        start: Any = None
        while True:
            page = query(
                self.engine,
                "p = :p AND s BETWEEN :l AND :h",
                values,
                limit=limit,
                forward=forward,
                start_after=None if start is None else item_from_wire(start),
            )
            found += [float(item["s"]["N"]) for item in page.items]
            assert page.scanned <= limit
            if page.last_key is None:
                break
            start = page.last_key
        expected = sorted(s for q, s in self.items if q == p and float(low) <= s <= float(high))
        assert found == (expected if forward else expected[::-1])

    @rule(g=st.sampled_from(["red", "blue"]), h=sorts)
    def query_global(self, g: str, h: str) -> None:
        page = query(self.engine, "g = :g AND h > :h", {":g": {"S": g}, ":h": {"N": h}}, index=GLOBAL)
        expected = [
            i for i in self.items.values() if i.get("g") == {"S": g} and float(i["h"]["N"]) > float(h)
        ]
        assert [float(item["h"]["N"]) for item in page.items] == sorted(float(i["h"]["N"]) for i in expected)
        names = {"p", "s", "g", "h", "extra"}
        shown = sorted(map(repr, ({k: i[k] for k in sorted(names) if k in i} for i in expected)))
        assert sorted(repr({k: i[k] for k in sorted(i)}) for i in page.items) == shown

    @rule(p=partitions, prefix=st.sampled_from(["x", "xy", "y\x00", "z"]))
    def query_local(self, p: str, prefix: str) -> None:
        values = {":p": {"S": p}, ":l": {"S": prefix}}
        page = query(self.engine, "p = :p AND begins_with(l, :l)", values, index=LOCAL, fetch=True)
        expected = [
            i
            for i in self.items.values()
            if i["p"]["S"] == p and i.get("l", {"S": ""})["S"].startswith(prefix)
        ]
        assert sorted(map(repr, page.items)) == sorted(map(repr, expected))

    @rule(total=st.integers(1, 4))
    def scan_segments(self, total: int) -> None:
        pages: list[Page] = [
            self.engine.scan(Reading(table=TABLE), segment=segment, total_segments=total)
            for segment in range(total)
        ]
        keys = [(item["p"]["S"], float(item["s"]["N"])) for page in pages for item in page.items]
        assert sorted(keys) == sorted(self.items)

    @invariant()
    def counts_are_right(self) -> None:
        items = list(self.items.values())
        assert self.engine.holding(TABLE.table_id, 0).items == len(items)
        assert self.engine.holding(TABLE.table_id, 1).items == sum("l" in item for item in items)
        assert self.engine.holding(TABLE.table_id, 2).items == sum(
            "g" in item and "h" in item for item in items
        )
        fresh = TablesEngine(self.engine._storage)
        for number in (0, 1, 2):
            assert self.engine.holding(TABLE.table_id, number) == fresh.holding(TABLE.table_id, number)


TestEngineMatchesModel = EngineMatchesModel.TestCase
TestEngineMatchesModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
