"""How an invocation or an initialization ended, from what was seen of its end. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

from casemate.execution import report
from casemate.execution.failures import InitFailure
from casemate.execution.function import Failure
from casemate.execution.lifecycle import Event
from casemate.execution.runtime_api import Call

_FAILURES = {
    Event.TIMEOUT: Failure.TIMEOUT,
    Event.EXIT: Failure.EXIT,
    Event.OUT_OF_MEMORY: Failure.OUT_OF_MEMORY,
    # Ended while it initialized, because its function changed: the invocation is tried in another environment.
    Event.RETIRE: Failure.EXIT,
}


_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


def shown_error_type(given: str) -> str:
    """What logs and telemetry show of the type that a runtime reported.

    "Lambda accepts any string, but we recommend a format of <category.reason>" ("Invocation error"); what is shown of
    others is what AWS's runtime interface emulator makes of them (its tests of valid runtime and function error types).
    """
    if _ERROR_TYPE.fullmatch(given):
        return given
    return "Function.Unknown" if given.startswith("Function.") else "Runtime.Unknown"


class Circumstances(Struct, frozen=True, kw_only=True):
    """What is known when something ends."""

    event: Event
    reported: Call | None
    """What the runtime said last."""
    seen: tuple[Failure, str] | None
    """What the platform saw going wrong, when it knows more than the event says."""
    exit_status: int | None
    timeout_seconds: float

    def explain(self) -> tuple[Failure, str]:
        """What went wrong, and in which words."""
        if self.event in (Event.EXIT, Event.EXTENSION_FAILED) and self.seen is not None:
            return self.seen
        kind = _FAILURES[self.event]
        message = report.failure_message(
            kind, timeout_seconds=self.timeout_seconds, exit_status=self.exit_status
        )
        return kind, message


class Ending(Struct, frozen=True, kw_only=True):
    """How an invocation ended."""

    failed: bool
    payload: bytes
    status: str = ""
    """In REPORT; empty for a handler's exception, which is the function's own business."""
    error_type: str = ""
    reported_type: str = ""
    """What the runtime called a function error, in words that AWS lets through."""
    line: str = ""
    """For the log."""


def of_invocation(
    known: Circumstances, request_id: str, *, limit: int, streamed: bool, now: datetime
) -> Ending:
    """The end of an invocation; the response of one that was `streamed` has been passed on already."""
    if known.event in (Event.RESPONSE, Event.ERROR, Event.TOO_LARGE):
        assert known.reported is not None
        if known.event is Event.RESPONSE:
            return Ending(failed=False, payload=b"" if streamed else known.reported.body)
        if known.event is Event.ERROR:
            named = shown_error_type(known.reported.error_type)
            return Ending(failed=True, payload=known.reported.body, reported_type=named)
        return Ending(
            failed=True,
            payload=report.too_large_payload(known.reported.size, limit),
            status="error",
            error_type=Failure.RESPONSE_TOO_LARGE.value,
        )
    kind, message = known.explain()
    timed_out = kind is Failure.TIMEOUT
    return Ending(
        failed=True,
        payload=report.failure_payload(kind, request_id, message),
        status="timeout" if timed_out else "error",
        error_type="" if timed_out else kind.value,
        line=report.failure_line(kind, request_id, message, now),
    )


def of_initialization(known: Circumstances, duration_ms: float) -> InitFailure:
    """The end of an initialization that failed."""
    if known.event is Event.INIT_ERROR and known.reported is not None:
        return InitFailure(
            failure=Failure.INIT_ERROR,
            error_type=shown_error_type(known.reported.error_type),
            message="",
            payload=known.reported.body,
            duration_ms=duration_ms,
        )
    kind, message = known.explain()
    return InitFailure(
        failure=kind,
        error_type=kind.value,
        message=message,
        exit_status=known.exit_status,
        duration_ms=duration_ms,
    )
