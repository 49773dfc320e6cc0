"""Starts, reuses and ends execution environments so that every admitted invocation has one."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from casemate.execution import report
from casemate.execution.environment import Environment
from casemate.execution.failures import AttachError, InitError, InitFailure, NotDeliveredError
from casemate.execution.function import Failure, FunctionVersion, Invocation, Outcome
from casemate.execution.lifecycle import State
from casemate.execution.pool import Admission, Pool
from casemate.execution.ports import EnvironmentNetwork, FunctionHost
from casemate.execution.sandbox.client import ForkServer, SandboxError
from casemate.execution.sandbox.root import CA_BUNDLE
from casemate.execution.variables import environment_variables
from casemate.model.errors import AwsError

INIT_SECONDS = 10.0
"""Initialization outside an invocation is cut off after this: Lambda Developer Guide, "Init phase"."""
ACCOUNT_CONCURRENCY = 1000
_REAP_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How the supervisor works on this machine."""

    data_dir: Path
    """`code/` below it holds unpacked packages, `root/` stays empty."""
    ca_bundle: Path | None = None
    idle_seconds: float = 300.0
    """An environment without work for this long is ended."""

    @property
    def code(self) -> Path:
        """Where unpacked packages are: hand it to `package.unpack`."""
        return self.data_dir / "code"


