"""What the platform itself says of an environment: as a line of text, as JSON, as telemetry. Pure.

Sources: Lambda Developer Guide, "Lambda Telemetry API Event schema reference" (types and records), "Log-level
filtering" (the level of each event). The text forms are those of `report`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from casemate.execution import report
from casemate.execution.endings import Ending

_LEVELS = {"DEBUG": 0, "INFO": 1, "WARN": 2}


class PlatformEvent(Struct, frozen=True, kw_only=True):
    """Something the platform says."""

    type: str
    record: Mapping[str, Any]
    """Empty when there is nothing but the text."""
    level: str = "INFO"
    text: str = ""
    """As a log in text format shows it; empty when that does not show it."""

    def to_json(self, time: datetime) -> dict[str, Any]:
        """As telemetry, and in a log in JSON format."""
        return {"time": stamp(time), "type": self.type, "record": dict(self.record) or self.text.rstrip("\n")}

    def to_log(self, time: datetime, *, log_format: str, least: str) -> str:
        """The line for the log; empty when it does not belong there."""
        if log_format != "JSON":
            return self.text
        if not self.record or _LEVELS[self.level] < _LEVELS.get(least, 1):
            return ""
        return json.dumps(self.to_json(time), separators=(",", ":")) + "\n"


def stamp(time: datetime) -> str:
    """`2022-10-12T00:03:50.000Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}Z"


def init_start(
    *, function: str, version: str, runtime_version: str, initialization: str, phase: str
) -> PlatformEvent:
    """Initialization begins."""
    record = {
        "initializationType": initialization,
        "phase": phase,
        "runtimeVersion": runtime_version,
        "functionName": function,
        "functionVersion": version,
    }
    text = f"INIT_START Runtime Version: {runtime_version}\n" if phase == "init" else ""
    return PlatformEvent(type="platform.initStart", record=record, text=text)


def init_runtime_done(*, initialization: str, phase: str, status: str, error_type: str = "") -> PlatformEvent:
    """The runtime has initialized, or failed to."""
    record = {"initializationType": initialization, "phase": phase, "status": status, **_error(error_type)}
    return PlatformEvent(type="platform.initRuntimeDone", record=record, level=_level(status, "DEBUG"))


def init_report(
    duration_ms: float, *, initialization: str, phase: str, status: str = "success", error_type: str = ""
) -> PlatformEvent:
    """Initialization is over."""
    record = {
        "initializationType": initialization,
        "phase": phase,
        "status": status,
        "metrics": {"durationMs": round(duration_ms, 3)},
        **_error(error_type),
    }
    # "If the Init phase is successful, Lambda doesn't emit the INIT_REPORT log unless SnapStart or provisioned
    # concurrency is enabled" ("Failures during the Init phase").
    shown = status != "success" or initialization != "on-demand"
    text = (
        report.init_report_line(duration_ms, phase=phase, status=status, error_type=error_type)
        if shown
        else ""
    )
    level = _level(status, "DEBUG" if initialization == "on-demand" else "INFO")
    return PlatformEvent(type="platform.initReport", record=record, level=level, text=text)


def restore_start(*, function: str, version: str, runtime_version: str) -> PlatformEvent:
    """An environment is made from a snapshot."""
    record = {"runtimeVersion": runtime_version, "functionName": function, "functionVersion": version}
    text = f"RESTORE_START Runtime Version: {runtime_version}\n"
    return PlatformEvent(type="platform.restoreStart", record=record, text=text)


def restore_runtime_done(*, status: str, error_type: str = "") -> PlatformEvent:
    """The runtime goes on from the snapshot and has run its hooks, or failed to."""
    record = {"status": status, **_error(error_type)}
    return PlatformEvent(type="platform.restoreRuntimeDone", record=record, level=_level(status, "DEBUG"))


def restore_report(duration_ms: float, *, status: str, error_type: str = "") -> PlatformEvent:
    """The environment has been made from the snapshot, or not."""
    record = {"status": status, "metrics": {"durationMs": round(duration_ms, 3)}, **_error(error_type)}
    text = report.restore_report_line(duration_ms, status=status, error_type=error_type)
    return PlatformEvent(
        type="platform.restoreReport", record=record, level=_level(status, "INFO"), text=text
    )


def start(request_id: str, version: str, trace_id: str) -> PlatformEvent:
    """An invocation begins."""
    record: dict[str, Any] = {"requestId": request_id, "version": version}
    record |= _traced(trace_id, ())
    return PlatformEvent(type="platform.start", record=record, text=report.start_line(request_id, version))


class Span(Struct, frozen=True, kw_only=True):
    """A part of an invocation's time."""

    name: str
    start: datetime
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As telemetry."""
        return {"name": self.name, "start": stamp(self.start), "durationMs": round(self.seconds * 1000, 3)}


def runtime_done(
    request_id: str,
    duration_ms: float,
    produced: int,
    ending: Ending,
    *,
    trace_id: str = "",
    spans: Sequence[Span] = (),
) -> PlatformEvent:
    """The runtime is done with the invocation; extensions may not be."""
    status = _status(ending)
    record = {
        "requestId": request_id,
        "status": status,
        "metrics": {"durationMs": round(duration_ms, 3), "producedBytes": produced},
        **_error(ending.error_type or ending.reported_type),
        **_traced(trace_id, spans),
    }
    return PlatformEvent(type="platform.runtimeDone", record=record, level=_level(status, "DEBUG"))


def fault(text: str) -> PlatformEvent:
    """Why the environment failed, in words: for logs in text and the Logs API, because `report` has it in a member."""
    return PlatformEvent(type="platform.fault", record={}, level="DEBUG", text=text)


def end(
    request_id: str,
    usage: report.Usage,
    ending: Ending,
    *,
    trace_id: str = "",
    spans: Sequence[Span] = (),
) -> PlatformEvent:
    """The invocation is over."""
    metrics: dict[str, Any] = {
        "durationMs": round(usage.duration_ms, 3),
        "billedDurationMs": usage.billed_ms,
        "memorySizeMB": usage.memory_mb,
        "maxMemoryUsedMB": usage.used_mb,
    }
    if usage.init_ms is not None:
        metrics["initDurationMs"] = round(usage.init_ms, 3)
    if usage.restore_ms is not None:
        metrics["restoreDurationMs"] = round(usage.restore_ms, 3)
    status = _status(ending)
    record = {
        "requestId": request_id,
        "status": status,
        "metrics": metrics,
        **_error(ending.error_type or ending.reported_type),
        **_traced(trace_id, spans),
    }
    text = "".join(end_lines(request_id, usage, ending))
    return PlatformEvent(type="platform.report", record=record, level=_level(status, "INFO"), text=text)


def end_lines(request_id: str, usage: report.Usage, ending: Ending) -> tuple[str, str]:
    """The text of `end`."""
    line = report.report_line(request_id, usage, status=ending.status, error_type=ending.error_type)
    return report.end_line(request_id), line


def extension(name: str, *, state: str, events: Sequence[str], error_type: str = "") -> PlatformEvent:
    """An extension has registered, or failed."""
    record = {"name": name, "state": state, "events": list(events), **_error(error_type)}
    text = f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{', '.join(events)}]"
    text += f"\tError Type: {error_type}\n" if error_type else "\n"
    return PlatformEvent(
        type="platform.extension", record=record, level="WARN" if error_type else "INFO", text=text
    )


def telemetry_subscription(name: str, types: Sequence[str]) -> PlatformEvent:
    """An extension has subscribed."""
    record = {"name": name, "state": "Subscribed", "types": list(types)}
    shown = ", ".join(one.capitalize() for one in types)
    text = f"TELEMETRY\tName: {name}\tState: Subscribed\tTypes: [{shown}]\n"
    return PlatformEvent(type="platform.telemetrySubscription", record=record, text=text)


def logs_subscription(name: str, types: Sequence[str]) -> PlatformEvent:
    """An extension has subscribed by the Logs API."""
    record = {"name": name, "state": "Subscribed", "types": list(types)}
    shown = ", ".join(one.capitalize() for one in types)
    text = f"LOGS\tName: {name}\tState: Subscribed\tTypes: [{shown}]\n"
    return PlatformEvent(type="platform.logsSubscription", record=record, text=text)


def logs_dropped(reason: str, records: int, size: int) -> PlatformEvent:
    """A subscriber is too slow, and some of its telemetry is lost."""
    record = {"reason": reason, "droppedRecords": records, "droppedBytes": size}
    return PlatformEvent(type="platform.logsDropped", record=record, level="WARN")


def _status(ending: Ending) -> str:
    return ending.status or ("error" if ending.failed else "success")


def _error(error_type: str) -> dict[str, str]:
    return {"errorType": error_type} if error_type else {}


def _traced(trace_id: str, spans: Sequence[Span]) -> dict[str, Any]:
    """The optional members. Without active tracing the trace is left out: so in logs that AWS wrote in 2024."""
    members: dict[str, Any] = {}
    if "Sampled=1" in trace_id:
        members["tracing"] = {"type": "X-Amzn-Trace-Id", "value": trace_id}
    if spans:
        members["spans"] = [span.to_json() for span in spans]
    return members


def _level(status: str, otherwise: str) -> str:
    return otherwise if status == "success" else "WARN"
