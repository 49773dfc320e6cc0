from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.direct import DirectCloud

from casemate.servicekit.store import Store
from casemate.services import dynamodb
from casemate.tables.engine import TablesEngine
from casemate.tables.reads import Reading
from casemate.tables.storage_rocksdb import RocksStorage

ARN = "arn:aws:dynamodb:us-east-2:000000000000:table/orders"
SIMPLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def test_a_new_table_is_being_created_and_then_is_ready(client: Any) -> None:
    made = client.create_table(TableName="one", **SIMPLE)["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    client.get_waiter("table_exists").wait(TableName="one", WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    shown = client.describe_table(TableName="one")["Table"]
    assert shown["TableStatus"] == "ACTIVE"
    assert shown["TableId"] == made["TableId"]
    with refused("ResourceInUseException.*Table already exists: one"):
        client.create_table(TableName="one", **SIMPLE)


def test_a_deleted_table_is_gone_and_its_successor_is_empty(client: Any) -> None:
    client.create_table(TableName="one", **SIMPLE)
    client.put_item(TableName="one", Item={"id": {"S": "a"}})
    gone = client.delete_table(TableName="one")["TableDescription"]
    assert gone["TableStatus"] == "DELETING"
    client.get_waiter("table_not_exists").wait(TableName="one", WaiterConfig={"Delay": 1, "MaxAttempts": 1})
    again = client.create_table(TableName="one", **SIMPLE)["TableDescription"]
    assert again["TableId"] != gone["TableId"]
    assert client.scan(TableName="one")["Count"] == 0


def test_deletion_protection_protects(client: Any) -> None:
    client.create_table(TableName="one", DeletionProtectionEnabled=True, **SIMPLE)
    with refused("ValidationException.*protected against deletion"):
        client.delete_table(TableName="one")
    client.update_table(TableName="one", DeletionProtectionEnabled=False)
    client.delete_table(TableName="one")


def test_tables_are_listed_by_page_account_and_region(cloud: DirectCloud, client: Any) -> None:
    for name in ("c-table", "a-table", "b-table"):
        client.create_table(TableName=name, **SIMPLE)
    first = client.list_tables(Limit=2)
    assert first["TableNames"] == ["a-table", "b-table"]
    rest = client.list_tables(ExclusiveStartTableName=first["LastEvaluatedTableName"])
    assert rest["TableNames"] == ["c-table"]
    assert "LastEvaluatedTableName" not in rest
    assert cloud.client("dynamodb", region="eu-west-1").list_tables()["TableNames"] == []
    assert cloud.client("dynamodb", account="222222222222").list_tables()["TableNames"] == []


def test_indexes_are_described(orders: Any) -> None:
    orders.put_item(
        TableName="orders", Item={"customer": {"S": "a"}, "number": {"N": "1"}, "status": {"S": "new"}}
    )
    orders.put_item(TableName="orders", Item={"customer": {"S": "a"}, "number": {"N": "2"}})
    table = orders.describe_table(TableName="orders")["Table"]
    assert table["ItemCount"] == 2
    (local,) = table["LocalSecondaryIndexes"]
    assert (local["IndexName"], local["ItemCount"], local["IndexArn"]) == (
        "by-status",
        1,
        f"{ARN}/index/by-status",
    )
    assert {index["IndexName"]: index["IndexStatus"] for index in table["GlobalSecondaryIndexes"]} == {
        "status-number": "ACTIVE",
        "status-all": "ACTIVE",
    }
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"


def test_a_new_global_index_finds_old_items_and_goes_again(orders: Any) -> None:
    for number in range(3):
        orders.put_item(
            TableName="orders",
            Item={"customer": {"S": "a"}, "number": {"N": str(number)}, "city": {"S": "Rome"}},
        )
    orders.put_item(
        TableName="orders", Item={"customer": {"S": "b"}, "number": {"N": "1"}, "city": {"N": "7"}}
    )
    index = {
        "IndexName": "by-city",
        "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    orders.update_table(
        TableName="orders",
        AttributeDefinitions=[{"AttributeName": "city", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    rome: dict[str, Any] = {
        "TableName": "orders",
        "IndexName": "by-city",
        "KeyConditionExpression": "city = :c",
        "ExpressionAttributeValues": {":c": {"S": "Rome"}},
    }
    assert orders.query(**rome)["Count"] == 3
    orders.update_table(
        TableName="orders", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-city"}}]
    )
    with refused("The table does not have the specified index: by-city"):
        orders.query(**rome)
    names = [
        a["AttributeName"] for a in orders.describe_table(TableName="orders")["Table"]["AttributeDefinitions"]
    ]
    assert names == ["customer", "number", "status"]


def test_billing_changes(client: Any) -> None:
    client.create_table(TableName="one", **SIMPLE)
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 6}
    client.update_table(TableName="one", BillingMode="PROVISIONED", ProvisionedThroughput=units)
    table = client.describe_table(TableName="one")["Table"]
    assert table["ProvisionedThroughput"]["WriteCapacityUnits"] == 6
    assert table["BillingModeSummary"]["BillingMode"] == "PROVISIONED"
    with refused("will not change"):
        client.update_table(TableName="one", ProvisionedThroughput=units)
    with refused("is required"):
        client.update_table(TableName="one")


def test_tags(orders: Any) -> None:
    orders.tag_resource(ResourceArn=ARN, Tags=[{"Key": "team", "Value": "a"}, {"Key": "env", "Value": "dev"}])
    orders.tag_resource(ResourceArn=ARN, Tags=[{"Key": "team", "Value": "b"}])
    orders.untag_resource(ResourceArn=ARN, TagKeys=["env"])
    assert orders.list_tags_of_resource(ResourceArn=ARN)["Tags"] == [{"Key": "team", "Value": "b"}]
    with refused("ResourceNotFoundException"):
        orders.list_tags_of_resource(ResourceArn=ARN + "s")
    with refused("ValidationException"):
        orders.list_tags_of_resource(ResourceArn="arn:aws:s3:::bucket")


def test_settings_are_kept(orders: Any) -> None:
    spec = {"Enabled": True, "AttributeName": "expires"}
    orders.update_time_to_live(TableName="orders", TimeToLiveSpecification=spec)
    with refused("TimeToLive is already enabled"):
        orders.update_time_to_live(TableName="orders", TimeToLiveSpecification=spec)
    assert orders.describe_time_to_live(TableName="orders")["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "expires",
    }
    backups = orders.describe_continuous_backups(TableName="orders")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"] == {"PointInTimeRecoveryStatus": "DISABLED"}
    assert orders.describe_limits()["TableMaxReadCapacityUnits"] == 40000
    assert orders.describe_endpoints()["Endpoints"][0]["Address"] == "dynamodb.us-east-2.amazonaws.com"


def test_resource_policies_and_other_accounts(cloud: DirectCloud, orders: Any) -> None:
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": "222222222222"},
                    "Action": "dynamodb:GetItem",
                    "Resource": ARN,
                }
            ],
        }
    )
    service = cloud.services["dynamodb"]
    assert service.resource_policies is not None
    assert service.resource_policies(ARN) is None
    with refused("PolicyNotFoundException"):
        orders.get_resource_policy(ResourceArn=ARN)
    revision = orders.put_resource_policy(ResourceArn=ARN, Policy=policy)["RevisionId"]
    kept = orders.get_resource_policy(ResourceArn=ARN)["Policy"]
    assert kept == json.dumps(json.loads(policy), separators=(",", ":")).replace(
        '"222222222222"', '"arn:aws:iam::222222222222:root"'
    )
    parsed = service.resource_policies(f"{ARN}/index/status-all")
    assert parsed is not None
    assert parsed is service.resource_policies(ARN)
    with refused("PolicyNotFoundException"):
        orders.put_resource_policy(ResourceArn=ARN, Policy=policy, ExpectedRevisionId="1")
    with refused("ValidationException.*Invalid policy document"):
        orders.put_resource_policy(ResourceArn=ARN, Policy='{"Statement": 1}')
    assert orders.delete_resource_policy(ResourceArn=ARN)["RevisionId"] == revision
    assert orders.delete_resource_policy(ResourceArn=ARN).get("RevisionId") is None
    other = cloud.client("dynamodb", account="222222222222")
    orders.put_item(TableName="orders", Item={"customer": {"S": "a"}, "number": {"N": "1"}})
    assert "Item" in other.get_item(TableName=ARN, Key={"customer": {"S": "a"}, "number": {"N": "1"}})
    assert cloud.checks[-1].resource == ARN


