"""The whole service against a dictionary: all operations in any order, and crashes between them."""

from __future__ import annotations

import os
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from tests.support.service_machine.reading import Reading
from tests.support.service_machine.replicas import Replicas
from tests.support.service_machine.single_items import SingleItems
from tests.support.service_machine.statements import Statements
from tests.support.service_machine.streams import Streams
from tests.support.service_machine.tables import Tables
from tests.support.service_machine.transactions import Transactions
from tests.support.table_model import same_items

EXAMPLES = int(os.environ.get("EXAMPLES", "12"))
"""A long run sets more: EXAMPLES=1000 pytest -o faulthandler_timeout=0 takes minutes."""


class ServiceMatchesModel(SingleItems, Transactions, Statements, Reading, Tables, Streams, Replicas):
    @rule(minutes=st.sampled_from([1, 11, 250]))
    def time_passes(self, minutes: int) -> None:
        self.service.now += timedelta(minutes=minutes)
        if minutes > 10:
            self.tokens.clear()

    @invariant()
    def the_items_are_those_of_the_model(self) -> None:
        found = self.ask("Scan", {})["Items"]
        assert same_items(found, list(self.table.items.values()))
        table = self.describe()
        indexes = table.get("GlobalSecondaryIndexes", []) + table["LocalSecondaryIndexes"]
        assert table["ItemCount"] == len(self.table.items)
        assert {one["IndexName"]: one["ItemCount"] for one in indexes} == {
            name: len(self.table.entries(name)) for name in self.table.indexes
        }


TestServiceMatchesModel = ServiceMatchesModel.TestCase
TestServiceMatchesModel.settings = settings(max_examples=EXAMPLES, stateful_step_count=25, deadline=None)
