"""A Lambda service whose neighbours are stand-ins that remember what they were asked."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import pytest
from tests.support.direct import DirectCloud

from casemate.execution.function import FunctionVersion, Invocation, Outcome
from casemate.execution.response_stream import ResponseStream
from casemate.model.errors import AwsError
from casemate.model.network import InterfaceKind, NetworkInterface
from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.constraints import models
from casemate.servicekit.ports import Credential
from casemate.servicekit.service import Authorize, Check
from casemate.servicekit.store import Store
from casemate.services import dynamodb, lambda_
from casemate.services.dynamodb.streams.reading import StreamReading
from casemate.tables.engine import TablesEngine
from casemate.tables.storage_memory import MemoryStorage
from casemate.wire.output import serialize_output

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::000000000000:role/orders"


def zipped(source: str = "def handler(e, c): return e", name: str = "app.py") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o644 << 16
        archive.writestr(info, source)
    return buffer.getvalue()


@dataclass
class StandInRunner:
    """Answers with the event it was given, or with what the test says."""

    invoked: list[tuple[FunctionVersion, Invocation, int | None]] = field(default_factory=list)
    retired: list[tuple[str, str | None]] = field(default_factory=list)
    answers: list[Outcome | AwsError] = field(default_factory=list)
    start_environments: bool = False
    pieces: list[bytes] = field(default_factory=list)
    """What a streaming function writes."""
    warmed: list[tuple[str, str, int]] = field(default_factory=list)
    warm_failure: Exception | None = None
    snapshots: list[FunctionVersion] = field(default_factory=list)
    snapshot_failure: Exception | None = None
    snapshot_gate: asyncio.Event | None = None
    """Snapshots are not made before it is set."""

    async def invoke(
        self,
        function: Any,
        invocation: Any,
        host: Any,
        *,
        reserved: Any = None,
        unreserved_limit: int = 1000,
        provisioned: int = 0,
    ) -> Outcome:
        self.invoked.append((function, invocation, reserved))
        if self.start_environments:
            host.credentials(function)
            host.write_log(function, "stream", [(0, "line\n")])
        answer = (
            self.answers.pop(0)
            if self.answers
            else Outcome(payload=invocation.payload, log="START\nREPORT\n")
        )
        if isinstance(answer, AwsError):
            raise answer
        return answer

    def invoke_streaming(
        self,
        function: Any,
        invocation: Any,
        host: Any,
        *,
        reserved: Any = None,
        unreserved_limit: int = 1000,
        provisioned: int = 0,
    ) -> ResponseStream:
        stream = ResponseStream()

        async def run() -> None:
            try:
                outcome = await self.invoke(function, invocation, host, reserved=reserved)
            except AwsError as error:
                stream.fail(error)
                return
            for piece in self.pieces:
                stream.write("text/plain", piece)
            stream.end(outcome)

        self.running = asyncio.get_running_loop().create_task(run())
        return stream

    async def ensure_warm(self, function: Any, host: Any, count: int) -> int:
        self.warmed.append((function.arn, function.version, count))
        if self.warm_failure is not None:
            raise self.warm_failure
        return count

    async def ensure_snapshot(self, function: Any, host: Any) -> None:
        if self.snapshot_gate is not None:
            await self.snapshot_gate.wait()
        self.snapshots.append(function)
        if self.snapshot_failure is not None:
            raise self.snapshot_failure

    def retire(self, function_arn: str, version: str | None = None) -> None:
        self.retired.append((function_arn, version))


@dataclass
class StandInInterfaces:
    """Subnets `subnet-a1`, `subnet-a2` in `vpc-a`, `subnet-b1` in `vpc-b`."""

    users: dict[str, set[str]] = field(default_factory=dict)

    def vpc_of(self, *, account: str, region: str, subnet_id: str) -> str:
        if not subnet_id.startswith(("subnet-a", "subnet-b")):
            raise AwsError("InvalidSubnetID.NotFound", f"The subnet ID '{subnet_id}' does not exist")
        return f"vpc-{subnet_id[7]}"

    def acquire(
        self,
        *,
        account: str,
        region: str,
        subnet_id: str,
        group_ids: Sequence[str],
        function_arn: str,
        ipv6: bool = False,
    ) -> NetworkInterface:
        if "sg-missing" in group_ids:
            raise AwsError("InvalidGroup.NotFound", "The security group 'sg-missing' does not exist")
        interface_id = f"eni-{subnet_id[7:]}-{'-'.join(sorted(group_ids))}"
        self.users.setdefault(interface_id, set()).add(function_arn)
        return NetworkInterface(
            interface_id=interface_id,
            vpc_id=f"vpc-{subnet_id[7]}",
            subnet_id=subnet_id,
            kind=InterfaceKind.LAMBDA,
            address=IPv4Address("10.0.0.10"),
            ipv6=(IPv6Address("2600:1f16::10"),) if ipv6 else (),
        )

    def release(self, *, interface_id: str, function_arn: str) -> None:
        self.users[interface_id].remove(function_arn)
        if not self.users[interface_id]:
            del self.users[interface_id]


@dataclass
class StandInSessions:
    """Assumes every role but `untrusting`."""

    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    def assume_for_service(
        self, *, role_arn: str, session_name: str, service: str, source_function_arn: str | None = None
    ) -> Credential:
        self.asked.append((role_arn, service, source_function_arn))
        if role_arn.endswith("/untrusting"):
            raise AwsError("AccessDenied", "not authorized to perform: sts:AssumeRole", http_status=403)
        name = role_arn.rsplit("/", maxsplit=1)[-1]
        principal = Principal(
            kind=PrincipalKind.ROLE_SESSION,
            arn=f"arn:aws:sts::000000000000:assumed-role/{name}/{session_name}",
            account="000000000000",
            user_id=f"AROAROLE:{session_name}",
            role_arn=role_arn,
            source_function_arn=source_function_arn,
        )
        return Credential(
            access_key_id="ASIAEXAMPLE",
            secret_access_key="secret",
            session_token="token",
            principal=principal,
        )


@dataclass
class StandInLog:
    written: list[tuple[str, str]] = field(default_factory=list)

    def write(self, *, account: str, region: str, group: str, stream: str, events: Any) -> None:
        self.written.extend((group, message) for _, message in events)


class LambdaCloud(DirectCloud):
    """A DirectCloud with Lambda, and with DynamoDB for its streams."""

    def __init__(self, code_dir: Path, store: Store | None = None) -> None:
        self.runner, self.interfaces = StandInRunner(), StandInInterfaces()
        self.sessions, self.log = StandInSessions(), StandInLog()
        store = store or Store(None)
        tables = dynamodb.build(store, TablesEngine(MemoryStorage(), now=lambda: self.now.timestamp()))
        self.streams = StreamReading(tables.state, store, clock=lambda: self.now)
        self.slice = lambda_.assemble(
            store,
            supervisor=self.runner,
            function_interfaces=self.interfaces,
            role_sessions=self.sessions,
            log_sink=self.log,
            table_streams=self.streams,
            code_dir=code_dir,
            clock=lambda: self.now,
            random_bytes=self.random_bytes,
        )
        self.service = self.slice.service
        super().__init__(store, self.service, tables, dynamodb.build_streams(tables))
        self.state = self.service.state
        self.state.authority = self

    def answered(self, name: str, output: Any) -> None:
        """Every output must be one that the model has: the wire refuses others."""
        if name in self.service.operations.by_name:
            serialize_output(models().get("lambda").operation_model(name), "rest-json", output, "request")

    def asking(self, *, service: str, region: str) -> Authorize:
        """The policy engine from inside: what is in `denied` is refused."""

        def ask(check: Check, *, principal: Principal | None = None) -> None:
            assert principal is not None
            self.keep(check)
            if check.action in self.denied:
                raise AwsError("AccessDeniedException", f"not authorized to perform: {check.action}")

        return ask

    def create(self, client: Any, name: str = "orders", **params: Any) -> Any:
        defaults = {
            "FunctionName": name,
            "Runtime": "python3.12",
            "Role": ROLE,
            "Handler": "app.handler",
            "Code": {"ZipFile": zipped()},
        }
        return client.create_function(**(defaults | params))


@pytest.fixture
def cloud(tmp_path: Path) -> LambdaCloud:
    return LambdaCloud(tmp_path / "code")


@pytest.fixture
def client(cloud: LambdaCloud) -> Any:
    return cloud.client("lambda")


def payload(response: Any) -> Any:
    return json.loads(response["Payload"])