def test_records_and_items_agree_after_a_restart(tmp_path: Path) -> None:
    store, engine = Store(tmp_path / "s.db"), TablesEngine(RocksStorage(tmp_path / "items"))
    cloud = DirectCloud(store, dynamodb.build(store, engine))
    client = cloud.client("dynamodb")
    for name in ("kept", "lost"):
        client.create_table(TableName=name, **SIMPLE)
        client.put_item(TableName=name, Item={"id": {"S": "a"}})
    state = cloud.services["dynamodb"].state
    lost = state.tables.get("000000000000", "us-east-2", "lost").schema()
    # A crash after the record of `lost` was deleted and before its items were.
    with store.transaction():
        state.tables.delete("000000000000", "us-east-2", "lost")
    store.close()
    engine.close()
    store, engine = Store(tmp_path / "s.db"), TablesEngine(RocksStorage(tmp_path / "items"))
    client = DirectCloud(store, dynamodb.build(store, engine)).client("dynamodb")
    assert client.get_item(TableName="kept", Key={"id": {"S": "a"}})["Item"] == {"id": {"S": "a"}}
    assert client.describe_table(TableName="kept")["Table"]["ItemCount"] == 1
    assert engine.scan(Reading(table=lost)).count == 0
    engine.close()
    store.close()


def test_items_that_violate_a_later_index_stay_out_of_it_and_can_be_changed(client: Any) -> None:
    """Developer Guide, "Detecting and correcting index key violations": of another type, or too long."""
    client.create_table(TableName="old", **SIMPLE)
    for name, value in (("typed", {"N": "1"}), ("long", {"S": "x" * 2049}), ("endless", {"S": "x" * 70_000})):
        client.put_item(TableName="old", Item={"id": {"S": name}, "color": value})
    client.put_item(TableName="old", Item={"id": {"S": "fits"}, "color": {"S": "x" * 2048}})
    client.update_table(
        TableName="old",
        AttributeDefinitions=[{"AttributeName": "color", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by-color",
                    "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            }
        ],
    )

    def indexed() -> set[str]:
        found = client.scan(TableName="old", IndexName="by-color")["Items"]
        index = client.describe_table(TableName="old")["Table"]["GlobalSecondaryIndexes"][0]
        assert index["ItemCount"] == len(found)
        return {item["id"]["S"] for item in found}

    assert indexed() == {"fits"}
    with refused("ValidationException.*Size limit exceeded for Index Key color"):
        client.update_item(TableName="old", Key={"id": {"S": "long"}}, AttributeUpdates={})
    client.delete_item(TableName="old", Key={"id": {"S": "endless"}})
    client.put_item(TableName="old", Item={"id": {"S": "typed"}, "color": {"S": "red"}})
    client.update_item(TableName="old", Key={"id": {"S": "long"}}, UpdateExpression="REMOVE color")
    assert indexed() == {"fits", "typed"}
