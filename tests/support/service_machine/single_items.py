"""PutItem, UpdateItem, DeleteItem and GetItem."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.support import naive_expressions as naive
from tests.support.service_machine.machine import Machine
from tests.support.service_requests import (
    CHOICES,
    CONDITIONS,
    LEGACY_CONDITIONS,
    LEGACY_UPDATES,
    UPDATES,
    Condition,
    Update,
    conditioned,
    items,
    keys,
    merged,
)
from tests.support.table_model import Item, same

conditions = st.sampled_from([None, *CONDITIONS])
updates = st.sampled_from(UPDATES)


class SingleItems(Machine):
    @rule(item=items, condition=conditions, old=st.booleans())
    def put(self, item: Item, condition: Condition | None, old: bool) -> None:
        before = self.table.at(item)
        members = {"Item": item, "ReturnValues": "ALL_OLD" if old else "NONE", **conditioned(condition)}
        answer, new = self.agree(
            "PutItem",
            {"TableName": "things", **members},
            lambda: self.table.after_put(item, condition and condition.tree),
        )
        if answer is not None:
            assert same(answer.get("Attributes"), before if old else None)
            self.table.store(item, new)

    @rule(key=keys, condition=conditions)
    def delete(self, key: Item, condition: Condition | None) -> None:
        before = self.table.at(key)
        members = {"Key": key, "ReturnValues": "ALL_OLD", **conditioned(condition)}
        answer, _ = self.agree(
            "DeleteItem",
            {"TableName": "things", **members},
            lambda: self.table.after_delete(key, condition and condition.tree),
        )
        if answer is not None:
            assert same(answer.get("Attributes"), before)
            self.table.store(key, None)

    @rule(key=keys, update=updates, condition=conditions, wanted=st.sampled_from(CHOICES))
    def update(self, key: Item, update: Update, condition: Condition | None, wanted: str) -> None:
        before = self.table.at(key)
        members = {"Key": key, "ReturnValues": wanted, **merged(update, condition)}
        answer, new = self.agree(
            "UpdateItem",
            {"TableName": "things", **members},
            lambda: {"item": self.table.after_update(key, update.actions, condition and condition.tree)},
        )
        if answer is None:
            return
        after = new["item"]
        paths = [action[1] for action in update.actions]
        chosen = {
            "NONE": None,
            "ALL_OLD": before,
            "ALL_NEW": after,
            "UPDATED_OLD": before and naive.projected(paths, before),
            "UPDATED_NEW": after and naive.projected(paths, after),
        }[wanted]
        assert same(answer.get("Attributes"), chosen or None)
        self.table.store(key, after)

    @rule(
        key=keys,
        change=st.sampled_from(LEGACY_UPDATES),
        condition=st.sampled_from([None, *LEGACY_CONDITIONS]),
    )
    def update_as_of_old(self, key: Item, change: Any, condition: Any) -> None:
        given, actions = change
        members: Item = {"Key": key, "AttributeUpdates": given, "ReturnValues": "ALL_NEW"}
        tree = None
        if condition is not None:
            members["Expected"], tree = condition
        answer, new = self.agree(
            "UpdateItem",
            {"TableName": "things", **members},
            lambda: {"item": self.table.after_update(key, actions, tree)},
        )
        if answer is not None:
            assert same(answer.get("Attributes"), new["item"])
            self.table.store(key, new["item"])

    @rule(key=keys)
    def get(self, key: Item) -> None:
        assert same(self.ask("GetItem", {"Key": key}).get("Item"), self.table.at(key))
        some = self.ask("GetItem", {"Key": key, "ProjectionExpression": "n, m.k, ls[1], absent"}).get("Item")
        item = self.table.at(key)
        paths = [("n",), ("m", "k"), ("ls", 1), ("absent",)]
        assert same(some, None if item is None else naive.projected(paths, item))
        old = self.ask("GetItem", {"Key": key, "AttributesToGet": ["n", "l"]}).get("Item")
        assert same(old, None if item is None else naive.projected([("n",), ("l",)], item))
