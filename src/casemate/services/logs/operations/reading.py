"""GetLogEvents: one stream, forward and backward."""

from __future__ import annotations

import re
from typing import Any

from casemate.servicekit.service import Output, Params
from casemate.services.logs import errors
from casemate.services.logs.events import FIRST, Event, Position
from casemate.services.logs.operations.registry import OPERATIONS, Ctx, checked, group_of

PAGE_EVENTS = 10_000
PAGE_BYTES = 1_048_576
"""A page is at most 1 MB or 10,000 events: API reference, GetLogEvents."""
_TOKEN = re.compile(r"([fb])/(\d{20})(\d{36})/s")
_LARGEST = 2**62
_END: Position = (_LARGEST, _LARGEST)


@OPERATIONS.operation("GetLogEvents", checks=checked("GetLogEvents"))
def get_log_events(ctx: Ctx, params: Params) -> Output:
    """Events of a stream. At the end of the stream the token that was passed comes back."""
    group = group_of(ctx, params)
    stream = ctx.state.stream(group, params["logStreamName"])
    limit = params.get("limit", PAGE_EVENTS)
    if not 1 <= limit <= PAGE_EVENTS:
        raise errors.invalid(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            "Member must have value less than or equal to 10000"
        )
    forward, position = _start(params)
    events = ctx.state.events.page(
        [stream],
        after=position if forward else None,
        before=None if forward else position,
        start=params.get("startTime"),
        end=params.get("endTime"),
        limit=limit,
    )
    events = _within_a_page(events, forward=forward)
    if events:
        first, last = events[0].position, events[-1].position
    else:
        # Nothing further this way: whoever goes on from either token resumes here.
        first = last = position if position not in (FIRST, _END) else (stream.last or 0, 0)
        first, last = (first, position) if forward else (position, last)
    return {
        "events": [
            {"timestamp": event.position[0], "message": event.message, "ingestionTime": event.ingested}
            for event in events
        ],
        "nextForwardToken": _token("f", last),
        "nextBackwardToken": _token("b", first),
    }


def _start(params: Params) -> tuple[bool, Position]:
    """(forward?, from where)."""
    token = params.get("nextToken")
    if token is None:
        return (True, FIRST) if params.get("startFromHead", False) else (False, _END)
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise errors.invalid("The specified nextToken is invalid.")
    place = (min(int(match.group(2)) - 1, _LARGEST), min(int(match.group(3)) - 1, _LARGEST))
    return match.group(1) == "f", place


def _token(direction: str, position: Position) -> str:
    # Shifted by one: the place before every event is (-1, -1).
    return f"{direction}/{position[0] + 1:020d}{position[1] + 1:036d}/s"


def _within_a_page(events: list[Event], *, forward: bool) -> list[Event]:
    """As many events as fit, counted from where reading begins."""
    size = 0
    ordered = events if forward else events[::-1]
    for count, event in enumerate(ordered):
        size += len(event.message.encode())
        if size > PAGE_BYTES and count:
            kept = ordered[:count]
            return kept if forward else kept[::-1]
    return events


def described(event: Event) -> dict[str, Any]:
    """An event as FilterLogEvents gives it."""
    at, sequence = event.position
    return {
        "logStreamName": event.stream,
        "timestamp": at,
        "message": event.message,
        "ingestionTime": event.ingested,
        "eventId": f"{at:020d}{sequence:036d}",
    }
