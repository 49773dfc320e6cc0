"""A supervisor with real sandboxes and namespaces, one per module."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.lone_network import HelperNetwork, LoneNetwork, start_network

from casemate.execution.function import FunctionVersion, Invocation, Outcome, RoleCredentials
from casemate.execution.package import unpack
from casemate.execution.sandbox import descriptors
from casemate.execution.supervisor import Settings, Supervisor

ROOTLESS = os.geteuid() != 0
"""Then Casemate and its tenants are one user to the kernel."""
ID = "11111111-2222-4333-8444-555555555555"


def refusal(attempt: str, expected: str) -> str:
    """What a tenant is told; of process 1, rootless, already at the door of its directory in /proc (hidepid=1)."""
    return "Operation not permitted" if ROOTLESS and "/proc/1/" in attempt else expected


class RecordingHost:
    """Gives credentials and remembers what is logged."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.expires: datetime | None = None
        self.streams: set[str] = set()

    def credentials(self, function: FunctionVersion) -> RoleCredentials:
        return RoleCredentials(
            access_key_id="ASIATEST", secret_access_key="hidden", session_token="token", expires=self.expires
        )

    def write_log(self, function: FunctionVersion, stream: str, events: Sequence[tuple[int, str]]) -> None:
        self.streams.add(stream)
        self.events.extend(message for _, message in events)


class Machine:
    """Runs Python source as functions."""

    def __init__(self, supervisor: Supervisor, network: LoneNetwork | HelperNetwork) -> None:
        self.supervisor = supervisor
        self.network = network
        self.host = RecordingHost()
        self._count = 0

    def unpacked(self, files: dict[str, str]) -> str:
        """A package's or a layer's directory; what begins with `#!` is executable."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in files.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = (0o755 if content.startswith("#!") else 0o644) << 16
                archive.writestr(info, content)
        return unpack(buffer.getvalue(), self.supervisor.settings.code).directory

    def function(self, source: str | dict[str, str], **changes: Any) -> FunctionVersion:
        self._count += 1
        name = f"f{self._count}"
        values: dict[str, Any] = {
            "arn": f"arn:aws:lambda:us-east-2:000000000000:function:{name}",
            "name": name,
            "version": "$LATEST",
            "account": "000000000000",
            "region": "us-east-2",
            "revision": "1",
            "runtime": f"python{self.supervisor.python_version}",
            "handler": "app.handler",
            "code": self.unpacked({"app.py": source} if isinstance(source, str) else source),
            "log_group": f"/aws/lambda/{name}",
        }
        return FunctionVersion(**(values | changes))

    async def invoke(self, function: FunctionVersion, event: Any = None, **options: Any) -> Outcome:
        invocation = Invocation(
            request_id=ID,
            payload=json.dumps(event).encode(),
            invoked_arn=function.arn,
        )
        return await self.supervisor.invoke(function, invocation, self.host, **options)

    async def stream(self, function: FunctionVersion, event: Any = None) -> tuple[list[bytes], Outcome, str]:
        """Invoke with a streamed response: its pieces, the outcome, the content type."""
        invocation = Invocation(request_id=ID, payload=json.dumps(event).encode(), invoked_arn=function.arn)
        stream = self.supervisor.invoke_streaming(function, invocation, self.host)
        pieces = [piece async for piece in stream]
        return pieces, await stream.outcome, stream.content_type

    async def run(self, source: str | dict[str, str], event: Any = None, **changes: Any) -> Any:
        """Invoke once; the handler must succeed."""
        outcome = await self.invoke(self.function(source, **changes), event)
        assert not outcome.failed, outcome.payload
        return json.loads(outcome.payload)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def machine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Machine]:
    directory = tmp_path_factory.mktemp("execution")
    bundle = directory / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\nstand-in\n-----END CERTIFICATE-----\n")
    descriptors.raise_limit()  # as `casemate up` does
    network = await start_network()
    settings = Settings(data_dir=Path(directory) / "data", ca_bundle=bundle)
    supervisor = Supervisor(network, settings)
    await supervisor.start()
    yield Machine(supervisor, network)
    await supervisor.close()
    await network.close()
    # INVARIANT: every namespace that was attached is detached.
    assert len(network.detached) == len(network.attached)
