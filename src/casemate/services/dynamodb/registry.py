"""The operations of DynamoDB. Input out of the bounds of botocore's model is refused before anything else.

Attribute values are left out of that: they have no bounds there, are many, and the engine checks them itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from casemate.servicekit.constraints import message, models, violations
from casemate.servicekit.service import (
    Asked,
    Check,
    Checks,
    Context,
    Handler,
    Lasting,
    Operations,
    Output,
    Params,
    Told,
)
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.legacy import modernized
from casemate.services.dynamodb.names import NAME
from casemate.services.dynamodb.state import DynamoState

if TYPE_CHECKING:
    from botocore.model import Shape

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


def check_bounds(operation: str, params: Params) -> None:
    """ValidationException in AWS's words when a member is out of bounds."""
    if _is_ordinary(params, _unbounded(operation)):
        return
    bounded = {name: value for name, value in params.items() if name not in _VALUES}
    found = violations("dynamodb", operation, bounded)
    if found:
        raise validation(message(found))


def _is_ordinary(params: Params, free: frozenset[str]) -> bool:
    """Names that fit, which are within the model's bounds too (a test holds it), and nothing else that has bounds."""
    for name, value in params.items():
        if name not in free and not (name in _NAMED and _fits(value or "")):
            return False
    return True


@lru_cache(maxsize=4096)
def _fits(name: str) -> bool:
    return NAME.fullmatch(name) is not None


class DynamoOperations(Operations[DynamoState]):
    """The registry, with the model's bounds in front of each operation's checks."""

    def operation(
        self,
        name: str,
        *,
        checks: Checks[DynamoState] | None = None,
        runs_async: bool = False,
        lasting: Lasting[DynamoState] | None = None,
        asked: Asked | None = None,
    ) -> Callable[[Handler[DynamoState]], Handler[DynamoState]]:
        """Register as `Operations.operation` does. What handlers and checks see has no legacy parameters."""

        def bounded(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
            check_bounds(name, params)
            return checks(ctx, modernized(params)) if checks else (Check(action=f"dynamodb:{name}"),)

        def bounded_asked(params: Params) -> Hashable | None:
            return asked(params) if asked and _is_ordinary(params, _unbounded(name)) else None

        def register(handler: Handler[DynamoState]) -> Handler[DynamoState]:
            def modern(ctx: Context[DynamoState], params: Params) -> Output | Awaitable[Output]:
                return handler(ctx, modernized(params))

            super(DynamoOperations, self).operation(
                name,
                checks=bounded,
                runs_async=runs_async,
                lasting=lasting,
                asked=bounded_asked if asked else None,
            )(modern)
            return handler

        return register


def until_durable(state: DynamoState, told: Told) -> None:
    """Writes of items are acknowledged once they are on disk."""
    state.engine.when_durable(told)


operations = DynamoOperations("dynamodb", package="casemate.services.dynamodb.operations")

operations.refuse(
    "DescribeExport",
    "DescribeImport",
    "ExportTableToPointInTime",
    "ImportTable",
    "ListExports",
    "ListImports",
    because="there are no buckets to export to or import from",
)
operations.refuse(
    "DescribeTableReplicaAutoScaling",
    "UpdateTableReplicaAutoScaling",
    because="there is no Application Auto Scaling: replicas are on-demand",
)
operations.refuse(
    "CancelBulkOperation",
    "DescribeBulkOperation",
    "ListBulkOperations",
    "SearchVectors",
    "StartBulkPutItems",
    because="there are neither bulk operations nor vector indexes",
)


def until_seen_durable(state: DynamoState, told: Told) -> None:
    """What an answer shows of items, or is refused for, is on disk before anybody is told."""
    state.engine.when_seen_durable(told)
