"""Limits and combinations that engines tend to miss. Sources: Developer Guide, "Quotas in Amazon DynamoDB"; API reference,
BatchGetItem (16 MB), Query (Select), UpdateItem (ReturnValues); AWS's answers as recorded by dynalite.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.services.dynamodb.registry import operations


def refused(message: str) -> Any:
    return pytest.raises(ClientError, match=f"ValidationException.*{message}")


@pytest.fixture
def table(client: Any) -> Any:
    client.create_table(
        TableName="one",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "s", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def key(name: str, sort: str = "s") -> dict[str, Any]:
    return {"id": {"S": name}, "s": {"S": sort}}


def test_a_key_of_two_and_of_one_kilobyte(table: Any) -> None:
    table.put_item(TableName="one", Item=key("é" * 1024, "é" * 512))
    with refused("Size of hashkey has exceeded the maximum size limit of2048 bytes"):
        table.put_item(TableName="one", Item=key("é" * 1024 + "x"))
    with refused("size of all range keys has exceeded the size limit of 1024 bytes"):
        table.put_item(TableName="one", Item=key("a", "é" * 512 + "x"))


def test_a_batch_answers_sixteen_megabytes_and_leaves_the_rest(table: Any) -> None:
    keys = [key(str(number)) for number in range(45)]
    for one in keys:
        table.put_item(TableName="one", Item={**one, "body": {"S": "x" * 380_000}})
    answer = table.batch_get_item(RequestItems={"one": {"Keys": keys, "ProjectionExpression": "id, s"}})
    got, left = answer["Responses"]["one"], answer["UnprocessedKeys"]["one"]
    # What counts is what is read, not what is shown.
    assert len(got) == (16 << 20) // 380_010
    assert got + left["Keys"] == keys
    assert left["ProjectionExpression"] == "id, s"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"Select": "SPECIFIC_ATTRIBUTES"}, "Must specify the AttributesToGet or ProjectionExpression"),
        ({"Select": "ALL_PROJECTED_ATTRIBUTES"}, "can be used only when Querying using an IndexName"),
        ({"Select": "COUNT", "ProjectionExpression": "id"}, "Cannot specify the ProjectionExpression when choosing to get only the Count"),
        ({"Select": "ALL_ATTRIBUTES", "ProjectionExpression": "id"}, "when choosing to get ALL_ATTRIBUTES"),
        ({"Select": "COUNT", "AttributesToGet": ["id"]}, "when choosing to get only the Count"),
    ],
)  # fmt: skip
def test_what_select_may_not_be_together_with(table: Any, given: dict[str, Any], message: str) -> None:
    with refused(message):
        table.scan(TableName="one", **given)
    with refused(message):
        condition = {"AttributeValueList": [{"S": "a"}], "ComparisonOperator": "EQ"}
        asked = (
            {"KeyConditions": {"id": condition}}
            if "AttributesToGet" in given
            else {"KeyConditionExpression": "id = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
        )
        table.query(TableName="one", **asked, **given)


def test_what_an_update_returns_of_what_is_not_there(table: Any) -> None:
    def updated(expression: str, returned: str, values: dict[str, Any] | None = None) -> Any:
        given = {} if values is None else {"ExpressionAttributeValues": values}
        answer = table.update_item(
            TableName="one", Key=key("a"), UpdateExpression=expression, ReturnValues=returned, **given
        )
        return answer.get("Attributes")

    new = {":m": {"M": {"x": {"N": "1"}, "y": {"N": "2"}}}, ":l": {"L": [{"S": "p"}, {"S": "q"}]}}
    assert updated("SET m = :m, l = :l", "ALL_OLD", new) is None
    assert updated("SET fresh = :v", "UPDATED_OLD", {":v": {"S": "new"}}) is None
    assert updated("REMOVE fresh", "UPDATED_NEW") is None
    # Of a document only what was named; of a list what is there, closed up.
    assert updated("SET m.x = :v", "UPDATED_OLD", {":v": {"N": "3"}}) == {"m": {"M": {"x": {"N": "1"}}}}
    assert updated("SET l[1] = :v", "UPDATED_NEW", {":v": {"S": "r"}}) == {"l": {"L": [{"S": "r"}]}}
    assert updated("REMOVE m.y, m.absent", "UPDATED_OLD") == {"m": {"M": {"y": {"N": "2"}}}}


@pytest.mark.parametrize(
    "name", ["SearchVectors", "StartBulkPutItems", "ExportTableToPointInTime", "ImportTable"]
)
def test_what_is_not_there_is_refused_with_its_reason(name: str) -> None:
    assert name not in operations.by_name
    assert operations.refusals[name]
