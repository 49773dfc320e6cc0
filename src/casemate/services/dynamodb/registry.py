"""The operations of DynamoDB. Input out of the bounds of botocore's model is refused before anything else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable

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
from casemate.services.dynamodb.bounds import check_bounds, is_ordinary
from casemate.services.dynamodb.legacy import modernized
from casemate.services.dynamodb.state import DynamoState


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
            return asked(params) if asked and is_ordinary(name, params) else None

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
