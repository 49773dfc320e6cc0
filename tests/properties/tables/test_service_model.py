"""The whole service against a dictionary: all operations in any order, and crashes between them."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support import naive_expressions as naive
from tests.support.replay import records_of, shards_of
from tests.support.service_requests import (
    CHOICES,
    CONDITIONS,
    LATE,
    LEGACY_CONDITIONS,
    LEGACY_UPDATES,
    OLD_FILTER,
    PARTIQL_UPDATES,
    QUERIES,
    THINGS,
    UPDATES,
    Condition,
    Query,
    Update,
    conditioned,
    described,
    items,
    keys,
    literal,
    merged,
)
from tests.support.table_model import (
    CONDITION,
    VALIDATION,
    Index,
    Item,
    ModelTable,
    Refused,
    same,
    same_items,
)
from tests.support.table_service import Refusal, TableService

from casemate.servicekit.store import Store
from casemate.tables.storage_memory import MemoryStorage

EXAMPLES = int(os.environ.get("EXAMPLES", "12"))
"""A long run sets more."""
conditions = st.sampled_from([None, *CONDITIONS])
updates = st.sampled_from(UPDATES)
writes = st.tuples(st.sampled_from(("put", "update", "delete", "check")), items, updates, conditions)


def distinctly(key: Item) -> Any:
    return naive.rank(key["p"]), naive.rank(key["s"])


class ServiceMatchesModel(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self._directory = tempfile.TemporaryDirectory()
        self._path = Path(self._directory.name) / "store.db"
        self._runner = asyncio.Runner()
        self._stores = [Store(self._path)]
        self.service = TableService(self._stores[0], MemoryStorage())
        self.begun = self.service.now
        self.call("CreateTable", THINGS)
        local, red = (
            Index(key=(("p", "S"), ("l", "S")), held=frozenset()),
            Index(key=(("g", "S"), ("h", "N")), held=frozenset({"n"})),
        )
        self.table = ModelTable(key=("p", "s"), indexes={"local": local, "global": red}, changes=[])
        self.arn = self.describe()["TableArn"]
        self.tokens: dict[str, Item] = {}

    def teardown(self) -> None:
        if hasattr(self, "_runner"):
            self.stream_tells_everything()
            self._runner.close()
            for store in self._stores:
                store.close()
            self._directory.cleanup()

    # Asking.

    def call(self, operation: str, params: Any, service: str = "dynamodb") -> Any:
        return self._runner.run(self.service.call(operation, params, service))

    def ask(self, operation: str, members: Item) -> Any:
        return self.call(operation, {"TableName": "things", **members})

    def describe(self) -> Any:
        return self.ask("DescribeTable", {})["Table"]

    def tried(self, operation: str, params: Any) -> tuple[Any, Refusal | None]:
        """The answer, or the refusal."""
        try:
            return self.call(operation, params), None
        except Refusal as refusal:
            return None, refusal

    def agree(self, operation: str, params: Any, expected: Callable[[], Any]) -> tuple[Any, Any]:
        """The answer and what was expected; (None, None) when both refuse with one code."""
        answer, refusal = self.tried(operation, params)
        try:
            wanted, code = expected(), None
        except Refused as refused:
            wanted, code = None, refused.code
        assert (refusal and refusal.code) == code, (refusal, code)
        return answer, wanted

    # Single items.

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

    # Many items.

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
        if set(codes) != {"None"}:
            assert refusal is not None
            assert [reason["Code"] for reason in refusal.body["CancellationReasons"]] == codes, refusal
            return
        assert (refusal and refusal.code) == (None if distinct else VALIDATION)
        if not distinct:
            return
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

    # PartiQL.

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

    # Reading many.

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

    # Tables.

    @precondition(lambda self: "late" not in self.table.indexes)
    @rule()
    def add_index(self) -> None:
        self.ask("UpdateTable", LATE)
        # Items that do not fit are there: they stay out.
        self.table.indexes["late"] = Index(key=(("k", "S"),))

    @precondition(lambda self: "late" in self.table.indexes)
    @rule()
    def remove_index(self) -> None:
        self.ask("UpdateTable", {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "late"}}]})
        del self.table.indexes["late"]

    @rule(key=keys)
    def other_table_lives_and_dies(self, key: Item) -> None:
        other = {**THINGS, "TableName": "other"}
        self.call("CreateTable", other)
        self.call("PutItem", {"TableName": "other", "Item": {**key, "g": {"S": "red"}, "h": {"N": "1"}}})
        self.reopen()
        assert self.call("ListTables", {})["TableNames"] == ["other", "things"]
        assert self.call("Scan", {"TableName": "other", "IndexName": "global"})["Count"] == 1
        self.call("DeleteTable", {"TableName": "other"})
        self.call("CreateTable", other)
        assert self.call("Scan", {"TableName": "other"})["Count"] == 0
        self.call("DeleteTable", {"TableName": "other"})

    @rule(name=st.sampled_from(["team", "cost"]), value=st.sampled_from([None, "blue", "red"]))
    def tag(self, name: str, value: str | None) -> None:
        arn = {"ResourceArn": self.arn}
        if value is None:
            self.call("UntagResource", {**arn, "TagKeys": [name]})
            self.table.tags.pop(name, None)
        else:
            self.call("TagResource", {**arn, "Tags": [{"Key": name, "Value": value}]})
            self.table.tags[name] = value
        tags = self.call("ListTagsOfResource", arn)["Tags"]
        assert {one["Key"]: one["Value"] for one in tags} == self.table.tags

    @rule()
    def switch_expiry(self) -> None:
        enabled = self.table.ttl is None
        self.service.now += timedelta(hours=1)
        self.tokens.clear()
        given = {"Enabled": enabled, "AttributeName": "e"}
        self.ask("UpdateTimeToLive", {"TimeToLiveSpecification": given})
        self.table.ttl = "e" if enabled else None

    @rule()
    def expire(self) -> None:
        self._runner.run(self.service.housekeeper().expire_items())
        self.table.expire(self.service.now.timestamp())

    @precondition(lambda self: self.table.changes is None)
    @rule()
    def enable_stream(self) -> None:
        given = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        self.ask("UpdateTable", {"StreamSpecification": given})
        self.table.changes = []

    @precondition(lambda self: self.table.changes is not None and len(self.table.items) > 2)
    @rule()
    def disable_stream(self) -> None:
        self.stream_tells_everything()
        self.ask("UpdateTable", {"StreamSpecification": {"StreamEnabled": False}})
        self.table.changes = None

    # The past.

    @rule(on=st.booleans())
    def switch_recovery(self, on: bool) -> None:
        self.service.now += timedelta(seconds=2)
        given = {"PointInTimeRecoveryEnabled": on}
        answer = self.ask("UpdateContinuousBackups", {"PointInTimeRecoverySpecification": given})
        status = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert status["PointInTimeRecoveryStatus"] == ("ENABLED" if on else "DISABLED")
        if not on:
            self.table.past.clear()
        elif not self.table.past:
            self.remember()

    @precondition(lambda self: self.table.past)
    @rule()
    def remember(self) -> None:
        self.service.now += timedelta(seconds=2)
        self.table.remember(self.service.now.timestamp())
        self.service.now += timedelta(seconds=2)

    @precondition(lambda self: self.table.past)
    @rule(data=st.data())
    def restore_past(self, data: st.DataObject) -> None:
        moment, expected = data.draw(st.sampled_from(self.table.past))
        members = {"SourceTableName": "things", "TargetTableName": "restored", "RestoreDateTime": moment}
        self.call("RestoreTableToPointInTime", members)
        self._check_restored(list(expected.values()))

    @rule()
    def back_up(self) -> None:
        arn = self.ask("CreateBackup", {"BackupName": "saved"})["BackupDetails"]["BackupArn"]
        self.table.backups[arn] = dict(self.table.items)

    @precondition(lambda self: self.table.backups)
    @rule(data=st.data(), delete=st.booleans())
    def restore_backup(self, data: st.DataObject, delete: bool) -> None:
        arn = data.draw(st.sampled_from(sorted(self.table.backups)))
        self.call("RestoreTableFromBackup", {"TargetTableName": "restored", "BackupArn": arn})
        self._check_restored(list(self.table.backups[arn].values()))
        if delete:
            self.call("DeleteBackup", {"BackupArn": arn})
            del self.table.backups[arn]
        listed = self.call("ListBackups", {})["BackupSummaries"]
        assert {one["BackupArn"] for one in listed} == set(self.table.backups)

    def _check_restored(self, expected: list[Item]) -> None:
        restored = {"TableName": "restored"}
        assert same_items(self.call("Scan", restored)["Items"], expected)
        held = self.call("Scan", {**restored, "IndexName": "global"})["Items"]
        index = self.table.indexes["global"]
        assert same_items(held, [self.table.held(index, item) for item in expected if index.holds(item)])
        self.call("DeleteTable", restored)

    # Time and death.

    @rule()
    def reopen(self) -> None:
        """The process is gone, and nothing of it was closed: another one begins with what was stored."""
        self._stores.append(Store(self._path))
        self.service.store = self._stores[-1]
        self.service.reopen()

    @rule(minutes=st.sampled_from([1, 11, 250]))
    def time_passes(self, minutes: int) -> None:
        self.service.now += timedelta(minutes=minutes)
        if minutes > 10:
            self.tokens.clear()

    # What always holds.

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

    @rule()
    def stream_tells_everything(self) -> None:
        """Every change in its order, each item's images one after the other, and who made it."""
        wanted = self.table.changes
        if wanted is None:
            return
        if self.service.now - self.begun > timedelta(hours=20):
            return  # records are kept for a day
        streams, arn = _Streams(self), self.describe()["LatestStreamArn"]
        found = [one for shard in shards_of(streams, arn) for one in records_of(streams, arn, shard)]
        assert len(found) == len(wanted)
        by_item: dict[Any, list[Any]] = {}
        for record in found:
            by_item.setdefault(self.table.key_of(record["dynamodb"]["Keys"]), []).append(record)
        for change in wanted:
            record = by_item[change.key].pop(0)
            images = record["dynamodb"]
            assert same(images.get("OldImage"), change.old)
            assert same(images.get("NewImage"), change.new)
            identity = record.get("userIdentity", {}).get("PrincipalId")
            assert identity == ("dynamodb.amazonaws.com" if change.expired else None)


class _Streams:
    """A client of streams, as far as `Replay` asks."""

    def __init__(self, machine: ServiceMatchesModel) -> None:
        self._machine = machine

    def describe_stream(self, **params: Any) -> Any:
        return self._machine.call("DescribeStream", params, "dynamodbstreams")

    def get_shard_iterator(self, **params: Any) -> Any:
        return self._machine.call("GetShardIterator", params, "dynamodbstreams")

    def get_records(self, **params: Any) -> Any:
        return self._machine.call("GetRecords", params, "dynamodbstreams")


TestServiceMatchesModel = ServiceMatchesModel.TestCase
TestServiceMatchesModel.settings = settings(max_examples=EXAMPLES, stateful_step_count=25, deadline=None)
