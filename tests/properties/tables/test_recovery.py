"""Going back in time against a model that keeps every state, with reopening as a step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.support.tables import TABLE

from casemate.tables.engine import TablesEngine
from casemate.tables.reads import Reading
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.values import item_from_wire

RECOVERABLE = replace(TABLE, recoverable=True)
RESTORED = replace(TABLE, table_id=b"\x01" * 16)
BACKUP = b"\x02" * 16
partitions = st.sampled_from(["a", "b", "\x00"])
sorts = st.sampled_from(["-2", "0", "7"])
State = dict[tuple[str, str], str]


class PastMatchesModel(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.time = 1_000_000.0
        self.storage = MemoryStorage()
        self.reopen()
        self.state: State = {}
        self.history: list[tuple[float, State]] = [(self.time, {})]
        self.backup: State | None = None

    @rule()
    def reopen(self) -> None:
        """As after a crash: nothing is left but the storage."""
        self.engine = TablesEngine(self.storage, now=lambda: self.time)
        self.engine.undo.purge({RECOVERABLE.table_id})
        self.engine.backups.purge({BACKUP})

    def note(self) -> None:
        self.history.append((self.time, dict(self.state)))

    @rule(p=partitions, s=sorts, value=st.sampled_from(["red", "blue"]))
    def put(self, p: str, s: str, value: str) -> None:
        self.time += 0.001
        item = {"p": {"S": p}, "s": {"N": s}, "g": {"S": value}, "h": {"N": s}}
        self.engine.put_item(RECOVERABLE, item_from_wire(item))
        self.state[p, s] = value
        self.note()

    @rule(places=st.lists(st.tuples(partitions, sorts), unique=True, min_size=1, max_size=4))
    def delete_together(self, places: list[tuple[str, str]]) -> None:
        # Entries written at once have numbers of their own, microseconds on.
        self.time += 0.001
        keys = [item_from_wire({"p": {"S": p}, "s": {"N": s}}) for p, s in places]
        self.engine.commit([self.engine.plan_delete(RECOVERABLE, key) for key in keys])
        for place in places:
            self.state.pop(place, None)
        self.time += 0.001
        self.note()

    @rule()
    def back_up(self) -> None:
        self.engine.backups.drop(BACKUP)
        _go_through(self.engine.backups.take(RECOVERABLE.table_id, BACKUP))
        self.backup = dict(self.state)

    @rule()
    def restore_backup(self) -> None:
        if self.backup is not None:
            _go_through(self.engine.backups.restore(BACKUP, RESTORED.table_id))
            assert self.restored() == self.backup

    @rule(data=st.data())
    def restore_past(self, data: st.DataObject) -> None:
        moment, expected = data.draw(st.sampled_from(self.history))
        steps = self.engine.backups.restore_past(RECOVERABLE.table_id, moment + 0.0001, RESTORED.table_id)
        _go_through(steps)
        assert self.restored() == expected

    @rule(data=st.data())
    def trim(self, data: st.DataObject) -> None:
        """What lies after the moment is still there."""
        place = data.draw(st.integers(0, len(self.history) - 1))
        self.history = self.history[place:]
        self.engine.undo.trim(RECOVERABLE.table_id, self.history[0][0])

    def restored(self) -> State:
        for index in RESTORED.indexes.values():
            self.engine.build_index(RESTORED, index)
        assert self.engine.holding(RESTORED.table_id, 2).items == self.engine.holding(RESTORED.table_id).items
        items = self.engine.scan(Reading(table=RESTORED)).items
        self.engine.drop(RESTORED.table_id)
        return {(item["p"]["S"], item["s"]["N"]): item["g"]["S"] for item in items}


def _go_through(steps: Iterator[None]) -> None:
    for _ in steps:
        pass


TestPastMatchesModel = PastMatchesModel.TestCase
TestPastMatchesModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
