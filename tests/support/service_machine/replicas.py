"""A replica of the table in another Region, which comes and goes and ends with what the table holds."""

from __future__ import annotations

from hypothesis.stateful import precondition, rule

from casemate.services.dynamodb.global_tables.replicator import Replicator
from casemate.services.dynamodb.names import TableRef
from casemate.tables.reads import Reading, all_at_once
from tests.support.service_machine.machine import Machine
from tests.support.table_model import same_items
from tests.support.table_service import ACCOUNT

THERE = "eu-west-1"


class Replicas(Machine):
    @precondition(lambda self: not self.table.replicated)
    @rule()
    def add_replica(self) -> None:
        self.ask("UpdateTable", {"ReplicaUpdates": [{"Create": {"RegionName": THERE}}]})
        self.table.replicated = True
        if self.table.changes is None:
            self.table.changes = []  # replicas live off their streams

    @precondition(lambda self: self.table.replicated)
    @rule()
    def remove_replica(self) -> None:
        self.ask("UpdateTable", {"ReplicaUpdates": [{"Delete": {"RegionName": THERE}}]})
        self.table.replicated = False
        assert "Replicas" not in self.describe()

    @precondition(lambda self: self.table.replicated)
    @rule()
    def the_replica_is_the_table(self) -> None:
        state, engine = self.service.state, self.service.engine
        while Replicator(state, self.service.store).tell_some():
            """Everything is told."""
        found = state.find(TableRef(account=ACCOUNT, region=THERE, name="things"))
        assert found is not None
        assert found.is_usable
        schema = found.schema
        assert same_items(engine.scan(Reading(table=schema)).items, list(self.table.items.values()))
        assert schema.indexes.keys() == self.table.indexes.keys()
        all_at_once(
            engine.count_steps(schema.table_id, [0, *(one.number for one in schema.indexes.values())])
        )
        assert engine.holding(schema.table_id).items == len(self.table.items)
        for name, index in schema.indexes.items():
            held = engine.scan(Reading(table=schema, index=index)).items
            assert same_items(held, self.table.entries(name))
            assert engine.holding(schema.table_id, index.number).items == len(held)
