"""AWS CloudTrail: event history of the last requests, from the gateway's journal.

Modelled: LookupEvents over everything on record, data events included (AWS's event history holds management events
only; here they are the point). Not modelled yet: trails, event selectors, delivery to S3, Lake.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Operations, Output, Params, Service


class EventHistory(Protocol):
    """Implemented by the gateway's journal."""

    def events(self, *, account: str, region: str, limit: int = 1000) -> Sequence[Mapping[str, Any]]:
        """CloudTrail event records of an account and Region, newest first."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudTrailState:
    history: EventHistory


operations: Operations[CloudTrailState] = Operations("cloudtrail")

_ATTRIBUTES = {
    "EventId": "eventID",
    "EventName": "eventName",
    "ReadOnly": "readOnly",
    "EventSource": "eventSource",
    "AccessKeyId": "accessKeyId",
    "Username": "userName",
    "ResourceName": "resources",
    "ResourceType": "resources",
}


@operations.operation("LookupEvents")
def lookup_events(ctx: Context[CloudTrailState], params: Params) -> Output:
    """Newest first, at most 50 a page, filtered by time and by one lookup attribute."""
    size = int(params.get("MaxResults") or 50)
    if not 1 <= size <= 50:
        raise AwsError("InvalidMaxResultsException", "MaxResults must be between 1 and 50")
    start, end = params.get("StartTime"), params.get("EndTime")
    if start is not None and end is not None and start > end:
        raise AwsError("InvalidTimeRangeException", "StartTime must be before EndTime")
    offset = _offset(params.get("NextToken"))
    attributes: list[Mapping[str, str]] = params.get("LookupAttributes") or []
    matching = [
        event
        for event in ctx.state.history.events(account=ctx.account, region=ctx.region)
        if _in_time(event, start, end) and all(_has(event, one) for one in attributes)
    ]
    page = matching[offset : offset + size]
    output: dict[str, Any] = {"Events": [_summary(event) for event in page]}
    if offset + size < len(matching):
        output["NextToken"] = str(offset + size)
    return output


def build(history: EventHistory) -> Service[CloudTrailState]:
    """The slice, wired."""
    return Service(operations=operations, state=CloudTrailState(history=history))


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdigit():
        raise AwsError("InvalidNextTokenException", "The specified NextToken is invalid")
    return int(token)


def _time(event: Mapping[str, Any]) -> datetime:
    return datetime.strptime(event["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _in_time(event: Mapping[str, Any], start: datetime | None, end: datetime | None) -> bool:
    time = _time(event)
    return (start is None or _aware(start) <= time) and (end is None or time <= _aware(end))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _has(event: Mapping[str, Any], attribute: Mapping[str, str]) -> bool:
    key, wanted = attribute.get("AttributeKey", ""), attribute.get("AttributeValue", "")
    if key not in _ATTRIBUTES:
        raise AwsError("InvalidLookupAttributesException", f"{key} is not a lookup attribute")
    identity: Mapping[str, Any] = event.get("userIdentity") or {}
    match key:
        case "ReadOnly":
            return str(event.get("readOnly", "")).lower() == wanted.lower()
        case "AccessKeyId":
            return identity.get("accessKeyId") == wanted
        case "Username":
            return wanted in {identity.get("userName"), str(identity.get("arn", "")).rpartition("/")[2]}
        case "ResourceName" | "ResourceType":
            arns = _arns(event)
            return any(wanted == arn or arn.endswith((f"/{wanted}", f":{wanted}")) for arn in arns)
        case _:
            return event.get(_ATTRIBUTES[key]) == wanted


def _arns(event: Mapping[str, Any]) -> list[str]:
    resources: list[Mapping[str, str]] = event.get("resources") or []
    return [resource.get("ARN", "") for resource in resources]


def _summary(event: Mapping[str, Any]) -> dict[str, Any]:
    identity: Mapping[str, Any] = event.get("userIdentity") or {}
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": "true" if event.get("readOnly") else "false",
        "AccessKeyId": identity.get("accessKeyId"),
        "EventTime": _time(event),
        "EventSource": event["eventSource"],
        "Username": identity.get("userName") or str(identity.get("arn", "")).rpartition("/")[2],
        "Resources": [{"ResourceName": arn} for arn in _arns(event)],
        "CloudTrailEvent": json.dumps(event, default=str),
    }
