"""Fine-grained access through boto3 on a real instance: the condition keys of DynamoDB, each where it decides.

Source of the use cases: DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control"; of
which action has which key: Service Authorization Reference, Amazon DynamoDB.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import REGION, WORKLOAD, Instance

TABLE = "GameScores"
ARN = f"arn:aws:dynamodb:{REGION}:{WORKLOAD}:table/{TABLE}"
INDEX = f"{ARN}/index/ByTitle"
ITEM_ACTIONS = [
    f"dynamodb:{name}"
    for name in (
        "GetItem",
        "BatchGetItem",
        "Query",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "ConditionCheckItem",
    )
]
_numbers = itertools.count(1)

Player = Callable[..., Any]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    running = Instance(tmp_path_factory.mktemp("fgac"), "--ephemeral", "--dataplane", "off").start()
    client = running.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "UserId", "KeyType": "HASH"},
            {"AttributeName": "GameTitle", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "UserId", "AttributeType": "S"},
            {"AttributeName": "GameTitle", "AttributeType": "S"},
            {"AttributeName": "TopScore", "AttributeType": "N"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByTitle",
                "KeySchema": [
                    {"AttributeName": "GameTitle", "KeyType": "HASH"},
                    {"AttributeName": "TopScore", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    for user in ("ann", "bob"):
        client.put_item(TableName=TABLE, Item=item(user))
    yield running
    running.stop()


def item(user: str, **more: Any) -> dict[str, Any]:
    return {
        **key(user),
        "TopScore": {"N": "7"},
        "Wins": {"N": "1"},
        "Email": {"S": f"{user}@example.com"},
        **more,
    }


def key(user: str, title: str = "Chess") -> dict[str, Any]:
    return {"UserId": {"S": user}, "GameTitle": {"S": title}}


@pytest.fixture
def player(instance: Instance) -> Player:
    """A DynamoDB client of a new IAM user whose `game` tag is `ann`, with these statements as its only policy."""

    def make(*statements: dict[str, Any]) -> Any:
        iam = instance.client("iam")
        name = f"player-{next(_numbers)}"
        iam.create_user(UserName=name, Tags=[{"Key": "game", "Value": "ann"}])
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="granted", PolicyDocument=document)
        made = iam.create_access_key(UserName=name)["AccessKey"]
        return instance.client("dynamodb", credentials=made)

    return make


def allow(actions: list[str] | str, resource: Any = ARN, **conditions: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource, "Condition": conditions}


def refused(call: Callable[..., Any], **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error.value.response["Error"]["Message"]


OWN_ITEMS = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:PrincipalTag/game}"]}}


def test_leading_keys_limit_a_user_to_its_own_items(player: Player) -> None:
    ann = player(allow(ITEM_ACTIONS, **OWN_ITEMS))
    assert ann.get_item(TableName=TABLE, Key=key("ann"))["Item"]["Email"]["S"] == "ann@example.com"
    message = refused(ann.get_item, TableName=TABLE, Key=key("bob"))
    assert message.endswith("because no identity-based policy allows the dynamodb:GetItem action")
    ann.put_item(TableName=TABLE, Item=item("ann"))
    refused(ann.put_item, TableName=TABLE, Item=item("bob"))
    refused(ann.delete_item, TableName=TABLE, Key=key("bob"))
    refused(
        ann.update_item,
        TableName=TABLE,
        Key=key("bob"),
        UpdateExpression="SET Wins = :w",
        ExpressionAttributeValues={":w": {"N": "9"}},
    )


def test_leading_keys_of_a_query_are_its_partition_key(player: Player) -> None:
    ann = player(allow(ITEM_ACTIONS, **OWN_ITEMS))

    def query(user: str) -> dict[str, Any]:
        return {
            "TableName": TABLE,
            "KeyConditionExpression": "#u = :u",
            "ExpressionAttributeNames": {"#u": "UserId"},
            "ExpressionAttributeValues": {":u": {"S": user}},
        }

    assert ann.query(**query("ann"))["Count"] == 1
    refused(ann.query, **query("bob"))


def test_one_foreign_key_in_a_batch_refuses_the_batch(player: Player) -> None:
    ann = player(allow(ITEM_ACTIONS, **OWN_ITEMS))
    own, mixed = [key("ann"), key("ann", "Go")], [key("ann"), key("bob")]
    assert ann.batch_get_item(RequestItems={TABLE: {"Keys": own}})["Responses"][TABLE]
    refused(ann.batch_get_item, RequestItems={TABLE: {"Keys": mixed}})
    puts = [{"PutRequest": {"Item": item("ann")}}, {"DeleteRequest": {"Key": key("bob")}}]
    ann.batch_write_item(RequestItems={TABLE: puts[:1]})
    refused(ann.batch_write_item, RequestItems={TABLE: puts})


def test_a_scan_names_no_leading_key_so_for_all_values_lets_it_through(player: Player) -> None:
    """Why the guide's examples never list Scan: it "returns all items regardless of the leading keys"."""
    careless = player(allow([*ITEM_ACTIONS, "dynamodb:Scan"], **OWN_ITEMS))
    assert careless.scan(TableName=TABLE)["Count"] >= 2
    careful = player(allow(ITEM_ACTIONS, **OWN_ITEMS))
    refused(careful.scan, TableName=TABLE)


