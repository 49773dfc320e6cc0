"""Starting execution environments: which interpreter, which fork-server, what the processes are told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from casemate.execution import interpreters, platform_events, snap_start
from casemate.execution.container_credentials import ContainerCredentials
from casemate.execution.environment import Environment
from casemate.execution.failures import AttachError, InitError
from casemate.execution.function import Failure, FunctionVersion
from casemate.execution.interpreters import Choice, Interpreters, NoInterpreterError, Python
from casemate.execution.metadata_endpoint import Metadata
from casemate.execution.ports import EnvironmentNetwork, FunctionHost
from casemate.execution.sandbox import plan
from casemate.execution.sandbox.client import ForkServer, SandboxError
from casemate.execution.sandbox.root import CA_BUNDLE
from casemate.execution.snap_start import Part, UnrestorableError
from casemate.execution.variables import environment_variables, extension_variables
from casemate.model.errors import AwsError
from casemate.model.regions import availability_zones


class Settings(Struct, frozen=True, kw_only=True):
    """How functions are run on this machine."""

    data_dir: Path
    """`code/` below it holds unpacked packages, `root-*/` stay empty."""
    ca_bundle: Path | None = None
    idle_seconds: float = 300.0
    """An environment without work for this long is ended."""
    strict_runtimes: bool = False
    """Refuse a runtime whose version this machine does not have, instead of running the nearest."""
    find_interpreters: Callable[[], Interpreters] = interpreters.find

    @property
    def code(self) -> Path:
        """Where unpacked packages are: hand it to `package.unpack`."""
        return self.data_dir / "code"


class Launch(Struct, frozen=True, kw_only=True):
    """One environment to be started."""

    function: FunctionVersion
    host: FunctionHost
    stream: str
    """The log stream's name."""
    interface: str | None
    timeout_seconds: float
    phase: str = "init"
    """`invoke` for the second attempt, which is a part of the invocation."""
    provisioned: bool = False
    part: Part = Part.ORDINARY
    token: str = ""
    """For its credentials, when they are not in its variables: SnapStart."""
    snapshot: tuple[int, ...] = ()
    """Descriptors of what a restored one begins from; without any it begins anew."""
    unfit: str = ""
    """Why there is none."""

    @property
    def initialization(self) -> str:
        """AWS_LAMBDA_INITIALIZATION_TYPE."""
        if self.part is not Part.ORDINARY:
            return snap_start.TYPE
        return "provisioned-concurrency" if self.provisioned else "on-demand"


