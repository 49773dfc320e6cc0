"""The extensions of one environment: who they are, what they wait for, and whether they let an invocation end. Pure.

Source: Lambda Developer Guide, "Using the Lambda Extensions API to create extensions"; error types as AWS's runtime
interface emulator gives them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast

from msgspec.structs import replace

from casemate.execution import runtime_api
from casemate.execution.function import Invocation
from casemate.execution.runtime_api import Answer, Call, Reply

LIMIT = 10
"""Registered extensions: Lambda quotas."""
_EXTERNAL_SECONDS, _INTERNAL_SECONDS = 2.0, 0.5
"""How long they may take to shut down: "Shutdown phase"."""
_EVENTS = frozenset({"INVOKE", "SHUTDOWN"})
_INVALID_STATE = runtime_api.refusal(
    403, "Extension.InvalidExtensionState", "State transition is not allowed"
)


class Progress(Enum):
    """Where an extension is."""

    LAUNCHED = "launched"
    """Its process runs; it has not registered."""
    REGISTERED = "registered"
    """It initializes."""
    READY = "ready"
    """It waits for an event."""
    WORKING = "working"
    """It has an event."""
    FAILED = "failed"
    """It said so; its process is still there. "No further API calls succeed" ("Init error", "Exit error")."""
    GONE = "gone"


@dataclass(slots=True, kw_only=True)
class Extension:
    """One extension."""

    name: str
    external: bool
    """A program of its own in /opt/extensions; an internal one is a part of the runtime's process."""
    progress: Progress = Progress.LAUNCHED
    identifier: str = ""
    events: frozenset[str] = frozenset()
    waiting: Answer | None = None
    """Answers its `next`."""
    backlog: list[Reply] = field(default_factory=list[Reply])
    """Events that came while it had not asked yet."""