PUBLIC = ["UserId", "GameTitle", "TopScore", "Wins"]
VISIBLE = {
    "ForAllValues:StringEquals": {"dynamodb:Attributes": PUBLIC},
    "StringEqualsIfExists": {
        "dynamodb:Select": "SPECIFIC_ATTRIBUTES",
        "dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"],
    },
}


def test_attributes_hide_what_is_not_listed(player: Player) -> None:
    """The request must name its attributes: with "all", a hidden one would come along."""
    reader = player(allow(["dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"], **VISIBLE))
    shown = reader.get_item(TableName=TABLE, Key=key("ann"), ProjectionExpression="TopScore, Wins")["Item"]
    assert shown == {"TopScore": {"N": "7"}, "Wins": {"N": "1"}}
    refused(reader.get_item, TableName=TABLE, Key=key("ann"), ProjectionExpression="TopScore, Email")
    refused(reader.get_item, TableName=TABLE, Key=key("ann"))
    aliased = {"#e": "Email"}
    refused(
        reader.get_item,
        TableName=TABLE,
        Key=key("ann"),
        ProjectionExpression="#e",
        ExpressionAttributeNames=aliased,
    )
    keys = [key("ann")]
    wanted: dict[str, Any] = {"Keys": keys, "ProjectionExpression": "Wins"}
    assert reader.batch_get_item(RequestItems={TABLE: wanted})["Responses"][TABLE] == [{"Wins": {"N": "1"}}]
    refused(reader.batch_get_item, RequestItems={TABLE: {"Keys": keys}})


def test_a_filter_cannot_ask_about_a_hidden_attribute(player: Player) -> None:
    """Otherwise the answer's presence would tell its value."""
    reader = player(allow("dynamodb:Query", **VISIBLE))

    def query(condition: str, value: dict[str, str]) -> dict[str, Any]:
        return {
            "TableName": TABLE,
            "KeyConditionExpression": "UserId = :u",
            "FilterExpression": condition,
            "ProjectionExpression": "Wins",
            "ExpressionAttributeValues": {":u": {"S": "ann"}, ":v": value},
        }

    assert reader.query(**query("TopScore > :v", {"N": "1"}))["Count"] == 1
    refused(reader.query, **query("Email = :v", {"S": "ann@example.com"}))


def test_writes_are_limited_to_listed_attributes(player: Player) -> None:
    writer = player(allow(["dynamodb:UpdateItem", "dynamodb:PutItem"], **VISIBLE))

    def update(expression: str, **more: Any) -> dict[str, Any]:
        values = {":v": {"N": "7"}}
        return {
            "TableName": TABLE,
            "Key": key("ann"),
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values,
            **more,
        }

    assert writer.update_item(**update("SET TopScore = :v", ReturnValues="UPDATED_NEW"))["Attributes"]
    refused(writer.update_item, **update("SET Email = :v"))
    refused(writer.update_item, **update("SET TopScore = :v", ConditionExpression="Email <> :v"))
    refused(writer.update_item, **update("SET TopScore = :v", ReturnValues="ALL_NEW"))
    refused(writer.update_item, **update("SET TopScore = :v", ReturnValues="ALL_OLD"))
    refused(writer.put_item, TableName=TABLE, Item=item("ann"))
    writer.put_item(TableName=TABLE, Item={**key("ann", "Go"), "Wins": {"N": "1"}})


def test_a_deny_protects_two_attributes_and_leaves_the_rest(player: Player) -> None:
    protect = {
        "ForAllValues:StringNotLike": {"dynamodb:Attributes": ["FreeGames", "Boss*"]},
        # Not IfExists: "the ReturnValues parameter always has a value (NONE unless otherwise specified)".
        "StringEquals": {"dynamodb:ReturnValues": ["NONE", "UPDATED_OLD", "UPDATED_NEW"]},
    }
    writer = player(allow("dynamodb:UpdateItem", **protect))

    def update(name: str) -> dict[str, Any]:
        return {
            "TableName": TABLE,
            "Key": key("ann"),
            "UpdateExpression": f"SET {name} = :v",
            "ExpressionAttributeValues": {":v": {"N": "1"}},
        }

    writer.update_item(**update("Wins"))
    refused(writer.update_item, **update("FreeGames"))
    refused(writer.update_item, **update("BossLevel"))


