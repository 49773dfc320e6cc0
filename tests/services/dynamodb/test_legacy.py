"""The parameters from before expressions still work."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.direct import DirectCloud

KEY: dict[str, Any] = {"customer": {"S": "ann"}, "number": {"N": "1"}}


def test_expected_and_attribute_updates(orders: Any) -> None:
    orders.put_item(
        TableName="orders", Item={**KEY, "n": {"N": "1"}}, Expected={"customer": {"Exists": False}}
    )
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        orders.put_item(TableName="orders", Item=KEY, Expected={"customer": {"Exists": False}})
    answer = orders.update_item(
        TableName="orders",
        Key=KEY,
        AttributeUpdates={
            "n": {"Action": "ADD", "Value": {"N": "2"}},
            "status": {"Value": {"S": "new"}},
            "gone": {"Action": "DELETE"},
        },
        Expected={
            "n": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "1"}, {"N": "5"}]},
            "status": {"ComparisonOperator": "NOT_NULL"},
        },
        ConditionalOperator="OR",
        ReturnValues="ALL_NEW",
    )
    assert answer["Attributes"] == {**KEY, "n": {"N": "3"}, "status": {"S": "new"}}


def test_key_conditions_filters_and_attributes(orders: Any) -> None:
    for number in range(5):
        orders.put_item(
            TableName="orders",
            Item={
                "customer": {"S": "ann"},
                "number": {"N": str(number)},
                "tags": {"SS": ["a", f"t{number}"]},
            },
        )
    page = orders.query(
        TableName="orders",
        KeyConditions={
            "customer": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "ann"}]},
            "number": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "2"}]},
        },
        QueryFilter={"tags": {"ComparisonOperator": "NOT_CONTAINS", "AttributeValueList": [{"S": "t3"}]}},
        AttributesToGet=["number"],
    )
    assert page["Items"] == [{"number": {"N": "2"}}, {"number": {"N": "4"}}]
    found = orders.scan(
        TableName="orders",
        ScanFilter={"number": {"ComparisonOperator": "IN", "AttributeValueList": [{"N": "1"}, {"N": "9"}]}},
    )
    assert [item["number"]["N"] for item in found["Items"]] == ["1"]
    got = orders.batch_get_item(RequestItems={"orders": {"Keys": [KEY], "AttributesToGet": ["tags"]}})
    assert got["Responses"]["orders"] == [{"tags": {"SS": ["a", "t1"]}}]


PREFIX = "One or more parameter values were invalid: "
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"ComparisonOperator": "LT"}, PREFIX + "Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a"),
    ({"Exists": True, "ComparisonOperator": "LT"}, PREFIX + "Exists and ComparisonOperator cannot be used together for Attribute: a"),
    ({"AttributeValueList": []}, PREFIX + "AttributeValueList can only be used with a ComparisonOperator for Attribute: a"),
    ({"Value": {"S": "a"}, "AttributeValueList": []}, PREFIX + "Value and AttributeValueList cannot be used together for Attribute: a"),
    ({"Value": {"S": "a"}, "ComparisonOperator": "BETWEEN"}, PREFIX + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
    ({"Value": {"S": "a"}, "ComparisonOperator": "NULL"}, PREFIX + "Invalid number of argument(s) for the NULL ComparisonOperator"),
    ({"ComparisonOperator": "IN", "AttributeValueList": [{"S": "b"}, {"N": "1"}]}, PREFIX + "AttributeValues inside AttributeValueList must be of same type"),
    ({"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"S": "b"}, {"S": "a"}]}, "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"),
    ({}, PREFIX + "Value must be provided when Exists is null for Attribute: a"),
    ({"Exists": True}, PREFIX + "Value must be provided when Exists is true for Attribute: a"),
    ({"Exists": False, "Value": {"S": "a"}}, PREFIX + "Value cannot be used when Exists is false for Attribute: a"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_expectations_that_are_refused(cloud: DirectCloud, given: Any, message: str) -> None:
    """Source: dynalite's recorded answers of DynamoDB, test/deleteItem.js and test/updateItem.js."""
    params = {"TableName": "aaa", "Key": {}, "Expected": {"a": given}}
    _, answer = cloud._call("dynamodb", "DeleteItem", params, "000000000000", "us-east-2")
    assert answer["Error"] == {"Code": "ValidationException", "Message": message}


def test_there_may_be_more_of_them_than_an_expression_may_hold(orders: Any) -> None:
    """The 4 KB and the 300 operators are limits of expressions (Developer Guide, "Service quotas")."""
    names = [f"attribute-{number}" for number in range(500)]
    answer = orders.update_item(
        TableName="orders",
        Key=KEY,
        AttributeUpdates={name: {"Action": "ADD", "Value": {"N": "1"}} for name in names},
        Expected={name: {"Exists": False} for name in names},
        ReturnValues="UPDATED_NEW",
    )
    assert answer["Attributes"] == {name: {"N": "1"} for name in names}
    got = orders.get_item(TableName="orders", Key=KEY, AttributesToGet=names)
    assert got["Item"] == answer["Attributes"]
    last = {"ComparisonOperator": "NE", "AttributeValueList": [{"N": "1"}]}
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        orders.delete_item(
            TableName="orders",
            Key=KEY,
            Expected={**{name: {"Value": {"N": "1"}} for name in names[:-1]}, names[-1]: last},
        )
    with pytest.raises(ClientError, match="Expression size has exceeded the maximum allowed size"):
        orders.delete_item(
            TableName="orders",
            Key=KEY,
            ConditionExpression=" AND ".join(f"#legacy{number} = :v" for number in range(300)),
            ExpressionAttributeNames={f"#legacy{number}": name for number, name in enumerate(names[:300])},
            ExpressionAttributeValues={":v": {"N": "1"}},
        )
