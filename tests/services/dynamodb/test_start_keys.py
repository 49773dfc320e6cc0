"""What is wrong with an ExclusiveStartKey: dynalite's answers, whose authors recorded them of DynamoDB."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

INVALID = "The provided starting key is invalid"
SCHEMA = "The provided key element does not match the schema"
PREDICATE = "The provided starting key does not match the range key predicate"
BOUNDARIES = "The provided starting key is outside query boundaries based on provided conditions"
ONE_ROW = "The query can return at most one row and cannot be restarted"
S, N = {"S": "a"}, {"N": "1"}
KEY = {"p": S, "s": N}


@pytest.fixture
def things(client: Any) -> Any:
    client.create_table(
        TableName="things",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": code} for name, code in zip("psgh", "SNSN", strict=True)
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "global",
                "KeySchema": [
                    {"AttributeName": "g", "KeyType": "HASH"},
                    {"AttributeName": "h", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


@pytest.mark.parametrize(
    ("index", "start", "of_query", "of_scan"),
    [
        (None, {"p": S}, INVALID, f"{INVALID}: {SCHEMA}"),
        (None, {**KEY, "x": N}, INVALID, f"{INVALID}: {SCHEMA}"),
        (None, {"p": S, "x": N}, INVALID, f"{INVALID}: {SCHEMA}"),
        (None, {"p": S, "s": S}, SCHEMA, f"{INVALID}: {SCHEMA}"),
        ("global", KEY, INVALID, INVALID),
        ("global", {**KEY, "g": S, "x": N}, INVALID, INVALID),
        ("global", {**KEY, "g": S, "h": S}, SCHEMA, SCHEMA),
        ("global", {"p": N, "s": N, "g": S, "h": N}, f"{INVALID}: {SCHEMA}", f"{INVALID}: {SCHEMA}"),
        ("global", {"p": S, "x": N, "g": S, "h": N}, f"{INVALID}: {SCHEMA}", f"{INVALID}: {SCHEMA}"),
    ],
)
def test_a_start_key_of_another_form(
    things: Any, index: str | None, start: dict[str, Any], of_query: str, of_scan: str
) -> None:
    read = {"TableName": "things", "ExclusiveStartKey": start, **({"IndexName": index} if index else {})}
    condition = {
        "KeyConditionExpression": "g = :a" if index else "p = :a",
        "ExpressionAttributeValues": {":a": S},
    }
    with pytest.raises(ClientError) as caught:
        things.query(**read, **condition)
    assert caught.value.response["Error"]["Message"] == of_query
    with pytest.raises(ClientError) as caught:
        things.scan(**read)
    assert caught.value.response["Error"]["Message"] == of_scan


@pytest.mark.parametrize(
    ("condition", "partition", "sort", "message"),
    [
        ("", "b", "1", BOUNDARIES),
        (" AND s > :n", "a", "1", PREDICATE),
        (" AND s > :n", "b", "0", PREDICATE),
        (" AND s > :n", "b", "2", ONE_ROW),
        (" AND s >= :n", "a", "0", PREDICATE),
        (" AND s < :n", "a", "1", PREDICATE),
        (" AND s <= :n", "a", "2", PREDICATE),
        (" AND s = :n", "a", "2", PREDICATE),
        (" AND s = :n", "b", "1", ONE_ROW),
        (" AND s BETWEEN :n AND :m", "a", "0", PREDICATE),
        (" AND s BETWEEN :n AND :m", "a", "4", PREDICATE),
    ],
)
def test_a_start_key_that_the_conditions_leave_out(
    things: Any, condition: str, partition: str, sort: str, message: str
) -> None:
    values = {":p": S, ":n": N, ":m": {"N": "3"}}
    with pytest.raises(ClientError) as caught:
        things.query(
            TableName="things",
            KeyConditionExpression=f"p = :p{condition}",
            ExpressionAttributeValues={
                name: value for name, value in values.items() if name in f":p{condition}"
            },
            ExclusiveStartKey={"p": {"S": partition}, "s": {"N": sort}},
        )
    assert caught.value.response["Error"]["Message"] == message


def test_a_start_key_of_another_segment(things: Any) -> None:
    refused: list[str] = []
    for segment in (0, 1):
        try:
            things.scan(TableName="things", ExclusiveStartKey=KEY, Segment=segment, TotalSegments=2)
        except ClientError as error:
            refused.append(f"{segment} {error.response['Error']['Message']}")
    [one] = refused
    assert one[2:] == (
        f"{INVALID}: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. "
        f"TotalSegments: 2 Segment: {one[0]}"
    )
