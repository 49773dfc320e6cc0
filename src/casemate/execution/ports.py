"""What execution needs of others, as Protocols. `casemate.app` wires implementations to them."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from typing import Protocol

from casemate.execution.function import FunctionVersion, RoleCredentials


class Attached(Protocol):
    """A network namespace made for one environment.

    `netns_fd` and `runtime_api` belong to the caller, which closes them.
    """

    @property
    def token(self) -> str:
        """Names it to `detach_environment`."""
        ...

    @property
    def netns_fd(self) -> int: ...

    @property
    def runtime_api(self) -> socket.socket:
        """Listening on 127.0.0.1:9001 in that namespace."""
        ...

    @property
    def resolver(self) -> IPv4Address: ...

    @property
    def address(self) -> IPv4Address:
        """The source address others see: the interface's, or a public one outside any VPC."""
        ...


class EnvironmentNetwork(Protocol):
    """Implemented by dataplane.kernel."""

    async def attach_environment(self, interface_id: str | None) -> Attached:
        """A new namespace behind that interface; None: outside any VPC. RuntimeError or OSError when there is none."""
        ...

    async def detach_environment(self, token: str) -> None: ...

    async def spawn(self, argv: Sequence[str], *, env: Mapping[str, str], fds: Sequence[int]) -> int:
        """Run a program with rights over the namespaces of `attach_environment`; `fds` become 3, 4, ...; gives the pid."""
        ...


class FunctionHost(Protocol):
    """What an environment asks of the Lambda service it runs for. Implemented by services.lambda_."""

    def credentials(self, function: FunctionVersion) -> RoleCredentials:
        """A session of the execution role; AwsError when the role cannot be assumed."""
        ...

    def write_log(self, function: FunctionVersion, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """(milliseconds since the epoch, message) events of one environment."""
        ...
