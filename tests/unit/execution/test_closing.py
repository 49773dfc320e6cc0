"""An environment that is ended while it is being made comes to its end all the same."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from casemate.execution.environment import Environment
from casemate.execution.failures import InitError
from casemate.execution.function import FunctionVersion, Invocation, RoleCredentials
from casemate.execution.interpreters import Interpreters, own_python
from casemate.execution.lifecycle import State
from casemate.execution.supervisor import Settings, Supervisor
from casemate.model.errors import AwsError

pytestmark = pytest.mark.asyncio

FUNCTION = FunctionVersion(
    arn="arn:aws:lambda:us-east-2:000000000000:function:f", name="f", version="$LATEST", account="000000000000",
    region="us-east-2", revision="1", runtime=f"python{own_python().name}", handler="app.handler", code="none",
)  # fmt: skip
HERE = IPv4Address("10.0.0.2")
INVOCATION = Invocation(request_id="r", payload=b"{}", invoked_arn=FUNCTION.arn)


@dataclass
class Place:
    token: str
    netns_fd: int
    runtime_api: socket.socket
    resolver: IPv4Address
    address: IPv4Address


class Network:
    """Attaches when it is let; what it spawns is never ready."""

    def __init__(self) -> None:
        self.asked, self.let = asyncio.Event(), asyncio.Event()
        self.attached: set[str] = set()
        self.spawned: list[int] = []

    async def attach_environment(self, interface_id: str | None) -> Place:
        self.asked.set()
        await self.let.wait()
        self.attached.add("env-1")
        api = socket.create_server(("127.0.0.1", 0))
        return Place("env-1", os.open("/proc/self/ns/net", os.O_RDONLY), api, HERE, HERE)

    async def detach_environment(self, token: str) -> None:
        self.attached.remove(token)

    async def spawn(self, argv: Any, *, env: Any, fds: Any) -> int:
        # As the real one does: the descriptor is held until the other end goes.
        self.spawned.append(os.dup(fds[0]))
        self.asked.set()
        return 1


class Host:
    def credentials(self, function: FunctionVersion) -> RoleCredentials:
        return RoleCredentials(access_key_id="a", secret_access_key="b", session_token="c", expires=None)

    def write_log(self, *_: Any) -> None:
        """Nobody reads it."""


class Server:
    """A fork-server that must not be asked."""

    def launch(self, network_fd: int) -> Any:
        raise AssertionError(f"launched in {network_fd}")


def environment() -> Environment:
    return Environment(
        FUNCTION,
        clock=lambda: datetime.now(UTC),
        random_bytes=os.urandom,
        write_log=lambda _: None,
        on_change=lambda _: None,
    )


async def started(act: Callable[[Environment, Network], Awaitable[None]]) -> tuple[Environment, Network]:
    """An environment that waits for its network while `act` happens."""
    made, network = environment(), Network()
    server: Any = Server()
    starting = asyncio.create_task(
        made.start(network, server, interface=None, description={}, timeout_seconds=10)
    )
    await network.asked.wait()
    await act(made, network)
    with pytest.raises(InitError):
        await starting
    async with asyncio.timeout(2):
        await made.closed
    return made, network


async def test_one_that_is_retired_before_it_has_processes_gets_none() -> None:
    async def retire(made: Environment, network: Network) -> None:
        made.retire()
        network.let.set()

    made, network = await started(retire)
    assert made.state is State.ENDED
    assert not network.attached


async def test_one_that_nobody_starts_is_closed() -> None:
    made = environment()
    made.retire()
    made.abandon()
    assert made.closed.done()
    assert made.state is State.ENDED


async def test_the_end_of_everything_does_not_wait_for_what_is_being_made(tmp_path: Path) -> None:
    """The fork-server has been started and is not ready: the environment has neither network nor processes."""
    network = Network()
    settings = Settings(
        data_dir=tmp_path, find_interpreters=lambda: Interpreters(pythons=(own_python(),), nodes=())
    )
    supervisor = Supervisor(network, settings)
    invoking = asyncio.create_task(supervisor.invoke(FUNCTION, INVOCATION, Host()))
    await network.asked.wait()
    await asyncio.sleep(0)
    began = time.monotonic()
    await supervisor.close()
    assert time.monotonic() - began < 2
    with pytest.raises(AwsError) as refused:
        await invoking
    assert refused.value.code == "ServiceException"
    with pytest.raises(AwsError):
        await supervisor.invoke(FUNCTION, INVOCATION, Host())
    assert len(network.spawned) == 1, "nothing is started once it is closed"
    for descriptor in network.spawned:
        with socket.socket(fileno=descriptor) as theirs:
            assert theirs.recv(16) == b"", "the fork-server is told to go"