class Extensions:
    """All of them."""

    def __init__(self, *, identify: Callable[[], str], about: Mapping[str, str], account: str) -> None:
        self._identify = identify
        self._about = about
        self._account = account
        self._by_name: dict[str, Extension] = {}
        self.closed = False
        """Whether initialization is over, and nobody registers any more."""
        self.dismissed = False
        """Whether they were told to shut down."""

    def launched(self, names: list[str]) -> None:
        """These external extensions have been started."""
        self._by_name |= {name: Extension(name=name, external=True) for name in names}

    def __bool__(self) -> bool:
        return bool(self._by_name)

    @property
    def all_registered(self) -> bool:
        """Whether the runtime may start."""
        return all(one.progress is not Progress.LAUNCHED for one in self._by_name.values())

    @property
    def all_ready(self) -> bool:
        """Whether none has anything left to do: the phase is over as far as they are concerned."""
        done = (Progress.READY, Progress.FAILED, Progress.GONE)
        return all(one.progress in done for one in self._by_name.values())

    @property
    def shutdown_seconds(self) -> float:
        """How long the environment may take to shut down."""
        living = [one for one in self._by_name.values() if one.progress is not Progress.GONE]
        if any(one.external for one in living):
            return _EXTERNAL_SECONDS
        return _INTERNAL_SECONDS if living else 0.0

    @property
    def external_left(self) -> bool:
        """Whether the process of one still runs."""
        return any(one.external and one.progress is not Progress.GONE for one in self._by_name.values())

    def register(self, call: Call) -> tuple[Reply, Extension | None]:
        """The answer to a registration, and who has registered."""
        if not call.name:
            return runtime_api.refusal(403, "Extension.InvalidExtensionName", "Empty extension name"), None
        events = _asked(call.body)
        if events is None:
            return runtime_api.refusal(403, "InvalidRequestFormat", "The body is not a registration"), None
        known = self._by_name.get(call.name)
        problem = self._problem(events, known)
        if problem is not None:
            return problem, None
        extension = known or Extension(name=call.name, external=False)
        self._by_name[call.name] = extension
        extension.identifier = self._identify()
        extension.events = events
        extension.progress = Progress.REGISTERED
        about = dict(self._about)
        if "accountId" in (feature.strip() for feature in call.features.split(",")):
            about["accountId"] = self._account
        headers = (("Lambda-Extension-Identifier", extension.identifier),)
        return Reply(status=200, body=json.dumps(about).encode(), headers=headers), extension

    def _problem(self, events: frozenset[str], known: Extension | None) -> Reply | None:
        if self.closed:
            return runtime_api.refusal(
                403, "Extension.RegistrationClosed", "Extension registration closed already"
            )
        if known is not None and known.progress is not Progress.LAUNCHED:
            return runtime_api.refusal(
                403, "Extension.InvalidExtensionState", "The extension has registered already"
            )
        if events - _EVENTS:
            message = f"{min(events - _EVENTS)}: ErrorInvalidEventType"
            return runtime_api.refusal(403, "Extension.InvalidEventType", message)
        if known is None and "SHUTDOWN" in events:
            message = "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"
            return runtime_api.refusal(403, "Extension.InvalidEventType", message)
        if known is None and len(self._by_name) >= LIMIT:
            return runtime_api.refusal(
                403, "Extension.TooManyExtensions", f"Extension limit ({LIMIT}) reached"
            )
        return None

    def identified(self, call: Call) -> Extension | Reply:
        """Who calls, or the refusal of one who is not known."""
        if not call.identifier:
            return runtime_api.refusal(
                403, "Extension.MissingHeader", "Missing Lambda-Extension-Identifier header"
            )
        for extension in self._by_name.values():
            if extension.identifier == call.identifier:
                return _INVALID_STATE if extension.progress is Progress.FAILED else extension
        return runtime_api.refusal(
            403, "Extension.UnknownExtensionIdentifier", "Unknown extension identifier"
        )

    def ask(self, extension: Extension, answer: Answer) -> None:
        """It asks for the next event."""
        if extension.waiting is not None or extension.progress is Progress.GONE:
            answer(_INVALID_STATE)
            return
        if extension.backlog:
            answer(extension.backlog.pop(0))
            extension.progress = Progress.WORKING
            return
        extension.waiting = answer
        extension.progress = Progress.READY

    def tell(self, kind: str, event: Mapping[str, Any]) -> None:
        """An event for those who registered for its kind."""
        for extension in self._by_name.values():
            if kind not in extension.events or extension.progress in (Progress.FAILED, Progress.GONE):
                continue
            reply = Reply(
                status=200,
                body=json.dumps({"eventType": kind, **event}).encode(),
                headers=(
                    ("Lambda-Extension-Identifier", extension.identifier),
                    ("Lambda-Extension-Event-Identifier", self._identify()),
                ),
            )
            if extension.waiting is None:
                extension.backlog.append(reply)
            else:
                answer, extension.waiting = extension.waiting, None
                extension.progress = Progress.WORKING
                answer(reply)

    def invoke(self, invocation: Invocation, deadline_ms: int) -> None:
        """Tell those who want to know of an invocation."""
        if self._by_name:
            tracing = {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id}
            self.tell("INVOKE", {
                "deadlineMs": deadline_ms, "requestId": invocation.request_id,
                "invokedFunctionArn": invocation.invoked_arn, "tracing": tracing,
            })  # fmt: skip

    def dismiss(self, reason: str, deadline_ms: int) -> None:
        """Tell those who want to know that the environment shuts down."""
        self.dismissed = True
        self.tell("SHUTDOWN", {"shutdownReason": reason, "deadlineMs": deadline_ms})

    def failed(self, extension: Extension) -> Reply:
        """It says that it fails: the answer."""
        extension.progress = Progress.FAILED
        extension.waiting = None
        headers = (("Lambda-Extension-Identifier", extension.identifier),)
        return replace(runtime_api.ACCEPTED, headers=headers)

    def gone(self, name: str) -> Extension | None:
        """Its process has ended."""
        extension = self._by_name.get(name)
        if extension is not None:
            extension.progress = Progress.GONE
            extension.waiting = None
        return extension


def _asked(body: bytes) -> frozenset[str] | None:
    """The events of a registration; None when it is none."""
    try:
        given = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict):
        return None
    events = cast("dict[str, Any]", given).get("events", [])
    if not isinstance(events, list):
        return None
    return frozenset(str(one) for one in cast("list[Any]", events))
