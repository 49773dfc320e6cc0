"""Starts, reuses and ends execution environments so that every admitted invocation has one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from casemate.execution import platform_events, report
from casemate.execution.background import Background
from casemate.execution.endings import Ending
from casemate.execution.environment import Environment
from casemate.execution.failures import InitError, InitFailure, NotDeliveredError
from casemate.execution.function import Failure, FunctionVersion, Invocation, Outcome
from casemate.execution.interpreters import own_python
from casemate.execution.launcher import Launch, Launcher, Settings
from casemate.execution.lifecycle import State
from casemate.execution.pool import Admission, Pool
from casemate.execution.ports import EnvironmentNetwork, FunctionHost
from casemate.execution.response_stream import ResponseStream
from casemate.execution.snap_start import UnrestorableError, regeneration_error, restore_error
from casemate.execution.templates import Template, Templates
from casemate.model.errors import AwsError

INIT_SECONDS = 10.0
"""Initialization outside an invocation is cut off after this: Lambda Developer Guide, "Init phase"."""
PROVISIONED_INIT_SECONDS = 130.0
"""Of provisioned environments, or the function's time-out if that is more: the same page."""
ACCOUNT_CONCURRENCY = 1000
_REAP_SECONDS = 10.0
_RENEW_BEFORE = timedelta(minutes=5)
"""A provisioned environment is replaced this long before its credentials end."""

_log = logging.getLogger(__name__)
_PATIENCE = 5.0
"""Seconds that the end of all environments may take."""


