"""A stream tells everything: whoever replays it holds the table, whatever was done, whenever shards rolled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.streams import replayed
from tests.support.tables import TABLE, update

from casemate.model.errors import AwsError
from casemate.tables.change_log import SHARD_SECONDS
from casemate.tables.engine import TablesEngine
from casemate.tables.expiry import Expiry
from casemate.tables.reads import Reading
from casemate.tables.schema import StreamSchema
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.values import item_from_wire

STREAMED = replace(TABLE, stream=StreamSchema(stream_id=b"\xff" * 16, view="NEW_AND_OLD_IMAGES"))
partitions = st.sampled_from(["a", "b", "\x00"])
sorts = st.sampled_from(["-2", "0", "7"])
values = st.integers(0, 3)


def wire(p: str, s: str, **more: str) -> dict[str, Any]:
    return {"p": {"S": p}, "s": {"N": s}, **{name: {"N": text} for name, text in more.items()}}


class ReplayedStreamIsTheTable(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.storage = MemoryStorage()
        self.now = 1_800_000_000.0
        self.engine = TablesEngine(self.storage, now=lambda: self.now)
        self.engine.changes.open(b"\xff" * 16)

    @rule(p=partitions, s=sorts, value=values)
    def put(self, p: str, s: str, value: int) -> None:
        self.engine.put_item(STREAMED, item_from_wire(wire(p, s, value=str(value))))

    @rule(p=partitions, s=sorts)
    def add(self, p: str, s: str) -> None:
        update(self.engine, wire(p, s), "ADD n :one", {":one": {"N": "1"}}, table=STREAMED)

    @rule(p=partitions, s=sorts)
    def delete(self, p: str, s: str) -> None:
        self.engine.delete_item(STREAMED, item_from_wire(wire(p, s)))

    @rule(p=partitions, s=sorts)
    def refused(self, p: str, s: str) -> None:
        try:
            update(
                self.engine,
                wire(p, s),
                "SET n = :one",
                {":one": {"N": "1"}},
                condition="n > :one",
                table=STREAMED,
            )
        except AwsError:
            return

    @rule(p=partitions, moved=st.lists(sorts, min_size=1, max_size=3, unique=True), value=values)
    def transaction(self, p: str, moved: list[str], value: int) -> None:
        self.engine.commit(
            [
                self.engine.plan_put(STREAMED, item_from_wire(wire(p, s, value=str(value))))
                if number % 2
                else self.engine.plan_delete(STREAMED, item_from_wire(wire(p, s)))
                for number, s in enumerate(moved)
            ]
        )

    @rule(p=partitions, s=sorts)
    def expire(self, p: str, s: str) -> None:
        self.engine.put_item(STREAMED, item_from_wire(wire(p, s, expires=str(int(self.now) - 1))))
        expiry, place = Expiry(attribute="expires", now=self.now), None
        while (place := self.engine.expire(STREAMED, expiry, place)) is not None:
            """On to the end of the table."""
        assert self.engine.get_item(STREAMED, item_from_wire(wire(p, s))) is None

    @rule(hours=st.sampled_from([0, 1, 3]), backwards=st.booleans())
    def time_passes(self, hours: int, backwards: bool) -> None:
        # A machine's clock may be set back a little; sequence numbers grow all the same.
        self.now += -5 if backwards else hours * SHARD_SECONDS / 4

    @rule()
    def restart(self) -> None:
        self.engine = TablesEngine(self.storage, now=lambda: self.now)

    @invariant()
    def replay_is_the_table(self) -> None:
        if not hasattr(self, "engine") or self.now > 1_800_000_000 + 20 * 3600:
            return
        held = {
            (item["p"]["S"], item["s"]["N"]): item for item in self.engine.scan(Reading(table=STREAMED)).items
        }
        assert replayed(self.engine, STREAMED, ("p", "s")) == held


TestReplayedStreamIsTheTable = ReplayedStreamIsTheTable.TestCase
TestReplayedStreamIsTheTable.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
