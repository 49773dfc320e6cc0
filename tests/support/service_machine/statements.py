"""PartiQL."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.support import naive_expressions as naive
from tests.support.service_machine.machine import Machine
from tests.support.service_requests import PARTIQL_UPDATES, items, keys, literal
from tests.support.table_model import Item, Refused, same, same_items


class Statements(Machine):
    @rule(item=items)
    def insert(self, item: Item) -> None:
        def expected() -> Item | None:
            new = self.table.after_put(item)
            if self.table.at(item) is not None:
                raise Refused("DuplicateItemException")
            return new

        statement = {"Statement": f"INSERT INTO things VALUE {literal({'M': item})}"}
        answer, new = self.agree("ExecuteStatement", statement, expected)
        if answer is not None:
            self.table.store(item, new)

    @rule(key=keys, change=st.sampled_from(PARTIQL_UPDATES))
    def state_update(self, key: Item, change: Any) -> None:
        text, actions, tree = change
        where = f"p = {literal(key['p'])} AND s = {literal(key['s'])}"
        statement = {"Statement": f"UPDATE things {text} WHERE {where} AND n > 0 RETURNING ALL NEW *"}
        more = ("compare", ">", ("path", ("n",)), ("value", {"N": "0"}))

        def expected() -> Item:
            self.table.check(("call", "attribute_exists", (("path", ("p",)),)), self.table.at(key))
            new = self.table.after_update(key, actions, more if tree is None else ("and", more, tree))
            return {"item": new}

        answer, new = self.agree("ExecuteStatement", statement, expected)
        if answer is not None:
            assert same_items(answer["Items"], [new["item"]])
            self.table.store(key, new["item"])

    @rule(key=keys, other=keys)
    def state_delete_and_select(self, key: Item, other: Item) -> None:
        parameters = [key["p"], key["s"]]
        before = self.table.at(key)
        answer = self.call(
            "ExecuteStatement",
            {
                "Statement": "DELETE FROM things WHERE p = ? AND s = ? RETURNING ALL OLD *",
                "Parameters": parameters,
            },
        )
        assert same_items(answer["Items"], [] if before is None else [before])
        self.table.store(key, None)
        select = "SELECT * FROM things WHERE p = ? AND s = ?"
        statements = [{"Statement": select, "Parameters": [one["p"], one["s"]]} for one in (key, other)]
        batch = self.call("BatchExecuteStatement", {"Statements": statements})["Responses"]
        assert batch[0] == {"TableName": "things"}
        assert same(batch[1].get("Item"), self.table.at(other))
        found = self.call("ExecuteStatement", {"Statement": "SELECT * FROM things WHERE n >= 1 OR g = 'red'"})
        wanted = [
            item
            for item in self.table.items.values()
            if item.get("g") == {"S": "red"} or naive.below({"N": "0.999"}, item.get("n"))
        ]
        assert same_items(found["Items"], wanted)
