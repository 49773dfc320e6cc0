"""The service whose operations on items are throttled: each asks first, and pays afterwards what it consumed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Handler, Operation, Operations, Output, Params, Service
from casemate.services.dynamodb.operations.transactions import cancelled
from casemate.services.dynamodb.registry import until_durable
from casemate.services.dynamodb.state import DynamoState
from casemate.services.dynamodb.throttling.buckets import Kind
from casemate.services.dynamodb.throttling.demands import (
    action_demand,
    demand_on,
    expected_units,
    statement_demand,
)
from casemate.services.dynamodb.throttling.throttle import Demand, Refusal, Throttle

_Context = Context[DynamoState]
_Demands = Sequence["Demand | None"]
_KINDS: Mapping[str, Kind] = {
    "PutItem": "write", "UpdateItem": "write", "DeleteItem": "write", "GetItem": "read", "Query": "read", "Scan": "read",
}  # fmt: skip
_DETAILS = ("Table", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")


def throttled(
    service: Service[DynamoState], *, now: Callable[[], float] = time.monotonic
) -> Service[DynamoState]:
    """The same service, whose tables give no more than they were provisioned with."""
    gate = _Gate(Throttle(now))
    operations: Operations[DynamoState] = Operations("dynamodb")
    operations.refusals.update(service.operations.refusals)
    for name, operation in service.operations.by_name.items():
        wrap = gate.wrapper(name)
        operations.by_name[name] = operation if wrap is None else _wrapped(operation, wrap)
    return replace(service, operations=operations)


_Run = Callable[[Params], Awaitable[Output]]
_Wrap = Callable[[_Context, Params, _Run], Awaitable[Output]]


def _wrapped(operation: Operation[DynamoState], wrap: _Wrap) -> Operation[DynamoState]:
    async def handler(ctx: _Context, params: Params) -> Output:
        async def run(given: Params) -> Output:
            local: Handler[DynamoState] = operation.handler
            if operation.runs_async:
                return await cast("Awaitable[Output]", local(ctx, given))
            return cast("Output", local(ctx, given))

        output = await wrap(ctx, {**params, "ReturnConsumedCapacity": "INDEXES"}, run)
        return _as_asked(output, params.get("ReturnConsumedCapacity"))

    # What a coroutine saw is not known when it is over: it waits for all that was written.
    return replace(operation, handler=handler, runs_async=True, lasting=operation.lasting or until_durable)


def _as_asked(output: Output, wanted: str | None) -> Output:
    """The answer with as much of ConsumedCapacity as was asked for."""
    if wanted == "INDEXES" or "ConsumedCapacity" not in output:
        return output
    rest = {name: value for name, value in output.items() if name != "ConsumedCapacity"}
    if wanted != "TOTAL":
        return rest
    totals = [_total(one) for one in _capacities(output)]
    whole = totals if isinstance(output["ConsumedCapacity"], list) else totals[0]
    return {**rest, "ConsumedCapacity": whole}


def _capacities(output: Output) -> Sequence[Mapping[str, Any]]:
    """ConsumedCapacity: one of most operations, one per table of batches and transactions."""
    capacity: Any = output.get("ConsumedCapacity") or []
    return cast("Sequence[Mapping[str, Any]]", capacity if isinstance(capacity, list) else [capacity])


def _total(capacity: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in capacity.items() if name not in _DETAILS}


class _Gate:
    """The ways in, by the form of the request."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle

    def wrapper(self, name: str) -> _Wrap | None:
        """How that operation is let in; None: it is not throttled."""
        if name in _KINDS:
            return self._single(_KINDS[name])
        return {
            "BatchGetItem": self._batch_get,
            "BatchWriteItem": self._batch_write,
            "TransactGetItems": self._transaction,
            "TransactWriteItems": self._transaction,
            "ExecuteStatement": self._statement,
            "BatchExecuteStatement": self._statements,
            "ExecuteTransaction": self._statement_transaction,
        }.get(name)

    def _single(self, kind: Kind) -> _Wrap:
        async def single(ctx: _Context, params: Params, run: _Run) -> Output:
            demand = demand_on(ctx, params["TableName"], kind, params.get("IndexName"))
            return await self._one(demand, params, run)

        return single

    async def _statement(self, ctx: _Context, params: Params, run: _Run) -> Output:
        return await self._one(statement_demand(ctx, params), params, run)

    async def _one(self, demand: Demand | None, params: Params, run: _Run) -> Output:
        if demand is None:
            return await run(params)
        refusal = self._throttle.refusal(demand)
        if refusal is not None:
            raise refusal.error()
        try:
            output = await run(params)
        except AwsError as error:
            if error.code == "ConditionalCheckFailedException":
                # It costs what the write would have; the error does not say how much: the least.
                self._throttle.take(demand.table, None, demand.kind, 1.0)
            raise
        self._pay([demand], output)
        return output

    def _pay(self, demands: _Demands, output: Output) -> None:
        by_name = {demand.named: demand for demand in demands if demand is not None}
        for one in _capacities(output):
            demand = by_name.get(one.get("TableName", ""))
            if demand is not None:
                self._throttle.consumed(demand.table, demand.kind, one)

    # Batches: what finds no room is left unprocessed; AWS refuses the whole only when nothing finds any.

    async def _batch_get(self, ctx: _Context, params: Params, run: _Run) -> Output:
        entries = {name: wanted["Keys"] for name, wanted in params["RequestItems"].items()}
        kept, left, refusal, demands = self._admitted(ctx, entries, "read")
        if refusal is not None and not kept:
            raise refusal.error()
        requested = params["RequestItems"]

        def with_keys(keys: Mapping[str, Any]) -> dict[str, Any]:
            return {name: {**requested[name], "Keys": some} for name, some in keys.items()}

        output = await run({**params, "RequestItems": with_keys(kept)})
        self._pay(demands, output)
        unprocessed = dict(output["UnprocessedKeys"])
        for name, wanted in with_keys(left).items():
            more: Sequence[Any] = unprocessed[name]["Keys"] if name in unprocessed else ()
            unprocessed[name] = {**wanted, "Keys": [*more, *wanted["Keys"]]}
        return {**output, "UnprocessedKeys": unprocessed}

    async def _batch_write(self, ctx: _Context, params: Params, run: _Run) -> Output:
        kept, left, refusal, demands = self._admitted(ctx, params["RequestItems"], "write")
        if refusal is not None and not kept:
            raise refusal.error()
        output = await run({**params, "RequestItems": kept})
        self._pay(demands, output)
        return {**output, "UnprocessedItems": {**output["UnprocessedItems"], **left}}

    def _admitted(
        self, ctx: _Context, requested: Mapping[str, Sequence[Mapping[str, Any]]], kind: Kind
    ) -> tuple[dict[str, Any], dict[str, Any], Refusal | None, list[Demand | None]]:
        kept: dict[str, Any] = {}
        left: dict[str, Any] = {}
        last: Refusal | None = None
        demands: list[Demand | None] = []
        # One table may be there under its name and under its ARN.
        expected: dict[str, float] = {}
        for name, entries in requested.items():
            demand = demand_on(ctx, name, kind)
            demands.append(demand)
            if demand is None:
                kept[name] = entries
                continue
            units = expected.get(demand.table.table_id, 0.0)
            for entry in entries:
                refusal = self._throttle.refusal(demand, units)
                (kept if refusal is None else left).setdefault(name, []).append(entry)
                last = refusal or last
                units += expected_units(entry)
            expected[demand.table.table_id] = units
        return kept, left, last, demands

    async def _statements(self, ctx: _Context, params: Params, run: _Run) -> Output:
        """BatchExecuteStatement: every statement has its own answer."""
        demands = [statement_demand(ctx, given) for given in params["Statements"]]
        refusals = self._refusals(demands)
        kept = [
            given for given, refusal in zip(params["Statements"], refusals, strict=True) if refusal is None
        ]
        output = await run({**params, "Statements": kept}) if kept else {"Responses": ()}
        self._pay(demands, output)
        answers = iter(output["Responses"])
        responses = [
            next(answers)
            if refusal is None
            else {
                "TableName": refusal.table.name,
                "Error": {"Code": refusal.code, "Message": refusal.message},
            }
            for refusal in refusals
        ]
        return {**output, "Responses": responses}

    # Transactions: all or nothing, with a reason per item.

    async def _transaction(self, ctx: _Context, params: Params, run: _Run) -> Output:
        demands = [action_demand(ctx, action) for action in params["TransactItems"]]
        return await self._all(demands, params, run)

    async def _statement_transaction(self, ctx: _Context, params: Params, run: _Run) -> Output:
        demands = [statement_demand(ctx, given) for given in params["TransactStatements"]]
        return await self._all(demands, params, run)

    async def _all(self, demands: _Demands, params: Params, run: _Run) -> Output:
        refusals = self._refusals(demands)
        if any(refusals):
            raise cancelled(
                [
                    {"Code": "None"} if one is None else {"Code": one.code, "Message": one.message}
                    for one in refusals
                ]
            )
        output = await run(params)
        self._pay(demands, output)
        return output

    def _refusals(self, demands: _Demands) -> list[Refusal | None]:
        return [None if demand is None else self._throttle.refusal(demand) for demand in demands]
