"""Global tables, version 2019.11.21. Sources: the Developer Guide's pages that `services.dynamodb.global_tables` names."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.services.dynamodb.conftest import TablesCloud, tables_cloud
from tests.services.dynamodb.test_streams import read

from casemate.services.dynamodb.global_tables.replicator import Replicator
from casemate.services.dynamodb.housekeeping import Housekeeper

HERE, THERE, THIRD = "us-east-2", "eu-west-1", "ap-south-1"
SIMPLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def add(client: Any, region: str, **given: Any) -> Any:
    updates = [{"Create": {"RegionName": region, **given}}]
    return client.update_table(TableName="music", ReplicaUpdates=updates)["TableDescription"]


def remove(client: Any, region: str) -> Any:
    return client.update_table(TableName="music", ReplicaUpdates=[{"Delete": {"RegionName": region}}])[
        "TableDescription"
    ]


def describe(client: Any) -> Any:
    return client.describe_table(TableName="music")["Table"]


def put(client: Any, key: str, value: str) -> None:
    client.put_item(TableName="music", Item={"id": {"S": key}, "value": {"S": value}})


def held(client: Any, **named: Any) -> dict[str, str]:
    items = client.scan(TableName="music", **named)["Items"]
    return {item["id"]["S"]: item["value"]["S"] for item in items}


@pytest.fixture
def here(cloud: TablesCloud, client: Any) -> Any:
    client.create_table(TableName="music", **SIMPLE)
    return client


@pytest.fixture
def there(cloud: TablesCloud) -> Any:
    return cloud.client("dynamodb", region=THERE)


def test_a_replica_gets_what_the_table_holds_and_what_is_written_to_either(here: Any, there: Any) -> None:
    put(here, "a", "before")
    made = add(here, THERE)
    assert made["TableStatus"] == "UPDATING"
    assert [(one["RegionName"], one["ReplicaStatus"]) for one in made["Replicas"]] == [(THERE, "CREATING")]
    put(here, "b", "here")
    put(there, "c", "there")
    here.delete_item(TableName="music", Key={"id": {"S": "a"}})
    there.update_item(
        TableName="music",
        Key={"id": {"S": "b"}},
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "value"},
        ExpressionAttributeValues={":v": {"S": "changed"}},
    )
    assert held(here) == held(there) == {"b": "changed", "c": "there"}
    for client, other in ((here, THERE), (there, HERE)):
        table = describe(client)
        assert table["TableStatus"] == "ACTIVE"
        assert table["GlobalTableVersion"] == "2019.11.21"
        assert [(one["RegionName"], one["ReplicaStatus"]) for one in table["Replicas"]] == [(other, "ACTIVE")]
        assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        assert table["ItemCount"] == 2
    assert describe(here)["TableId"] != describe(there)["TableId"]


def test_a_table_that_gets_a_replica_takes_no_other_change_and_the_replica_no_requests(
    cloud: TablesCloud, here: Any, there: Any
) -> None:
    cloud.settles = False
    add(here, THERE)
    assert describe(here)["TableStatus"] == "UPDATING"
    assert describe(there)["TableStatus"] == "CREATING"
    put(here, "a", "meanwhile")
    with refused("ResourceInUseException.*The resource which you are attempting to change is in use"):
        here.update_table(TableName="music", TableClass="STANDARD_INFREQUENT_ACCESS")
    with refused("ResourceInUseException.*The resource which you are attempting to change is in use"):
        here.delete_table(TableName="music")
    with refused("ResourceInUseException.*Table is being created: music"):
        there.delete_table(TableName="music")
    with refused("ResourceNotFoundException"):
        there.scan(TableName="music")
    cloud.settle()
    assert held(there) == {"a": "meanwhile"}


def test_streams_of_replicas_carry_what_was_replicated_once(
    cloud: TablesCloud, here: Any, there: Any
) -> None:
    add(here, THERE)
    put(here, "a", "one")
    put(there, "a", "two")
    put(there, "a", "two")
    for region in (HERE, THERE):
        streams = cloud.client("dynamodbstreams", region=region)
        found = [(one["eventName"], one["dynamodb"]["NewImage"]["value"]["S"]) for one in read_all(streams)]
        assert found == [("INSERT", "one"), ("MODIFY", "two")]


def read_all(streams: Any) -> list[Any]:
    (stream,) = streams.list_streams(TableName="music")["Streams"]
    return read(streams, stream["StreamArn"])


def test_the_last_writer_wins_however_late_the_news(cloud: TablesCloud, here: Any, there: Any) -> None:
    add(here, THERE)
    cloud.settles = False
    put(here, "a", "first")
    put(there, "a", "second")
    put(there, "b", "first")
    put(here, "b", "second")
    assert (held(here), held(there)) == ({"a": "first", "b": "second"}, {"a": "second", "b": "first"})
    cloud.settle()
    assert held(here) == held(there) == {"a": "second", "b": "second"}


STEPS = st.tuples(st.sampled_from((HERE, THERE, THIRD)), st.sampled_from("abc"), st.integers(0, 3))


@settings(max_examples=12, deadline=None)
@given(st.lists(STEPS, max_size=15))
def test_replicas_end_with_the_last_write_of_each_item(steps: list[tuple[str, str, int]]) -> None:
    """A number of 0 deletes the item, the others put it; after a 3 the replicas are told of one write."""
    with tables_cloud() as cloud:
        clients = {region: cloud.client("dynamodb", region=region) for region in (HERE, THERE, THIRD)}
        clients[HERE].create_table(TableName="music", **SIMPLE)
        add(clients[HERE], THERE)
        add(clients[THERE], THIRD)
        cloud.settles = False
        replicator = Replicator(cloud.services["dynamodb"].state, cloud.store)
        expected: dict[str, str] = {}
        for number, (region, key, kind) in enumerate(steps):
            if kind:
                put(clients[region], key, str(number))
                expected[key] = str(number)
            elif key in held(clients[region]):
                clients[region].delete_item(TableName="music", Key={"id": {"S": key}})
                expected.pop(key, None)
            if kind == 3:
                replicator.tell_some(1)
        cloud.settle()
        assert [held(client) for client in clients.values()] == [expected] * 3


def test_indexes_and_their_changes_are_shared(cloud: TablesCloud, here: Any, there: Any) -> None:
    add(here, THERE)
    put(here, "a", "x")
    index = {
        "IndexName": "by-value",
        "KeySchema": [{"AttributeName": "value", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    here.update_table(
        TableName="music",
        AttributeDefinitions=[{"AttributeName": "value", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    put(there, "b", "x")
    assert held(here, IndexName="by-value") == held(there, IndexName="by-value") == {"a": "x", "b": "x"}
    assert describe(here)["Replicas"][0]["GlobalSecondaryIndexes"] == [{"IndexName": "by-value"}]
    third = cloud.client("dynamodb", region=THIRD)
    add(there, THIRD)
    assert held(third, IndexName="by-value") == {"a": "x", "b": "x"}
    there.update_table(TableName="music", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-value"}}])
    assert "GlobalSecondaryIndexes" not in describe(third)


def test_items_that_do_not_fit_an_index_are_replicated_without_it(
    cloud: TablesCloud, here: Any, there: Any
) -> None:
    """They were there before the index; the new replica has it from its beginning."""
    here.put_item(TableName="music", Item={"id": {"S": "list"}, "value": {"L": []}})
    here.put_item(TableName="music", Item={"id": {"S": "long"}, "value": {"S": "x" * 70_000}})
    put(here, "fits", "x")
    index = {
        "IndexName": "by-value",
        "KeySchema": [{"AttributeName": "value", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    here.update_table(
        TableName="music",
        AttributeDefinitions=[{"AttributeName": "value", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    add(here, THERE)
    assert held(there, IndexName="by-value") == {"fits": "x"}
    assert there.scan(TableName="music")["Count"] == 3
    here.delete_item(TableName="music", Key={"id": {"S": "long"}})
    assert there.scan(TableName="music")["Count"] == 2


def test_settings_that_are_shared_follow_and_others_do_not(here: Any, there: Any) -> None:
    add(here, THERE)
    here.update_table(
        TableName="music",
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 6},
    )
    here.update_table(TableName="music", DeletionProtectionEnabled=True)
    here.update_table(
        TableName="music",
        ReplicaUpdates=[
            {
                "Update": {
                    "RegionName": THERE,
                    "ProvisionedThroughputOverride": {"ReadCapacityUnits": 50},
                    "TableClassOverride": "STANDARD_INFREQUENT_ACCESS",
                }
            }
        ],
    )
    here.update_table(
        TableName="music", ProvisionedThroughput={"ReadCapacityUnits": 7, "WriteCapacityUnits": 8}
    )
    table = describe(there)
    units = table["ProvisionedThroughput"]
    assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (50, 8)
    assert table["DeletionProtectionEnabled"] is False
    (replica,) = describe(here)["Replicas"]
    assert replica["ProvisionedThroughputOverride"] == {"ReadCapacityUnits": 50}
    assert replica["ReplicaTableClassSummary"] == {"TableClass": "STANDARD_INFREQUENT_ACCESS"}


def test_items_expire_where_time_to_live_was_switched_on_and_the_others_are_told(
    cloud: TablesCloud, here: Any, there: Any
) -> None:
    """Developer Guide, "DynamoDB Streams and Time to Live": only there the record says that the service deleted it."""
    add(here, THERE)
    there.update_time_to_live(
        TableName="music", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    shown = here.describe_time_to_live(TableName="music")["TimeToLiveDescription"]
    assert shown == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}
    past = str(int(cloud.now.timestamp()) - 1)
    here.put_item(TableName="music", Item={"id": {"S": "a"}, "expires": {"N": past}})
    keeper = Housekeeper(cloud.services["dynamodb"].state, cloud.store, clock=lambda: cloud.now)
    asyncio.run(keeper.expire_items())
    cloud.settle()
    assert here.scan(TableName="music")["Count"] == there.scan(TableName="music")["Count"] == 0
    last = {region: read_all(cloud.client("dynamodbstreams", region=region))[-1] for region in (HERE, THERE)}
    assert {one["eventName"] for one in last.values()} == {"REMOVE"}
    assert "userIdentity" not in last[HERE]
    assert last[THERE]["userIdentity"]["PrincipalId"] == "dynamodb.amazonaws.com"


def test_replicas_go_and_what_is_left_is_a_table(cloud: TablesCloud, here: Any, there: Any) -> None:
    put(here, "a", "kept")
    add(here, THERE)
    with refused("ValidationException.*acted as a source region for new replica"):
        here.delete_table(TableName="music")
    cloud.now += timedelta(days=1, seconds=1)
    cloud.settles = False
    put(here, "b", "told before the end")
    here.delete_table(TableName="music")
    assert held(there) == {"a": "kept", "b": "told before the end"}
    cloud.settles = True
    table = describe(there)
    assert "Replicas" not in table
    assert "GlobalTableVersion" not in table
    there.update_table(TableName="music", StreamSpecification={"StreamEnabled": False})
    add(there, HERE)
    assert held(here) == held(there)
    assert "Replicas" not in remove(there, HERE)
    with refused("ResourceNotFoundException"):
        describe(here)
    there.delete_table(TableName="music")


def test_what_replicas_may_not(cloud: TablesCloud, here: Any, there: Any) -> None:
    with refused(
        "ValidationException.*Cannot add, delete, or update the local region through ReplicaUpdates"
    ):
        add(here, HERE)
    with refused("ValidationException.*Region moon-1 is not supported"):
        add(here, "moon-1")
    with refused("ValidationException.*retry the request without these replicas: .eu-west-1"):
        remove(here, THERE)
    with refused("ValidationException.*does not implement MultiRegionConsistency STRONG"):
        here.update_table(
            TableName="music",
            ReplicaUpdates=[{"Create": {"RegionName": THERE}}],
            MultiRegionConsistency="STRONG",
        )
    with refused("ValidationException.*Replica modification must be the only operation in the request"):
        here.update_table(
            TableName="music",
            ReplicaUpdates=[{"Create": {"RegionName": THERE}}],
            DeletionProtectionEnabled=True,
        )
    there.create_table(TableName="music", **SIMPLE)
    with refused("ValidationException.*one or more replicas already existed as tables"):
        add(here, THERE)
    there.delete_table(TableName="music")
    add(here, THERE)
    with refused("ValidationException.*Disabling Stream is not allowed for a Global Table replica"):
        there.update_table(TableName="music", StreamSpecification={"StreamEnabled": False})


def test_a_provisioned_table_gets_no_replica_and_one_with_another_stream_keeps_it(
    cloud: TablesCloud, client: Any
) -> None:
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    client.create_table(
        TableName="music", **{**SIMPLE, "BillingMode": "PROVISIONED"}, ProvisionedThroughput=units
    )
    with refused("ValidationException.*Table write capacity should either be Pay-Per-Request or AutoScaled"):
        add(client, THERE)
    client.update_table(
        TableName="music",
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )
    add(client, THERE)
    views = [
        describe(one)["StreamSpecification"]["StreamViewType"]
        for one in (client, cloud.client("dynamodb", region=THERE))
    ]
    assert views == ["KEYS_ONLY", "NEW_AND_OLD_IMAGES"]


def test_who_adds_a_replica_is_asked_for_what_it_takes_in_its_region(cloud: TablesCloud, here: Any) -> None:
    cloud.checks.clear()
    add(here, THERE)
    arn = f"arn:aws:dynamodb:{THERE}:000000000000:table/music"
    asked = {check.action for check in cloud.checks if check.resource == arn}
    assert {"dynamodb:CreateTable", "dynamodb:CreateTableReplica", "dynamodb:BatchWriteItem"} <= asked
    assert all(
        check.context["aws:RequestedRegion"] == THERE for check in cloud.checks if check.resource == arn
    )
