"""Batches and transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.support import naive_expressions as naive
from tests.support.service_machine.machine import Machine
from tests.support.service_requests import (
    CONDITIONS,
    UPDATES,
    Condition,
    Update,
    conditioned,
    items,
    keys,
    merged,
)
from tests.support.table_model import CONDITION, VALIDATION, Item, Refused, same, same_items

writes = st.tuples(
    st.sampled_from(("put", "update", "delete", "check")),
    items,
    st.sampled_from(UPDATES),
    st.sampled_from([None, *CONDITIONS]),
)


def distinctly(key: Item) -> Any:
    return naive.rank(key["p"]), naive.rank(key["s"])


class Transactions(Machine):
    @rule(given=st.lists(st.tuples(items, st.booleans()), min_size=1, max_size=4))
    def batch_write(self, given: list[tuple[Item, bool]]) -> None:
        requests = [
            {"PutRequest": {"Item": item}} if put else {"DeleteRequest": {"Key": self.table.keys_in(item)}}
            for item, put in given
        ]

        def expected() -> list[tuple[Item, Item | None]]:
            after = [(item, self.table.after_put(item) if put else None) for item, put in given]
            if len({self.table.key_of(item) for item, _ in given}) < len(given):
                raise Refused(VALIDATION)
            return after

        answer, after = self.agree("BatchWriteItem", {"RequestItems": {"things": requests}}, expected)
        if answer is not None:
            assert answer["UnprocessedItems"] == {}
            for key, new in after:
                self.table.store(key, new)

    @rule(given=st.lists(keys, min_size=1, max_size=4, unique_by=distinctly))
    def get_many(self, given: list[Item]) -> None:
        batch = self.call("BatchGetItem", {"RequestItems": {"things": {"Keys": given}}})
        present = [item for key in given if (item := self.table.at(key)) is not None]
        assert same_items(batch["Responses"]["things"], present)
        transaction = [{"Get": {"TableName": "things", "Key": key}} for key in given]
        responses = self.call("TransactGetItems", {"TransactItems": transaction})["Responses"]
        assert all(
            same(one.get("Item"), self.table.at(key)) for one, key in zip(responses, given, strict=True)
        )

    @rule(given=st.lists(writes, min_size=1, max_size=4), token=st.sampled_from([None, None, "one", "two"]))
    def transact(self, given: list[Any], token: str | None) -> None:
        actions = [self._action(*one) for one in given]
        request: Item = {"TransactItems": [action for action, _, _ in actions]}
        if token is not None:
            request["ClientRequestToken"] = token
            if token in self.tokens:
                self._repeat(token, request)
                return
        codes, after = self._outcome(actions)
        distinct = len({self.table.key_of(key) for _, key, _ in actions}) == len(actions)
        _, refusal = self.tried("TransactWriteItems", request)
        if not distinct:
            assert (refusal and refusal.code) == VALIDATION
            return
        if set(codes) != {"None"}:
            assert refusal is not None
            assert [reason["Code"] for reason in refusal.body["CancellationReasons"]] == codes, refusal
            return
        assert refusal is None
        for key, new in after:
            self.table.store(key, new)
        if token is not None:
            self.tokens[token] = request

    def _repeat(self, token: str, request: Item) -> None:
        """Within ten minutes a token stands for the request it came with first."""
        known = self.tokens[token]
        self.call("TransactWriteItems", known)
        _, refusal = self.tried("TransactWriteItems", request)
        assert (refusal and refusal.code) == (
            None if request == known else "IdempotentParameterMismatchException"
        )

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), dies=st.booleans())
    def send_again(self, data: st.DataObject, dies: bool) -> None:
        """As a client does that had no answer; the items stay as they are, even if another process is asked."""
        if dies:
            self.reopen()
        self.call("TransactWriteItems", self.tokens[data.draw(st.sampled_from(sorted(self.tokens)))])

    def _action(
        self, kind: str, item: Item, update: Update, condition: Condition | None
    ) -> tuple[Item, Item, Callable[[], Item | None]]:
        table, key = {"TableName": "things"}, self.table.keys_in(item)
        tree = condition and condition.tree
        if kind == "put":
            given = {"Put": {**table, "Item": item, **conditioned(condition)}}
            return given, key, lambda: self.table.after_put(item, tree)
        if kind == "update":
            given = {"Update": {**table, "Key": key, **merged(update, condition)}}
            return given, key, lambda: self.table.after_update(key, update.actions, tree)
        if kind == "delete":
            given = {"Delete": {**table, "Key": key, **conditioned(condition)}}
            return given, key, lambda: self.table.after_delete(key, tree)
        condition = condition or CONDITIONS[0]
        given = {"ConditionCheck": {**table, "Key": key, **conditioned(condition)}}

        def checked() -> Item | None:
            self.table.check(condition.tree, self.table.at(key))
            return self.table.at(key)

        return given, key, checked

    def _outcome(self, actions: list[Any]) -> tuple[list[str], list[tuple[Item, Item | None]]]:
        codes: list[str] = []
        after: list[tuple[Item, Item | None]] = []
        for _, key, expected in actions:
            try:
                after.append((key, expected()))
            except Refused as refused:
                codes.append(
                    {CONDITION: "ConditionalCheckFailed", VALIDATION: "ValidationError"}[refused.code]
                )
            else:
                codes.append("None")
        return codes, after