class Supervisor:
    """All environments of this Casemate. Runs on one event loop."""

    def __init__(
        self,
        network: EnvironmentNetwork,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.settings = settings
        self._network = network
        self._clock = clock
        self._random_bytes = random_bytes
        self._server: ForkServer | None = None
        self._starting = asyncio.Lock()
        self._pools: dict[tuple[str, str], Pool] = {}
        self._admission = Admission()
        self._idle_since: dict[Environment, float] = {}
        self._reaper: asyncio.Task[None] | None = None
        self._ending: set[Environment] = set()

    @property
    def python_version(self) -> str:
        """Of the interpreter that functions run on; empty until it has started."""
        return self._server.python_version if self._server is not None else ""

    async def start(self) -> None:
        """Warm the fork-server, so that the first cold start does not wait for it."""
        await self._fork_server()

    async def close(self) -> None:
        """End every environment and the fork-server."""
        if self._reaper is not None:
            self._reaper.cancel()
        environments = [one for pool in self._pools.values() for one in pool.environments]
        self._pools.clear()
        if self._server is not None:
            self._server.close()
        closing = [one.closed for one in (*environments, *self._ending)]
        if closing:
            await asyncio.gather(*closing)

    async def invoke(
        self,
        function: FunctionVersion,
        invocation: Invocation,
        host: FunctionHost,
        *,
        reserved: int | None = None,
        unreserved_limit: int = ACCOUNT_CONCURRENCY,
    ) -> Outcome:
        """Run one invocation to its end.

        AwsError: TooManyRequestsException; what the host or the network raise; ServiceException when this machine
        could not make an environment. What the function does wrong is an Outcome.
        """
        place = (function.account, function.region)
        self._admission.enter(function.arn, place, reserved=reserved, unreserved_limit=unreserved_limit)
        try:
            while True:
                environment = self._warm(function) or await self._cold(function, invocation, host)
                if isinstance(environment, Outcome):
                    return environment
                with contextlib.suppress(NotDeliveredError):
                    return await environment.run(invocation, timeout_seconds=function.timeout_seconds)
        finally:
            self._admission.leave(function.arn, place, reserved=reserved)

    def retire(self, function_arn: str, version: str | None = None) -> None:
        """End the environments of a function (of one version): idle ones now, busy ones after their invocation."""
        for (arn, of_version), pool in list(self._pools.items()):
            if arn == function_arn and version in (None, of_version):
                self._retire_pool(pool)
                del self._pools[arn, of_version]

    def environments(self, function_arn: str) -> int:
        """How many environments a function has."""
        return sum(len(pool.environments) for (arn, _), pool in self._pools.items() if arn == function_arn)

    # Warm

    def _warm(self, function: FunctionVersion) -> Environment | None:
        pool = self._pool(function)
        # Credentials must outlast the invocation.
        needed = self._clock() + timedelta(seconds=function.timeout_seconds)
        while (environment := pool.take()) is not None:
            if environment.expires is None or environment.expires > needed:
                self._idle_since.pop(environment, None)
                return environment
            environment.retire()
        return None

    def _pool(self, function: FunctionVersion) -> Pool:
        """The pool of this version, emptied when the version's configuration has changed."""
        key = (function.arn, function.version)
        pool = self._pools.get(key)
        if pool is None or pool.revision != function.revision:
            if pool is not None:
                self._retire_pool(pool)
            pool = self._pools[key] = Pool(revision=function.revision)
        return pool

    def _retire_pool(self, pool: Pool) -> None:
        for environment in list(pool.environments):
            environment.retire()

    # Cold

    async def _cold(
        self, function: FunctionVersion, invocation: Invocation, host: FunctionHost
    ) -> Environment | Outcome:
        """A new environment, or the outcome when initialization fails twice.

        A failed initialization is tried again as part of the invocation, under the function's own time-out.
        """
        now = self._clock()
        stream = f"{now:%Y/%m/%d}/[{function.version}]{self._random_bytes(16).hex()}"
        try:
            return await self._begin(function, host, stream, timeout_seconds=INIT_SECONDS, phase="init")
        except InitError:
            pass
        try:
            return await self._begin(
                function, host, stream, timeout_seconds=function.timeout_seconds, phase="invoke"
            )
        except InitError as error:
            return self._failed(function, invocation, host, stream, error.failure)

    async def _begin(
        self,
        function: FunctionVersion,
        host: FunctionHost,
        stream: str,
        *,
        timeout_seconds: float,
        phase: str,
    ) -> Environment:
        credentials = host.credentials(function)
        pool = self._pool(function)
        interface = (
            function.interfaces[pool.count % len(function.interfaces)] if function.interfaces else None
        )
        pool.count += 1
        environment = Environment(
            function,
            clock=self._clock,
            write_log=lambda events: host.write_log(function, stream, events),
            on_change=self._on_change,
        )
        environment.expires = credentials.expires
        pool.environments.append(environment)
        try:
            server = await self._fork_server()
            if phase == "init":
                for line in _first_lines(function, server.python_version):
                    environment.platform_log(line)
            bundle = CA_BUNDLE if self.settings.ca_bundle is not None else None
            description = {
                "code": function.code,
                "ephemeral_mb": function.ephemeral_mb,
                "handler": function.handler,
                "environment": environment_variables(
                    function, credentials, log_stream=stream, ca_bundle=bundle
                ),
            }
            await environment.start(
                self._network,
                server,
                interface=interface,
                description=description,
                timeout_seconds=timeout_seconds,
            )
        except InitError as error:
            failure = error.failure
            status = "timeout" if failure.failure is Failure.TIMEOUT else "error"
            kind = "" if failure.failure is Failure.TIMEOUT else failure.error_type
            environment.platform_log(
                report.init_report_line(failure.duration_ms, phase=phase, status=status, error_type=kind)
            )
            environment.flush_log()
            raise
        except AttachError as error:
            raise _not_attached(error, interface) from error
        except SandboxError as error:
            raise AwsError("ServiceException", str(error), http_status=500, fault="server") from error
        finally:
            pool.forget_ended()
        return environment

    def _failed(
        self,
        function: FunctionVersion,
        invocation: Invocation,
        host: FunctionHost,
        stream: str,
        failure: InitFailure,
    ) -> Outcome:
        """The outcome of an invocation whose environment could not be initialized."""
        request_id = invocation.request_id
        usage = report.Usage(duration_ms=failure.duration_ms, memory_mb=function.memory_mb, used_mb=0)
        lines = [report.start_line(request_id, function.version)]
        payload = failure.payload
        if not payload:
            lines.append(report.failure_line(failure.failure, request_id, failure.message, self._clock()))
            payload = report.failure_payload(failure.failure, request_id, failure.message)
        timed_out = failure.failure is Failure.TIMEOUT
        lines.append(report.end_line(request_id))
        lines.append(
            report.report_line(
                request_id,
                usage,
                status="timeout" if timed_out else "error",
                error_type="" if timed_out else failure.error_type,
            )
        )
        now_ms = int(self._clock().timestamp() * 1000)
        host.write_log(function, stream, [(now_ms, line) for line in lines])
        return Outcome(payload=payload, failed=True, log="".join(lines), version=function.version)

    async def _fork_server(self) -> ForkServer:
        async with self._starting:
            if self._server is None or not self._server.alive:
                self._server = await ForkServer.start(
                    self._network,
                    base=self.settings.data_dir / "root",
                    code=self.settings.code,
                    ca_bundle=self.settings.ca_bundle,
                )
            if self._reaper is None:
                self._reaper = asyncio.get_running_loop().create_task(self._reap())
            return self._server

    # Idle

    def _on_change(self, environment: Environment) -> None:
        if environment.state is State.IDLE:
            self._idle_since[environment] = asyncio.get_running_loop().time()
        elif environment.state is State.ENDED:
            self._idle_since.pop(environment, None)
            self._ending.add(environment)
            environment.closed.add_done_callback(lambda _: self._ending.discard(environment))
            pool = self._pools.get((environment.function.arn, environment.function.version))
            if pool is not None:
                pool.forget_ended()

    async def _reap(self) -> None:
        """End what has been idle for long."""
        while True:
            await asyncio.sleep(min(_REAP_SECONDS, self.settings.idle_seconds))
            self.reap_idle()

    def reap_idle(self) -> None:
        """End the environments that have had no work for `idle_seconds`."""
        limit = asyncio.get_running_loop().time() - self.settings.idle_seconds
        for environment, since in list(self._idle_since.items()):
            if since <= limit:
                environment.retire()


def _not_attached(error: AttachError, interface: str | None) -> AwsError:
    if interface is None:
        return AwsError("ServiceException", str(error), http_status=500, fault="server")
    # Text: botocore's documentation of the error; status 502 in the model.
    message = (
        "The function is inactive and its VPC connection is no longer available. Wait for the VPC connection to "
        "reestablish and try again."
    )
    return AwsError("ResourceNotReadyException", message, http_status=502, fault="server")


def _first_lines(function: FunctionVersion, running: str) -> list[str]:
    """What a new log stream begins with."""
    wanted = function.runtime.removeprefix("python")
    lines = (
        [] if wanted == running else [f"casemate: {function.runtime} requested, running on python{running}\n"]
    )
    lines += [f"casemate: {note}\n" for note in function.notes]
    return [*lines, f"INIT_START Runtime Version: python:{wanted}\n"]
