"""Telemetry as the Logs API has it, which came before the Telemetry API. Pure.

Source: Lambda Developer Guide, "Lambda Logs API", log messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Event = Mapping[str, Any]

_REPORTED = ("requestId", "metrics")


def events(event: Event, schema: str) -> Iterable[Event]:
    """What a subscriber of the Logs API gets for an event of the Telemetry API: none, one or two."""
    kind, record = str(event["type"]), event["record"]
    if kind == "platform.report":
        yield _made(event, "platform.end", {"requestId": record["requestId"]})
        yield _made(event, kind, {member: record[member] for member in _REPORTED})
    elif kind == "platform.runtimeDone":
        if schema >= "2021-03-18":
            status = "failure" if record["status"] == "error" else record["status"]
            yield _made(event, kind, {"requestId": record["requestId"], "status": status})
    elif kind == "platform.start":
        yield _made(event, kind, {member: record[member] for member in ("requestId", "version")})
    elif not kind.startswith(("platform.init", "platform.restore", "platform.telemetry")):
        yield event


def _made(event: Event, kind: str, record: Mapping[str, Any]) -> Event:
    return {"time": event["time"], "type": kind, "record": record}
