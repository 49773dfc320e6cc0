"""Backups, restores, new indexes and new replicas of large tables: others have their turns meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.services.dynamodb.conftest import TablesCloud

from casemate.services.dynamodb.building import Builder
from casemate.services.dynamodb.global_tables.replicator import Replicator
from casemate.services.dynamodb.names import TableRef

ITEMS = 6_000
MANY = 50_000
HERE = TableRef(account="000000000000", region="us-east-2", name="large")
SIMPLE: dict[str, Any] = {
    "TableName": "large",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
RECOVERY = {"PointInTimeRecoveryEnabled": True}


@pytest.fixture
def large(cloud: TablesCloud, client: Any) -> Any:
    client.create_table(**SIMPLE)
    fill(cloud, 0, ITEMS)
    return client


def fill(cloud: TablesCloud, start: int, end: int) -> None:
    engine, schema = cloud.services["dynamodb"].state.engine, _schema(cloud, HERE)
    items = ({"id": str(number), "kind": "a"} for number in range(start, end))
    engine.commit([engine.plan_put(schema, item) for item in items])


def _schema(cloud: TablesCloud, ref: TableRef) -> Any:
    table = cloud.services["dynamodb"].state.find(ref)
    assert table is not None
    return table.schema


async def _call(cloud: TablesCloud, name: str, **params: Any) -> Any:
    service = cloud.services["dynamodb"]
    made = service.operations.by_name[name].handler(cloud.context("dynamodb"), params)
    return await cast("Awaitable[Any]", made) if asyncio.iscoroutine(made) else made


async def _beside(cloud: TablesCloud, work: Any) -> int:
    """How many times GetItem and PutItem answered while something else was being done."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    answered = 0
    while not task.done():
        item = {"id": {"S": f"new {answered}"}, "kind": {"S": "a"}}
        await _call(cloud, "PutItem", TableName="large", Item=item)
        found = await _call(cloud, "GetItem", TableName="large", Key={"id": {"S": "7"}})
        assert found["Item"]
        answered += 1
        await asyncio.sleep(0)
    await task
    return answered


def count(client: Any, table: str) -> int:
    return client.describe_table(TableName=table)["Table"]["ItemCount"]


def test_items_are_read_and_written_during_a_backup_and_its_restore(cloud: TablesCloud, large: Any) -> None:
    fill(cloud, ITEMS, MANY)
    beside = asyncio.run(_beside(cloud, _call(cloud, "CreateBackup", TableName="large", BackupName="whole")))
    assert beside > 50
    (backup,) = large.list_backups()["BackupSummaries"]
    restore = _call(cloud, "RestoreTableFromBackup", TargetTableName="again", BackupArn=backup["BackupArn"])
    assert asyncio.run(_beside(cloud, restore)) > 50
    assert count(large, "again") == MANY, "what was written meanwhile is not in the backup"


def test_items_are_read_and_written_during_a_restore_to_a_point_in_time(
    cloud: TablesCloud, large: Any
) -> None:
    large.update_continuous_backups(TableName="large", PointInTimeRecoverySpecification=RECOVERY)
    moment = cloud.now
    cloud.now += timedelta(seconds=10)
    large.delete_item(TableName="large", Key={"id": {"S": "8"}})
    restore = _call(
        cloud,
        "RestoreTableToPointInTime",
        SourceTableName="large",
        TargetTableName="again",
        RestoreDateTime=moment,
    )
    assert asyncio.run(_beside(cloud, restore)) > 10
    assert count(large, "again") == ITEMS
    assert "Item" in large.get_item(TableName="again", Key={"id": {"S": "8"}})


def test_an_index_and_a_replica_are_filled_beside_requests_and_follow_what_is_written(
    cloud: TablesCloud, large: Any
) -> None:
    cloud.settles = False
    index = {
        "IndexName": "by-kind",
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    large.update_table(
        TableName="large",
        AttributeDefinitions=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    builder = Builder(cloud.services["dynamodb"].state, cloud.store)
    written = asyncio.run(_beside(cloud, builder.build()))
    assert written > 10
    (described,) = large.describe_table(TableName="large")["Table"]["GlobalSecondaryIndexes"]
    assert (described["IndexStatus"], described["ItemCount"]) == ("ACTIVE", ITEMS + written)
    large.update_table(TableName="large", ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])
    asyncio.run(_beside(cloud, builder.build()))
    while Replicator(cloud.services["dynamodb"].state, cloud.store).tell_some():
        pass
    assert count(cloud.client("dynamodb", region="eu-west-1"), "large") == count(large, "large")


def test_a_table_with_recovery_takes_no_writes_while_it_is_deleted(cloud: TablesCloud, large: Any) -> None:
    large.update_continuous_backups(TableName="large", PointInTimeRecoverySpecification=RECOVERY)

    async def deletion() -> list[str]:
        task = asyncio.ensure_future(_call(cloud, "DeleteTable", TableName="large"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen = [(await _call(cloud, "DescribeTable", TableName="large"))["Table"]["TableStatus"]]
        for name in ("GetItem", "DeleteTable"):
            more = {"Key": {"id": {"S": "7"}}} if name == "GetItem" else {}
            with pytest.raises(Exception, match=r"Requested resource not found|is being deleted") as caught:
                await _call(cloud, name, TableName="large", **more)
            seen.append(cast("Any", caught.value).code)
        await task
        return seen

    assert asyncio.run(deletion()) == ["DELETING", "ResourceNotFoundException", "ResourceInUseException"]
    (backup,) = large.list_backups(BackupType="SYSTEM")["BackupSummaries"]
    restored = large.restore_table_from_backup(TargetTableName="large", BackupArn=backup["BackupArn"])
    assert restored["TableDescription"]["ItemCount"] == ITEMS
