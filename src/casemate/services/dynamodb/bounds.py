"""Input out of the bounds of botocore's model, refused before anything else, in DynamoDB's words.

Attribute values are left out: they have no bounds there, are many, and the engine checks them itself. Of what holds
values only the frame is looked at: the comparison operators of conditions, how many keys and writes a batch has.

Sources of the words: paritysuite/dynamodb-conformance, tests/tier3 (answers of AWS in eu-west-2 and us-east-1, October
2026), and where it has none, dynalite's recorded answers. In lists of allowed values AWS's order is that of a Java set.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from casemate.servicekit.constraints import Violation, message, models, violations
from casemate.servicekit.service import Params
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.names import NAME

if TYPE_CHECKING:
    from botocore.model import Shape

MAX_GETS = 100
MAX_WRITES = 25
MIN_NAME, MAX_NAME = 3, 255
_ON_TABLES = ("CreateTable", "DeleteTable", "DescribeTable", "DescribeTimeToLive", "UpdateTable")
_CHARACTERS = re.compile("[a-zA-Z0-9_.-]+")
_CONDITIONS = ("Expected", "KeyConditions", "QueryFilter", "ScanFilter")
_VALUES = frozenset(
    (
        "Item",
        "Key",
        "ExclusiveStartKey",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "RequestItems",
        "TransactItems",
        "AttributeUpdates",
        *_CONDITIONS,
    )
)
_ENUMS = {
    "AttributeAction": ("ADD", "PUT", "DELETE"),
    "ComparisonOperator": (
        "IN", "NULL", "BETWEEN", "LT", "NOT_CONTAINS", "EQ", "GT", "NOT_NULL", "NE", "LE", "BEGINS_WITH", "GE", "CONTAINS",
    ),
    "ConditionalOperator": ("OR", "AND"),
    "ProjectionType": ("ALL", "INCLUDE", "KEYS_ONLY"),
    "ScalarAttributeType": ("B", "N", "S"),
    "ReturnValue": ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
    "Select": ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
}  # fmt: skip
_NAMES = (
    "Map keys must satisfy constraint: [Member must have length less than or equal to 255, Member must have length "
    "greater than or equal to 3, Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+]"
)
_AT_LEAST_ONE = "Member must have length greater than or equal to 1"


def check_bounds(operation: str, params: Params) -> None:
    """ValidationException in AWS's words when a member is out of bounds."""
    if _is_ordinary(params, _unbounded(operation)):
        return
    bounded = {name: value for name, value in params.items() if name not in _VALUES}
    found = [_as_worded(violation) for violation in violations("dynamodb", operation, bounded)]
    found += _of_name(operation, params.get("TableName"))
    found += _of_conditions(params)
    if operation == "Query" and [violation.path for violation in found] == ["limit"]:
        raise _of_member("Limit", found[0].rule)
    requested: Mapping[str, Any] = params.get("RequestItems") or {}
    if operation == "BatchGetItem":
        _check_gets(requested, found)
    elif operation == "BatchWriteItem" and not found:
        # What is wrong elsewhere is said without what is wrong with the map.
        _check_writes(requested)
    if found:
        raise validation(message(found))


def is_ordinary(operation: str, params: Params) -> bool:
    """Whether nothing in a request is of a kind that has bounds, but names that fit."""
    return _is_ordinary(params, _unbounded(operation))


@cache
def _unbounded(operation: str) -> frozenset[str]:
    """Members of an operation's input that can't be out of bounds."""
    shape = models().get("dynamodb").operation_model(operation).input_shape
    members: dict[str, Shape] = {} if shape is None else shape.members
    free = (name for name, member in members.items() if member.type_name in _FREE and not _limits(member))
    return _VALUES.difference(_FRAMES).union(free)


def _limits(shape: Shape) -> bool:
    return not {"min", "max", "pattern", "enum"}.isdisjoint(shape.metadata)


_FREE = ("string", "boolean", "integer")
_FRAMES = (*_CONDITIONS, "AttributeUpdates", "RequestItems")
_NAMED = frozenset(("TableName", "IndexName"))


def _is_ordinary(params: Params, free: frozenset[str]) -> bool:
    """Names that fit, which are within the model's bounds too (a test holds it), and nothing else that has bounds."""
    for name, value in params.items():
        if name in free or (name in _NAMED and _fits(value or "")):
            continue
        if name != "RequestItems" or not _is_batch(value):
            return False
    return True


def _is_batch(requested: Mapping[str, Any]) -> bool:
    """Whether a map of batches is as nearly all are."""
    for name, wanted in requested.items():
        if isinstance(wanted, Mapping):
            if "AttributesToGet" in wanted:
                return False
            count, limit = len(wanted["Keys"]), MAX_GETS  # pyright: ignore[reportUnknownArgumentType]  # JSON
        else:
            count, limit = len(wanted), MAX_WRITES
        if not (0 < count <= limit and _fits(name)):
            return False
    return bool(requested)


@lru_cache(maxsize=4096)
def _fits(name: str) -> bool:
    return NAME.fullmatch(name) is not None


