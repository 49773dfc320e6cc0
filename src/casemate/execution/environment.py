"""One execution environment: performs what `lifecycle` decides, on the runtime API, the processes and the clock."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic  # uvloop's own clock counts whole milliseconds
from typing import Any
from uuid import UUID

from casemate.execution import memory, platform_events, report, runtime_api, runtime_server
from casemate.execution.attaching import attach
from casemate.execution.environment_log import EnvironmentLog, LogWriter
from casemate.execution.extension_calls import ExtensionCalls
from casemate.execution.extensions import Extensions
from casemate.execution.failures import InitError, InitFailure, NotDeliveredError
from casemate.execution.function import Failure, FunctionVersion, Invocation, Outcome
from casemate.execution.lifecycle import ASSIGNABLE, Effect, Event, State, advance
from casemate.execution.log_pipe import LogPipe
from casemate.execution.ports import Attached, EnvironmentNetwork
from casemate.execution.response_stream import ResponseStream
from casemate.execution.runtime_api import Answer, Call, CallKind, Flow, Reply
from casemate.execution.sandbox import plan
from casemate.execution.sandbox.client import ForkServer, Sandbox, SandboxError
from casemate.execution.telemetry import Telemetry

_MEMORY_INTERVAL = 0.05
_FREEZE_AFTER = 0.02
"""Seconds of idleness before the processes are stopped: who is called again at once is not stopped in between."""


@dataclass(slots=True)
class _Running:
    """The invocation in hand."""

    invocation: Invocation
    outcome: asyncio.Future[Outcome]
    began: float
    deadline: datetime
    stream: ResponseStream | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Finished:
    """An invocation whose caller has the answer while extensions still work: REPORT is yet to be written."""

    request_id: str
    began: float
    status: str = ""
    error_type: str = ""


class Environment:
    """Processes of one function version, and the invocations they are given one by one."""

    def __init__(
        self,
        function: FunctionVersion,
        *,
        clock: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
        write_log: LogWriter,
        on_change: Callable[[Environment], None],
        provisioned: bool = False,
    ) -> None:
        self.function = function
        self.state = State.INIT
        self.expires: datetime | None = None
        """Its credentials end then."""
        self.provisioned = provisioned
        """Kept although nobody invokes it: provisioned concurrency."""
        self.init_ms: float | None = None
        """How long initialization took; None once that has been reported."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when its processes and its network are gone."""
        self._clock = clock
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._initialized: asyncio.Future[None] = self._loop.create_future()
        self._telemetry = Telemetry(self._connection, now=clock)
        self.log = EnvironmentLog(function, self._telemetry, clock=clock, write=write_log)
        self.extensions = Extensions(
            identify=lambda: str(UUID(bytes=random_bytes(16), version=4)),
            about={
                "functionName": function.name, "functionVersion": function.version, "handler": function.handler,
            },
            account=function.account,
        )  # fmt: skip
        self._extension_calls = ExtensionCalls(
            self.extensions,
            self._telemetry,
            self.log,
            on_progress=self._progress,
            on_failure=self._extension_failed,
        )
        self._running: _Running | None = None
        self._finished: _Finished | None = None
        self._parked: Answer | None = None
        self._sandbox: Sandbox | None = None
        self._api: runtime_server.RuntimeServer | None = None
        self._pipe: LogPipe | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._memory_timer: asyncio.TimerHandle | None = None
        self._freeze_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None
        self._frozen = False
        self._runtime_asked = self._runtime_gone = False
        self._failure: tuple[Failure, str] | None = None
        """What the platform saw going wrong, when it knows more than the event that ends the environment."""
        self._exit_status: int | None = None
        self._report: Call | None = None
        self._timeout_seconds = 0.0
        self._began = monotonic()
        self._peak_mb = 0
        self._background: set[asyncio.Task[None]] = set()

    @property
    def assignable(self) -> bool:
        """Whether `run` may be called."""
        return self.state in ASSIGNABLE and self._running is None and self._finished is None

    async def start(
        self,
        network: EnvironmentNetwork,
        server: ForkServer,
        *,
        interface: str | None,
        description: dict[str, Any],
        timeout_seconds: float,
    ) -> None:
        """Start the processes and wait until they ask for work. InitError, AttachError or SandboxError."""
        try:
            attached = await attach(network, interface)
        except BaseException:
            self.state = State.ENDED
            self.closed.set_result(None)
            raise
        try:
            self._began = monotonic()
            self._api = await runtime_server.serve(attached.runtime_api, self._on_call, self._on_chunk)
            self._sandbox = server.launch(attached.netns_fd)
            self._sandbox.listen(self._on_sandbox)
            self._pipe = LogPipe(self._sandbox.log_fd, self.log.function_line)
            self._sandbox.describe(description | {"resolver": str(attached.resolver)})
            self._arm(timeout_seconds)
            self._memory_timer = self._loop.call_later(_MEMORY_INTERVAL, self._watch_memory)
            await self._initialized
        except BaseException as error:
            self.state = State.ENDED
            if not isinstance(error, InitError):  # which has let go already
                self._kill()
            raise
        finally:
            os.close(attached.netns_fd)
            self._in_background(self._tear_down(network, attached))

    async def run(
        self, invocation: Invocation, *, timeout_seconds: float, stream: ResponseStream | None = None
    ) -> Outcome:
        """Give it an invocation. Only when `assignable`. NotDeliveredError when it ended before it saw it."""
        assert self.assignable
        self._running = running = _Running(
            invocation=invocation,
            outcome=self._loop.create_future(),
            began=monotonic(),
            deadline=self._clock() + timedelta(seconds=timeout_seconds),
            stream=stream,
        )
        self.log.begin()
        self.log.platform(
            platform_events.start(invocation.request_id, self.function.version, invocation.trace_id)
        )
        self._arm(timeout_seconds)
        self._apply(Event.ASSIGN)
        return await running.outcome

    def retire(self) -> None:
        """End it: at once when it is idle, after its invocation when it is busy."""
        self._apply(Event.RETIRE)

    # What happens to it

    def _on_call(self, call: Call, answer: Answer) -> None:
        if call.kind in _RUNTIME_CALLS:
            self._on_runtime_call(call, answer)
        else:
            self._extension_calls.handle(call, answer)

    def _on_runtime_call(self, call: Call, answer: Answer) -> None:
        if call.kind is CallKind.NEXT:
            if self._parked is not None or advance(self.state, Event.NEXT) is None:
                answer(_ILLEGAL)
                return
            self._parked = answer
            self._progress()
            return
        if call.kind is CallKind.INIT_ERROR:
            self._report = call
            answer(runtime_api.ACCEPTED if self._apply(Event.INIT_ERROR) else _ILLEGAL)
            return
        if self._running is None or call.request_id != self._running.invocation.request_id:
            answer(runtime_api.refusal(400, "InvalidRequestID", "Invalid request ID"))
            return
        self._report = call
        event = Event.RESPONSE if call.kind is CallKind.RESPONSE else Event.ERROR
        if call.size > self._limit:
            event = Event.TOO_LARGE
        answer(runtime_api.ACCEPTED if self._apply(event) else _ILLEGAL)

    @property
    def _limit(self) -> int:
        """Bytes that the response may have."""
        streamed = self._running is not None and self._running.stream is not None
        return runtime_api.STREAM_LIMIT if streamed else runtime_api.RESPONSE_LIMIT

    def _on_chunk(self, head: Call, chunk: bytes, flow: Flow) -> None:
        running = self._running
        if (
            running is not None
            and running.stream is not None
            and head.request_id == running.invocation.request_id
        ):
            running.stream.write(head.content_type, chunk, flow)

    def _on_sandbox(self, message: dict[str, Any]) -> None:
        if "failed" in message:
            if not self._initialized.done():
                self._initialized.set_exception(SandboxError(message["failed"]))
        elif "entrypoint" in message:
            self._failure = (Failure.INVALID_ENTRYPOINT, message["entrypoint"])
            self._apply(Event.EXIT)
        elif "exited" in message:
            self._exit_status = message["exited"]
            self._runtime_gone = True
            self._apply(Event.EXIT)
        elif "closed" in message:
            self._apply(Event.EXIT)
            self._kill()
        else:
            self._extension_calls.heard(message)
            self._progress()
        if self.state is State.ENDED and self._runtime_gone and not self.extensions.external_left:
            self._kill()

    def _extension_failed(self, failure: Failure, why: str) -> None:
        self._failure = self._failure or (failure, why)
        self._apply(Event.EXTENSION_FAILED)

    def _progress(self) -> None:
        """The runtime or an extension has come a step further."""
        waiting = self.state is State.INIT and self.extensions and not self._runtime_asked
        if waiting and self.extensions.all_registered and self._sandbox is not None:
            self._runtime_asked = True
            self._sandbox.tell(plan.START_RUNTIME)
        if self._parked is not None and self.extensions.all_ready and self.state is not State.IDLE:
            self._apply(Event.NEXT)

    def _on_timeout(self) -> None:
        self._timer = None
        self._apply(Event.TIMEOUT)

    def _watch_memory(self) -> None:
        self._measure()
        if self._peak_mb > self.function.memory_mb and self._apply(Event.OUT_OF_MEMORY):
            return
        self._memory_timer = self._loop.call_later(_MEMORY_INTERVAL, self._watch_memory)

    # What it does about it

    def _apply(self, event: Event) -> bool:
        """Let `event` happen; False when it is illegal now."""
        transition = advance(self.state, event)
        if transition is None:
            return False
        self.state = transition.to
        if self._finished is not None and event is not Event.ASSIGN:
            self._write_report(event)
        for effect in transition.effects:
            self._perform(effect, event)
        if self.state is State.IDLE:
            self._disarm()
            self._freeze_timer = self._loop.call_later(_FREEZE_AFTER, self._freeze)
        self._on_change(self)
        return True

    def _perform(self, effect: Effect, event: Event) -> None:
        if effect is Effect.READY:
            self._ready()
        elif effect is Effect.FAIL_INIT:
            self._fail_init(event)
        elif effect is Effect.DELIVER:
            self._deliver()
        elif effect is Effect.COMPLETE:
            self._complete(event)
        elif effect is Effect.GIVE_BACK:
            self._give_back()
        else:
            self._shut_down(event)

    def _ready(self) -> None:
        self.init_ms = (monotonic() - self._began) * 1000
        self._measure()
        self._drain()
        self.extensions.closed = True
        self._telemetry.initialized()
        self._initialized.set_result(None)

    def _deliver(self) -> None:
        assert self._running is not None
        assert self._parked is not None
        answer, self._parked = self._parked, None
        invocation = self._running.invocation
        deadline_ms = int(self._running.deadline.timestamp() * 1000)
        if self.extensions:
            tracing = {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id}
            self.extensions.tell("INVOKE", {
                "deadlineMs": deadline_ms, "requestId": invocation.request_id,
                "invokedFunctionArn": invocation.invoked_arn, "tracing": tracing,
            })  # fmt: skip
        answer(runtime_api.delivery(invocation, deadline_ms=deadline_ms))
        self._thaw()
        self._memory_timer = self._loop.call_later(_MEMORY_INTERVAL, self._watch_memory)

    def _fail_init(self, event: Event) -> None:
        self._drain(end=True)
        if self._initialized.done():
            return
        reported = self._report if event is Event.INIT_ERROR else None
        kind, message = (Failure.INIT_ERROR, "") if reported else self._explain(event)
        self._initialized.set_exception(
            InitError(
                InitFailure(
                    failure=kind,
                    error_type=(reported.error_type or "Runtime.Unknown") if reported else kind.value,
                    message=message,
                    payload=reported.body if reported else b"",
                    exit_status=self._exit_status,
                    duration_ms=(monotonic() - self._began) * 1000,
                )
            )
        )

    def _explain(self, event: Event) -> tuple[Failure, str]:
        """What went wrong, and in which words."""
        if event in (Event.EXIT, Event.EXTENSION_FAILED) and self._failure is not None:
            return self._failure
        kind = _FAILURES[event]
        seconds = self._timeout_seconds
        return kind, report.failure_message(kind, timeout_seconds=seconds, exit_status=self._exit_status)

    def _complete(self, event: Event) -> None:
        running = self._running
        assert running is not None
        self._measure()
        failed, payload, status, error_type = self._result(event, running)
        request_id, produced = (
            running.invocation.request_id,
            running.stream.size if running.stream else len(payload),
        )
        done = platform_events.runtime_done(
            request_id,
            (monotonic() - running.began) * 1000,
            produced,
            status=status or ("error" if failed else "success"),
            error_type=error_type,
        )
        self.log.platform(done)
        self._running = None
        self._finished = _Finished(
            request_id=request_id, began=running.began, status=status, error_type=error_type
        )
        if not self.extensions:
            self._write_report(event)
            self._disarm()
        outcome = Outcome(payload=payload, failed=failed, log=self.log.end(), version=self.function.version)
        if not running.outcome.done():
            running.outcome.set_result(outcome)

    def _write_report(self, event: Event) -> None:
        """END and REPORT: the invocation is over for everybody."""
        finished, self._finished = self._finished, None
        assert finished is not None
        status = finished.status or ("timeout" if event is Event.TIMEOUT else "")
        usage = report.Usage(
            duration_ms=(monotonic() - finished.began) * 1000,
            memory_mb=self.function.memory_mb,
            used_mb=min(self._peak_mb, self.function.memory_mb),
            init_ms=self.init_ms,
        )
        self.init_ms = None
        self.log.platform(
            platform_events.end(finished.request_id, usage, status=status, error_type=finished.error_type)
        )
        self.log.flush()

    def _give_back(self) -> None:
        assert self._running is not None
        running, self._running = self._running, None
        # A caller that was cancelled waits no longer; the environment must come to its end all the same.
        if not running.outcome.done():
            running.outcome.set_exception(NotDeliveredError())

    def _result(self, event: Event, running: _Running) -> tuple[bool, bytes, str, str]:
        """(failed, payload, status, error type) of the invocation that `event` ends; logs what explains it."""
        request_id = running.invocation.request_id
        self._drain(end=True)
        if event in (Event.RESPONSE, Event.ERROR):
            assert self._report is not None
            # A handler's exception is the function's own business: REPORT shows no status for it.
            streamed = running.stream is not None and running.stream.begun and event is Event.RESPONSE
            return event is Event.ERROR, b"" if streamed else self._report.body, "", ""
        if event is Event.TOO_LARGE:
            assert self._report is not None
            payload = report.too_large_payload(self._report.size, self._limit)
            return True, payload, "error", Failure.RESPONSE_TOO_LARGE.value
        kind, message = self._explain(event)
        self.log.platform(
            platform_events.fault(report.failure_line(kind, request_id, message, self._clock()))
        )
        timed_out = kind is Failure.TIMEOUT
        payload = report.failure_payload(kind, request_id, message)
        return True, payload, "timeout" if timed_out else "error", "" if timed_out else kind.value

    # Time, memory, log

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timeout_seconds = seconds
        self._timer = self._loop.call_later(seconds, self._on_timeout)

    def _disarm(self) -> None:
        for timer in (self._timer, self._memory_timer, self._freeze_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._memory_timer = self._freeze_timer = None

    def _freeze(self) -> None:
        """Nothing of the function runs until the next invocation."""
        self._freeze_timer = None
        if self._sandbox is not None and self.state is State.IDLE:
            self._frozen = True
            self._sandbox.tell(plan.FREEZE)

    def _thaw(self) -> None:
        if self._frozen and self._sandbox is not None:
            self._frozen = False
            self._sandbox.tell(plan.THAW)

    def _measure(self) -> None:
        if self._sandbox is not None and self._sandbox.pid:
            self._peak_mb = max(self._peak_mb, memory.peak_mb(self._sandbox.pid))

    def _drain(self, *, end: bool = False) -> None:
        if self._pipe is not None:
            self._pipe.drain()
            if end:
                self._pipe.flush()

    async def _connection(self) -> Any:
        if self._sandbox is None:
            raise SandboxError("the environment has no processes")
        return await self._sandbox.connection()

    # The end

    def _shut_down(self, event: Event) -> None:
        """End the processes; extensions get a moment to finish ("Shutdown phase")."""
        self._disarm()
        self._parked = None
        seconds = self.extensions.shutdown_seconds
        if seconds == 0 or self._sandbox is None:
            self._kill()
            return
        self._thaw()
        orderly = event is Event.RETIRE
        self._sandbox.tell(plan.TERMINATE if orderly else plan.KILL_RUNTIME)
        reason = "spindown" if orderly else "timeout" if event is Event.TIMEOUT else "failure"
        deadline = self._clock() + timedelta(seconds=seconds)
        self._in_background(self._telemetry.flush())
        self.extensions.dismiss(reason, int(deadline.timestamp() * 1000))
        self._end_timer = self._loop.call_later(seconds, self._kill)

    def _kill(self) -> None:
        self._disarm()
        self._parked = None
        if self._end_timer is not None:
            self._end_timer.cancel()
        if self._sandbox is not None:
            self._sandbox.kill()

    async def _tear_down(self, network: EnvironmentNetwork, attached: Attached) -> None:
        if self._sandbox is not None:
            await self._sandbox.gone
        if self.state is not State.ENDED:  # the fork-server went, and with it this environment
            self._apply(Event.EXIT)
        self._kill()
        if self._pipe is not None:
            self._pipe.drain()
            self._pipe.close()
        self._extension_calls.close()
        self.log.flush()
        if self._api is not None:
            self._api.close()
        attached.runtime_api.close()
        try:
            with contextlib.suppress(RuntimeError, OSError):  # the helper is gone, and the namespace with it
                await network.detach_environment(attached.token)
        finally:
            self.closed.set_result(None)

    def _in_background(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


_RUNTIME_CALLS = frozenset({CallKind.NEXT, CallKind.RESPONSE, CallKind.ERROR, CallKind.INIT_ERROR})
_FAILURES = {
    Event.TIMEOUT: Failure.TIMEOUT,
    Event.EXIT: Failure.EXIT,
    Event.OUT_OF_MEMORY: Failure.OUT_OF_MEMORY,
}
_ILLEGAL: Reply = runtime_api.refusal(403, "InvalidStateTransition", "State transition is not allowed")