def by_title(**more: Any) -> dict[str, Any]:
    return {
        "TableName": TABLE,
        "IndexName": "ByTitle",
        "KeyConditionExpression": "GameTitle = :t",
        "ExpressionAttributeValues": {":t": {"S": "Chess"}},
        **more,
    }


def test_an_index_is_a_resource_of_its_own_and_select_limits_it_to_what_it_projects(player: Player) -> None:
    projected = {"StringEquals": {"dynamodb:Select": ["ALL_PROJECTED_ATTRIBUTES"]}}
    reader = player(allow("dynamodb:Query", INDEX, **projected))
    assert reader.query(**by_title())["Count"] == 2
    assert reader.query(**by_title(Select="ALL_PROJECTED_ATTRIBUTES"))["Count"] == 2
    assert f"on resource: {INDEX}" in refused(reader.query, **by_title(Select="COUNT"))
    refused(reader.query, **by_title(ProjectionExpression="TopScore"))
    values = {":u": {"S": "ann"}}
    refused(
        reader.query,
        TableName=TABLE,
        KeyConditionExpression="UserId = :u",
        ExpressionAttributeValues=values,
    )


def test_the_first_partition_key_is_the_leading_key(player: Player) -> None:
    own = {"ForAllValues:StringEquals": {"dynamodb:FirstPartitionKeyValues": ["ann"]}}
    reader = player(allow(["dynamodb:GetItem", "dynamodb:Query"], **own))
    assert reader.get_item(TableName=TABLE, Key=key("ann"))["Item"]
    refused(reader.get_item, TableName=TABLE, Key=key("bob"))


def test_leading_keys_of_an_index_query_are_the_index_partition_key(player: Player) -> None:
    chess = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["Chess"]}}
    reader = player(allow("dynamodb:Query", [ARN, INDEX], **chess))
    assert reader.query(**by_title())["Count"] == 2
    refused(reader.query, **by_title(ExpressionAttributeValues={":t": {"S": "Go"}}))


def test_select_count_tells_how_many_and_nothing_else(player: Player) -> None:
    counter = player(allow(["dynamodb:Query", "dynamodb:Scan"], StringEquals={"dynamodb:Select": "COUNT"}))
    assert "Items" not in counter.scan(TableName=TABLE, Select="COUNT")
    refused(counter.scan, TableName=TABLE)
    refused(counter.scan, TableName=TABLE, ProjectionExpression="Wins")


def test_return_consumed_capacity_is_a_condition_too(player: Player) -> None:
    quiet = {"StringEqualsIfExists": {"dynamodb:ReturnConsumedCapacity": "NONE"}}
    reader = player(allow("dynamodb:GetItem", **quiet))
    assert reader.get_item(TableName=TABLE, Key=key("ann"))["Item"]
    assert reader.get_item(TableName=TABLE, Key=key("ann"), ReturnConsumedCapacity="NONE")["Item"]
    refused(reader.get_item, TableName=TABLE, Key=key("ann"), ReturnConsumedCapacity="TOTAL")


def test_the_enclosing_operation_lets_an_action_through_inside_a_transaction_only(player: Player) -> None:
    """Developer Guide, "Using IAM with DynamoDB transactions"."""
    inside = {
        "ForAnyValue:StringEquals": {
            "dynamodb:EnclosingOperation": ["TransactWriteItems", "TransactGetItems"]
        }
    }
    writer = player(allow(ITEM_ACTIONS, **inside))
    put: dict[str, Any] = {"TableName": TABLE, "Item": item("ann")}
    writer.transact_write_items(TransactItems=[{"Put": put}])
    refused(writer.put_item, **put)
    get: dict[str, Any] = {"TableName": TABLE, "Key": key("ann")}
    assert writer.transact_get_items(TransactItems=[{"Get": get}])["Responses"]
    refused(writer.get_item, **get)


def test_each_action_of_a_transaction_is_asked_with_its_own_keys(player: Player) -> None:
    ann = player(allow(ITEM_ACTIONS, **OWN_ITEMS))
    own = {"Put": {"TableName": TABLE, "Item": item("ann")}}
    values = {":n": {"N": "0"}}
    foreign = {
        "ConditionCheck": {
            "TableName": TABLE,
            "Key": key("bob"),
            "ConditionExpression": "Wins > :n",
            "ExpressionAttributeValues": values,
        }
    }
    ann.transact_write_items(TransactItems=[own])
    message = refused(ann.transact_write_items, TransactItems=[own, foreign])
    assert "is not authorized to perform: dynamodb:ConditionCheckItem" in message
    reader = player(allow(ITEM_ACTIONS, **VISIBLE))
    get: dict[str, Any] = {"TableName": TABLE, "Key": key("ann")}
    refused(reader.transact_get_items, TransactItems=[{"Get": get}])
    shown = reader.transact_get_items(TransactItems=[{"Get": {**get, "ProjectionExpression": "Wins"}}])
    assert shown["Responses"] == [{"Item": {"Wins": {"N": "1"}}}]
