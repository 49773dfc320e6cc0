"""`kill -9` under sixteen writers: five rounds here, two hundred in tests/differential/run_durability.py."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.durability import TABLE, Acknowledged, make_table, one_round
from tests.support.instance import Instance

ROUNDS = 5


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    running = Instance(tmp_path / "data", "--dataplane", "off").start()
    yield running
    if running.process is not None:
        running.kill()


def test_what_was_acknowledged_survives_kill_9_under_sixteen_writers(instance: Instance) -> None:
    make_table(instance)
    told, dice = Acknowledged(), random.Random(20261121)
    for number in range(ROUNDS):
        one_round(instance, number, told, dice=dice)
    assert told.put
    assert told.transactions
    assert sum(told.added)
    assert told.counted


def test_no_update_is_lost_under_parallel_writers(instance: Instance) -> None:
    """Sixteen writers add to one item, by expression and by reading, comparing and setting."""
    make_table(instance)
    client = instance.client("dynamodb")
    key = {"id": {"S": "counter"}}

    def add(_: int) -> int:
        client.update_item(
            TableName=TABLE,
            Key=key,
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        return 1

    def compare_and_set(_: int) -> int:
        seen = client.get_item(TableName=TABLE, Key=key, ConsistentRead=True)["Item"]["n"]["N"]
        try:
            client.update_item(
                TableName=TABLE,
                Key=key,
                UpdateExpression="SET n = :next",
                ConditionExpression="n = :seen",
                ExpressionAttributeValues={":seen": {"N": seen}, ":next": {"N": str(int(seen) + 1)}},
            )
        except client.exceptions.ConditionalCheckFailedException:
            return 0
        return 1

    with ThreadPoolExecutor(16) as pool:
        done = sum(pool.map(add, range(160))) + sum(pool.map(compare_and_set, range(160)))
    held = client.get_item(TableName=TABLE, Key=key)["Item"]["n"]["N"]
    assert int(held) == done


def test_transactions_of_parallel_writers_are_serial(instance: Instance) -> None:
    """Money moves between accounts in transactions whose conditions hold only for one of two rivals."""
    make_table(instance)
    client = instance.client("dynamodb")
    for name in "abcd":
        client.put_item(TableName=TABLE, Item={"id": {"S": name}, "n": {"N": "20"}})

    def move(number: int) -> None:
        source, target = random.Random(number).sample("abcd", 2)
        changes = [
            {
                "Update": {
                    "TableName": TABLE,
                    "Key": {"id": {"S": name}},
                    "UpdateExpression": "ADD n :by",
                    "ConditionExpression": "n >= :least",
                    "ExpressionAttributeValues": {":by": {"N": str(by)}, ":least": {"N": least}},
                }
            }
            for name, by, least in ((source, -7, "7"), (target, 7, "0"))
        ]
        try:
            client.transact_write_items(TransactItems=changes)
        except client.exceptions.TransactionCanceledException as error:
            codes = {reason["Code"] for reason in error.response["CancellationReasons"]}
            assert codes <= {"None", "ConditionalCheckFailed", "TransactionConflict"}

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(move, range(160)))
    held = [int(item["n"]["N"]) for item in client.scan(TableName=TABLE)["Items"]]
    assert sum(held) == 80
    assert min(held) >= 0


def test_backups_and_the_past_survive_kill_9(instance: Instance) -> None:
    make_table(instance)
    client = instance.client("dynamodb")
    client.update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    client.put_item(TableName=TABLE, Item={"id": {"S": "one"}, "value": {"S": "first"}})
    arn = client.create_backup(TableName=TABLE, BackupName="first")["BackupDetails"]["BackupArn"]
    client.put_item(TableName=TABLE, Item={"id": {"S": "one"}, "value": {"S": "second"}})
    instance.kill()
    instance.start()
    client = instance.client("dynamodb")
    client.restore_table_from_backup(TargetTableName="from-backup", BackupArn=arn)
    client.restore_table_to_point_in_time(
        SourceTableName=TABLE, TargetTableName="latest", UseLatestRestorableTime=True
    )
    window = client.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    client.restore_table_to_point_in_time(
        SourceTableName=TABLE,
        TargetTableName="earliest",
        RestoreDateTime=window["PointInTimeRecoveryDescription"]["EarliestRestorableDateTime"],
    )
    found = {
        name: [item["value"]["S"] for item in client.scan(TableName=name)["Items"]]
        for name in ("from-backup", "latest", "earliest")
    }
    assert found == {"from-backup": ["first"], "latest": ["second"], "earliest": []}
