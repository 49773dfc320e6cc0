"""Query and Scan, with their filters, pages, segments and counts."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.support import naive_expressions as naive
from tests.support.service_machine.machine import Machine
from tests.support.service_requests import CONDITIONS, OLD_FILTER, QUERIES, Condition, Query, described
from tests.support.table_model import Item, same_items


class Reading(Machine):
    @rule(
        query=st.sampled_from(QUERIES),
        limit=st.sampled_from([None, 1, 2]),
        forward=st.booleans(),
        counted=st.booleans(),
    )
    def query(self, query: Query, limit: int | None, forward: bool, counted: bool) -> None:
        if query.index is not None and query.index not in self.table.indexes:
            return
        members = {**query.members, "ScanIndexForward": forward}
        found, seen, count = self._pages("Query", members, limit)
        entries = [item for item in self.table.entries(query.index) if naive.holds(query.key, item)]
        wanted = [item for item in entries if query.filter is None or naive.holds(query.filter, item)]
        assert seen == len(entries)
        assert count == len(wanted)
        order = [naive.rank(item[query.order]) for item in found]
        assert order == sorted(order, reverse=not forward)
        assert same_items(found, wanted)
        if counted:
            answer = self.ask("Query", {**members, "Select": "COUNT"})
            assert (answer["Count"], answer["ScannedCount"]) == (len(wanted), len(entries))
            assert "Items" not in answer

    @rule(
        total=st.integers(1, 3),
        limit=st.sampled_from([None, 1, 3]),
        index=st.sampled_from([None, "global", "local", "late"]),
    )
    def scan(self, total: int, limit: int | None, index: str | None) -> None:
        if index is not None and index not in self.table.indexes:
            return
        where = {} if index is None else {"IndexName": index}
        entries = self.table.entries(index)
        found: list[Item] = []
        for segment in range(total):
            found += self._pages("Scan", {**where, "Segment": segment, "TotalSegments": total}, limit)[0]
        assert same_items(found, entries)
        condition = CONDITIONS[2]
        filtered = {"FilterExpression": condition.text, **described(condition.values)}
        some, _, _ = self._pages("Scan", {**where, **filtered}, limit)
        assert same_items(some, self._filtered(index, entries, condition))
        old = {"ScanFilter": OLD_FILTER.values, "ConditionalOperator": OLD_FILTER.text}
        answer = self.ask("Scan", {**where, **old})
        assert same_items(answer["Items"], self._filtered(index, entries, OLD_FILTER))

    def _filtered(self, index: str | None, entries: list[Item], condition: Condition) -> list[Item]:
        """A filter sees what an index holds; a local one fetches for it what it does not, and does not show that."""
        if index != "local":
            return [item for item in entries if naive.holds(condition.tree, item)]
        local = self.table.indexes["local"]
        whole = [item for item in self.table.items.values() if local.holds(item)]
        return [self.table.held(local, item) for item in whole if naive.holds(condition.tree, item)]

    def _pages(self, operation: str, members: Item, limit: int | None) -> tuple[list[Item], int, int]:
        found: list[Item] = []
        seen = count = 0
        start: Item = {}
        while True:
            page = self.ask(operation, {**members, **({} if limit is None else {"Limit": limit}), **start})
            assert limit is None or page["ScannedCount"] <= limit
            found += page["Items"]
            seen, count = seen + page["ScannedCount"], count + page["Count"]
            if "LastEvaluatedKey" not in page:
                return found, seen, count
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
