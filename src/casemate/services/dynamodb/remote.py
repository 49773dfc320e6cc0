"""Tables whose items live at another endpoint: `--tables remote=URL`.

Casemate keeps what it decides by: which tables there are, their keys, policies and tags. Every request passes its
network and its policies as ever, and only then is forwarded. Items never touch this machine.

The remote has one namespace of tables; Casemate has one per account and Region. A table keeps its name there, so a
name that is taken, in whichever account or Region, is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from inspect import isawaitable
from typing import Any, cast

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Operation, Operations, Output, Params, Service
from casemate.services.dynamodb.errors import not_modelled, table_exists
from casemate.services.dynamodb.names import table_ref
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.remote.endpoint import ITEM_OPERATIONS, TABLE_OPERATIONS, RemoteEndpoint

_KEPT_HERE = frozenset(
    {"ListTables", "DescribeLimits", "DescribeEndpoints", "TagResource", "UntagResource", "ListTagsOfResource",
     "PutResourcePolicy", "GetResourcePolicy", "DeleteResourcePolicy"}
)  # fmt: skip
"""What is Casemate's own: names, tags and policies, by which it decides."""
_OURS = ("Tags", "ResourcePolicy")
"""Members of CreateTable that the remote is not told."""
_TOLD = ("ItemCount", "TableSizeBytes", "TableStatus")
"""Members of DescribeTable that only the remote knows."""
_BY_TABLE = ("Responses", "UnprocessedKeys", "UnprocessedItems", "ItemCollectionMetrics")
"""Members of the answers to batches and transactions that have tables as their keys."""
_REFUSED = ("StreamSpecification", "SSESpecification", "ReplicaUpdates")
Local = Callable[[Context[DynamoState], Params], "Output | Awaitable[Output]"]


def forwarding(service: Service[DynamoState], endpoint: RemoteEndpoint) -> Service[DynamoState]:
    """The service with the same checks, whose operations on items and tables are the endpoint's."""
    operations: Operations[DynamoState] = Operations("dynamodb")
    operations.refusals.update(service.operations.refusals)
    for name, operation in service.operations.by_name.items():
        if name in ITEM_OPERATIONS:
            operations.by_name[name] = replace(operation, handler=_items(name, endpoint), runs_async=True)
        elif name in TABLE_OPERATIONS:
            operations.by_name[name] = _tables(operation, endpoint)
        elif name in _KEPT_HERE:
            operations.by_name[name] = operation
        else:
            operations.refuse(
                name, because=f"the tables are remote ({endpoint.url}), where it is not forwarded"
            )
    return replace(service, operations=operations)


def _items(name: str, endpoint: RemoteEndpoint) -> Local:
    async def forward(ctx: Context[DynamoState], params: Params) -> Output:
        names = _Names(ctx)
        return names.back(params, await endpoint.call(name, names.there(params)))

    return forward


class _Names:
    """The tables of one request: what it calls them, by their names at the remote."""

    def __init__(self, ctx: Context[DynamoState]) -> None:
        self._ctx = ctx
        self._given: dict[str, str] = {}

    def there(self, params: Params) -> dict[str, Any]:
        """The parameters with tables as the remote calls them; a table of another place than its record is not found."""
        found: dict[str, Any] = dict(params)
        if "TableName" in params:
            found["TableName"] = self._name(params["TableName"])
        if "RequestItems" in params:
            requested: Mapping[str, Any] = params["RequestItems"]
            found["RequestItems"] = {self._name(name): wanted for name, wanted in requested.items()}
            if len(found["RequestItems"]) != len(requested):
                raise not_modelled(
                    "a batch that has one table under its name and under its ARN on remote tables"
                )
        if "TransactItems" in params:
            actions: list[Mapping[str, Any]] = params["TransactItems"]
            found["TransactItems"] = [
                {kind: self.there(given) for kind, given in action.items()} for action in actions
            ]
        return found

    def _name(self, given: str) -> str:
        name = self._ctx.state.table(self._ctx, given).record.name
        self._given.setdefault(name, given)
        return name

    def back(self, params: Params, output: Mapping[str, Any]) -> dict[str, Any]:
        """The answer with tables as the request calls them."""
        found = dict(output)
        if all(name == given for name, given in self._given.items()):
            return found
        capacity: Any = output.get("ConsumedCapacity")
        if isinstance(capacity, list):
            found["ConsumedCapacity"] = [
                self._called(one) for one in cast("list[Mapping[str, Any]]", capacity)
            ]
        elif capacity is not None:
            found["ConsumedCapacity"] = self._called(capacity)
        if "TableName" not in params:
            for member in _BY_TABLE:
                if isinstance(output.get(member), dict):
                    found[member] = {
                        self._given.get(name, name): held for name, held in output[member].items()
                    }
        return found

    def _called(self, capacity: Mapping[str, Any]) -> dict[str, Any]:
        name = capacity.get("TableName", "")
        return {**capacity, "TableName": self._given.get(name, name)}


