"""Requests with one or two of their members taken out, put in, or of another type or size."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

ANYTHING: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.5, 2**31, 2**63, "", "a", "ab", "abc", "true", "1", "a" * 256, "a;b", [], [None], ["a"], [1], [[]], [{}], {}, {"a": None},
    {"a": 1}, {"a": "b"}, {"a": []}, {"a": {}}, {"S": "a"}, {"a": {"S": "a"}}, [{"a": {"S": "a"}}],
)  # fmt: skip
MEMBERS = (
    "TableName", "Key", "Item", "Select", "Limit", "Segment", "TotalSegments", "ExclusiveStartKey", "ReturnValues", "Expected", "AttributesToGet",
    "ConditionalOperator", "IndexName", "ConsistentRead", "ScanIndexForward", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics", "KeyConditions",
    "QueryFilter", "ScanFilter", "AttributeUpdates", "RequestItems", "ConditionExpression", "FilterExpression", "ProjectionExpression", "UpdateExpression",
    "KeyConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues", "Unknown", "ReturnValuesOnConditionCheckFailure",
)  # fmt: skip


def spoil(dice: Random, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters, changed."""
    found = copy.deepcopy(params)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        slots = _slots(found)
        shallow = [slot for slot in slots if slot[0] is found]
        holder, key = dice.choice(
            shallow if shallow and dice.random() < 0.5 else slots or [(found, "TableName")]
        )
        match dice.randrange(5):
            case 0 if isinstance(holder, dict):
                holder.pop(key, None)
            case 1 if isinstance(holder, dict):
                found[dice.choice(MEMBERS)] = copy.deepcopy(dice.choice(ANYTHING))
            case _ if isinstance(holder, dict) and key not in holder:
                holder[key] = dice.choice(ANYTHING)
            case 2 if isinstance(holder[key], str):
                holder[key] = dice.choice(
                    ("", "a", "ab", holder[key] + "x", holder[key].lower(), "a" * 256, "a" * 65536, "a b")
                )
            case _:
                holder[key] = copy.deepcopy(dice.choice(ANYTHING))
    return found


def _slots(root: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [root]
    while waiting:
        holder = waiting.pop()
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            found.append((holder, key))
            if isinstance(value, dict | list):
                waiting.append(value)
    return found
