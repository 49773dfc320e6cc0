"""FilterLogEvents: many streams, merged by time, selected by a pattern."""

from __future__ import annotations

from casemate.servicekit.service import Output, Params
from casemate.services.logs import errors, pattern
from casemate.services.logs.events import Event, Position
from casemate.services.logs.operations.reading import PAGE_BYTES, PAGE_EVENTS, described
from casemate.services.logs.operations.registry import OPERATIONS, Ctx, checked, group_of

_SCANNED = 10_000
"""Events looked at per call: a page may hold few or none of them, and a token to go on."""
_STREAMS = 100


@OPERATIONS.operation("FilterLogEvents", checks=checked("FilterLogEvents"))
def filter_log_events(ctx: Ctx, params: Params) -> Output:
    """Select events of a group."""
    group = group_of(ctx, params)
    names, prefix = params.get("logStreamNames"), params.get("logStreamNamePrefix")
    if names is not None and prefix is not None:
        raise errors.invalid("logStreamNamePrefix and logStreamNames cannot be specified together")
    if names is not None and len(names) > _STREAMS:
        raise errors.invalid("At most 100 log streams can be searched by name")
    try:
        wanted = pattern.parse(params.get("filterPattern", ""))
    except pattern.PatternError as error:
        raise errors.invalid(str(error)) from error
    streams = (
        [ctx.state.stream(group, name) for name in names]
        if names is not None
        else ctx.state.events.streams(group.key, prefix or "")
    )
    limit = min(params.get("limit", PAGE_EVENTS), PAGE_EVENTS)
    end = params.get("endTime")
    scanned = ctx.state.events.page(
        streams,
        after=_position(params.get("nextToken")),
        start=params.get("startTime"),
        end=None if end is None else end + 1,  # here the end is inclusive: API reference, FilterLogEvents
        limit=_SCANNED,
    )
    selected, last = _select(scanned, wanted, limit)
    more = last is not None and (last != scanned[-1].position or len(scanned) == _SCANNED)
    return {
        "events": [described(event) for event in selected],
        # Deprecated, and empty since 2019: API reference.
        "searchedLogStreams": [],
        "nextToken": f"{last[0]:020d}{last[1]:036d}" if more and last is not None else None,
    }


def _select(
    scanned: list[Event], wanted: pattern.FilterPattern, limit: int
) -> tuple[list[Event], Position | None]:
    """What is selected, and the position of the last event looked at."""
    selected: list[Event] = []
    size, last = 0, None
    for event in scanned:
        if wanted.matches(event.message):
            size += len(event.message.encode())
            if selected and size > PAGE_BYTES:
                break
            selected.append(event)
        last = event.position
        if len(selected) == limit:
            break
    return selected, last


def _position(token: str | None) -> Position | None:
    if token is None:
        return None
    if len(token) != 56 or not (token.isascii() and token.isdigit()):
        raise errors.invalid("The specified nextToken is invalid.")
    # What SQLite holds; a token of ours never gets there.
    return min(int(token[:20]), 2**62), min(int(token[20:]), 2**62)
