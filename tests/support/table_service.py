"""DynamoDB and its streams in this process, from the bytes of a body to the bytes of an answer.

As `gateway.pipeline` has it, without signatures and policies.
"""

from __future__ import annotations

import inspect
import itertools
import json
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from random import Random
from typing import Any

from casemate.model.errors import AwsError
from casemate.model.origin import InternetOrigin
from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.constraints import models
from casemate.servicekit.service import Check, Context, Service
from casemate.servicekit.store import Store
from casemate.services import dynamodb
from casemate.services.dynamodb.building import Builder
from casemate.services.dynamodb.housekeeping import Housekeeper
from casemate.tables.engine import TablesEngine
from casemate.tables.storage import Storage
from casemate.wire.error_output import serialize_error
from casemate.wire.http import Headers, HttpRequest, HttpResponse
from casemate.wire.parser import ParsedRequest, parse
from casemate.wire.serializer import serialize

ACCOUNT, REGION = "000000000000", "us-east-2"
_PREFIXES = {"dynamodb": "DynamoDB_20120810", "dynamodbstreams": "DynamoDBStreams_20120810"}
_PRINCIPAL = Principal(
    kind=PrincipalKind.USER,
    arn=f"arn:aws:iam::{ACCOUNT}:user/admin",
    account=ACCOUNT,
    user_id="AIDAADMINADMINADMIN01",
    user_name="admin",
)


class Refusal(Exception):  # noqa: N818  # it is an answer, not a fault
    """An AWS error that was answered."""

    def __init__(self, code: str, body: dict[str, Any]) -> None:
        super().__init__(code, body)
        self.code = code
        self.body = body


class TableService:
    """Over a store and a storage that may have been used before."""

    def __init__(self, store: Store, storage: Storage) -> None:
        self.store = store
        self.storage = storage
        self.now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
        self._random = Random(1)
        self._requests = itertools.count()
        self.reopen()

    def reopen(self) -> None:
        """Begin as a new process does: from the store and the storage alone."""
        self.engine = TablesEngine(self.storage, now=lambda: self.now.timestamp())
        tables = dynamodb.build(self.store, self.engine)
        self.state = tables.state
        self._services: dict[str, Service[Any]] = {
            "dynamodb": tables,
            "dynamodbstreams": dynamodb.build_streams(tables),
        }

    def housekeeper(self) -> Housekeeper:
        async def sleep(_seconds: float) -> None:
            """No time passes."""

        return Housekeeper(self.state, self.store, clock=lambda: self.now, sleep=sleep)

    async def call(self, operation: str, params: Any, service: str = "dynamodb") -> Any:
        """The output, or Refusal."""
        answer = await self.answer(operation, json.dumps(params).encode(), service)
        body = json.loads(answer.body)
        if answer.status != 200:
            raise Refusal(body["__type"].rpartition("#")[2], body)
        return body

    async def answer(self, operation: str, body: bytes, service: str = "dynamodb") -> HttpResponse:
        """The response to a request; whatever is no AWS error is raised."""
        self.now += timedelta(milliseconds=7)
        model = models().get(service)
        target = f"{_PREFIXES[service]}.{operation}"
        headers = Headers([("x-amz-target", target), ("content-type", "application/x-amz-json-1.0")])
        request = HttpRequest(method="POST", path="/", headers=headers, body=body)
        number = f"{next(self._requests):08}"
        parsed: ParsedRequest | None = None
        try:
            parsed = parse(request, model)
            output = await self._output(self._services[service], parsed)
            if operation == "UpdateTable":
                # What begins with it and takes its time is done before the next request comes.
                await Builder(self.state, self.store).build()
        except AwsError as error:
            return serialize_error(model, parsed and parsed.operation, "json", error, number)
        return serialize(parsed, output, number)

    async def _output(self, service: Service[Any], parsed: ParsedRequest) -> Any:
        operation = service.operations.by_name[parsed.operation.name]
        context = self._context(service)
        if operation.checks is not None:
            list(operation.checks(context, parsed.params))
        if operation.runs_async:
            result = operation.handler(context, parsed.params)
            assert inspect.isawaitable(result)
            return await result
        with self.store.transaction():
            output = operation.handler(context, parsed.params)
        return await output if inspect.isawaitable(output) else output

    def _context(self, service: Service[Any]) -> Context[Any]:
        def authorize(
            check: Check, *, principal: Principal | None = None, through: str | None = None
        ) -> None:
            """Everything is allowed."""

        return Context(
            state=service.state,
            request_id="request",
            account=ACCOUNT,
            region=REGION,
            principal=_PRINCIPAL,
            origin=InternetOrigin(address=IPv4Address("127.0.0.1")),
            now=self.now,
            random_bytes=self._random.randbytes,
            store=self.store,
            authorize=authorize,
        )
