"""Running functions: what the supervisor needs to know of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from casemate.execution.function import FunctionVersion, Invocation, Outcome, RoleCredentials
from casemate.execution.ports import FunctionHost
from casemate.execution.response_stream import ResponseStream
from casemate.model.errors import AwsError
from casemate.model.principals import Principal
from casemate.servicekit.ports import LogSink, RoleSessions
from casemate.servicekit.service import Authorize, Check

SERVICE_PRINCIPAL = "lambda.amazonaws.com"


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
        provisioned: int = 0,
    ) -> Outcome: ...

    def invoke_streaming(
        self,
        function: FunctionVersion,
        invocation: Invocation,
        host: FunctionHost,
        *,
        reserved: int | None = None,
        unreserved_limit: int = 1000,
        provisioned: int = 0,
    ) -> ResponseStream: ...

    async def ensure_warm(self, function: FunctionVersion, host: FunctionHost, count: int) -> int: ...

    async def ensure_snapshot(self, function: FunctionVersion, host: FunctionHost) -> None: ...

    def retire(self, function_arn: str, version: str | None = None) -> None: ...


class RunnerHost:
    """Gives environments their role's credentials, and keeps their logs if the role may write them.

    One per invocation; the environment that an invocation starts keeps its host for as long as it lives.
    """

    def __init__(
        self,
        sessions: RoleSessions,
        log_sink: LogSink,
        *,
        role: str = "",
        authorize: Authorize | None = None,
        unlock: Callable[[Principal], None] | None = None,
    ) -> None:
        self._sessions = sessions
        self._log_sink = log_sink
        self._role = role
        self._authorize = authorize
        self._unlock = unlock
        self._may_log = authorize is None

    def bound(
        self, role: str, authorize: Authorize, unlock: Callable[[Principal], None] | None = None
    ) -> RunnerHost:
        """A host for an invocation of a function with that role. `unlock` raises unless the role can read its variables."""
        return RunnerHost(self._sessions, self._log_sink, role=role, authorize=authorize, unlock=unlock)

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
        if self._unlock is not None:
            self._unlock(replace(credential.principal, source_function_arn=None))
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
