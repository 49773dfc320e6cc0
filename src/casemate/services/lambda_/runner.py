"""Running functions: what the supervisor needs to know of them, and the queue of asynchronous events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from casemate.execution.function import FunctionVersion, Invocation, Outcome, RoleCredentials
from casemate.execution.ports import FunctionHost
from casemate.model.errors import AwsError
from casemate.model.principals import Principal
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import LogSink, RoleSessions
from casemate.servicekit.service import Authorize, Check

SERVICE_PRINCIPAL = "lambda.amazonaws.com"
RETRY_DELAYS = (60.0, 120.0)
"""Seconds before the second and the third attempt: Lambda Developer Guide, "How Lambda handles errors and retries with
asynchronous invocation"."""
MAX_EVENT_AGE = timedelta(hours=6)
_THROTTLE_DELAYS = (1.0, 300.0)
"""First and longest wait after a throttle: same page ("from 1 second [...] to a maximum of 5 minutes")."""


class Runner(Protocol):
    """What runs functions: `casemate.execution.supervisor.Supervisor`."""

    async def invoke(
        self,
        function: FunctionVersion,
        invocation: Invocation,
        host: FunctionHost,
        *,
        reserved: int | None = None,
        unreserved_limit: int = 1000,
    ) -> Outcome: ...

    def retire(self, function_arn: str, version: str | None = None) -> None: ...


class RunnerHost:
    """Gives environments their role's credentials, and keeps their logs if the role may write them.

    One per invocation; the environment that an invocation starts keeps its host for as long as it lives.
    """

    def __init__(
        self, sessions: RoleSessions, log_sink: LogSink, *, role: str = "", authorize: Authorize | None = None
    ) -> None:
        self._sessions = sessions
        self._log_sink = log_sink
        self._role = role
        self._authorize = authorize
        self._may_log = authorize is None

    def bound(self, role: str, authorize: Authorize) -> RunnerHost:
        """A host for an invocation of a function with that role."""
        return RunnerHost(self._sessions, self._log_sink, role=role, authorize=authorize)

    def credentials(self, function: FunctionVersion) -> RoleCredentials:
        """A session of the execution role."""
        try:
            credential = self._sessions.assume_for_service(
                role_arn=self._role,
                session_name=function.name,
                service=SERVICE_PRINCIPAL,
                source_function_arn=function.arn,
            )
        except AwsError as error:
            message = "The role defined for the function cannot be assumed by Lambda."
            raise AwsError("AccessDeniedException", message, http_status=403) from error
        self._may_log = self._role_may_log(function, credential.principal)
        return RoleCredentials(
            access_key_id=credential.access_key_id,
            secret_access_key=credential.secret_access_key,
            session_token=credential.session_token or "",
            expires=credential.expires,
        )

    def _role_may_log(self, function: FunctionVersion, principal: Principal) -> bool:
        """Lambda writes logs with the function's role: without the permissions there are none, and no error either."""
        assert self._authorize is not None
        # The Lambda service makes these calls, not the function: no lambda:SourceFunctionArn ("Using source function
        # ARN to control function access behavior").
        caller = replace(principal, source_function_arn=None)
        group = (
            f"arn:aws:logs:{function.region}:{function.account}:log-group:{function.log_group}:log-stream:"
        )
        try:
            for action in ("CreateLogStream", "PutLogEvents"):
                self._authorize(Check(action=f"logs:{action}", resource=group), principal=caller)
        except AwsError:
            return False
        return True

    def write_log(self, function: FunctionVersion, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """Keep the events of one environment."""
        if self._may_log:
            self._log_sink.write(
                account=function.account,
                region=function.region,
                group=function.log_group,
                stream=stream,
                events=events,
            )


class EventQueue:
    """Asynchronous invocations: accepted now, run soon, tried again when they fail. Kept in memory.

    Lambda's own queue is durable; here what has not run when Casemate ends is lost.
    """

    def __init__(self, clock: Clock, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, run: Callable[[], Awaitable[Outcome]]) -> None:
        """Run an event in the background."""
        task = asyncio.get_running_loop().create_task(self.deliver(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def deliver(self, run: Callable[[], Awaitable[Outcome]]) -> None:
        """Until it succeeds, has failed three times, or is too old."""
        accepted = self._clock()
        failures, throttle = 0, _THROTTLE_DELAYS[0]
        while True:
            try:
                outcome = await run()
            except AwsError as error:
                if error.code not in ("TooManyRequestsException", "ServiceException"):
                    return  # the function is gone, its role is: trying again does not help
                delay, throttle = throttle, min(throttle * 2, _THROTTLE_DELAYS[1])
            else:
                if not outcome.failed or failures == len(RETRY_DELAYS):
                    return
                delay = RETRY_DELAYS[failures]
                failures += 1
            if self._too_old(accepted, delay):
                return
            await self._sleep(delay)

    def _too_old(self, accepted: datetime, delay: float) -> bool:
        return self._clock() + timedelta(seconds=delay) - accepted > MAX_EVENT_AGE

    def close(self) -> None:
        """Forget what waits."""
        for task in self._tasks:
            task.cancel()
