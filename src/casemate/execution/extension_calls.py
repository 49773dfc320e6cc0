"""The calls and the processes of an environment's extensions: what they ask, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from casemate.execution import platform_events, runtime_api
from casemate.execution.environment_log import EnvironmentLog
from casemate.execution.extensions import Extension, Extensions, Progress
from casemate.execution.function import Failure
from casemate.execution.log_pipe import LogPipe
from casemate.execution.runtime_api import Answer, Call, CallKind, Reply
from casemate.execution.subscriptions import Api
from casemate.execution.telemetry import Telemetry

OnFailure = Callable[[Failure, str], None]
_SUBSCRIPTIONS = {CallKind.TELEMETRY: Api.TELEMETRY, CallKind.LOGS: Api.LOGS}


class ExtensionCalls:
    """Answers what extensions ask, and tells the environment when they have made progress or failed."""

    def __init__(
        self,
        extensions: Extensions,
        telemetry: Telemetry,
        log: EnvironmentLog,
        *,
        on_progress: Callable[[], None],
        on_failure: OnFailure,
    ) -> None:
        self._extensions = extensions
        self._telemetry = telemetry
        self._log = log
        self._on_progress = on_progress
        self._on_failure = on_failure
        self._pipe: LogPipe | None = None

    def handle(self, call: Call, answer: Answer) -> None:
        """A call of the Extensions, the Telemetry or the Logs API."""
        if call.kind is CallKind.REGISTER:
            reply, registered = self._extensions.register(call)
            answer(reply)
            if registered is not None:
                self._on_progress()
            return
        extension = self._extensions.identified(call)
        if isinstance(extension, Reply):
            answer(extension)
        elif call.kind is CallKind.EXTENSION_NEXT:
            was = extension.progress
            self._extensions.ask(extension, answer)
            if was is Progress.REGISTERED:
                self._say(extension, "Ready")
            self._on_progress()
        elif call.kind in _SUBSCRIPTIONS:
            self._subscribe(extension, call, answer)
        else:
            self._failed(extension, call, answer)

    def _subscribe(self, extension: Extension, call: Call, answer: Answer) -> None:
        if self._extensions.closed:
            message = "The subscription is not allowed after initialization"
            of_api = "Logs" if call.kind is CallKind.LOGS else "Telemetry"
            answer(runtime_api.refusal(403, f"{of_api}.SubscriptionClosed", message))
            return
        reply, said = self._telemetry.subscribe(extension.name, call.body, _SUBSCRIPTIONS[call.kind])
        answer(reply)
        if said is not None:
            self._log.platform(said)

    def _failed(self, extension: Extension, call: Call, answer: Answer) -> None:
        if not call.error_type:
            message = "Missing Lambda-Extension-Function-Error-Type header"
            answer(runtime_api.refusal(403, "Extension.MissingHeader", message))
            return
        answer(self._extensions.failed(extension))
        initializing = call.kind is CallKind.EXTENSION_INIT_ERROR
        failure = Failure.EXTENSION_INIT_ERROR if initializing else Failure.EXTENSION_EXIT_ERROR
        self._say(extension, "InitError" if initializing else "ExitError", call.error_type)
        self._on_failure(failure, call.error_type)

    def heard(self, message: dict[str, Any]) -> None:
        """Process 1 says something about the processes of external extensions."""
        if "extensions" in message:
            self._extensions.launched(message["extensions"])
            self._pipe = LogPipe(message["descriptors"][0], self._log.extension_line)
        elif "extension_failed" in message:
            name, why = message["extension_failed"]
            self._lost(name, "LaunchError", Failure.EXTENSION_LAUNCH_ERROR, why)
        elif "extension_exited" in message:
            name, status = message["extension_exited"]
            # As Go words it, which AWS's supervisor is written in.
            why = (
                "exit code 0"
                if status == 0
                else f"exit status {status}"
                if status > 0
                else f"signal: {-status}"
            )
            self._lost(name, "Crashed", Failure.EXTENSION_CRASH, why)

    def close(self) -> None:
        """Give the pipe back."""
        if self._pipe is not None:
            self._pipe.drain()
            self._pipe.close()
        self._telemetry.close()

    def _lost(self, name: str, state: str, failure: Failure, why: str) -> None:
        lost = self._extensions.gone(name)
        if lost is not None:
            if self._pipe is not None:
                self._pipe.drain()
            self._say(lost, state, failure.value)
            self._on_failure(failure, why)

    def _say(self, extension: Extension, state: str, error_type: str = "") -> None:
        if not self._extensions.dismissed:
            events = sorted(extension.events)
            self._log.platform(
                platform_events.extension(extension.name, state=state, events=events, error_type=error_type)
            )
