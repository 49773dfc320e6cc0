"""PutLogEvents."""

from __future__ import annotations

from typing import Any

from casemate.servicekit.service import Output, Params
from casemate.services.logs import errors
from casemate.services.logs.events import EVENT_OVERHEAD
from casemate.services.logs.operations.registry import OPERATIONS, Ctx, checked, group_of

# API reference, PutLogEvents.
_BATCH_BYTES = 1_048_576
_BATCH_EVENTS = 10_000
_FUTURE_MS = 2 * 3_600_000
_PAST_MS = 14 * 86_400_000


@OPERATIONS.operation("PutLogEvents", checks=checked("PutLogEvents"))
def put_log_events(ctx: Ctx, params: Params) -> Output:
    """Append events to a stream."""
    group = group_of(ctx, params)
    stream = ctx.state.stream(group, params["logStreamName"])
    events = [(event["timestamp"], event["message"]) for event in params["logEvents"]]
    _check_batch(events)
    now = ctx.state.now_ms()
    oldest = now - _PAST_MS
    if group.retention_days is not None:
        oldest_kept = now - group.retention_days * 86_400_000
    else:
        oldest_kept = oldest
    rejected: dict[str, Any] = {}
    accepted: list[tuple[int, str]] = []
    for index, (at, message) in enumerate(events):
        if at < oldest:
            rejected["tooOldLogEventEndIndex"] = index + 1
        elif at < oldest_kept:
            rejected["expiredLogEventEndIndex"] = index + 1
        elif at > now + _FUTURE_MS:
            rejected.setdefault("tooNewLogEventStartIndex", index)
        else:
            accepted.append((at, message))
    ctx.state.events.append(stream, accepted, now)
    output: dict[str, Any] = {"nextSequenceToken": f"{stream.id:056d}"}
    if rejected:
        output["rejectedLogEventsInfo"] = rejected
    return output


def _check_batch(events: list[tuple[int, str]]) -> None:
    if not 1 <= len(events) <= _BATCH_EVENTS:
        raise errors.invalid(
            "1 validation error detected: Value at 'logEvents' failed to satisfy constraint: "
            f"Member must have length between 1 and {_BATCH_EVENTS}"
        )
    size = sum(len(message.encode()) + EVENT_OVERHEAD for _, message in events)
    if size > _BATCH_BYTES:
        raise errors.invalid(f"Upload too large: {size} bytes exceeds limit of {_BATCH_BYTES}")
    times = [at for at, _ in events]
    if times != sorted(times):
        raise errors.invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if times[-1] - times[0] > 86_400_000:
        raise errors.invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
