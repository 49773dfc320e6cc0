"""The tables that every engine has, and the items in them before anything is asked."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.support.peers.engines import Engine

_UNITS = {"ReadCapacityUnits": 50, "WriteCapacityUnits": 50}


def key_schema(partition: str, sort: str | None = None) -> list[dict[str, str]]:
    """A table's or an index's keys."""
    keys = [{"AttributeName": partition, "KeyType": "HASH"}]
    return keys if sort is None else [*keys, {"AttributeName": sort, "KeyType": "RANGE"}]


def definitions(**types: str) -> list[dict[str, str]]:
    """Names of attributes and their types."""
    return [{"AttributeName": name, "AttributeType": code} for name, code in types.items()]


TABLES: dict[str, dict[str, Any]] = {
    "things": {
        "TableName": "things",
        "KeySchema": key_schema("p", "s"),
        "AttributeDefinitions": definitions(p="S", s="N", l="S", g="S", h="N"),
        "ProvisionedThroughput": _UNITS,
        "LocalSecondaryIndexes": [
            {
                "IndexName": "local",
                "KeySchema": key_schema("p", "l"),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "global",
                "KeySchema": key_schema("g", "h"),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["tx"]},
                "ProvisionedThroughput": _UNITS,
            },
            {
                "IndexName": "whole",
                "KeySchema": key_schema("l"),
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": _UNITS,
            },
        ],
    },
    "plain": {
        "TableName": "plain",
        "KeySchema": key_schema("k"),
        "AttributeDefinitions": definitions(k="B"),
        "ProvisionedThroughput": _UNITS,
    },
}
RICH: dict[str, Any] = {
    "l": {"S": "left"},
    "g": {"S": "red"},
    "h": {"N": "-1.5"},
    "tx": {"S": "abcé"},
    "byt": {"B": "AAEC/w=="},
    "fl": {"BOOL": True},
    "nil": {"NULL": True},
    "ls": {"L": [{"S": "x"}, {"N": "100"}, {"M": {"deep": {"L": [{"N": "1"}]}}}]},
    "mp": {"M": {"o1": {"N": "1"}, "t2": {"M": {"t3": {"SS": ["a", "b"]}}}}},
    "ss": {"SS": ["a", "abcé", "b"]},
    "nums": {"NS": ["-30000000000", "1", "2.5"]},
    "bs": {"BS": ["AA==", "AQ=="]},
    "n": {"N": "5"},
    "e": {"S": ""},
}
ITEMS: dict[str, list[dict[str, Any]]] = {
    "things": [
        {"p": {"S": "a"}, "s": {"N": "1"}, **RICH},
        {"p": {"S": "a"}, "s": {"N": "2"}, "l": {"S": "right"}, "tx": {"S": "x"}, "n": {"N": "1"}},
        {"p": {"S": "a"}, "s": {"N": "-3"}, "g": {"S": "red"}, "h": {"N": "7"}, "n": {"S": "5"}},
        {"p": {"S": "b"}, "s": {"N": "1"}, "g": {"S": "blue"}, "h": {"N": "0"}, "pad": {"S": "z" * 5000}},
    ],
    "plain": [
        {"k": {"B": "AA=="}, "n": {"N": "1"}, "tx": {"S": "x"}},
        {"k": {"B": "AQ=="}, "ls": {"L": []}, "mp": {"M": {}}},
    ],
}
KEYS = {"things": ("p", "s"), "plain": ("k",)}


def begin(engine: Engine) -> None:
    """Make the tables."""
    for table in TABLES.values():
        engine.call("CreateTable", table)
    for name in TABLES:
        settle(engine, name)
    restore(engine)


def settle(engine: Engine, name: str) -> None:
    """Wait until what was begun of a table is done."""
    for _ in range(200):
        table = engine.call("DescribeTable", {"TableName": name})
        if table.status != 200:
            return
        described = table.body["Table"]
        states = [
            described["TableStatus"],
            *(one.get("IndexStatus", "ACTIVE") for one in described.get("GlobalSecondaryIndexes", ())),
        ]
        if set(states) == {"ACTIVE"}:
            return
        time.sleep(0.02)


def restore(engine: Engine) -> None:
    """The items as they were at first, and no others."""
    for name, keys in KEYS.items():
        held = engine.call("Scan", {"TableName": name})
        items = held.body.get("Items", []) if held.status == 200 else []
        first = {json.dumps({key: item[key] for key in keys}) for item in ITEMS[name]}
        for item in items:
            key = {key: item[key] for key in keys}
            if json.dumps(key) not in first:
                engine.call("DeleteItem", {"TableName": name, "Key": key})
        for item in ITEMS[name]:
            engine.call("PutItem", {"TableName": name, "Item": item})
