"""Requests of tables at random. What they make is named `made...`, and is taken away again."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

from tests.support.peers.tables import TABLES, definitions, key_schema

Request = tuple[str, dict[str, Any]]
_UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}


def _index(dice: Random, number: int, *, local: bool) -> dict[str, Any]:
    projection = dice.choice((
        {"ProjectionType": "ALL"}, {"ProjectionType": "KEYS_ONLY"}, {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x"]},
        {"ProjectionType": "INCLUDE"}, {"ProjectionType": "ALL", "NonKeyAttributes": ["x"]}, {"NonKeyAttributes": ["x"]}, {},
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": []}, {"ProjectionType": "INCLUDE", "NonKeyAttributes": [f"n{one}" for one in range(21)]},
        {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["x", "x"]}, {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]},
    ) if dice.random() < 0.35 else ({"ProjectionType": "ALL"},))  # fmt: skip
    keys = key_schema(
        "a" if local else dice.choice("abc"),
        dice.choice(("b", "c", "d", "a", None) if dice.random() < 0.4 else ("b",)),
    )
    made: dict[str, Any] = {
        "IndexName": dice.choice((f"index{number}",) * 8 + ("index0", "ab")),
        "KeySchema": keys,
        "Projection": projection,
    }
    if not local and dice.random() < 0.9:
        made["ProvisionedThroughput"] = dict(_UNITS)
    return made


def create(dice: Random) -> Request:
    sort = dice.choice(("b", None, None))
    params: dict[str, Any] = {
        "TableName": dice.choice(("made1", "made1", "made1", "made.2-_", "things", "ma", "a;b", "m" * 256)),
        "KeySchema": key_schema("a", sort),
        "AttributeDefinitions": definitions(
            **dict.fromkeys(
                dice.choice(("ab", "abc", "a", "abcd", "abd", ""))
                if dice.random() < 0.4
                else ("ab" if sort else "a"),
                "S",
            )
        ),
    }
    roll = dice.random()
    if roll < 0.7:
        params["ProvisionedThroughput"] = dict(_UNITS)
    elif roll < 0.9:
        params["BillingMode"] = "PAY_PER_REQUEST"
    if dice.random() < 0.05:
        params["BillingMode"] = dice.choice(("PROVISIONED", "PAY_PER_REQUEST", "FREE"))
    if dice.random() < 0.4:
        params["GlobalSecondaryIndexes"] = [
            _index(dice, one, local=False)
            for one in range(dice.choice((0, 1, 1, 1, 2, 21) if dice.random() < 0.2 else (1, 1, 2)))
        ]
    if dice.random() < 0.3:
        params["LocalSecondaryIndexes"] = [
            _index(dice, one, local=True)
            for one in range(dice.choice((0, 1, 1, 2, 6) if dice.random() < 0.2 else (1, 1, 2)))
        ]
    if dice.random() < 0.3:
        names = {one["AttributeName"] for one in params["KeySchema"]}
        for index in params.get("GlobalSecondaryIndexes", []) + params.get("LocalSecondaryIndexes", []):
            names |= {one["AttributeName"] for one in index["KeySchema"]}
        params["AttributeDefinitions"] = definitions(**dict.fromkeys(sorted(names), "S"))
    if dice.random() < 0.05:
        params["KeySchema"] = dice.choice(
            (
                params["KeySchema"] * 2,
                params["KeySchema"][::-1],
                [{"AttributeName": "a", "KeyType": "RANGE"}],
                key_schema("a", "a"),
                [],
            )
        )
    if dice.random() < 0.05:
        params["Tags"] = dice.choice(
            (
                [{"Key": "k", "Value": "v"}],
                [{"Key": "k", "Value": "v"}] * 2,
                [],
                [{"Key": "", "Value": ""}],
                [{"Key": "k" * 129, "Value": "v" * 257}],
            )
        )
    return "CreateTable", params


def update(dice: Random) -> Request:
    params: dict[str, Any] = {"TableName": dice.choice(("made1", "made1", "made1", "none", "a"))}
    if dice.random() < 0.3:
        params["ProvisionedThroughput"] = {
            "ReadCapacityUnits": dice.choice((5, 6, 0, -1)),
            "WriteCapacityUnits": dice.choice((5, 6, 10**13)),
        }
    if dice.random() < 0.1:
        params["BillingMode"] = dice.choice(("PROVISIONED", "PAY_PER_REQUEST", "FREE"))
    if dice.random() < 0.6:
        one = dice.choice(({"Create": _index(dice, 3, local=False)}, {"Create": _index(dice, 3, local=False)}, {"Delete": {"IndexName": dice.choice(("index0", "index3", "none"))}},
                           {"Update": {"IndexName": dice.choice(("index0", "none")), "ProvisionedThroughput": {"ReadCapacityUnits": dice.choice((5, 7)), "WriteCapacityUnits": 5}}}, {}))  # fmt: skip
        params["GlobalSecondaryIndexUpdates"] = dice.choice(
            ([one], [one], [one], [one, one], [one, {"Delete": {"IndexName": "index0"}}], [])
        )
        if dice.random() < 0.8:
            params["AttributeDefinitions"] = definitions(
                **dict.fromkeys(dice.choice(("ab", "abc", "a", "abcd")), "S")
            )
    return "UpdateTable", params


def other(dice: Random) -> Request:
    name = dice.choice(("made1", "things", "none", "a", "a;b"))
    arn = f"arn:aws:dynamodb:us-east-2:000000000000:table/{name}"
    return dice.choice((
        ("DescribeTable", {"TableName": name}),
        ("DeleteTable", {"TableName": dice.choice(("none", "a", "a;b", "made1"))}),
        ("ListTables", {"Limit": dice.choice((1, 2, 100, 0, 101, -1))}),
        ("ListTables", {"ExclusiveStartTableName": dice.choice(("plain", "a", "aaa", "zzz", "a;b", ""))}),
        ("ListTables", {}),
        ("DescribeTimeToLive", {"TableName": name}),
        ("TagResource", {"ResourceArn": dice.choice(("abc", "", "arn:aws:dynamodb", arn.replace("things", "none"))), "Tags": [{"Key": "a", "Value": "b"}]}),
        ("UntagResource", {"ResourceArn": dice.choice(("abc", "", "arn:aws:dynamodb")), "TagKeys": dice.choice((["a"], []))}),
        ("ListTagsOfResource", {"ResourceArn": dice.choice(("abc", "", "arn:aws:dynamodb"))}),
    ))  # fmt: skip


def setting(dice: Random) -> Request:
    return copy.deepcopy(dice.choice((create, create, create, update, other))(dice))


__all__ = ["TABLES", "setting"]