def _tables(operation: Operation[DynamoState], endpoint: RemoteEndpoint) -> Operation[DynamoState]:
    both = _Both(operation, endpoint)
    handler = {"CreateTable": both.create, "DescribeTable": both.describe}.get(operation.name, both.change)

    async def checked(ctx: Context[DynamoState], params: Params) -> Output:
        for member in _REFUSED:
            if params.get(member) and params[member] != {"StreamEnabled": False}:
                raise not_modelled(f"{member} on remote tables")
        return await handler(ctx, params)

    return replace(operation, handler=checked, runs_async=True)


class _Both:
    """An operation on a table, here and at the remote."""

    def __init__(self, operation: Operation[DynamoState], endpoint: RemoteEndpoint) -> None:
        self._operation = operation
        self._endpoint = endpoint

    async def _here(self, ctx: Context[DynamoState], params: Params) -> Output:
        local = self._operation.handler
        if self._operation.runs_async:
            return await cast("Awaitable[Output]", local(ctx, params))
        with ctx.store.transaction():
            output = local(ctx, params)
        return await output if isawaitable(output) else output

    async def _there(self, ctx: Context[DynamoState], params: Params) -> dict[str, Any]:
        given = {member: value for member, value in params.items() if member not in _OURS}
        name = table_ref(ctx, params["TableName"]).name
        return await self._endpoint.call(self._operation.name, {**given, "TableName": name})

    async def create(self, ctx: Context[DynamoState], params: Params) -> Output:
        ref = table_ref(ctx, params["TableName"])
        if any(record.name == ref.name for record in ctx.state.tables.values()):
            raise table_exists(ref.name)
        output = await self._here(ctx, params)
        try:
            await self._there(ctx, params)
        except BaseException:
            present = ctx.state.tables.get(*ref.key)
            if present is not None and present.table_id == output["TableDescription"]["TableId"]:
                with ctx.store.transaction():
                    ctx.state.tables.delete(*ref.key)
                ctx.state.forget(ref)
            raise
        return output

    async def change(self, ctx: Context[DynamoState], params: Params) -> Output:
        """Here first: what Casemate refuses must not be done there. What the remote refuses is undone here."""
        ref = table_ref(ctx, params["TableName"])
        before = ctx.state.described(ref)
        output = await self._here(ctx, params)
        try:
            await self._there(ctx, params)
        except BaseException as error:
            absent = isinstance(error, AwsError) and error.code == "ResourceNotFoundException"
            if absent and self._operation.name == "DeleteTable":
                return output
            present = ctx.state.tables.get(*ref.key)
            if present is None or present.table_id == before.table_id:
                with ctx.store.transaction():
                    ctx.state.tables.put(ref.key, before)
                ctx.state.engine.create(before.schema())
            raise
        return output

    async def describe(self, ctx: Context[DynamoState], params: Params) -> Output:
        output = await self._here(ctx, params)
        table: Mapping[str, Any] = (await self._there(ctx, params)).get("Table") or {}
        told = {member: table[member] for member in _TOLD if member in table}
        return {"Table": {**output["Table"], **told}}
