"""Nobody is told what a crash of the machine could still undo: answers wait for the sync of the writes that they saw."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.lives import ARRIVAL, Life, life, sent

from casemate.app import WORKLOAD_ACCOUNT
from casemate.tables import reads
from casemate.wire.http import HttpRequest, HttpResponse

KEY = {"p": {"S": "a"}}
ITEM = {**KEY, "v": {"S": "new"}}
NAME = {"TableName": "seen"}
FAILS = {
    "ConditionExpression": "v <> :new",
    "ExpressionAttributeValues": {":new": {"S": "new"}},
}
BY_V = {
    **NAME,
    "IndexName": "by-v",
    "KeyConditionExpression": "v = :new",
    "ExpressionAttributeValues": {":new": {"S": "new"}},
}
BY_P = {
    **NAME,
    "KeyConditionExpression": "p = :p",
    "ExpressionAttributeValues": {":p": {"S": "a"}},
}
CHECK = {"ConditionCheck": {**NAME, "Key": KEY, **FAILS}}
OTHER = {"Put": {**NAME, "Item": {"p": {"S": "c"}}}}
SELECT = "SELECT * FROM seen WHERE p = 'a'"
READERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "GetItem": ("GetItem", {**NAME, "Key": KEY}, 200),
    "GetItem, consistent": ("GetItem", {**NAME, "Key": KEY, "ConsistentRead": True}, 200),
    "Query": ("Query", BY_P, 200),
    "Query backwards": ("Query", {**BY_P, "ScanIndexForward": False}, 200),
    "Query of an index": ("Query", BY_V, 200),
    "Scan": ("Scan", NAME, 200),
    "BatchGetItem": ("BatchGetItem", {"RequestItems": {"seen": {"Keys": [{"p": {"S": "b"}}, KEY]}}}, 200),
    "TransactGetItems": ("TransactGetItems", {"TransactItems": [{"Get": {**NAME, "Key": KEY}}]}, 200),
    "ExecuteStatement": ("ExecuteStatement", {"Statement": SELECT}, 200),
    "a condition that fails": ("PutItem", {**NAME, "Item": KEY, **FAILS}, 400),
    "a deletion's": ("DeleteItem", {**NAME, "Key": KEY, **FAILS}, 400),
    "an update of the wrong type": (
        "UpdateItem",
        {
            **NAME,
            "Key": KEY,
            "UpdateExpression": "ADD v :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        },
        400,
    ),
    "a transaction that is cancelled": ("TransactWriteItems", {"TransactItems": [OTHER, CHECK]}, 400),
    "a write that changes nothing": ("PutItem", {**NAME, "Item": ITEM}, 200),
}
ELSEWHERE: dict[str, tuple[str, dict[str, Any], int]] = {
    "GetItem": ("GetItem", {**NAME, "Key": {"p": {"S": "b"}}}, 200),
    "no such item": ("GetItem", {**NAME, "Key": {"p": {"S": "none"}}}, 200),
    "Query": ("Query", {**BY_P, "ExpressionAttributeValues": {":p": {"S": "b"}}}, 200),
    "Query of an index": ("Query", {**BY_V, "ExpressionAttributeValues": {":new": {"S": "other"}}}, 200),
    "Scan of another table": ("Scan", {"TableName": "orders"}, 200),
    "a condition that fails": (
        "DeleteItem",
        {**NAME, "Key": {"p": {"S": "b"}}, "ConditionExpression": "attribute_not_exists(p)"},
        400,
    ),
    "bad input": ("GetItem", {**NAME, "Key": {"q": {"S": "b"}}}, 400),
}


class Held:
    """A Casemate on disk, whose syncs wait for a gate, beside the event loop."""

    def __init__(self, one: Life) -> None:
        self.one = one
        self.gate = threading.Event()
        self.fails = False
        engine: Any = one.pipeline._services["dynamodb"].state.engine  # pyright: ignore[reportPrivateUsage]
        self.commit = engine._storage._commit
        self._sync = self.commit._sync
        self.commit._sync = self._gated

    def _gated(self) -> None:
        assert self.gate.wait(10)
        if self.fails:
            raise OSError("the disk is gone")
        self._sync()

    def hold(self) -> None:
        """From now on syncs wait, in the thread."""
        self.gate.clear()
        self.commit._away = 1000

    def ask(self, request: HttpRequest, *, shortly: bool = True) -> asyncio.Future[HttpResponse]:
        """What a connection does with a request."""
        answer: asyncio.Future[HttpResponse] = asyncio.get_running_loop().create_future()
        if shortly and self.one.pipeline.repeat(sent(request), ARRIVAL, answer.set_result):
            return answer
        return asyncio.ensure_future(self.one.pipeline.handle(request, ARRIVAL))

    def request(self, name: str, params: dict[str, Any], more: dict[str, str] | None = None) -> HttpRequest:
        return self.one.request(name, params, more=more)


@pytest.fixture(scope="module")
def running() -> Iterator[Held]:
    with life(readmits=True, ephemeral=False) as one:
        one.cloud.client("dynamodb").create_table(
            **NAME,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "v", "AttributeType": "S"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-v",
                    "KeySchema": [{"AttributeName": "v", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )
        held = Held(one)
        held.gate.set()
        yield held


@pytest.fixture
def held(running: Held) -> Iterator[Held]:
    """Items `a` and `b` are there, synced, and the next sync waits."""
    running.gate.set()
    for key in ("a", "b"):
        assert running.one.call("PutItem", {**NAME, "Item": {"p": {"S": key}, "v": {"S": "old"}}})[0] == 200
    running.hold()
    yield running
    running.gate.set()


async def turns() -> None:
    """What can be answered is."""
    for _ in range(10):
        await asyncio.sleep(0)


def warm(held: Held, call: tuple[str, dict[str, Any], int]) -> None:
    """The like of it is answered by the short ways, if any is."""
    held.gate.set()
    for _ in range(4):
        held.one.call(call[0], call[1])
    held.one.call("PutItem", {**NAME, "Item": {**KEY, "v": {"S": "old"}}})
    held.hold()


@pytest.mark.parametrize("shortly", [True, False], ids=["short way", "pipeline"])
@pytest.mark.parametrize("call", READERS.values(), ids=READERS.keys())
def test_an_answer_waits_for_the_write_that_it_saw(
    held: Held, call: tuple[str, dict[str, Any], int], shortly: bool
) -> None:
    if shortly:
        warm(held, call)

    async def ask() -> None:
        write = held.ask(held.request("PutItem", {**NAME, "Item": ITEM}))
        await turns()
        read = held.ask(held.request(call[0], call[1]), shortly=shortly)
        await turns()
        assert not write.done()
        assert not read.done()
        held.gate.set()
        assert (await write).status == 200
        assert (await read).status == call[2]

    held.one.runner.run(ask())


@pytest.mark.parametrize("call", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_an_answer_waits_for_nothing_that_it_did_not_see(
    held: Held, call: tuple[str, dict[str, Any], int]
) -> None:
    async def ask() -> None:
        write = held.ask(held.request("PutItem", {**NAME, "Item": ITEM}))
        await turns()
        read = held.ask(held.request(call[0], call[1]))
        await turns()
        assert read.done()
        assert read.result().status == call[2]
        assert not write.done()
        held.gate.set()
        await write

    held.one.runner.run(ask())


def test_a_deletion_is_seen_too(held: Held) -> None:
    async def ask() -> None:
        deletion = held.ask(held.request("DeleteItem", {**NAME, "Key": KEY}))
        await turns()
        reads = [
            held.ask(held.request(name, params)) for name, params, _ in (READERS["GetItem"], READERS["Query"])
        ]
        await turns()
        assert not any(one.done() for one in reads)
        held.gate.set()
        assert [json.loads((await one).body).get("Item") for one in reads] == [None, None]
        await deletion

    held.one.runner.run(ask())


def test_records_of_a_stream_wait_for_their_writes(held: Held) -> None:
    tables = held.one.cloud.client("dynamodb")
    arn = tables.describe_table(**NAME)["Table"]["LatestStreamArn"]
    target = "DynamoDBStreams_20120810."

    def request(name: str, params: dict[str, Any]) -> HttpRequest:
        return held.request(name, params, {"X-Amz-Target": target + name})

    async def ask() -> None:
        described = await held.ask(request("DescribeStream", {"StreamArn": arn}))
        shard = json.loads(described.body)["StreamDescription"]["Shards"][0]["ShardId"]
        where = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "LATEST"}
        iterator = json.loads((await held.ask(request("GetShardIterator", where))).body)
        empty = held.ask(request("GetRecords", iterator))
        await turns()
        assert json.loads(empty.result().body)["Records"] == []
        write = held.ask(held.request("PutItem", {**NAME, "Item": ITEM}))
        await turns()
        read = held.ask(request("GetRecords", iterator))
        await turns()
        assert not read.done()
        held.gate.set()
        assert len(json.loads((await read).body)["Records"]) == 1
        await write

    held.one.runner.run(ask())


def test_who_sees_what_is_being_synced_does_not_wait_for_the_next_sync(held: Held) -> None:
    async def ask() -> None:
        first = held.ask(held.request("PutItem", {**NAME, "Item": ITEM}))
        await turns()
        held.ask(held.request("PutItem", {**NAME, "Item": {"p": {"S": "b"}, "v": {"S": "new"}}}))
        read = held.ask(held.request("GetItem", {**NAME, "Key": KEY}))
        await turns()
        under_way: Any = held.commit._under_way
        assert len(under_way.waiters) == 2
        assert len(held.commit._waiting) == 1
        held.gate.set()
        await asyncio.gather(first, read)

    held.one.runner.run(ask())


@pytest.mark.parametrize(
    ("shortly", "fails"), [(True, False), (False, True)], ids=["short way", "pipeline, failing"]
)
def test_a_read_of_several_turns_waits_for_what_it_saw_in_each(
    shortly: bool, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though others ask in between, and its last stretch sees nothing that is not synced."""
    with life(readmits=True, ephemeral=False) as one:
        one.cloud.client("dynamodb").create_table(
            **NAME,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "p", "AttributeType": "S"},
                {"AttributeName": "s", "AttributeType": "N"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        monkeypatch.setattr(reads, "STRETCH", 1)
        held = Held(one)
        held.gate.set()
        for number in range(6):
            assert one.call("PutItem", {**NAME, "Item": {**KEY, "s": {"N": str(number)}}})[0] == 200
        for _ in range(4):
            one.call("Query", BY_P)
        held.hold()

        async def ask() -> tuple[HttpResponse, HttpResponse]:
            write = held.ask(
                held.request("PutItem", {**NAME, "Item": {**KEY, "s": {"N": "0"}, "v": {"S": "new"}}})
            )
            await turns()
            read = held.ask(held.request("Query", BY_P), shortly=shortly)
            other = {**NAME, "Key": {**KEY, "s": {"N": "5"}}}
            for _ in range(10):
                await held.ask(held.request("GetItem", other))
                await turns()
            assert not write.done()
            assert not read.done()
            held.fails = fails
            held.gate.set()
            return await write, await read

        write, read = one.runner.run(ask())
        assert (write.status, read.status) == ((500, 500) if fails else (200, 200))
        assert fails or json.loads(read.body)["Count"] == 6


def test_a_read_of_several_turns_is_given_up_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would go on in a database that is closed."""
    monkeypatch.setattr(reads, "STRETCH", 1)
    with life(readmits=True, ephemeral=False) as one:
        for number in range(6):
            one.call("PutItem", {"TableName": "orders", "Item": {**KEY, "s": {"N": str(number)}}})
        query = {**BY_P, "TableName": "orders"}
        for _ in range(4):
            one.call("Query", query)

        async def ask() -> None:
            answers: list[HttpResponse] = []
            request = one.request("Query", query)
            assert one.pipeline.repeat(sent(request), ARRIVAL, answers.append)
            await one.pipeline.close()
            assert answers == []
            assert not one.pipeline._finishing  # pyright: ignore[reportPrivateUsage]

        before = len(list(one.house.journal.events(account=WORKLOAD_ACCOUNT, region="us-east-2")))
        one.runner.run(ask())
        after = len(list(one.house.journal.events(account=WORKLOAD_ACCOUNT, region="us-east-2")))
        assert after == before + 1, "it is on record"


def test_who_saw_what_could_not_be_synced_is_told_the_error_and_who_did_not_reads_on() -> None:
    with life(readmits=True, ephemeral=False) as one:
        one.cloud.client("dynamodb").create_table(
            **NAME,
            KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        held = Held(one)
        held.gate.set()
        assert one.call("PutItem", {**NAME, "Item": {"p": {"S": "b"}}})[0] == 200
        held.hold()

        async def ask() -> list[tuple[int, int]]:
            write = held.ask(held.request("PutItem", {**NAME, "Item": ITEM}))
            await turns()
            calls = [
                held.ask(held.request("GetItem", {**NAME, "Key": KEY})),
                held.ask(held.request("Scan", NAME)),
            ]
            await turns()
            held.fails = True
            held.gate.set()
            statuses = [(one.status, 0) for one in await asyncio.gather(write, *calls)]
            for key in ("a", "b"):
                later = await held.ask(held.request("GetItem", {**NAME, "Key": {"p": {"S": key}}}))
                statuses.append((later.status, 1))
            return statuses

        assert one.runner.run(ask()) == [(500, 0), (500, 0), (500, 0), (500, 1), (200, 1)]
