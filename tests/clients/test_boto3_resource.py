"""boto3's resource interface: tables as objects, plain Python values, condition builders, batches, collections.

Written as boto3's guide has it ("Amazon DynamoDB", https://boto3.amazonaws.com/v1/documentation/api/latest/guide/dynamodb.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, Inexact
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError
from tests.support.instance import REGION, Instance

USER: dict[str, Any] = {
    "username": "janedoe",
    "last_name": "Doe",
    "age": 25,
    "height": Decimal("1.71"),
    "account": {"active": True, "closed": None},
    "photo": b"\x00\xff",
    "tags": {"a", "b"},
    "scores": [1, Decimal("2.5"), "three"],
    "numbers": {1, 2},
}


@pytest.fixture(scope="module")
def dynamodb(instance: Instance) -> Any:
    keys = instance.keys()
    return boto3.resource(
        "dynamodb",
        region_name=REGION,
        endpoint_url=instance.endpoint,
        aws_access_key_id=keys["access_key_id"],
        aws_secret_access_key=keys["secret_access_key"],
    )


@pytest.fixture(scope="module")
def users(dynamodb: Any) -> Iterator[Any]:
    names = ("username", "last_name", "city")
    table = dynamodb.create_table(
        TableName="users",
        KeySchema=[
            {"AttributeName": "username", "KeyType": "HASH"},
            {"AttributeName": "last_name", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-city",
                "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    table.wait_until_exists()
    yield table
    table.delete()
    table.wait_until_not_exists()


KEY = {"username": "janedoe", "last_name": "Doe"}


def test_python_values_come_back_as_python_values(users: Any) -> None:
    users.put_item(Item=USER)
    item = users.get_item(Key=KEY)["Item"]
    assert item == {**USER, "photo": Binary(USER["photo"])}
    assert isinstance(item["age"], Decimal)
    with pytest.raises(Inexact):
        users.put_item(Item={**KEY, "age": Decimal("0.1234567890123456789012345678901234567891")})
    with pytest.raises(TypeError, match="Float types are not supported"):
        users.put_item(Item={**KEY, "age": 1.5})


def test_conditions_are_built_and_hold(users: Any) -> None:
    users.put_item(Item=USER)
    wanted = Attr("age").between(20, 30) & Attr("account.active").eq(True) & ~Attr("gone").exists()
    answer = users.update_item(
        Key=KEY,
        UpdateExpression="SET age = age + :one, scores[0] = :one ADD numbers :more REMOVE account.closed",
        ConditionExpression=wanted & (Attr("tags").contains("a") | Attr("last_name").begins_with("X")),
        ExpressionAttributeValues={":one": 1, ":more": {3}},
        ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {"age": 26, "scores": [1], "numbers": {1, 2, 3}}
    with pytest.raises(users.meta.client.exceptions.ConditionalCheckFailedException):
        users.delete_item(
            Key=KEY, ConditionExpression=Attr("age").is_in([25, 27]) | Attr("tags").size().gt(2)
        )
    gone = users.delete_item(Key=KEY, ConditionExpression=Attr("age").eq(26), ReturnValues="ALL_OLD")
    assert gone["Attributes"]["account"] == {"active": True}


def test_a_batch_writer_writes_everything_and_each_key_once(users: Any) -> None:
    with users.batch_writer(overwrite_by_pkeys=["username", "last_name"]) as batch:
        for number in range(60):
            batch.put_item(
                {"username": "batch", "last_name": f"{number:03}", "city": f"city {number % 3}", "n": number}
            )
        batch.put_item({"username": "batch", "last_name": "059", "city": "city 2", "n": 1059})
    users.reload()
    assert users.item_count == 60
    found = users.query(
        KeyConditionExpression=Key("username").eq("batch") & Key("last_name").between("010", "019"),
        FilterExpression=Attr("n").gte(15),
        ProjectionExpression="n",
        ScanIndexForward=False,
    )
    assert [item["n"] for item in found["Items"]] == [19, 18, 17, 16, 15]
    assert (found["Count"], found["ScannedCount"]) == (5, 10)
    city = users.query(IndexName="by-city", KeyConditionExpression=Key("city").eq("city 2"))["Items"]
    assert len(city) == 20
    assert max(item["n"] for item in city) == 1059


def test_pages_are_followed_with_python_values(users: Any) -> None:
    """The resource's client has the transformations of the resource, its paginators too."""
    with users.batch_writer() as batch:
        for number in range(40):
            batch.put_item({"username": "pages", "last_name": f"{number:03}", "n": number})
    client = users.meta.client
    asked = {"TableName": "users", "KeyConditionExpression": Key("username").eq("pages")}
    pages = list(client.get_paginator("query").paginate(**asked, PaginationConfig={"PageSize": 15}))
    assert [page["Count"] for page in pages] == [15, 15, 10]
    assert [item["n"] for page in pages for item in page["Items"]] == list(range(40))
    first = users.scan(Limit=7, FilterExpression=Attr("username").eq("pages"))
    seen, start = first["Items"], first["LastEvaluatedKey"]
    while start is not None:
        page = users.scan(ExclusiveStartKey=start, FilterExpression=Attr("username").eq("pages"))
        seen, start = seen + page["Items"], page.get("LastEvaluatedKey")
    assert sorted(item["n"] for item in seen) == list(range(40))
    odd = [{"username": "pages", "last_name": f"{number:03}"} for number in range(1, 40, 2)]
    answer = client.batch_get_item(RequestItems={"users": {"Keys": odd}})
    assert sorted(item["n"] for item in answer["Responses"]["users"]) == list(range(1, 40, 2))


def test_tables_are_a_collection(dynamodb: Any, users: Any) -> None:
    assert users.table_status == "ACTIVE"
    assert [one["IndexName"] for one in users.global_secondary_indexes] == ["by-city"]
    assert "users" in [table.name for table in dynamodb.tables.all()]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        dynamodb.Table("nobody").load()