class Supervisor:
    """All environments of this Casemate. Runs on one event loop."""

    def __init__(
        self,
        network: EnvironmentNetwork,
        settings: Settings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        random_bytes: Callable[[int], bytes] = os.urandom,
        in_order: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda interfaces: interfaces,
        zone_of: Callable[[str], str] = lambda _interface: "",
    ) -> None:
        """`in_order` leaves of a function's interfaces those whose Availability Zone works, or all when none does."""
        self.settings = settings
        self._in_order = in_order
        self._clock = clock
        self._random_bytes = random_bytes
        self._launcher = Launcher(network, settings, clock=clock, random_bytes=random_bytes, zone_of=zone_of)
        self._templates = Templates(
            self._launcher,
            new_stream=self._new_stream,
            in_order=in_order,
            random_bytes=random_bytes,
            on_change=self._on_change,
        )
        self._pools: dict[tuple[str, str], Pool] = {}
        self._admission = Admission()
        self._idle_since: dict[Environment, float] = {}
        self._reaper: asyncio.Task[None] | None = None
        self._ending: set[Environment] = set()
        self._background = Background()

    @property
    def python_version(self) -> str:
        """Of Casemate's own interpreter, which most functions run on."""
        return own_python().name

    @property
    def runtimes(self) -> str:
        """What this machine runs functions on, for `casemate status`."""
        found = self._launcher.interpreters
        if found is None:
            return ""
        rule = (
            "other versions are refused"
            if self.settings.strict_runtimes
            else "other versions run on the nearest"
        )
        return f"{found.describe()}; {rule}"

    async def start(self) -> None:
        """Warm the fork-server, so that the first cold start does not wait for it."""
        await self._launcher.start()

    async def close(self) -> None:
        """End every environment and the fork-servers."""
        self._background.cancel()
        if self._reaper is not None:
            self._reaper.cancel()
        environments = [one for pool in self._pools.values() for one in pool.environments]
        self._pools.clear()
        self._templates.close()
        self._launcher.close()
        closing = [one.closed for one in (*environments, *self._ending)]
        if closing:
            # The fork-servers are gone, and with them whatever they forked: one that was just being made may never say.
            await asyncio.wait([asyncio.ensure_future(one) for one in closing], timeout=_PATIENCE)

    async def invoke(
        self,
        function: FunctionVersion,
        invocation: Invocation,
        host: FunctionHost,
        *,
        reserved: int | None = None,
        unreserved_limit: int = ACCOUNT_CONCURRENCY,
        provisioned: int = 0,
        stream: ResponseStream | None = None,
    ) -> Outcome:
        """Run one invocation to its end.

        AwsError: TooManyRequestsException; what the host or the network raise; InvalidRuntimeException when nothing here
        runs the runtime; ServiceException when this machine could not make an environment. What the function does wrong
        is an Outcome.
        """
        leave = self._admission.enter(
            function, reserved=reserved, unreserved_limit=unreserved_limit, provisioned=provisioned
        )
        try:
            while True:
                environment = self._warm(function) or await self._cold(function, invocation, host)
                if isinstance(environment, Outcome):
                    return environment
                environment.reserved = False
                if not environment.assignable:
                    continue  # it ended before its starter got to it
                with contextlib.suppress(NotDeliveredError):
                    return await environment.run(
                        invocation, timeout_seconds=function.timeout_seconds, stream=stream
                    )
        finally:
            leave()

    def invoke_streaming(
        self,
        function: FunctionVersion,
        invocation: Invocation,
        host: FunctionHost,
        *,
        reserved: int | None = None,
        unreserved_limit: int = ACCOUNT_CONCURRENCY,
        provisioned: int = 0,
    ) -> ResponseStream:
        """As `invoke`, the response passed on while it is written.

        Await `head()` to hear what `invoke` would raise before there is a response, then iterate, then await `outcome`.
        The function runs to its end whether or not anybody reads.
        """
        stream = ResponseStream()

        async def run() -> None:
            try:
                outcome = await self.invoke(
                    function,
                    invocation,
                    host,
                    reserved=reserved,
                    unreserved_limit=unreserved_limit,
                    provisioned=provisioned,
                    stream=stream,
                )
            except BaseException as error:
                stream.fail(error)
                if not isinstance(error, AwsError):
                    raise
            else:
                stream.end(outcome)

        self._background.start(run())
        return stream

    async def ensure_warm(self, function: FunctionVersion, host: FunctionHost, count: int) -> int:
        """Keep `count` initialized environments for this version: provisioned concurrency. Gives how many there are.

        They are replaced when they end or their credentials are about to; fewer than before are asked for with a
        smaller `count`, none with 0. InitError or AwsError when one cannot be started.
        """
        pool = self._pool(function)
        pool.provisioned, pool.host, pool.function = count, host, function
        self._watch()
        for environment in pool.environments[::-1]:
            if environment.provisioned and pool.provisioned_count > count:
                environment.provisioned = False  # an ordinary one from here on, which idleness ends
        await self._provision(pool)
        return sum(one.provisioned and one.state is not State.INIT for one in pool.environments)

    async def ensure_snapshot(self, function: FunctionVersion, host: FunctionHost) -> None:
        """Initialize a version with SnapStart, and keep what its environments are restored from. InitError, AwsError."""
        self._watch()
        await self._templates.ready(function, host)

    def retire(self, function_arn: str, version: str | None = None) -> None:
        """End the environments of a function (of one version): idle ones now, busy ones after their invocation."""
        self._templates.retire(function_arn, version)
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
        while (environment := pool.take()) is not None:
            interface = pool.placed.get(environment)
            reaches = interface is None or interface in self._in_order(function.interfaces)
            if reaches and self._outlasts(environment, function):
                self._idle_since.pop(environment, None)
                return environment
            environment.retire()
        return None

    def _outlasts(self, environment: Environment, function: FunctionVersion) -> bool:
        """Whether its credentials are good for an invocation that takes as long as it may."""
        if environment.expires is None:
            return True
        return environment.expires > self._clock() + timedelta(seconds=function.timeout_seconds)

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
        pool.provisioned = 0
        for environment in list(pool.environments):
            environment.retire()

    async def _provision(self, pool: Pool) -> None:
        """Start what is missing of a pool's provisioned environments, all at once."""
        function, host = pool.function, pool.host
        missing = pool.provisioned - pool.provisioned_count
        if function is not None and host is not None and missing > 0:
            starting = [
                self._begin(function, host, self._new_stream(function), provisioned=True)
                for _ in range(missing)
            ]
            results = await asyncio.gather(*starting, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    # Cold

    async def _cold(
        self, function: FunctionVersion, invocation: Invocation, host: FunctionHost
    ) -> Environment | Outcome:
        """A new environment, or the outcome when initialization fails twice.

        A failed initialization is tried again as part of the invocation, under the function's own time-out.
        """
        stream = self._new_stream(function)
        if function.snap_start:
            return await self._restored(function, host, stream)
        try:
            return await self._begin(function, host, stream)
        except InitError:
            pass
        try:
            return await self._begin(function, host, stream, phase="invoke")
        except InitError as error:
            return self._failed(function, invocation, host, stream, error.failure)

    async def _restored(self, function: FunctionVersion, host: FunctionHost, stream: str) -> Environment:
        """A new environment of a version with SnapStart. AwsError when the function's own hooks fail, too."""
        try:
            template = await self._templates.ready(function, host)
        except InitError as error:
            raise regeneration_error() from error
        try:
            try:
                return await self._begin(function, host, stream, template=template)
            except UnrestorableError as error:
                _log.warning("%s: a snapshot could not be restored: %s", function.arn, error)
                template.give_up(str(error))
                return await self._begin(function, host, stream, template=template)
        except InitError as error:
            raise restore_error(error.failure) from error

    def _new_stream(self, function: FunctionVersion) -> str:
        return f"{self._clock():%Y/%m/%d}/[{function.version}]{self._random_bytes(16).hex()}"

    async def _begin(
        self,
        function: FunctionVersion,
        host: FunctionHost,
        stream: str,
        *,
        phase: str = "init",
        provisioned: bool = False,
        template: Template | None = None,
    ) -> Environment:
        self._watch()
        pool = self._pool(function)
        # Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC": subnets in several zones
        # are for high availability; what runs moves to those that work.
        interfaces = self._in_order(function.interfaces)
        launch = Launch(
            function=function,
            host=host,
            stream=stream,
            interface=interfaces[pool.count % len(interfaces)] if interfaces else None,
            timeout_seconds=init_seconds(function, phase=phase, provisioned=provisioned),
            phase=phase,
            provisioned=provisioned,
        )
        if template is not None:
            launch = template.applied_to(launch)
        pool.count += 1
        environment = self._launcher.prepare(launch, self._on_change)
        pool.environments.append(environment)
        if launch.interface is not None:
            pool.placed[environment] = launch.interface
        try:
            await self._launcher.launch(environment, launch)
        except BaseException:
            environment.state = State.ENDED
            self._await_end(environment)
            raise
        finally:
            for one in launch.snapshot:
                os.close(one)
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
        request_id, now = invocation.request_id, self._clock()
        timed_out = failure.failure is Failure.TIMEOUT
        line, payload = "", failure.payload
        if not payload:
            line = report.failure_line(failure.failure, request_id, failure.message, now)
            payload = report.failure_payload(failure.failure, request_id, failure.message)
        ending = Ending(
            failed=True,
            payload=payload,
            status="timeout" if timed_out else "error",
            error_type="" if timed_out else failure.error_type,
            line=line,
        )
        usage = report.Usage(duration_ms=failure.duration_ms, memory_mb=function.memory_mb, used_mb=0)
        events = [
            platform_events.start(request_id, function.version, invocation.trace_id),
            platform_events.fault(line),
            platform_events.end(request_id, usage, ending),
        ]
        lines = [
            line
            for event in events
            for line in event.to_log(
                now, log_format=function.log_format, least=function.system_log_level
            ).splitlines(keepends=True)
        ]
        host.write_log(function, stream, [(int(now.timestamp() * 1000), line) for line in lines])
        return Outcome(payload=payload, failed=True, log="".join(lines), version=function.version)

    # Idle

    def _on_change(self, environment: Environment) -> None:
        if environment.state is State.IDLE:
            self._idle_since[environment] = asyncio.get_running_loop().time()
        elif environment.state is State.ENDED:
            self._idle_since.pop(environment, None)
            self._await_end(environment)
            pool = self._pools.get((environment.function.arn, environment.function.version))
            if pool is not None:
                pool.forget_ended()

    def _await_end(self, environment: Environment) -> None:
        if not environment.closed.done():
            self._ending.add(environment)
            environment.closed.add_done_callback(lambda _: self._ending.discard(environment))

    def _watch(self) -> None:
        if self._reaper is None:
            self._reaper = asyncio.get_running_loop().create_task(self._reap())

    async def _reap(self) -> None:
        """End what has been idle for long, and start what is provisioned and missing."""
        while True:
            await asyncio.sleep(min(_REAP_SECONDS, self.settings.idle_seconds))
            self.reap_idle()
            self._templates.reap(self.settings.idle_seconds, in_use=self._in_use)
            await self.replenish()

    def reap_idle(self) -> None:
        """End the environments that have had no work for `idle_seconds`, unless they are provisioned."""
        limit = asyncio.get_running_loop().time() - self.settings.idle_seconds
        soon = self._clock() + _RENEW_BEFORE
        for environment, since in list(self._idle_since.items()):
            expiring = environment.expires is not None and environment.expires <= soon
            if expiring if environment.provisioned else since <= limit:
                environment.retire()

    def _in_use(self, key: tuple[str, str]) -> bool:
        pool = self._pools.get(key)
        return pool is not None and bool(pool.environments)

    async def replenish(self) -> None:
        """Start the provisioned environments that are missing; what cannot be started is tried again next time."""
        for pool in list(self._pools.values()):
            try:
                await self._provision(pool)
            except (InitError, AwsError) as error:
                _log.warning("a provisioned environment could not be started: %s", error)


__all__ = ["ACCOUNT_CONCURRENCY", "INIT_SECONDS", "Settings", "Supervisor"]


def init_seconds(function: FunctionVersion, *, phase: str, provisioned: bool) -> float:
    """How long initialization may take."""
    if provisioned:
        return max(PROVISIONED_INIT_SECONDS, function.timeout_seconds)
    return INIT_SECONDS if phase == "init" else function.timeout_seconds
