"""Requests of items at random."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.support.peers.expressions import COMPARATORS, Written
from tests.support.peers.tables import ITEMS, RICH
from tests.support.peers.values import value

Request = tuple[str, dict[str, Any]]
_LEGACY = (
    "EQ",
    "NE",
    "IN",
    "LE",
    "LT",
    "GE",
    "GT",
    "BETWEEN",
    "NOT_NULL",
    "NULL",
    "CONTAINS",
    "NOT_CONTAINS",
    "BEGINS_WITH",
)
_COUNTS = {"BETWEEN": 2, "NULL": 0, "NOT_NULL": 0}
_ATTRIBUTES = (*RICH, "p", "s", "gone")


def _key(dice: Random, table: str) -> dict[str, Any]:
    if table == "plain":
        key: dict[str, Any] = {"k": {"B": dice.choice(("AA==", "AQ==", "Ag=="))}}
    else:
        key = {"p": {"S": dice.choice("aaab")}, "s": {"N": dice.choice(("1", "1", "2", "-3", "9", "1.0"))}}
    if dice.random() < 0.05:
        match dice.randrange(4):
            case 0:
                key[dice.choice((*key, "x", "l"))] = value(dice, 0.6)
            case 1:
                del key[dice.choice(list(key))]
            case 2:
                key[dice.choice(list(key))] = {"S": "x" * dice.choice((1024, 1025, 2048, 2049))}
            case _:
                key = {"q": {"S": "a"}, **dict(list(key.items())[1:])}
    return key


def _item(dice: Random, table: str, spoiled: float = 0.1) -> dict[str, Any]:
    item = _key(dice, table)
    for _ in range(dice.randrange(4)):
        item[dice.choice((*RICH, "é", "x"))] = value(dice, spoiled)
    if dice.random() < 0.02:
        item[dice.choice(("", "n" * 255, "n" * 65536, "n" * 65535))] = {"S": "x"}
    if dice.random() < 0.02:
        item["big"] = {"S": "x" * dice.choice((1000, 5000, 409_500, 409_600, 420_000))}
    return item


def _common(dice: Random, params: dict[str, Any], write: bool) -> None:
    if dice.random() < 0.3:
        params["ReturnConsumedCapacity"] = dice.choice(("TOTAL", "INDEXES", "INDEXES", "NONE"))
    if write and dice.random() < 0.1:
        params["ReturnItemCollectionMetrics"] = dice.choice(("SIZE", "NONE"))


def _legacy_condition(dice: Random) -> dict[str, Any]:
    operator = dice.choice(_LEGACY)
    count = _COUNTS.get(operator, 1) if dice.random() < 0.92 else dice.randrange(4)
    found: dict[str, Any] = {"ComparisonOperator": operator}
    if count or dice.random() < 0.1:
        found["AttributeValueList"] = [value(dice, 0.03) for _ in range(count)]
    return found


def _expected(dice: Random) -> dict[str, Any]:
    def one() -> dict[str, Any]:
        roll = dice.random()
        if roll < 0.25:
            return {"Value": value(dice, 0.03)}
        if roll < 0.45:
            return {
                "Exists": dice.choice((True, False)),
                **({"Value": value(dice, 0.03)} if dice.random() < 0.4 else {}),
            }
        if roll < 0.5:
            return {**_legacy_condition(dice), "Exists": False}
        if roll < 0.55:
            return {**_legacy_condition(dice), "Value": value(dice, 0.03)}
        return _legacy_condition(dice)

    return {dice.choice(_ATTRIBUTES): one() for _ in range(dice.choice((0, 1, 1, 1, 2)))}


def _conditional(dice: Random, params: dict[str, Any]) -> dict[str, Any]:
    roll = dice.random()
    if roll < 0.5:
        written = Written(dice=dice)
        params["ConditionExpression"] = written.filter()
        return written.placed(params)
    if roll < 0.8:
        params["Expected"] = _expected(dice)
        if dice.random() < 0.3:
            params["ConditionalOperator"] = dice.choice(("AND", "OR", "OR", "XOR"))
    if roll > 0.98:
        params["Expected"] = _expected(dice)
        params["ConditionExpression"] = "p = s"
    return params


def put(dice: Random) -> Request:
    table = dice.choice(("things", "things", "plain"))
    params: dict[str, Any] = {"TableName": table, "Item": _item(dice, table)}
    if dice.random() < 0.3:
        params["ReturnValues"] = dice.choice(("ALL_OLD", "ALL_OLD", "NONE", "ALL_NEW", "UPDATED_OLD"))
    _common(dice, params, write=True)
    return "PutItem", _conditional(dice, params)


def delete(dice: Random) -> Request:
    table = dice.choice(("things", "things", "plain"))
    params: dict[str, Any] = {"TableName": table, "Key": _key(dice, table)}
    if dice.random() < 0.4:
        params["ReturnValues"] = dice.choice(("ALL_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"))
    _common(dice, params, write=True)
    return "DeleteItem", _conditional(dice, params)


def update(dice: Random) -> Request:
    table = dice.choice(("things", "things", "things", "plain"))
    params: dict[str, Any] = {"TableName": table, "Key": _key(dice, table)}
    if dice.random() < 0.7:
        params["ReturnValues"] = dice.choice(("ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "NONE"))
    _common(dice, params, write=True)
    if dice.random() < 0.7:
        written = Written(dice=dice)
        params["UpdateExpression"] = written.update()
        if dice.random() < 0.2:
            params["ConditionExpression"] = written.filter()
        return "UpdateItem", written.placed(params)
    updates: dict[str, Any] = {}
    for _ in range(dice.choice((0, 1, 1, 1, 2))):
        action = dice.choice(("PUT", "ADD", "ADD", "DELETE", "DELETE", None, "PUSH"))
        one: dict[str, Any] = {} if action is None else {"Action": action}
        if dice.random() < 0.85:
            one["Value"] = value(dice, 0.05)
        updates[dice.choice((*RICH, "gone", "p"))] = one
    params["AttributeUpdates"] = updates
    return "UpdateItem", _conditional(dice, params)


def _reading(dice: Random, params: dict[str, Any], written: Written) -> None:
    roll = dice.random()
    if roll < 0.3:
        params["ProjectionExpression"] = written.projection()
    elif roll < 0.45:
        params["AttributesToGet"] = [dice.choice(_ATTRIBUTES) for _ in range(dice.choice((0, 1, 2, 2)))]
    if dice.random() < 0.2:
        params["ConsistentRead"] = dice.choice((True, True, False))
    _common(dice, params, write=False)


def get(dice: Random) -> Request:
    table = dice.choice(("things", "things", "plain"))
    params: dict[str, Any] = {"TableName": table, "Key": _key(dice, table)}
    written = Written(dice=dice)
    _reading(dice, params, written)
    return "GetItem", written.placed(params)


_KEYS = {
    None: ("p", "s", "N"),
    "local": ("p", "l", "S"),
    "global": ("g", "h", "N"),
    "whole": ("l", None, "S"),
    "none": ("p", "s", "N"),
}


def _several(dice: Random, params: dict[str, Any], index: str | None, written: Written) -> None:
    if index:
        params["IndexName"] = index
    if dice.random() < 0.3:
        params["Limit"] = dice.choice((1, 1, 2, 3, 1000, 0, -1))
    if dice.random() < 0.25:
        params["Select"] = dice.choice(
            ("ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT", "COUNT", "SOME")
        )
    if dice.random() < 0.2:
        item = dice.choice(ITEMS["things"])
        names = {"p", "s", *filter(None, _KEYS[index][:2])}
        start = {name: item.get(name, {"S": "red"}) for name in sorted(names)}
        if dice.random() < 0.25:
            start[dice.choice((*start, "x"))] = value(dice, 0.1)
        if dice.random() < 0.1:
            del start[dice.choice(list(start))]
        params["ExclusiveStartKey"] = start
    _reading(dice, params, written)


def _key_value(dice: Random, code: str) -> Any:
    if dice.random() < 0.06:
        return value(dice, 0.2)
    return (
        {"N": dice.choice(("1", "0", "-3", "2", "7"))}
        if code == "N"
        else {"S": dice.choice(("a", "red", "left", "b", "l"))}
    )


def _key_expression(dice: Random, written: Written, keys: tuple[str, str | None, str]) -> str:
    def given(code: str) -> str:
        name = f":k{len(written.values)}"
        written.values[name] = _key_value(dice, code)
        return name

    partition, sort, code = keys
    terms = [f"{partition} = {given('S')}"]
    if sort and dice.random() < 0.6:
        roll = dice.random()
        if roll < 0.25:
            terms.append(f"{sort} BETWEEN {given(code)} AND {given(code)}")
        elif roll < 0.4:
            terms.append(f"begins_with({sort}, {given(code)})")
        else:
            terms.append(f"{sort} {dice.choice((*COMPARATORS[:1], *COMPARATORS[2:]))} {given(code)}")
    if dice.random() < 0.12:
        more = (
            lambda: f"{partition} = {given('S')}",
            written.condition,
            lambda: f"n = {given('N')}",
            lambda: f"{partition} > {given('S')}",
            lambda: f"{given('S')} = {partition}",
        )
        terms.append(dice.choice(more)())
    if dice.random() < 0.1:
        dice.shuffle(terms)
    if dice.random() < 0.03:
        terms = terms[1:] or [written.condition()]
    if dice.random() < 0.05:
        first = terms[0]
        others = (
            lambda: f"({first})", lambda: f"NOT {first}", lambda: f"{first} AND size({partition}) = {given('N')}", lambda: f"{first} AND {partition}.x = {given('S')}",
            lambda: f"{first} AND attribute_exists({partition})", lambda: f"{first} AND {partition} IN ({given('S')})", lambda: f"{first} AND {partition} <> {given('S')}",
            lambda: f"{first} AND {given('S')} = {given('S')}", lambda: f"{first} AND {partition} = {partition}", lambda: f"{first[:-3]}{given('S')}",
        )  # fmt: skip
        terms[0] = dice.choice(others)()
    return written.spoil(dice.choice((" AND ",) * 9 + (" OR ",)).join(terms))


def query(dice: Random) -> Request:
    index = dice.choice(
        (None, None, None, "local", "global", "whole", "none" if dice.random() < 0.2 else None)
    )
    params: dict[str, Any] = {"TableName": "things"}
    written = Written(dice=dice)
    _several(dice, params, index, written)
    if dice.random() < 0.3:
        params["ScanIndexForward"] = dice.choice((True, False, False))
    partition, sort, code = _KEYS[index]
    if dice.random() < 0.7:
        params["KeyConditionExpression"] = _key_expression(dice, written, _KEYS[index])
        if dice.random() < 0.3:
            params["FilterExpression"] = written.filter()
        return "Query", written.placed(params)
    conditions = {partition: {"ComparisonOperator": "EQ", "AttributeValueList": [_key_value(dice, "S")]}}
    if sort and dice.random() < 0.6:
        operator = dice.choice(
            ("EQ", "LE", "LT", "GE", "GT", "BETWEEN", "BEGINS_WITH", "NE", "IN", "NOT_NULL")
        )
        conditions[sort] = {
            "ComparisonOperator": operator,
            "AttributeValueList": [_key_value(dice, code) for _ in range(_COUNTS.get(operator, 1))],
        }
    if dice.random() < 0.15:
        conditions[dice.choice((partition, "n", sort or "n"))] = _legacy_condition(dice)
    if dice.random() < 0.03:
        del conditions[partition]
    params["KeyConditions"] = conditions
    if dice.random() < 0.3:
        params["QueryFilter"] = {
            dice.choice(_ATTRIBUTES): _legacy_condition(dice) for _ in range(dice.choice((1, 1, 2)))
        }
        if dice.random() < 0.3:
            params["ConditionalOperator"] = dice.choice(("AND", "OR"))
    return "Query", written.placed(params)


def scan(dice: Random) -> Request:
    index = dice.choice((None, None, None, "local", "global", "whole"))
    params: dict[str, Any] = {"TableName": "things" if index or dice.random() < 0.7 else "plain"}
    written = Written(dice=dice)
    _several(dice, params, index, written)
    params.pop("Limit" if dice.random() < 0.9 else "", None)
    if params.get("ExclusiveStartKey") and dice.random() < 0.8:
        del params["ExclusiveStartKey"]
    if dice.random() < 0.1:
        params["TotalSegments"] = dice.choice((1, 2, 0, 1000001))
        params["Segment"] = dice.choice((0, 1, 2, -1))
        if dice.random() < 0.2:
            del params[dice.choice(("TotalSegments", "Segment"))]
    if dice.random() < 0.5:
        params["FilterExpression"] = written.filter()
    elif dice.random() < 0.6:
        params["ScanFilter"] = {
            dice.choice(_ATTRIBUTES): _legacy_condition(dice) for _ in range(dice.choice((0, 1, 1, 2)))
        }
        if dice.random() < 0.3:
            params["ConditionalOperator"] = dice.choice(("AND", "OR"))
    return "Scan", written.placed(params)


def batch_get(dice: Random) -> Request:
    requests: dict[str, Any] = {}
    for table in dice.choice((("things",), ("things", "plain"), ("plain",), (), ("none",), ("a",))):
        keys = [
            _key(dice, table)
            for _ in range(dice.choice((1, 1, 2, 2, 3, 0, 101) if dice.random() < 0.3 else (1, 1, 2)))
        ]
        one: dict[str, Any] = {"Keys": keys}
        written = Written(dice=dice)
        _reading(dice, one, written)
        one.pop("ReturnConsumedCapacity", None)
        requests[table] = written.placed(one)
    params: dict[str, Any] = {"RequestItems": requests}
    _common(dice, params, write=False)
    return "BatchGetItem", params


def batch_write(dice: Random) -> Request:
    requests: dict[str, Any] = {}
    for table in dice.choice((("things",), ("things", "plain"), ("plain",), (), ("none",), ("a",))):
        writes: list[Any] = []
        for _ in range(dice.choice((1, 1, 2, 3, 0, 26) if dice.random() < 0.3 else (1, 1, 2))):
            one: dict[str, Any] = {}
            if dice.random() < 0.5:
                one["PutRequest"] = {"Item": _item(dice, table)}
            if dice.random() < (0.05 if one else 0.97):
                one["DeleteRequest"] = {"Key": _key(dice, table)}
            writes.append(one)
        requests[table] = writes
    params: dict[str, Any] = {"RequestItems": requests}
    _common(dice, params, write=True)
    return "BatchWriteItem", params


WRITERS: tuple[Callable[[Random], Request], ...] = (
    put,
    delete,
    update,
    update,
    get,
    query,
    query,
    scan,
    batch_get,
    batch_write,
)
