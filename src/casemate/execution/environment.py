"""One execution environment: performs what `lifecycle` decides, on the runtime API, the processes and the clock."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic  # uvloop's own clock counts whole milliseconds
from typing import Any
from uuid import UUID

from casemate.execution import endings, platform_events, report, runtime_api, runtime_server
from casemate.execution.aftermath import Aftermath
from casemate.execution.alarm import Alarm
from casemate.execution.attaching import attach
from casemate.execution.background import Background
from casemate.execution.beginning import Beginning
from casemate.execution.endings import Circumstances
from casemate.execution.environment_log import EnvironmentLog, LogWriter
from casemate.execution.extension_calls import ExtensionCalls
from casemate.execution.extensions import Extensions
from casemate.execution.failures import InitError
from casemate.execution.function import Failure, FunctionVersion, Invocation, Outcome
from casemate.execution.in_hand import Running
from casemate.execution.lifecycle import ASSIGNABLE, Effect, Event, State, advance
from casemate.execution.ports import Attached, EnvironmentNetwork
from casemate.execution.processes import Processes
from casemate.execution.response_stream import ResponseStream
from casemate.execution.runtime_api import ILLEGAL, QUESTIONS, RUNTIME_CALLS, Answer, Call, CallKind, Flow
from casemate.execution.sandbox import plan
from casemate.execution.sandbox.client import ForkServer, SandboxError
from casemate.execution.snap_start import RESTORE_SECONDS, Part
from casemate.execution.telemetry import Telemetry

_RUNTIME_SECONDS = 0.3
"""Of the time to shut down that are the runtime's, when there are external extensions: "Shutdown phase"."""


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
        part: Part = Part.ORDINARY,
    ) -> None:
        self.function = function
        self.beginning = Beginning(part=part)
        self.state = State.INIT
        self.expires: datetime | None = None
        """Its credentials end then."""
        self.reserved = not provisioned
        """For the invocation it was started for: nobody else may take it."""
        self.provisioned = provisioned
        """Kept although nobody invokes it: provisioned concurrency."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when its processes and its network are gone."""
        self._clock = clock
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._initialized: asyncio.Future[None] = self._loop.create_future()
        self._processes = Processes(
            function.memory_mb,
            on_message=self._on_message,
            on_excess=lambda: self._apply(Event.OUT_OF_MEMORY),
            restored=part is Part.RESTORED,
        )
        self._telemetry = Telemetry(self._processes.connection, now=clock, structured=function.structured)
        self.log = EnvironmentLog(function, self._telemetry, clock=clock, write=write_log)
        self.extensions = Extensions(
            identify=lambda: str(UUID(bytes=random_bytes(16), version=4)),
            about=function.about,
            account=function.account,
        )
        self._extension_calls = ExtensionCalls(
            self.extensions,
            self._telemetry,
            self.log,
            on_progress=self._progress,
            on_failure=self._extension_failed,
        )
        self._running: Running | None = None
        self._aftermath = Aftermath(self.log, look=self._look, usage=self._usage)
        self._parked: Answer | None = None
        self._api: runtime_server.RuntimeServer | None = None
        self._limit = Alarm(lambda: self._apply(Event.TIMEOUT))
        self._end_timer: asyncio.TimerHandle | None = None
        self._begun = self._runtime_waits = self._runtime_gone = False
        self._failure: tuple[Failure, str] | None = None
        """What the platform saw going wrong, when it knows more than the event that ends the environment."""
        self._exit_status: int | None = None
        self._report: Call | None = None
        self._background = Background()

    @property
    def assignable(self) -> bool:
        """Whether `run` may be called."""
        return self.state in ASSIGNABLE and not (self._running or self._aftermath.waits or self.reserved)

    async def start(
        self,
        network: EnvironmentNetwork,
        server: ForkServer,
        *,
        interface: str | None,
        description: dict[str, Any],
        descriptors: Sequence[int] = (),
        timeout_seconds: float,
    ) -> None:
        """Start the processes and wait until they ask for work. InitError, AttachError or SandboxError."""
        self._begun = True
        try:
            attached = await attach(network, interface)
        except BaseException:
            self.state = State.ENDED
            self.closed.set_result(None)
            raise
        try:
            self.beginning.begin()
            self._api = await runtime_server.serve(attached.runtime_api, self._on_call, self._on_chunk)
            if (
                self._initialized.done()
            ):  # it was ended while it got its network: there was nothing to kill yet
                await self._initialized
            about = {"resolver": str(attached.resolver), "memory_mb": self.function.memory_mb}
            self._processes.start(
                server, attached.netns_fd, description | about, descriptors, on_line=self.log.function_line
            )
            self._limit.set(timeout_seconds)
            self._processes.watch()
            await self._initialized
        except BaseException as error:
            self.state = State.ENDED
            if not isinstance(error, InitError):  # which has let go already
                self._kill()
            raise
        finally:
            os.close(attached.netns_fd)
            self._background.start(self._tear_down(network, attached))

    def abandon(self) -> None:
        """Nobody will start it. Nothing once `start` was called."""
        if not self._begun:
            self._begun = True
            self.state = State.ENDED
            if self._initialized.done():
                self._initialized.exception()  # nobody waits for it
            self.closed.set_result(None)

    async def run(
        self, invocation: Invocation, *, timeout_seconds: float, stream: ResponseStream | None = None
    ) -> Outcome:
        """Give it an invocation. Only when `assignable`. NotDeliveredError when it ended before it saw it."""
        assert self.assignable
        self._aftermath.catch_up()
        now = self._clock()
        self._running = running = Running(
            invocation=invocation,
            outcome=self._loop.create_future(),
            began=monotonic(),
            began_at=now,
            deadline=now + timedelta(seconds=timeout_seconds),
            stream=stream,
        )
        self.log.begin()
        self._limit.set(timeout_seconds)
        self._apply(Event.ASSIGN)
        # The runtime has it already; what it writes is not read before this turn of the loop is over.
        begun = (invocation.request_id, self.function.version)
        self.log.brief(
            (report.start_line(*begun),), lambda: platform_events.start(*begun, invocation.trace_id)
        )
        return await running.outcome

    def retire(self) -> None:
        """End it: at once when it is idle, after its invocation when it is busy."""
        self._apply(Event.RETIRE)

    def _on_call(self, call: Call, answer: Answer) -> None:
        if call.kind in RUNTIME_CALLS:
            self._on_runtime_call(call, answer)
        elif call.kind in QUESTIONS:
            self.beginning.answer(call, answer)
        else:
            self._extension_calls.handle(call, answer)

    def _on_runtime_call(self, call: Call, answer: Answer) -> None:
        if call.kind is CallKind.NEXT:
            if self._parked is not None or advance(self.state, Event.NEXT) is None:
                answer(ILLEGAL)
                return
            self._parked = answer
            self._aftermath.runtime_back()
            self._progress()
            return
        if call.kind is CallKind.RESTORE_NEXT:
            self._on_restore_next(answer)
            return
        if call.kind in (CallKind.INIT_ERROR, CallKind.RESTORE_ERROR):
            self._report = call
            answer(runtime_api.ACCEPTED if self._apply(Event.INIT_ERROR) else ILLEGAL)
            return
        if self._running is None or call.request_id != self._running.invocation.request_id:
            answer(runtime_api.refusal(400, "InvalidRequestID", "Invalid request ID"))
            return
        if call.kind is CallKind.ERROR and self._running.streaming and not call.streaming:
            answer(ILLEGAL)
            return
        self._report = call
        event = Event.RESPONSE if call.kind is CallKind.RESPONSE else Event.ERROR
        if call.size > self._running.response_limit:
            event = Event.TOO_LARGE
        # At once: the sooner the runtime is back at `next`, the less it is in the way of whoever reads the answer.
        taken = runtime_api.TOO_LARGE if event is Event.TOO_LARGE else runtime_api.ACCEPTED
        answer(taken if self._apply(event) else ILLEGAL)

    def _on_restore_next(self, answer: Answer) -> None:
        """A runtime that is not in the process that was forked, or one that begins anew, is between its hooks."""
        part = self.beginning.part
        # Once: each would begin the time for its hooks anew.
        if self.state is not State.INIT or part is Part.ORDINARY or self.beginning.resumed:
            answer(ILLEGAL)
        elif part is Part.TEMPLATE:
            self._on_message({"unfit": "a runtime that a wrapper script has started"})
        else:
            self._on_message({"restored": True})
            answer(runtime_api.GO_ON)

    def _on_chunk(self, head: Call, chunk: bytes, flow: Flow) -> None:
        if self._running is not None:
            self._running.stream_on(head, chunk, flow)

    def _on_message(self, message: dict[str, Any]) -> None:
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
        elif self.beginning.heard(message):
            if not self._apply(Event.SNAPSHOT):
                self.beginning.discard()
        elif "restored" in message:
            self.beginning.resume()
            self._limit.set(RESTORE_SECONDS)
        elif "closed" in message:
            self._apply(Event.EXIT)
            self._kill()
        else:
            self._extension_calls.heard(message)
            self._runtime_waits |= "extensions" in message
            self._progress()
        if self.state is State.ENDED and self._runtime_gone and not self.extensions.external_left:
            self._kill()

    def _extension_failed(self, failure: Failure, why: str) -> None:
        self._failure = self._failure or (failure, why)
        self._apply(Event.EXTENSION_FAILED)

    def _progress(self) -> None:
        """The runtime or an extension has come a step further."""
        if self._runtime_waits and self.extensions.all_registered:
            self._runtime_waits = False
            self._processes.tell(plan.START_RUNTIME)
        if self._parked is not None and self.extensions.all_ready and self.state is not State.IDLE:
            self._apply(Event.NEXT)

    # What it does about it

    def _apply(self, event: Event) -> bool:
        """Let `event` happen; False when it is illegal now."""
        transition = advance(self.state, event)
        if transition is None:
            return False
        self.state = transition.to
        self._aftermath.catch_up()
        if self._aftermath.waits and event is not Event.ASSIGN:
            self._aftermath.report(timed_out=event is Event.TIMEOUT)
        for effect in transition.effects:
            self._perform(effect, event)
        if self.state is State.IDLE:
            self._disarm()
            self._processes.idle()
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
        self.beginning.end()
        self._processes.glance((self.beginning.took_ms or 0.0) / 1000)
        self._processes.drain()
        self.extensions.closed = True
        self._telemetry.initialized()
        self._initialized.set_result(None)

    def _deliver(self) -> None:
        assert self._running is not None
        assert self._parked is not None
        answer, self._parked = self._parked, None
        invocation = self._running.invocation
        deadline_ms = int(self._running.deadline.timestamp() * 1000)
        self.extensions.invoke(invocation, deadline_ms)
        answer(runtime_api.delivery(invocation, deadline_ms=deadline_ms))
        self._processes.thaw()
        self._processes.watch()

    def _fail_init(self, event: Event) -> None:
        self._processes.drain(end=True)
        if not self._initialized.done():
            failure = endings.of_initialization(self._circumstances(event), self.beginning.so_far_ms)
            self._initialized.set_exception(InitError(failure))

    def _circumstances(self, event: Event) -> Circumstances:
        return Circumstances(
            event=event,
            reported=self._report,
            seen=self._failure,
            exit_status=self._exit_status,
            timeout_seconds=self._limit.seconds,
        )

    def _complete(self, event: Event) -> None:
        running, self._running = self._running, None
        assert running is not None
        request_id, stream = running.invocation.request_id, running.stream
        ending = endings.of_invocation(
            self._circumstances(event),
            request_id,
            limit=running.response_limit,
            streamed=stream is not None and stream.begun,
            now=self._clock(),
        )
        returning = self.state is State.RETURNING
        finished = running.finished(ending, monotonic(), self._report if returning else None)
        if not self.extensions:
            self._disarm()
        answered = event is Event.RESPONSE and returning
        if answered and not (running.invocation.wants_log or self.extensions):
            running.end(ending, log="", version=self.function.version)
            self._aftermath.begin_later(finished)
            return
        self._aftermath.begin(finished, until_back=returning and bool(self.extensions))
        if not (self.extensions and returning):
            self._aftermath.report(timed_out=event is Event.TIMEOUT)
        running.end(ending, log=self.log.end(), version=self.function.version)

    def _look(self, seconds: float) -> None:
        self._processes.glance(seconds)
        self._processes.drain(end=True)

    def _usage(self, duration_ms: float) -> report.Usage:
        return report.Usage(
            duration_ms=duration_ms,
            memory_mb=self.function.memory_mb,
            used_mb=min(self._processes.peak_mb, self.function.memory_mb),
            **self.beginning.reported(),
        )

    def _give_back(self) -> None:
        assert self._running is not None
        running, self._running = self._running, None
        running.give_back()

    def _disarm(self) -> None:
        self._processes.disregard()
        self._limit.lift()

    # The end

    def _shut_down(self, event: Event) -> None:
        """End the processes; extensions get a moment to finish ("Shutdown phase")."""
        self._disarm()
        self._parked = None
        seconds = self.extensions.shutdown_seconds
        if seconds == 0 or not self._processes.started:
            self._kill()
            return
        self._processes.thaw()
        orderly = event is Event.RETIRE
        self._processes.tell(plan.TERMINATE if orderly else plan.KILL_RUNTIME)
        reason = "spindown" if orderly else "timeout" if event is Event.TIMEOUT else "failure"
        deadline = self._clock() + timedelta(seconds=seconds)
        self._background.start(self._take_leave(reason, int(deadline.timestamp() * 1000)))
        self._end_timer = self._loop.call_later(seconds, self._kill)

    async def _take_leave(self, reason: str, deadline_ms: int) -> None:
        """Extensions get what was logged, then the news: "First, Lambda shuts down the runtime, then [...]"."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._telemetry.flush(), _RUNTIME_SECONDS)
        self.extensions.dismiss(reason, deadline_ms)

    def _kill(self) -> None:
        self._disarm()
        self._parked = None
        if self._end_timer is not None:
            self._end_timer.cancel()
        self._processes.kill()

    async def _tear_down(self, network: EnvironmentNetwork, attached: Attached) -> None:
        await self._processes.ended()
        try:
            if self.state is not State.ENDED:  # the fork-server went, and with it this environment
                self._apply(Event.EXIT)
            self._kill()
            self._limit.close()
            self._processes.close()
            self._extension_calls.close()
            self.log.flush()
            if self._api is not None:
                self._api.close()
            attached.runtime_api.close()
            with contextlib.suppress(RuntimeError, OSError):  # the helper is gone, and the namespace with it
                await network.detach_environment(attached.token)
        finally:
            self.closed.set_result(None)