def _of_name(operation: str, name: str | None) -> Iterable[Violation]:
    """A table's name that is none. That it is short, those on items are told of by themselves."""
    if name is None or name.startswith("arn:"):
        return
    if operation in _ON_TABLES and not MIN_NAME <= len(name) <= MAX_NAME:
        raise validation(
            f"TableName must be at least {MIN_NAME} characters long and at most {MAX_NAME} characters long"
        )
    if len(name) > MAX_NAME:
        rule = f"Member must have length less than or equal to {MAX_NAME}"
        yield Violation(path="tableName", value=name, limit="maxLength", rule=rule, shape="TableName")
    if name and not _CHARACTERS.fullmatch(name):
        rule = f"Member must satisfy regular expression pattern: {_CHARACTERS.pattern}"
        yield Violation(path="tableName", value=name, limit="pattern", rule=rule, shape="TableName")


def _as_worded(violation: Violation) -> Violation:
    if violation.limit == "enum" and violation.shape in _ENUMS:
        return replace(violation, rule=_allowed(violation.shape))
    return violation


def _allowed(shape: str) -> str:
    return f"Member must satisfy enum value set: [{', '.join(_ENUMS[shape])}]"


def _of_conditions(params: Params) -> Iterable[Violation]:
    """The operators of legacy conditions, the actions of legacy updates."""
    for member, name, shape in (
        *((member, "ComparisonOperator", "ComparisonOperator") for member in _CONDITIONS),
        ("AttributeUpdates", "Action", "AttributeAction"),
    ):
        given: Mapping[str, Mapping[str, Any]] = params.get(member) or {}
        for attribute, one in given.items():
            value = one.get(name)
            if value is not None and value not in _ENUMS[shape]:
                path = f"{_camel(member)}.{attribute}.member.{_camel(name)}"
                yield Violation(path=path, value=value, limit="enum", rule=_allowed(shape), shape=shape)


def _camel(member: str) -> str:
    return member[0].lower() + member[1:]


def _check_gets(requested: Mapping[str, Mapping[str, Any]], others: list[Violation]) -> None:
    """The map of a BatchGetItem: its faults are told together with the others."""
    if not requested:
        raise _of_member("RequestItems", _AT_LEAST_ONE)
    wrong = [f"Value '{_json(requested)}' at 'requestItems' failed to satisfy constraint: {_NAMES}"]
    if all(map(_is_table, requested)):
        wrong = []
    for name, wanted in requested.items():
        if wanted.get("AttributesToGet") == []:
            place = f"requestItems.{name}.member.attributesToGet"
            wrong.append(f"Value '[]' at '{place}' failed to satisfy constraint: {_AT_LEAST_ONE}")
    if wrong:
        wrong += map(str, others)
        noun = "error" if len(wrong) == 1 else "errors"
        raise validation(f"{len(wrong)} validation {noun} detected: " + "; ".join(wrong))
    if others:
        return
    for name, wanted in requested.items():
        count = len(wanted["Keys"])
        if count == 0:
            raise _of_member(f"RequestItems.{name}.member.Keys", _AT_LEAST_ONE)
        if count > MAX_GETS:
            rule = f"Member must have length less than or equal to {MAX_GETS}"
            raise _of_member(f"RequestItems.{name}.member.Keys", rule)


def _check_writes(requested: Mapping[str, list[Mapping[str, Any]]]) -> None:
    """The map of a BatchWriteItem."""
    if not requested:
        raise _of_member("RequestItems", _AT_LEAST_ONE)
    rules = [] if all(map(_is_table, requested)) else [_NAMES]
    if not all(requested.values()):
        rules.append(
            f"Map value must satisfy constraint: [Member must have length less than or equal to {MAX_WRITES}, "
            f"{_AT_LEAST_ONE}]"
        )
    if rules:
        shown = ", ".join(f"{name}=[{', '.join(map(_java, writes))}]" for name, writes in requested.items())
        wrong = [
            f"Value '{{{shown}}}' at 'requestItems' failed to satisfy constraint: {rule}" for rule in rules
        ]
        noun = "error" if len(wrong) == 1 else "errors"
        raise validation(f"{len(wrong)} validation {noun} detected: " + "; ".join(wrong))
    for name, writes in requested.items():
        if len(writes) > MAX_WRITES:
            rule = f"Member must have length less than or equal to {MAX_WRITES}"
            raise _of_member(f"RequestItems.{name}.member", rule)


def _is_table(name: str) -> bool:
    return name.startswith("arn:") or _fits(name)


def _of_member(path: str, rule: str) -> Exception:
    """The newer form, which shows no value."""
    return validation(f"1 validation error detected: Value at '{path}' failed to satisfy constraint: {rule}")


def _json(requested: Any) -> str:
    try:
        return json.dumps(requested, separators=(",", ":"), ensure_ascii=False, default=_text)
    except RecursionError:
        return "{}"


def _text(blob: bytes) -> str:
    return b64encode(blob).decode()


def _java(write: Mapping[str, Any]) -> str:
    """A WriteRequest as Java prints it, without what is in its attribute values."""
    put, delete = write.get("PutRequest"), write.get("DeleteRequest")
    shown = "null" if put is None else f"PutRequest(item={_keys(put['Item'])})"
    deleted = "null" if delete is None else f"DeleteRequest(key={_keys(delete['Key'])})"
    return f"WriteRequest(putRequest={shown}, deleteRequest={deleted})"


def _keys(item: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{name}=AttributeValue({'/'.join(value)})" for name, value in item.items()) + "}"
