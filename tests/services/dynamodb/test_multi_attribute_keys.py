"""Global indexes whose keys have several attributes.

Source: Developer Guide, "Multi-attribute keys pattern" and "Using Global Secondary Indexes" (November 2025): up to four
partition and four sort attributes; a Query names every partition attribute with `=`, sort attributes from the left without
a gap, and only the last of them with another operator.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

TYPES = {"id": "S", "tournament": "S", "region": "S", "round": "N", "bracket": "S", "game": "S"}
INDEX: dict[str, Any] = {
    "IndexName": "standings",
    "KeySchema": [
        {"AttributeName": "tournament", "KeyType": "HASH"},
        {"AttributeName": "region", "KeyType": "HASH"},
        {"AttributeName": "round", "KeyType": "RANGE"},
        {"AttributeName": "bracket", "KeyType": "RANGE"},
        {"AttributeName": "game", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "KEYS_ONLY"},
}
PARTITION = "tournament = :t AND #r = :r"
ROUNDS = [("2", "lower", "m1"), ("10", "lower", "m2"), ("2", "upper", "m3"), ("2", "lower", "m0")]


def attributes(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": TYPES[name]} for name in names]


def item(key: str, round_: str, bracket: str, match: str, region: str = "eu") -> dict[str, Any]:
    return {
        "id": {"S": key},
        "tournament": {"S": "cup"},
        "region": {"S": region},
        "round": {"N": round_},
        "bracket": {"S": bracket},
        "game": {"S": match},
        "score": {"N": "7"},
    }


@pytest.fixture(params=["at creation", "by backfill"])
def matches(request: pytest.FixtureRequest, client: Any) -> Any:
    table: dict[str, Any] = {
        "TableName": "matches",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    later = request.param == "by backfill"
    if later:
        client.create_table(**table, AttributeDefinitions=attributes("id"))
    else:
        client.create_table(**table, AttributeDefinitions=attributes(*TYPES), GlobalSecondaryIndexes=[INDEX])
    for number, place in enumerate(ROUNDS):
        client.put_item(TableName="matches", Item=item(str(number), *place))
    client.put_item(TableName="matches", Item=item("elsewhere", "2", "lower", "m1", region="us"))
    without = item("without", "2", "lower", "m9")
    del without["game"]
    client.put_item(TableName="matches", Item=without)
    if later:
        client.update_table(
            TableName="matches",
            AttributeDefinitions=attributes(*TYPES),
            GlobalSecondaryIndexUpdates=[{"Create": INDEX}],
        )
    return client


def query(client: Any, condition: str, values: dict[str, Any] | None = None, **more: Any) -> Any:
    return client.query(
        TableName="matches",
        IndexName="standings",
        KeyConditionExpression=condition,
        ExpressionAttributeNames={"#r": "region"} | ({"#n": "round"} if "#n" in condition else {}),
        ExpressionAttributeValues={":t": {"S": "cup"}, ":r": {"S": "eu"}, **(values or {})},
        **more,
    )


def found(client: Any, condition: str, values: dict[str, Any] | None = None, **more: Any) -> list[str]:
    return [one["game"]["S"] for one in query(client, condition, values, **more)["Items"]]


CASES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "the partition alone, in the order of all sort attributes": ("", {}, ["m0", "m1", "m3", "m2"]),
    "the first sort attribute": (" AND #n = :n", {":n": {"N": "2"}}, ["m0", "m1", "m3"]),
    "a range of the first": (" AND #n > :n", {":n": {"N": "2"}}, ["m2"]),
    "two sort attributes": (
        " AND #n = :n AND bracket = :b",
        {":n": {"N": "2"}, ":b": {"S": "lower"}},
        ["m0", "m1"],
    ),
    "a beginning of the second": (
        " AND #n = :n AND begins_with(bracket, :b)",
        {":n": {"N": "2"}, ":b": {"S": "u"}},
        ["m3"],
    ),
    "all of them, the last one a range": (
        " AND #n = :n AND bracket = :b AND game BETWEEN :x AND :y",
        {":n": {"N": "2"}, ":b": {"S": "lower"}, ":x": {"S": "m1"}, ":y": {"S": "m2"}},
        ["m1"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_query_finds(matches: Any, case: str) -> None:
    condition, values, expected = CASES[case]
    assert found(matches, PARTITION + condition, values) == expected
    assert found(matches, PARTITION + condition, values, ScanIndexForward=False) == expected[::-1]


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "Query condition missed key schema element: region": ("tournament = :t", {}),
    "RANGE key attributes round must have equality conditions specified in the query because a condition is present on "
    "key attribute bracket": (f"{PARTITION} AND bracket = :b", {":b": {"S": "lower"}}),
}


@pytest.mark.parametrize("message", REFUSED)
def test_a_query_is_refused(matches: Any, message: str) -> None:
    condition, values = REFUSED[message]
    names = {"#r": "region"} if "#r" in condition else None
    given = {":t": {"S": "cup"}, **({":r": {"S": "eu"}} if names else {}), **values}
    more: dict[str, Any] = {"ExpressionAttributeNames": names} if names else {}
    with pytest.raises(ClientError, match=message):
        matches.query(
            TableName="matches",
            IndexName="standings",
            KeyConditionExpression=condition,
            ExpressionAttributeValues=given,
            **more,
        )


def test_only_the_last_sort_attribute_may_have_another_operator(matches: Any) -> None:
    values = {":n": {"N": "2"}, ":b": {"S": "lower"}}
    with pytest.raises(ClientError, match="must have equality conditions specified in the query"):
        query(matches, f"{PARTITION} AND #n > :n AND bracket = :b", values)
    with pytest.raises(ClientError, match="Query key condition not supported"):
        matches.query(
            TableName="matches",
            IndexName="standings",
            KeyConditionExpression="tournament = :t AND #r > :r",
            ExpressionAttributeNames={"#r": "region"},
            ExpressionAttributeValues={":t": {"S": "cup"}, ":r": {"S": "eu"}},
        )


def test_pages_go_on_from_a_key_with_every_attribute(matches: Any) -> None:
    first = query(matches, PARTITION, Limit=3)
    assert set(first["LastEvaluatedKey"]) == set(TYPES)
    rest = query(matches, PARTITION, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert [one["game"]["S"] for one in first["Items"] + rest["Items"]] == ["m0", "m1", "m3", "m2"]
    assert set(first["Items"][0]) == set(TYPES), "the projection is KEYS_ONLY"


def test_an_item_moves_when_one_of_the_attributes_does(matches: Any) -> None:
    matches.update_item(
        TableName="matches",
        Key={"id": {"S": "1"}},
        UpdateExpression="SET #n = :n",
        ExpressionAttributeNames={"#n": "round"},
        ExpressionAttributeValues={":n": {"N": "1"}},
    )
    assert found(matches, PARTITION) == ["m2", "m0", "m1", "m3"]
    with pytest.raises(ClientError, match="Type mismatch for Index Key bracket Expected: S Actual: N"):
        matches.put_item(TableName="matches", Item={"id": {"S": "x"}, "bracket": {"N": "1"}})


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ("HHHHH", "exceeds the maximum allowed number of HASH key attributes"),
        ("HRRRRR", "exceeds the maximum allowed number of RANGE key attributes"),
        ("HRH", "All HASH key attributes must precede RANGE key attributes in the KeySchema"),
        ("RRH", "The first KeySchemaElement is not a HASH key type"),
    ],
)
def test_key_schemas_that_are_refused(client: Any, kinds: str, message: str) -> None:
    names = [f"a{number}" for number in range(len(kinds))]
    schema = [
        {"AttributeName": name, "KeyType": "HASH" if kind == "H" else "RANGE"}
        for name, kind in zip(names, kinds, strict=True)
    ]
    with pytest.raises(ClientError, match=message):
        client.create_table(
            TableName="wrong",
            KeySchema=[{"AttributeName": "a0", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            GlobalSecondaryIndexes=[{**INDEX, "KeySchema": schema}],
            BillingMode="PAY_PER_REQUEST",
        )


@pytest.mark.parametrize("where", ["table", "local"])
def test_only_global_indexes_have_such_keys(client: Any, where: str) -> None:
    names = ("a", "b", "c")
    schema = [{"AttributeName": "a", "KeyType": "HASH"}] + [
        {"AttributeName": name, "KeyType": "RANGE"} for name in names[1:]
    ]
    local = {"IndexName": "local", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
    more: dict[str, Any] = {"LocalSecondaryIndexes": [local]} if where == "local" else {}
    with pytest.raises(ClientError, match=r"ValidationException.*less than or equal to 2"):
        client.create_table(
            TableName="wrong",
            KeySchema=schema if where == "table" else schema[:2],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            BillingMode="PAY_PER_REQUEST",
            **more,
        )


@pytest.mark.parametrize("condition", [PARTITION, "#r = :r AND tournament = :t"])
def test_policies_see_each_attribute_of_the_partition_key(cloud: Any, matches: Any, condition: str) -> None:
    """Developer Guide, "Using IAM policy conditions for fine-grained access control": a condition key for each place."""
    cloud.checks.clear()
    query(matches, condition)
    # It is asked before it is refused: PartiQL reads no index of such a key.
    with pytest.raises(
        ClientError, match="PartiQL statements cannot be executed on tables with multi-attribute"
    ):
        matches.execute_statement(
            Statement="SELECT game FROM \"matches\".\"standings\" WHERE \"region\" = 'eu' AND tournament IN ['cup', 'league']"
        )
    asked, statement = cloud.checks
    partition = {
        name: value for name, value in asked.context.items() if name.endswith("Keys") or "Partition" in name
    }
    assert partition == {
        "dynamodb:LeadingKeys": ("cup",),
        "dynamodb:FirstPartitionKeyValues": ("cup",),
        "dynamodb:SecondPartitionKeyValues": ("eu",),
    }
    assert statement.context["dynamodb:LeadingKeys"] == ("cup", "league")
    assert statement.context["dynamodb:SecondPartitionKeyValues"] == ("eu", "eu")
