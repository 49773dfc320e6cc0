"""What others do while a table is deleted, copied or looked through: looked at again before anything is done with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.services.dynamodb.conftest import TablesCloud
from tests.services.dynamodb.test_streams import iterator, make, read

from casemate.model.errors import AwsError
from casemate.services.dynamodb.housekeeping import Housekeeper

SIMPLE: dict[str, Any] = {
    "TableName": "music",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
MANY = 200
THERE, THIRD = "eu-west-1", "ap-south-1"


async def _call(cloud: TablesCloud, name: str, **params: Any) -> Any:
    service = cloud.services["dynamodb"]
    operation = service.operations.by_name[name]
    if operation.runs_async:
        return await cast("Awaitable[Any]", operation.handler(cloud.context("dynamodb"), params))
    with cloud.store.transaction():
        return operation.handler(cloud.context("dynamodb"), params)


def _update(kind: str, region: str) -> dict[str, Any]:
    return {kind: {"RegionName": region}}


@pytest.fixture
def replicated(cloud: TablesCloud, client: Any) -> Any:
    """A table with a replica that has yet to be told of two hundred items."""
    client.create_table(**SIMPLE)
    client.update_table(TableName="music", ReplicaUpdates=[_update("Create", THERE)])
    cloud.now += timedelta(hours=25)
    cloud.settles = False
    for number in range(MANY):
        client.put_item(TableName="music", Item={"id": {"S": str(number)}})
    return client


def _during_the_deletion(cloud: TablesCloud, **update: Any) -> tuple[str, str]:
    """What becomes of a DeleteTable during which UpdateTable is called, and of that."""

    async def main() -> tuple[str, str]:
        deletion = asyncio.ensure_future(_call(cloud, "DeleteTable", TableName="music"))
        await asyncio.sleep(0)
        changed = await _outcome(_call(cloud, "UpdateTable", TableName="music", **update))
        return await _outcome(deletion), changed

    return asyncio.run(main())


async def _outcome(work: Awaitable[Any]) -> str:
    try:
        await work
    except AwsError as error:
        return error.code
    return "done"


def test_a_table_that_is_protected_before_it_is_gone_stays(cloud: TablesCloud, replicated: Any) -> None:
    assert _during_the_deletion(cloud, DeletionProtectionEnabled=True) == ("ValidationException", "done")
    assert replicated.describe_table(TableName="music")["Table"]["ItemCount"] == MANY


def test_a_table_from_which_a_replica_is_filled_stays(cloud: TablesCloud, replicated: Any) -> None:
    """The new replica would be without what was not copied yet, and nobody would tell it ever."""
    outcome = _during_the_deletion(cloud, ReplicaUpdates=[_update("Create", THIRD)])
    assert outcome == ("ResourceInUseException", "done")
    cloud.settle()
    third = cloud.client("dynamodb", region=THIRD).describe_table(TableName="music")["Table"]
    assert third["ItemCount"] == MANY


def test_a_deletion_that_fails_leaves_the_table_usable(
    cloud: TablesCloud, replicated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    replicated.update_continuous_backups(
        TableName="music", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    engine = cloud.services["dynamodb"].state.engine

    def broken(*_: Any) -> None:
        raise OSError

    monkeypatch.setattr(engine, "tell", broken)
    with pytest.raises(OSError):
        replicated.delete_table(TableName="music")
    assert replicated.describe_table(TableName="music")["Table"]["TableStatus"] == "ACTIVE"
    assert "Item" in replicated.get_item(TableName="music", Key={"id": {"S": "1"}})
    assert list(engine._storage.scan(b"b", b"c")) == [], "the backup is nobody's"


def test_a_table_that_is_made_while_a_replica_is_removed_is_not_written_over(
    cloud: TablesCloud, replicated: Any
) -> None:
    """UpdateTable that takes a replica away and makes another one, where meanwhile somebody makes a table."""
    there = cloud.client("dynamodb", region=THERE)
    for number in range(MANY):
        there.put_item(TableName="music", Item={"id": {"S": str(number)}})
    third = cloud.client("dynamodb", region=THIRD)

    async def main() -> str:
        updates = [_update("Delete", THERE), _update("Create", THIRD)]
        work = asyncio.ensure_future(_call(cloud, "UpdateTable", TableName="music", ReplicaUpdates=updates))
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, lambda: third.create_table(**SIMPLE))
        return await _outcome(work)

    assert asyncio.run(main()) == "ValidationException"
    assert "Replicas" not in third.describe_table(TableName="music")["Table"]


# The clock.


def test_the_oldest_record_is_readable_when_the_clock_was_set_back(
    cloud: TablesCloud, client: Any, streams: Any
) -> None:
    arn = make(client)
    client.put_item(TableName="orders", Item={"id": {"S": "old"}})
    cloud.now += timedelta(hours=23)
    client.put_item(TableName="orders", Item={"id": {"S": "new"}})
    cloud.now += timedelta(hours=1, minutes=30)
    asyncio.run(_keeper(cloud).trim_streams())
    cloud.now -= timedelta(hours=1)
    found = [one["dynamodb"]["Keys"]["id"]["S"] for one in read(streams, arn, shard=-1)]
    assert found == ["new"]
    place = iterator(streams, arn, shard=0)
    assert streams.get_records(ShardIterator=place)["Records"] == []


def test_who_begins_at_the_oldest_record_of_a_busy_stream_gets_it_a_moment_later(
    cloud: TablesCloud, client: Any, streams: Any
) -> None:
    arn = make(client)
    for number in range(3):
        client.put_item(TableName="orders", Item={"id": {"S": str(number)}})
        cloud.now += timedelta(milliseconds=1)
    cloud.now += timedelta(hours=24) - timedelta(milliseconds=3)
    place = iterator(streams, arn, shard=0)
    cloud.now += timedelta(seconds=1)
    assert len(streams.get_records(ShardIterator=place)["Records"]) == 3


def test_the_latest_state_is_restored_when_the_clock_was_set_back(cloud: TablesCloud, client: Any) -> None:
    client.create_table(**SIMPLE)
    client.update_continuous_backups(
        TableName="music", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    cloud.now += timedelta(hours=2)
    client.put_item(TableName="music", Item={"id": {"S": "1"}})
    cloud.now -= timedelta(hours=1)
    client.restore_table_to_point_in_time(
        SourceTableName="music", TargetTableName="again", UseLatestRestorableTime=True
    )
    assert client.scan(TableName="again")["Count"] == 1


def test_streams_are_trimmed_though_items_cannot_be_expired_and_the_clock_was_set_back(
    cloud: TablesCloud, client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make(client)
    client.put_item(TableName="orders", Item={"id": {"S": "old"}})
    held = list(cloud.services["dynamodb"].state.engine._storage.scan(b"s", b"t"))
    passes = 0

    async def sleep(seconds: float) -> None:
        nonlocal passes
        if seconds:
            passes += 1
            cloud.now -= timedelta(days=1)
            if passes > 1:
                raise asyncio.CancelledError

    keeper = Housekeeper(cloud.services["dynamodb"].state, cloud.store, clock=lambda: cloud.now, sleep=sleep)

    async def broken() -> None:
        raise OSError

    monkeypatch.setattr(keeper, "expire_items", broken)
    cloud.now += timedelta(days=3)
    monkeypatch.setattr("casemate.services.dynamodb.housekeeping._TRIM_SECONDS", -1.0)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(keeper.run())
    assert passes == 2
    left = list(cloud.services["dynamodb"].state.engine._storage.scan(b"s", b"t"))
    assert not {key for key, _ in held if key[17:18] == b"r"} & {key for key, _ in left}
    assert "failed; it is tried again" in caplog.text


def _keeper(cloud: TablesCloud) -> Housekeeper:
    return Housekeeper(cloud.services["dynamodb"].state, cloud.store, clock=lambda: cloud.now)
