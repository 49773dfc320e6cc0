"""Input out of the bounds of botocore's model, refused before anything else, in DynamoDB's words.

Attribute values are left out: they have no bounds there, are many, and the engine checks them itself.

Sources of the words: paritysuite/dynamodb-conformance, tests/tier3 (answers of AWS in eu-west-2 and us-east-1, October
2026), and where it has none, dynalite's recorded answers. In lists of allowed values AWS's order is that of a Java set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace

from casemate.servicekit.constraints import Violation, message, models, violations
from casemate.servicekit.service import Params
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.names import NAME

if TYPE_CHECKING:
    from botocore.model import Shape

MIN_NAME, MAX_NAME = 3, 255
_ON_TABLES = ("CreateTable", "DeleteTable", "DescribeTable", "DescribeTimeToLive", "UpdateTable")
_CHARACTERS = re.compile("[a-zA-Z0-9_.-]+")
_VALUES = frozenset(
    (
        "Item",
        "Key",
        "ExclusiveStartKey",
        "ExpressionAttributeNames",
        "ExpressionAttributeValues",
        "RequestItems",
        "TransactItems",
        "Expected",
        "AttributeUpdates",
        "KeyConditions",
        "QueryFilter",
        "ScanFilter",
    )
)
_ENUMS = {
    "ConditionalOperator": ("OR", "AND"),
    "ProjectionType": ("ALL", "INCLUDE", "KEYS_ONLY"),
    "ScalarAttributeType": ("B", "N", "S"),
    "ReturnValue": ("ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"),
    "Select": ("SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"),
}  # fmt: skip


def check_bounds(operation: str, params: Params) -> None:
    """ValidationException in AWS's words when a member is out of bounds."""
    if is_ordinary(operation, params):
        return
    bounded = {name: value for name, value in params.items() if name not in _VALUES}
    found = [_as_worded(violation) for violation in violations("dynamodb", operation, bounded)]
    found += _of_name(operation, params.get("TableName"))
    if operation == "Query" and [violation.path for violation in found] == ["limit"]:
        # The newer form, which shows no value.
        words = f"Value at 'Limit' failed to satisfy constraint: {found[0].rule}"
        raise validation(f"1 validation error detected: {words}")
    if found:
        raise validation(message(found))


def is_ordinary(operation: str, params: Params) -> bool:
    """Whether a request has names that fit, which are within the model's bounds too (a test holds it), and nothing else that
    has bounds.
    """
    free = _unbounded(operation)
    for name, value in params.items():
        if name not in free and not (name in _NAMED and _fits(value or "")):
            return False
    return True


@cache
def _unbounded(operation: str) -> frozenset[str]:
    """Members of an operation's input that can't be out of bounds."""
    shape = models().get("dynamodb").operation_model(operation).input_shape
    members: dict[str, Shape] = {} if shape is None else shape.members
    free = (name for name, member in members.items() if member.type_name in _FREE and not _limits(member))
    return _VALUES.union(free)


def _limits(shape: Shape) -> bool:
    return not {"min", "max", "pattern", "enum"}.isdisjoint(shape.metadata)


_FREE = ("string", "boolean", "integer")
_NAMED = frozenset(("TableName", "IndexName"))


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
