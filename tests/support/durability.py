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

WRITERS = 16
TABLE = "survivors"
_CONFIG = Config(
    retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30, max_pool_connections=WRITERS
)


@dataclass
class Acknowledged:
    """What the writers were told. Each writer has members of its own, so nothing is shared but the dictionaries."""

    put: dict[str, str] = field(default_factory=dict[str, str])
    """Value by id; None is not among them: a deleted item is in `deleted`."""
    deleted: set[str] = field(default_factory=set[str])
    added: list[int] = field(default_factory=lambda: [0] * WRITERS)
    """Increments of one counter that all writers share."""
    attempted: list[int] = field(default_factory=lambda: [0] * WRITERS)
    transactions: set[str] = field(default_factory=set[str])
    """Ids of pairs."""


def make_table(instance: Instance) -> None:
    keys = [{"AttributeName": "id", "KeyType": "HASH"}]
    instance.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=keys,
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "value", "AttributeType": "S"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-value",
                "KeySchema": [{"AttributeName": "value", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )


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
    check(instance, told)


def _write_until_dead(client: Any, number: int, writer: int, told: Acknowledged, dice: random.Random) -> None:
    for turn in range(10_000):
        name = f"{number}-{writer}-{turn}"
        try:
            _write(client, name, writer, told, dice.random())
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and "TransactionConflict" not in str(error):
                raise
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
        halves = [{"id": {"S": f"{name}-{half}"}, "value": {"S": f"pair {name}"}} for half in "ab"]
        client.transact_write_items(
            TransactItems=[{"Put": {"TableName": TABLE, "Item": half}} for half in halves]
        )
        told.transactions.add(name)
    else:
        client.put_item(TableName=TABLE, Item={"id": {"S": name}, "value": {"S": "short-lived"}})
        client.delete_item(TableName=TABLE, Key={"id": {"S": name}})
        told.deleted.add(name)


def check(instance: Instance, told: Acknowledged) -> None:
    """Every acknowledged write is present, the index agrees, transactions are whole, no increment is lost."""
    client = instance.client("dynamodb")
    items = {item["id"]["S"]: item for item in _scan(client)}
    lost = [
        name for name, value in told.put.items() if items.get(name, {}).get("value", {}).get("S") != value
    ]
    assert not lost, f"lost: {lost[:5]}"
    risen = [name for name in told.deleted if name in items]
    assert not risen, f"deleted and back: {risen[:5]}"
    index = {item["id"]["S"]: item for item in _scan(client, IndexName="by-value")}
    assert index == {name: item for name, item in items.items() if "value" in item}
    for name in told.transactions:
        assert f"{name}-a" in items
        assert f"{name}-b" in items
    halves = {name[:-2] for name in items if name.endswith(("-a", "-b"))}
    torn = [name for name in halves if (f"{name}-a" in items) is not (f"{name}-b" in items)]
    assert not torn, f"half a transaction: {torn[:5]}"
    counter = int(items.get("counter", {}).get("n", {}).get("N", "0"))
    assert sum(told.added) <= counter <= sum(told.attempted)


def _scan(client: Any, **where: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("scan").paginate(TableName=TABLE, **where)
    return [item for page in pages for item in page["Items"]]
