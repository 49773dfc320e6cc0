"""UpdateTable: what takes its time, what may not happen at once, capacity and its quotas.

Sources: API reference, UpdateTable; Developer Guide, "Managing Global Secondary Indexes" and what `capacity_settings` names.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.dynamodb.conftest import TablesCloud

KIND = [{"AttributeName": "kind", "AttributeType": "S"}]
SIMPLE: dict[str, Any] = {
    "TableName": "one",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}
ON_DEMAND: dict[str, Any] = {**SIMPLE, "BillingMode": "PAY_PER_REQUEST"}


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def units(read: int, write: int) -> dict[str, int]:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def create(name: str) -> dict[str, Any]:
    index = {
        "IndexName": name,
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    return {"Create": index}


def update(client: Any, **given: Any) -> Any:
    return client.update_table(TableName="one", **given)["TableDescription"]


def describe(client: Any) -> Any:
    return client.describe_table(TableName="one")["Table"]


def test_a_new_index_is_created_and_filled_and_then_active(cloud: TablesCloud, client: Any) -> None:
    client.create_table(**ON_DEMAND)
    for number in range(3):
        client.put_item(TableName="one", Item={"id": {"S": str(number)}, "kind": {"S": "a"}})
    client.put_item(TableName="one", Item={"id": {"S": "wrong"}, "kind": {"L": []}})
    cloud.settles = False
    made = update(client, AttributeDefinitions=KIND, GlobalSecondaryIndexUpdates=[create("by-kind")])
    (index,) = made["GlobalSecondaryIndexes"]
    assert (made["TableStatus"], index["IndexStatus"], index["Backfilling"]) == (
        "UPDATING",
        "CREATING",
        False,
    )
    table = describe(client)
    (index,) = table["GlobalSecondaryIndexes"]
    assert (table["TableStatus"], index["IndexStatus"], index["Backfilling"]) == ("ACTIVE", "CREATING", True)
    with refused("ValidationException.*Cannot read from backfilling global secondary index: by-kind"):
        client.scan(TableName="one", IndexName="by-kind")
    with refused("LimitExceededException.*Only 1 online index can be created or deleted simultaneously"):
        update(client, AttributeDefinitions=KIND, GlobalSecondaryIndexUpdates=[create("another")])
    client.delete_item(TableName="one", Key={"id": {"S": "0"}})
    client.delete_item(TableName="one", Key={"id": {"S": "wrong"}})
    client.put_item(TableName="one", Item={"id": {"S": "new"}, "kind": {"S": "b"}})
    cloud.settle()
    (index,) = describe(client)["GlobalSecondaryIndexes"]
    assert (index["IndexStatus"], index["ItemCount"]) == ("ACTIVE", 3)
    assert "Backfilling" not in index
    assert client.scan(TableName="one", IndexName="by-kind")["Count"] == 3


def test_an_index_that_is_being_filled_may_be_deleted(cloud: TablesCloud, client: Any) -> None:
    client.create_table(**ON_DEMAND)
    client.put_item(TableName="one", Item={"id": {"S": "a"}, "kind": {"S": "a"}})
    cloud.settles = False
    update(client, AttributeDefinitions=KIND, GlobalSecondaryIndexUpdates=[create("by-kind")])
    update(client, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-kind"}}])
    cloud.settle()
    table = describe(client)
    assert "GlobalSecondaryIndexes" not in table
    assert [one["AttributeName"] for one in table["AttributeDefinitions"]] == ["id"]


def test_an_index_that_is_being_filled_keeps_its_table_and_takes_other_units(
    cloud: TablesCloud, client: Any
) -> None:
    """Developer Guide, "Managing Global Secondary Indexes": "While the index is backfilling, you cannot delete its parent
    table. However, you can still modify the provisioned throughput of the table and any of its global secondary indexes".
    """
    client.create_table(**SIMPLE, ProvisionedThroughput=units(1, 1))
    client.put_item(TableName="one", Item={"id": {"S": "a"}, "kind": {"S": "a"}})
    cloud.settles = False
    made = create("by-kind")
    made["Create"]["ProvisionedThroughput"] = units(1, 1)
    update(client, AttributeDefinitions=KIND, GlobalSecondaryIndexUpdates=[made])
    with refused(
        "ResourceInUseException.*Cannot delete table while indexes are being created, updated, or deleted"
    ):
        client.delete_table(TableName="one")
    faster = {"IndexName": "by-kind", "ProvisionedThroughput": units(1, 5)}
    update(client, GlobalSecondaryIndexUpdates=[{"Update": faster}])
    update(client, ProvisionedThroughput=units(2, 2))
    (index,) = describe(client)["GlobalSecondaryIndexes"]
    assert (index["IndexStatus"], index["ProvisionedThroughput"]["WriteCapacityUnits"]) == ("CREATING", 5)
    cloud.settle()
    assert client.scan(TableName="one", IndexName="by-kind")["Count"] == 1
    client.delete_table(TableName="one")


def test_units_may_be_lowered_four_times_a_day_and_then_once_an_hour(cloud: TablesCloud, client: Any) -> None:
    client.create_table(**SIMPLE, ProvisionedThroughput=units(20, 20))
    for number in range(4):
        update(client, ProvisionedThroughput=units(20, 19 - number))
    shown = describe(client)["ProvisionedThroughput"]
    assert shown["NumberOfDecreasesToday"] == 4
    assert "LastDecreaseDateTime" in shown
    with refused(
        r"LimitExceededException.*Number of decreases today: 4\. Last decrease at Saturday, November 21, 2026 at 9:00:00 AM "
        r"Coordinated Universal Time\. Next decrease can be made at Saturday, November 21, 2026 at 10:00:00 AM"
    ):
        update(client, ProvisionedThroughput=units(19, 20))
    update(client, ProvisionedThroughput=units(30, 30))
    assert "LastIncreaseDateTime" in describe(client)["ProvisionedThroughput"]
    cloud.now += timedelta(hours=1)
    update(client, ProvisionedThroughput=units(29, 29))
    with refused("LimitExceededException.*Number of decreases today: 5"):
        update(client, ProvisionedThroughput=units(28, 28))
    cloud.now += timedelta(days=1)
    update(client, ProvisionedThroughput=units(28, 28))
    assert describe(client)["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 1


def test_a_table_becomes_on_demand_four_times_a_day(cloud: TablesCloud, client: Any) -> None:
    client.create_table(**SIMPLE, ProvisionedThroughput=units(1, 1))
    for _ in range(4):
        update(client, BillingMode="PAY_PER_REQUEST")
        update(client, BillingMode="PROVISIONED", ProvisionedThroughput=units(1, 1))
    with refused("LimitExceededException.*Update to PayPerRequest mode are limited"):
        update(client, BillingMode="PAY_PER_REQUEST")
    cloud.now += timedelta(days=1)
    update(client, BillingMode="PAY_PER_REQUEST")


def test_on_demand_limits_are_set_changed_and_taken_away(client: Any) -> None:
    limits = {"MaxReadRequestUnits": 10, "MaxWriteRequestUnits": 20}
    client.create_table(**ON_DEMAND, OnDemandThroughput=limits)
    assert describe(client)["OnDemandThroughput"] == limits
    update(client, OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert describe(client)["OnDemandThroughput"] == {"MaxWriteRequestUnits": 20}
    update(client, OnDemandThroughput={"MaxWriteRequestUnits": -1})
    assert "OnDemandThroughput" not in describe(client)
    with refused(
        "ValidationException.*Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid"
    ):
        update(client, OnDemandThroughput={"MaxReadRequestUnits": 0})
    update(client, BillingMode="PROVISIONED", ProvisionedThroughput=units(1, 1))
    with refused(
        "ValidationException.*MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table"
    ):
        update(client, OnDemandThroughput=limits)


def test_warm_throughput_grows(client: Any) -> None:
    client.create_table(**ON_DEMAND)
    shown = {"ReadUnitsPerSecond": 12_000, "WriteUnitsPerSecond": 4_000, "Status": "ACTIVE"}
    assert describe(client)["WarmThroughput"] == shown
    update(client, WarmThroughput={"ReadUnitsPerSecond": 15_000})
    assert describe(client)["WarmThroughput"] == {**shown, "ReadUnitsPerSecond": 15_000}
    with refused("ValidationException.*lower than current WarmThroughput, decreasing WarmThroughput is not"):
        update(client, WarmThroughput={"WriteUnitsPerSecond": 1})


def test_an_index_has_limits_of_its_own(client: Any) -> None:
    limits = {"MaxReadRequestUnits": 5}
    client.create_table(**ON_DEMAND)
    index = {**create("by-kind")["Create"], "OnDemandThroughput": {"MaxReadRequestUnits": 5}}
    update(client, AttributeDefinitions=KIND, GlobalSecondaryIndexUpdates=[{"Create": index}])
    (shown,) = describe(client)["GlobalSecondaryIndexes"]
    assert shown["OnDemandThroughput"] == limits
    assert shown["WarmThroughput"]["ReadUnitsPerSecond"] == 12_000
    changed = {"IndexName": "by-kind", "OnDemandThroughput": {"MaxReadRequestUnits": 6}}
    update(client, GlobalSecondaryIndexUpdates=[{"Update": changed}])
    (shown,) = describe(client)["GlobalSecondaryIndexes"]
    assert shown["OnDemandThroughput"] == {**limits, "MaxReadRequestUnits": 6}
