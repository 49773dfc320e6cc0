"""Time to live: what expires, what does not, and how the stream tells of it.

Sources: Developer Guide, "Using time to live (TTL) in DynamoDB" and "DynamoDB Streams and Time to Live"; API reference,
UpdateTimeToLive.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.dynamodb.test_streams import make, read
from tests.support.direct import DirectCloud

from casemate.services.dynamodb.housekeeping import Housekeeper
from casemate.tables.expiry import FIVE_YEARS

SPEC = {"Enabled": True, "AttributeName": "expires"}


@pytest.fixture
def keeper(cloud: DirectCloud) -> Housekeeper:
    return Housekeeper(cloud.services["dynamodb"].state, cloud.store, clock=lambda: cloud.now)


def put(client: Any, key: str, expires: dict[str, Any] | None) -> None:
    item = {"id": {"S": key}} if expires is None else {"id": {"S": key}, "expires": expires}
    client.put_item(TableName="orders", Item=item)


def keys(client: Any) -> set[str]:
    return {item["id"]["S"] for item in client.scan(TableName="orders")["Items"]}


def test_items_whose_time_has_passed_are_deleted(
    cloud: DirectCloud, client: Any, keeper: Housekeeper
) -> None:
    make(client)
    client.update_time_to_live(TableName="orders", TimeToLiveSpecification=SPEC)
    now = int(cloud.now.timestamp())
    put(client, "past", {"N": str(now - 1)})
    put(client, "now", {"N": str(now)})
    put(client, "future", {"N": str(now + 60)})
    put(client, "text", {"S": str(now - 1)})
    put(client, "nested", {"M": {"expires": {"N": str(now - 1)}}})
    put(client, "without", None)
    put(client, "milliseconds", {"N": str((now - 1) * 1000)})
    put(client, "ancient", {"N": str(now - FIVE_YEARS - 1)})
    put(client, "huge", {"N": "9e125"})
    everything = keys(client)
    asyncio.run(keeper.expire_items())
    assert keys(client) == everything - {"past"}
    cloud.now += timedelta(seconds=61)
    asyncio.run(keeper.expire_items())
    assert keys(client) == everything - {"past", "now", "future"}


def test_nothing_expires_where_time_to_live_is_off(
    cloud: DirectCloud, client: Any, keeper: Housekeeper
) -> None:
    make(client)
    put(client, "past", {"N": str(int(cloud.now.timestamp()) - 1)})
    asyncio.run(keeper.expire_items())
    assert keys(client) == {"past"}


def test_the_stream_says_that_the_service_deleted_the_item(
    cloud: DirectCloud, client: Any, streams: Any, keeper: Housekeeper
) -> None:
    arn = make(client)
    client.update_time_to_live(TableName="orders", TimeToLiveSpecification=SPEC)
    put(client, "past", {"N": str(int(cloud.now.timestamp()) - 1)})
    asyncio.run(keeper.expire_items())
    _, removed = read(streams, arn)
    assert removed["eventName"] == "REMOVE"
    assert removed["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert removed["dynamodb"]["OldImage"]["id"] == {"S": "past"}


def test_a_large_table_is_looked_through_in_slices(
    cloud: DirectCloud, client: Any, keeper: Housekeeper
) -> None:
    make(client)
    client.update_time_to_live(TableName="orders", TimeToLiveSpecification=SPEC)
    past, future = (str(int(cloud.now.timestamp()) + delta) for delta in (-1, 60))
    for start in range(0, 1200, 25):
        puts = [
            {
                "PutRequest": {
                    "Item": {"id": {"S": str(number)}, "expires": {"N": past if number % 3 else future}}
                }
            }
            for number in range(start, start + 25)
        ]
        client.batch_write_item(RequestItems={"orders": puts})
    asyncio.run(keeper.expire_items())
    assert keys(client) == {str(number) for number in range(1200) if not number % 3}


def test_time_to_live_is_changed_once_an_hour(cloud: DirectCloud, client: Any) -> None:
    make(client)
    client.update_time_to_live(TableName="orders", TimeToLiveSpecification=SPEC)
    off = {**SPEC, "Enabled": False}
    with pytest.raises(ClientError, match="modified multiple times within a fixed interval"):
        client.update_time_to_live(TableName="orders", TimeToLiveSpecification=off)
    cloud.now += timedelta(hours=1)
    client.update_time_to_live(TableName="orders", TimeToLiveSpecification=off)
    described = client.describe_time_to_live(TableName="orders")["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "DISABLED"}


def test_a_stream_is_trimmed_and_then_forgotten(
    cloud: DirectCloud, client: Any, streams: Any, keeper: Housekeeper
) -> None:
    arn = make(client)
    put(client, "1", None)
    storage = cloud.services["dynamodb"].state.engine.changes._storage
    held = len(list(storage.scan(b"s", b"t")))
    cloud.now += timedelta(hours=24, minutes=2)
    asyncio.run(keeper.trim_streams())
    # The record is gone and the first shard lives on for a day, closed; its child was opened.
    assert len(list(storage.scan(b"s", b"t"))) == held
    assert read(streams, arn) == []
    client.delete_table(TableName="orders")
    cloud.now += timedelta(hours=24)
    asyncio.run(keeper.trim_streams())
    assert list(storage.scan(b"s", b"t")) == []
    assert streams.list_streams()["Streams"] == []


def test_an_attribute_whose_name_json_escapes_expires_items_too(
    cloud: DirectCloud, client: Any, keeper: Housekeeper
) -> None:
    make(client)
    odd = 'the "end"\n'
    client.update_time_to_live(
        TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": odd}
    )
    client.put_item(
        TableName="orders", Item={"id": {"S": "past"}, odd: {"N": str(int(cloud.now.timestamp()) - 1)}}
    )
    asyncio.run(keeper.expire_items())
    assert keys(client) == set()