class Launcher:
    """Starts environments; keeps one fork-server per version of Python."""

    def __init__(
        self,
        network: EnvironmentNetwork,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        random_bytes: Callable[[int], bytes] = os.urandom,
        zone_of: Callable[[str], str] = lambda _interface: "",
    ) -> None:
        """`zone_of` gives the Availability Zone of a Hyperplane interface, by its id."""
        self.interpreters: Interpreters | None = None
        """None until they have been looked for."""
        self._network = network
        self._settings = settings
        self._clock = clock
        self._random_bytes = random_bytes
        self._zone_of = zone_of
        self._servers: dict[str, ForkServer] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._closed = False

    async def start(self) -> None:
        """Look for interpreters, and warm the fork-server that most environments come from."""
        found = await self._found()
        await self._fork_server(found.pythons[0])

    def close(self) -> None:
        """End the fork-servers, and every environment with them. Nothing is started any more."""
        self._closed = True
        for server in self._servers.values():
            server.close()

    def prepare(self, launch: Launch, on_change: Callable[[Environment], None]) -> Environment:
        """An environment that has not been started. AwsError when the execution role cannot be assumed."""
        function, host = launch.function, launch.host
        return Environment(
            function,
            clock=self._clock,
            random_bytes=self._random_bytes,
            write_log=lambda events: host.write_log(function, launch.stream, events),
            on_change=on_change,
            provisioned=launch.provisioned,
            part=launch.part,
        )

    async def launch(self, environment: Environment, launch: Launch) -> None:
        """Start it. InitError; AwsError when this machine, the network or the role do not let it.

        UnrestorableError when it is the snapshot that this machine does not let it begin from.
        """
        try:
            await self._launch(environment, launch)
        finally:
            environment.abandon()

    async def _launch(self, environment: Environment, launch: Launch) -> None:
        function = launch.function
        credentials = launch.host.credentials(function)
        environment.expires = credentials.expires
        environment.beginning.metadata = self._metadata(launch)
        bundle = CA_BUNDLE if self._settings.ca_bundle is not None else None
        variables = environment_variables(
            function,
            credentials,
            log_stream=launch.stream,
            ca_bundle=bundle,
            initialization=launch.initialization,
            credentials_token=launch.token,
            metadata_token=environment.beginning.metadata.token,
        )
        if launch.token:
            environment.beginning.credentials = ContainerCredentials(
                credentials, launch.token, now=self._clock(), for_snapshot=launch.part is Part.TEMPLATE
            )
        try:
            choice = (await self._found()).choose(function.runtime, strict=self._settings.strict_runtimes)
            server = await self._fork_server(choice.python)
            environment.beginning.server = server
            _announce(environment, launch, choice)
            description = {
                "language": choice.language,
                "node": str(choice.node.major) if choice.node is not None else "",
                "code": function.code,
                "layers": list(function.layers),
                "ephemeral_mb": function.ephemeral_mb,
                "handler": function.handler,
                "environment": variables,
                "extension_environment": extension_variables(variables),
                "snapshot": plan.TAKE
                if launch.part is Part.TEMPLATE
                else plan.RESTORE
                if launch.snapshot
                else "",
            }
            await environment.start(
                self._network,
                server,
                interface=launch.interface,
                description=description,
                descriptors=launch.snapshot,
                timeout_seconds=launch.timeout_seconds,
            )
            self._report(environment, launch, None)
        except InitError as error:
            self._report(environment, launch, error)
            environment.log.flush()
            raise
        except NoInterpreterError as error:
            raise AwsError("InvalidRuntimeException", f"{error}.", http_status=502, fault="server") from error
        except AttachError as error:
            raise _not_attached(error, launch.interface) from error
        except SandboxError as error:
            if launch.snapshot:
                raise UnrestorableError(str(error)) from error
            raise AwsError("ServiceException", str(error), http_status=500, fault="server") from error

    def _metadata(self, launch: Launch) -> Metadata:
        """Who is in no VPC runs in a zone all the same: the first, here."""
        zone = self._zone_of(launch.interface) if launch.interface is not None else ""
        first = availability_zones(launch.function.region)[0].zone_id
        return Metadata(token=launch.token or self._random_bytes(32).hex(), zone_id=zone or first)

    def _report(self, environment: Environment, launch: Launch, error: InitError | None) -> None:
        """How initialization went."""
        status, error_type, duration = "success", "", environment.beginning.took_ms or 0.0
        if error is not None:
            failure = error.failure
            timed_out = failure.failure is Failure.TIMEOUT
            status, duration = "timeout" if timed_out else "error", failure.duration_ms
            error_type = "" if timed_out else failure.error_type
        if launch.part is Part.RESTORED:
            for event in (
                platform_events.restore_runtime_done(status=status, error_type=error_type),
                platform_events.restore_report(duration, status=status, error_type=error_type),
            ):
                environment.log.platform(event)
            return
        said = {
            "initialization": launch.initialization, "phase": launch.phase, "status": status, "error_type": error_type,
        }  # fmt: skip
        environment.log.platform(platform_events.init_runtime_done(**said))
        environment.log.platform(platform_events.init_report(duration, **said))

    async def _found(self) -> Interpreters:
        async with self._locks.setdefault("interpreters", asyncio.Lock()):
            if self.interpreters is None:
                self.interpreters = await asyncio.to_thread(self._settings.find_interpreters)
            return self.interpreters

    async def _fork_server(self, python: Python) -> ForkServer:
        found = await self._found()
        async with self._locks.setdefault(python.name, asyncio.Lock()):
            server = self._servers.get(python.name)
            if server is None or not server.alive:
                server = await self._new_server(found, python)
            return server

    async def _new_server(self, found: Interpreters, python: Python) -> ForkServer:
        if self._closed:
            raise SandboxError("no environment is started any more")
        server = await ForkServer.start(
            self._network,
            base=self._settings.data_dir / f"root-{python.name}",
            code=self._settings.code,
            ca_bundle=self._settings.ca_bundle,
            python=python,
            nodes={str(node.major): node.program for node in found.nodes},
        )
        # Known before it is ready: whoever closes need not wait for that.
        self._servers[python.name] = server
        if self._closed:
            server.close()
        await server.ready()
        return server


def _announce(environment: Environment, launch: Launch, choice: Choice) -> None:
    """What a new log stream begins with."""
    function = launch.function
    if launch.phase == "init":
        if not choice.exact:
            environment.log.remark(f"casemate: {function.runtime} requested, running on {choice.running}\n")
        for note in function.notes:
            environment.log.remark(f"casemate: {note}\n")
    runtime_version = f"{choice.language}:{choice.asked}"
    if launch.part is Part.RESTORED:
        if launch.unfit:
            environment.log.remark(
                f"casemate: initialized anew: there is no snapshot because of {launch.unfit}\n"
            )
        environment.log.platform(
            platform_events.restore_start(
                function=function.name, version=function.version, runtime_version=runtime_version
            )
        )
        return
    environment.log.platform(
        platform_events.init_start(
            function=function.name,
            version=function.version,
            runtime_version=runtime_version,
            initialization=launch.initialization,
            phase=launch.phase,
        )
    )


def _not_attached(error: AttachError, interface: str | None) -> AwsError:
    if interface is None:
        return AwsError("ServiceException", str(error), http_status=500, fault="server")
    # Text: botocore's documentation of the error; status 502 in the model.
    message = (
        "The function is inactive and its VPC connection is no longer available. Wait for the VPC connection to "
        "reestablish and try again."
    )
    return AwsError("ResourceNotReadyException", message, http_status=502, fault="server")
