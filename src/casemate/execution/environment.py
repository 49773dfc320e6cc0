"""One execution environment: performs what `lifecycle` decides, on the runtime API, the process and the clock."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic  # uvloop's own clock counts whole milliseconds
from typing import Any

from casemate.execution import memory, report, runtime_api
from casemate.execution.attaching import attach
from casemate.execution.failures import InitError, InitFailure, NotDeliveredError
from casemate.execution.function import Failure, FunctionVersion, Invocation, Outcome
from casemate.execution.lifecycle import ASSIGNABLE, Effect, Event, State, advance
from casemate.execution.log_pipe import LogPipe
from casemate.execution.ports import Attached, EnvironmentNetwork
from casemate.execution.runtime_api import Answer, Call, CallKind, Reply
from casemate.execution.sandbox.client import ForkServer, Sandbox, SandboxError

_MEMORY_INTERVAL = 0.05
_LOG_KEPT = 65_536
_LOG_INTERVAL = 0.25
"""Seconds that a line waits for others before it is written, while the function runs."""

LogWriter = Callable[[Sequence[tuple[int, str]]], None]


@dataclass(slots=True)
class _Running:
    """The invocation in hand."""

    invocation: Invocation
    outcome: asyncio.Future[Outcome]
    began: float
    deadline: datetime
    log: deque[str]
    logged: int = 0
    """Characters in `log`."""

    def keep(self, text: str) -> None:
        """Add to the log, of which only the end is of use: `X-Amz-Log-Result`."""
        self.log.append(text)
        self.logged += len(text)
        while self.logged > _LOG_KEPT and len(self.log) > 1:
            self.logged -= len(self.log.popleft())


class Environment:
    """Processes of one function version, and the invocations they are given one by one."""

    def __init__(
        self,
        function: FunctionVersion,
        *,
        clock: Callable[[], datetime],
        write_log: LogWriter,
        on_change: Callable[[Environment], None],
    ) -> None:
        self.function = function
        self.state = State.INIT
        self.expires: datetime | None = None
        """Its credentials end then."""
        self.init_ms: float | None = None
        """How long initialization took; None once that has been reported."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when its processes and its network are gone."""
        self._clock = clock
        self._write_log = write_log
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._initialized: asyncio.Future[None] = self._loop.create_future()
        self._running: _Running | None = None
        self._parked: Answer | None = None
        self._sandbox: Sandbox | None = None
        self._api: runtime_api.RuntimeApi | None = None
        self._pipe: LogPipe | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._memory_timer: asyncio.TimerHandle | None = None
        self._log_timer: asyncio.TimerHandle | None = None
        self._events: list[tuple[int, str]] = []
        self._exit_status: int | None = None
        self._report: Call | None = None
        self._timeout_seconds = 0.0
        self._began = monotonic()
        self._peak_mb = 0
        self._teardown: asyncio.Task[None] | None = None

    @property
    def assignable(self) -> bool:
        """Whether `run` may be called."""
        return self.state in ASSIGNABLE and self._running is None

    async def start(
        self,
        network: EnvironmentNetwork,
        server: ForkServer,
        *,
        interface: str | None,
        description: dict[str, Any],
        timeout_seconds: float,
    ) -> None:
        """Start the process and wait until the runtime asks for work. InitError, AttachError or SandboxError."""
        try:
            attached = await attach(network, interface)
        except BaseException:
            self.state = State.ENDED
            self.closed.set_result(None)
            raise
        try:
            self._began = monotonic()
            self._api = await runtime_api.serve(attached.runtime_api, self._on_call)
            self._sandbox = server.launch(attached.netns_fd)
            self._sandbox.listen(self._on_sandbox)
            self._pipe = LogPipe(self._sandbox.log_fd, self.log)
            self._sandbox.describe(description | {"resolver": str(attached.resolver)})
            self._arm(timeout_seconds)
            self._memory_timer = self._loop.call_later(_MEMORY_INTERVAL, self._watch_memory)
            await self._initialized
        except BaseException:
            self.state = State.ENDED
            self._kill()
            raise
        finally:
            os.close(attached.netns_fd)
            self._teardown = self._loop.create_task(self._tear_down(network, attached))

    async def run(self, invocation: Invocation, *, timeout_seconds: float) -> Outcome:
        """Give it an invocation. Only when `assignable`. NotDeliveredError when it ended before it saw it."""
        assert self.assignable
        self._running = running = _Running(
            invocation=invocation,
            outcome=self._loop.create_future(),
            began=monotonic(),
            deadline=self._clock() + timedelta(seconds=timeout_seconds),
            log=deque(),
        )
        self._emit(report.start_line(invocation.request_id, self.function.version))
        self._arm(timeout_seconds)
        self._apply(Event.ASSIGN)
        return await running.outcome

    def retire(self) -> None:
        """End it: at once when it is idle, after its invocation when it is busy."""
        self._apply(Event.RETIRE)

    def log(self, line: str) -> None:
        """A line the function wrote."""
        self._emit(line + "\n")

    def platform_log(self, line: str) -> None:
        """A line of the platform's own outside any invocation."""
        self._emit(line)

    def flush_log(self) -> None:
        """Write what has been logged, in order, before somebody else writes to the same stream."""
        self._write_events()

    # What happens to it

    def _on_call(self, call: Call, answer: Answer) -> None:
        if call.kind is CallKind.NEXT:
            parked, self._parked = self._parked, answer
            if not self._apply(Event.NEXT):
                self._parked = parked
                answer(_ILLEGAL)
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
        if call.size > runtime_api.RESPONSE_LIMIT:
            event = Event.TOO_LARGE
        answer(runtime_api.ACCEPTED if self._apply(event) else _ILLEGAL)

    def _on_sandbox(self, message: dict[str, Any]) -> None:
        if "failed" in message:
            if not self._initialized.done():
                self._initialized.set_exception(SandboxError(message["failed"]))
            return
        if "exited" in message:
            self._exit_status = message["exited"]
            self._apply(Event.EXIT)
        elif "closed" in message:
            self._apply(Event.EXIT)

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
        for effect in transition.effects:
            self._perform(effect, event)
        self._on_change(self)
        return True

    def _perform(self, effect: Effect, event: Event) -> None:
        if effect is Effect.READY:
            self._disarm()
            self.init_ms = (monotonic() - self._began) * 1000
            self._measure()
            self._drain()
            self._initialized.set_result(None)
        elif effect is Effect.FAIL_INIT:
            self._fail_init(event)
        elif effect is Effect.DELIVER:
            self._deliver()
        elif effect is Effect.COMPLETE:
            self._complete(event)
        elif effect is Effect.GIVE_BACK:
            self._give_back()
        else:
            self._kill()

    def _deliver(self) -> None:
        assert self._running is not None
        assert self._parked is not None
        answer, self._parked = self._parked, None
        deadline_ms = int(self._running.deadline.timestamp() * 1000)
        answer(runtime_api.delivery(self._running.invocation, deadline_ms=deadline_ms))
        self._memory_timer = self._loop.call_later(_MEMORY_INTERVAL, self._watch_memory)

    def _fail_init(self, event: Event) -> None:
        self._disarm()
        self._drain(end=True)
        duration = (monotonic() - self._began) * 1000
        if self._initialized.done():
            return
        if event is Event.INIT_ERROR and self._report is not None:
            failure = InitFailure(
                failure=Failure.INIT_ERROR,
                error_type=self._report.error_type or "Runtime.Unknown",
                message="",
                payload=self._report.body,
                duration_ms=duration,
            )
        else:
            kind = _FAILURES.get(event, Failure.EXIT)
            message = report.failure_message(
                kind, timeout_seconds=self._timeout_seconds, exit_status=self._exit_status
            )
            failure = InitFailure(
                failure=kind,
                error_type=kind.value,
                message=message,
                exit_status=self._exit_status,
                duration_ms=duration,
            )
        self._initialized.set_exception(InitError(failure))

    def _complete(self, event: Event) -> None:
        running = self._running
        assert running is not None
        duration = (monotonic() - running.began) * 1000
        self._disarm()
        self._measure()
        failed, payload, status, error_type = self._result(event, running)
        self._emit(report.end_line(running.invocation.request_id))
        usage = report.Usage(
            duration_ms=duration,
            memory_mb=self.function.memory_mb,
            used_mb=min(self._peak_mb, self.function.memory_mb),
            init_ms=self.init_ms,
        )
        self.init_ms = None
        self._emit(
            report.report_line(running.invocation.request_id, usage, status=status, error_type=error_type)
        )
        self._running = None
        self._write_events()
        if not running.outcome.done():
            running.outcome.set_result(
                Outcome(
                    payload=payload, failed=failed, log="".join(running.log), version=self.function.version
                )
            )

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
            if event is Event.RESPONSE:
                return False, self._report.body, "", ""
            # A handler's exception is the function's own business: REPORT shows no status for it.
            return True, self._report.body, "", ""
        if event is Event.TOO_LARGE:
            assert self._report is not None
            kind = Failure.RESPONSE_TOO_LARGE
            return (
                True,
                report.too_large_payload(self._report.size, runtime_api.RESPONSE_LIMIT),
                "error",
                kind.value,
            )
        kind = _FAILURES[event]
        message = report.failure_message(
            kind, timeout_seconds=self._timeout_seconds, exit_status=self._exit_status
        )
        self._emit(report.failure_line(kind, request_id, message, self._clock()))
        status = "timeout" if kind is Failure.TIMEOUT else "error"
        error_type = "" if kind is Failure.TIMEOUT else kind.value
        return True, report.failure_payload(kind, request_id, message), status, error_type

    # Time, memory, log

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timeout_seconds = seconds
        self._timer = self._loop.call_later(seconds, self._on_timeout)

    def _disarm(self) -> None:
        for timer in (self._timer, self._memory_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._memory_timer = None

    def _measure(self) -> None:
        if self._sandbox is not None and self._sandbox.pid:
            self._peak_mb = max(self._peak_mb, memory.peak_mb(self._sandbox.pid))

    def _emit(self, text: str) -> None:
        self._events.append((int(self._clock().timestamp() * 1000), text))
        if self._running is not None:
            self._running.keep(text)
        if self._log_timer is None:
            self._log_timer = self._loop.call_later(_LOG_INTERVAL, self._write_events)

    def _drain(self, *, end: bool = False) -> None:
        if self._pipe is not None:
            self._pipe.drain()
            if end:
                self._pipe.flush()

    def _write_events(self) -> None:
        if self._log_timer is not None:
            self._log_timer.cancel()
            self._log_timer = None
        if self._events:
            events, self._events = self._events, []
            self._write_log(events)

    # The end

    def _kill(self) -> None:
        self._disarm()
        self._parked = None
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
        self._write_events()
        if self._api is not None:
            self._api.close()
        attached.runtime_api.close()
        try:
            with contextlib.suppress(RuntimeError, OSError):  # the helper is gone, and the namespace with it
                await network.detach_environment(attached.token)
        finally:
            self.closed.set_result(None)


_FAILURES = {
    Event.TIMEOUT: Failure.TIMEOUT,
    Event.EXIT: Failure.EXIT,
    Event.OUT_OF_MEMORY: Failure.OUT_OF_MEMORY,
}
_ILLEGAL: Reply = runtime_api.refusal(403, "InvalidStateTransition", "State transition is not allowed")
