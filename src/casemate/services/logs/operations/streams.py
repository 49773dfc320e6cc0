"""Log streams."""

from __future__ import annotations

import re
from typing import Any

from casemate.servicekit.service import Output, Params
from casemate.services.logs import errors
from casemate.services.logs.events import Stream
from casemate.services.logs.operations.registry import OPERATIONS, Ctx, checked, group_of, offset_of
from casemate.services.logs.state import LogGroup

_NAME = re.compile(r"[^:*]{1,512}")


@OPERATIONS.operation("CreateLogStream", checks=checked("CreateLogStream"))
def create_log_stream(ctx: Ctx, params: Params) -> Output:
    """Make a stream in a group."""
    group, name = group_of(ctx, params), params["logStreamName"]
    if not _NAME.fullmatch(name):
        raise errors.invalid(
            f"1 validation error detected: Value '{name}' at 'logStreamName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [^:*]*"
        )
    if not ctx.state.events.create_stream(group.key, name, ctx.state.now_ms()):
        raise errors.stream_exists()
    return {}


@OPERATIONS.operation("DeleteLogStream", checks=checked("DeleteLogStream"))
def delete_log_stream(ctx: Ctx, params: Params) -> Output:
    """Delete a stream with its events."""
    group = group_of(ctx, params)
    if not ctx.state.events.delete_stream(group.key, params["logStreamName"]):
        raise errors.stream_not_found()
    return {}


@OPERATIONS.operation("DescribeLogStreams", checks=checked("DescribeLogStreams"))
def describe_log_streams(ctx: Ctx, params: Params) -> Output:
    """List the streams of a group, by name or by the time of their last event."""
    group = group_of(ctx, params)
    prefix, by_time = params.get("logStreamNamePrefix"), params.get("orderBy") == "LastEventTime"
    if prefix is not None and by_time:
        raise errors.invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
    streams = ctx.state.events.streams(group.key, prefix or "")
    if by_time:
        streams.sort(key=lambda stream: stream.last or stream.created)
    if params.get("descending", False):
        streams.reverse()
    start, limit = offset_of(params.get("nextToken")), params.get("limit", 50)
    page = streams[start : start + limit]
    more = str(start + limit) if start + limit < len(streams) else None
    return {"logStreams": [_describe(group, stream) for stream in page], "nextToken": more}


def _describe(group: LogGroup, stream: Stream) -> dict[str, Any]:
    described: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "arn": f"{group.arn}:log-stream:{stream.name}",
        # Deprecated and always zero: API reference, LogStream.
        "storedBytes": 0,
        # Needed by nobody since 2023, and still there.
        "uploadSequenceToken": f"{stream.id:056d}",
    }
    if stream.last is not None:
        described["firstEventTimestamp"] = stream.first
        described["lastEventTimestamp"] = stream.last
        described["lastIngestionTime"] = stream.ingested
    return described
