"""Sixteen writers, a `kill -9`, and what must hold after it. For the test and for the long run."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.support.instance import Instance
from tests.support.replay import Replay

WRITERS = 16
TABLE = "survivors"
PAIRS = "survivor-pairs"
"""The other halves of transactions: a table with a sort key and a local index."""
_CONFIG = Config(
    retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30, max_pool_connections=WRITERS
)
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@dataclass
class Acknowledged:
    """What the writers were told. Each writer has members of its own, so nothing is shared but the dictionaries."""

    put: dict[str, str] = field(default_factory=dict[str, str])
    """Value by id; None is not among them: a deleted item is in `deleted`."""
    deleted: set[str] = field(default_factory=set[str])
    added: list[int] = field(default_factory=lambda: [0] * WRITERS)
    """Increments of one counter that all writers share."""
    attempted: list[int] = field(default_factory=lambda: [0] * WRITERS)
    transactions: dict[str, int] = field(default_factory=dict[str, int])
    """Who wrote the pair, by its id."""
    asked_once: dict[str, tuple[str, dict[str, Any]]] = field(
        default_factory=dict[str, tuple[str, dict[str, Any]]]
    )
    """What this round asked under a ClientRequestToken, by the token: operation and parameters, answered or not."""
    counted: int = 0
    """How many of these added to a counter, in all rounds."""
    refused: list[Exception] = field(default_factory=list[Exception])
    """Answers that no writer should get."""
    replays: dict[str, Replay] = field(default_factory=dict[str, Replay])
    """The tables that the streams tell of, as far as they were read."""

    @property
    def writes(self) -> int:
        return len(self.put) + len(self.deleted) + len(self.transactions) + sum(self.added)


def make_table(instance: Instance) -> None:
    """Both tables, with their indexes and streams."""
    client = instance.client("dynamodb")
    index = {
        "IndexName": "by-value",
        "KeySchema": [{"AttributeName": "value", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=_strings("id", "value"),
        GlobalSecondaryIndexes=[index],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=_STREAM,
    )
    keys = [{"AttributeName": "writer", "KeyType": "HASH"}, {"AttributeName": "name", "KeyType": "RANGE"}]
    local = {
        "IndexName": "by-mood",
        "KeySchema": [keys[0], {"AttributeName": "mood", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    client.create_table(
        TableName=PAIRS,
        KeySchema=keys,
        AttributeDefinitions=_strings("writer", "name", "mood"),
        LocalSecondaryIndexes=[local],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=_STREAM,
    )


def _strings(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def one_round(instance: Instance, number: int, told: Acknowledged, *, dice: random.Random) -> None:
    """Write with all writers, kill at a random moment, start again, check."""
    client = instance.client("dynamodb", config=_CONFIG)
    threads = [
        threading.Thread(
            target=_write_until_dead, args=(client, number, writer, told, random.Random(dice.random()))
        )
        for writer in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(dice.uniform(0.05, 0.6))
    instance.kill()
    for thread in threads:
        thread.join()
    instance.start()
    _ask_again(instance, told)
    check(instance, told)


def _ask_again(instance: Instance, told: Acknowledged) -> None:
    """As an SDK does that had no answer; what was done before the kill must not be done again."""
    client = instance.client("dynamodb", config=_CONFIG)
    for operation, request in told.asked_once.values():
        getattr(client, operation)(**request)
        told.counted += operation == "transact_write_items"
    told.asked_once.clear()


def _write_until_dead(client: Any, number: int, writer: int, told: Acknowledged, dice: random.Random) -> None:
    for turn in range(10_000):
        try:
            _write(client, f"{number}-{writer}-{turn}", writer, told, dice.random())
        except BotoCoreError:
            return
        except ClientError as error:
            if "TransactionConflict" not in str(error):
                told.refused.append(error)
                return


def _write(client: Any, name: str, writer: int, told: Acknowledged, roll: float) -> None:
    if roll < 0.4:
        client.put_item(TableName=TABLE, Item={"id": {"S": name}, "value": {"S": name}})
        told.put[name] = name
    elif roll < 0.6:
        told.attempted[writer] += 1
        client.update_item(
            TableName=TABLE,
            Key={"id": {"S": "counter"}},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        told.added[writer] += 1
    elif roll < 0.8:
        # The other half moves within its index or out of it, now and then: names come again in later rounds.
        half = {"writer": {"S": str(writer)}, "name": {"S": name}, "mood": {"S": f"{roll:.2f}"}}
        here = {"id": {"S": f"{name}-half"}, "value": {"S": f"pair {name}"}}
        client.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": TABLE, "Item": here}},
                {"Put": {"TableName": PAIRS, "Item": half}},
                {
                    "Update": {
                        "TableName": PAIRS,
                        "Key": {"writer": {"S": str(writer)}, "name": {"S": "last"}},
                        "UpdateExpression": "SET mood = :name" if roll < 0.7 else "REMOVE mood",
                        **({"ExpressionAttributeValues": {":name": {"S": name}}} if roll < 0.7 else {}),
                    }
                },
            ]
        )
        told.transactions[name] = writer
    elif roll < 0.9:
        _write_once(client, name, told, adds=roll < 0.85)
    else:
        client.put_item(TableName=TABLE, Item={"id": {"S": name}, "value": {"S": "short-lived"}})
        client.delete_item(TableName=TABLE, Key={"id": {"S": name}})
        told.deleted.add(name)


def _write_once(client: Any, name: str, told: Acknowledged, *, adds: bool) -> None:
    """Under a token; done twice, the one would add twice and the other be refused as a duplicate."""
    request: dict[str, Any] = {"ClientRequestToken": f"once-{name}"}
    if adds:
        add = {
            "TableName": TABLE,
            "Key": {"id": {"S": "exact"}},
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }
        request["TransactItems"] = [{"Update": add}]
    else:
        statement = f"INSERT INTO \"{PAIRS}\" VALUE {{'writer': 'once', 'name': '{name}'}}"
        request["TransactStatements"] = [{"Statement": statement}]
    operation = "transact_write_items" if adds else "execute_transaction"
    told.asked_once[name] = operation, request
    getattr(client, operation)(**request)


def check(instance: Instance, told: Acknowledged) -> None:
    """What was acknowledged is there; indexes and streams agree with their tables; transactions are whole."""
    assert not told.refused, f"refused: {told.refused[:3]}"
    client = instance.client("dynamodb")
    items = {item["id"]["S"]: item for item in _scan(client, TABLE)}
    pairs = {(item["writer"]["S"], item["name"]["S"]): item for item in _scan(client, PAIRS)}
    lost = [
        name for name, value in told.put.items() if items.get(name, {}).get("value", {}).get("S") != value
    ]
    assert not lost, f"lost: {lost[:5]}"
    risen = [name for name in told.deleted if name in items]
    assert not risen, f"deleted and back: {risen[:5]}"
    counter = int(items.get("counter", {}).get("n", {}).get("N", "0"))
    assert sum(told.added) <= counter <= sum(told.attempted), "increments of the counter"
    exact = int(items.get("exact", {}).get("n", {}).get("N", "0"))
    assert exact == told.counted, "increments under tokens"
    _check_transactions(items, pairs, told)
    index = {item["id"]["S"]: item for item in _scan(client, TABLE, IndexName="by-value")}
    assert index == {name: item for name, item in items.items() if "value" in item}, "the global index"
    index = {
        (item["writer"]["S"], item["name"]["S"]): item for item in _scan(client, PAIRS, IndexName="by-mood")
    }
    assert index == {key: item for key, item in pairs.items() if "mood" in item}, "the local index"
    for table, keys, held in ((TABLE, ("id",), items), (PAIRS, ("writer", "name"), pairs)):
        replay = told.replays.setdefault(table, Replay(keys=keys))
        arn = client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        replay.advance(instance.client("dynamodbstreams"), arn)
        told_of = {key if len(key) > 1 else key[0]: item for key, item in replay.items.items()}
        assert told_of == held, f"the stream of {table}"


def _check_transactions(items: dict[str, Any], pairs: dict[tuple[str, str], Any], told: Acknowledged) -> None:
    gone = [
        name
        for name, writer in told.transactions.items()
        if f"{name}-half" not in items or (str(writer), name) not in pairs
    ]
    assert not gone, f"transactions lost: {gone[:5]}"
    here = {name.removesuffix("-half") for name in items if name.endswith("-half")}
    there = {name for writer, name in pairs if name != "last" and writer != "once"}
    assert here == there, f"half a transaction: {sorted(here ^ there)[:5]}"


def _scan(client: Any, table: str, **where: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("scan").paginate(TableName=table, **where)
    return [item for page in pages for item in page["Items"]]
