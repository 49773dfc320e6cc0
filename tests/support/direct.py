"""boto3 clients that call a service's operations in this process: no wire, no signature, no authorization.

For tests of a slice alone. botocore validates the input and the output is checked against botocore's output shape.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from msgspec import Raw

from casemate.model.errors import AwsError
from casemate.model.origin import InternetOrigin
from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.service import Check, Context, Service
from casemate.servicekit.store import Store
from casemate.tables.records import form_record, wire_of
from tests.support.authorization_reference import mistakes


class DirectCloud:
    """Services joined to boto3 without a network. `checks` records every Check that operations declared or asked."""

    def __init__(self, store: Store, *services: Service[Any]) -> None:
        self.store = store
        self.services = {service.name: service for service in services}
        self.now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
        self.checks: list[Check] = []
        self.trace = ""
        """X-Amzn-Trace-Id of every request."""
        self.denied: set[str] = set()
        """Actions that `ctx.authorize` refuses."""
        self._counter = itertools.count(1)
        self._requests = itertools.count()

    def random_bytes(self, size: int) -> bytes:
        return next(self._counter).to_bytes(size, "big")

    def client(self, name: str, *, account: str = "000000000000", region: str = "us-east-2") -> Any:
        client = boto3.client(
            name,
            region_name=region,
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"max_attempts": 0}),
        )
        inputs: dict[str, Any] = {}

        def capture(params: dict[str, Any], **_: Any) -> None:
            inputs["params"] = params

        def answer(model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
            return self._call(name, model.name, inputs["params"], account, region)

        client.meta.events.register_last("before-parameter-build", capture)
        client.meta.events.register("before-call", answer)
        return client

    def _call(
        self, name: str, operation_name: str, params: dict[str, Any], account: str, region: str
    ) -> tuple[Any, dict[str, Any]]:
        service = self.services[name]
        try:
            operation = service.operations.by_name[operation_name]
            ctx = self._context(service, account, region)
            if operation.checks:
                self.keep(*operation.checks(ctx, params))
            if operation.runs_async:
                result = operation.handler(ctx, params)
                assert inspect.isawaitable(result)
                output: Any = asyncio.run(_wait(result))
            else:
                with self.store.transaction():
                    output = operation.handler(ctx, params)
                if inspect.isawaitable(output):
                    output = asyncio.run(_wait(output))
            self.answered(operation_name, output)
        except AwsError as error:
            parsed = {"Error": {"Code": error.code, "Message": error.message}, **error.fields}
            parsed["ResponseMetadata"] = {"HTTPStatusCode": error.http_status}
            return SimpleNamespace(status_code=max(error.http_status, 300)), parsed
        return SimpleNamespace(status_code=200), {
            **_thawed(output),
            "ResponseMetadata": {"HTTPStatusCode": 200},
        }

    def answered(self, name: str, output: Any) -> None:
        """For a slice that wants to look at every output."""

    def keep(self, *checks: Check) -> None:
        """Remember checks; each must be a question that AWS's Service Authorization Reference knows."""
        wrong = [each for check in checks for each in mistakes(check)]
        assert not wrong, "\n".join(wrong)
        self.checks.extend(checks)

    def _context(self, service: Service[Any], account: str, region: str) -> Context[Any]:
        principal = Principal(
            kind=PrincipalKind.USER,
            arn=f"arn:aws:iam::{account}:user/admin",
            account=account,
            user_id="AIDAADMINADMINADMIN01",
            user_name="admin",
        )

        def authorize(
            check: Check, *, principal: Principal | None = None, through: str | None = None
        ) -> None:
            self.keep(check)
            if check.action in self.denied:
                raise AwsError("AccessDeniedException", f"not authorized to perform: {check.action}")

        return Context(
            state=service.state,
            request_id=f"00000000-0000-4000-8000-{next(self._requests):012x}",
            account=account,
            region=region,
            principal=principal,
            origin=InternetOrigin(address=IPv4Address("127.0.0.1")),
            now=self.now,
            random_bytes=self.random_bytes,
            store=self.store,
            authorize=authorize,
            trace=self.trace,
        )


def _thawed(value: Any) -> Any:
    """The output with what a service left encoded as a client would have decoded it."""
    if isinstance(value, Raw):
        if bytes(value).startswith(b"["):
            return [_thawed(form) for form in msgspec.json.decode(value, type=list[Raw])]
        return wire_of(form_record(bytes(value), 0))
    if isinstance(value, Mapping):
        return {name: _thawed(member) for name, member in value.items()}
    return [_thawed(member) for member in value] if isinstance(value, list) else value


async def _wait(awaitable: Any) -> Any:
    return await awaitable
