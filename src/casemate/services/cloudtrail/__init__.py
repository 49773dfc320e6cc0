"""AWS CloudTrail: event history of the last requests, from the gateway's journal.

Modelled: LookupEvents over everything on record, data events included (AWS's event history holds management events
only; here they are the point). Not modelled yet: trails, event selectors, delivery to S3, Lake.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Operations, Output, Params, Service


class EventHistory(Protocol):
    """Implemented by the gateway's journal."""

    def events(
        self, *, account: str, region: str, before: int | None = None
    ) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """(place on record, CloudTrail event) of an account and Region, newest first; only places under `before`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class CloudTrailState:
    history: EventHistory


operations: Operations[CloudTrailState] = Operations("cloudtrail")

_ATTRIBUTES = frozenset(
    {
        "EventId",
        "EventName",
        "ReadOnly",
        "EventSource",
        "AccessKeyId",
        "Username",
        "ResourceName",
        "ResourceType",
    }
)
_PAGE = 50
_RESOURCE_TYPES = {
    ("dynamodb", "table"): "AWS::DynamoDB::Table",
    ("lambda", "function"): "AWS::Lambda::Function",
    ("logs", "log-group"): "AWS::Logs::LogGroup",
    ("kms", "key"): "AWS::KMS::Key",
    ("kms", "alias"): "AWS::KMS::Alias",
    ("iam", "role"): "AWS::IAM::Role",
    ("iam", "user"): "AWS::IAM::User",
    ("iam", "group"): "AWS::IAM::Group",
    ("iam", "policy"): "AWS::IAM::Policy",
    ("iam", "instance-profile"): "AWS::IAM::InstanceProfile",
    ("ec2", "vpc"): "AWS::EC2::VPC",
    ("ec2", "subnet"): "AWS::EC2::Subnet",
    ("ec2", "route-table"): "AWS::EC2::RouteTable",
    ("ec2", "security-group"): "AWS::EC2::SecurityGroup",
    ("ec2", "network-acl"): "AWS::EC2::NetworkAcl",
    ("ec2", "network-interface"): "AWS::EC2::NetworkInterface",
    ("ec2", "internet-gateway"): "AWS::EC2::InternetGateway",
    ("ec2", "natgateway"): "AWS::EC2::NatGateway",
    ("ec2", "elastic-ip"): "AWS::EC2::EIP",
    ("ec2", "vpc-endpoint"): "AWS::EC2::VPCEndpoint",
}
"""(service, kind) of an ARN -> the type that LookupEvents knows. Source: "Resource types supported by CloudTrail"."""


@operations.operation("LookupEvents")
def lookup_events(ctx: Context[CloudTrailState], params: Params) -> Output:
    """Newest first, at most 50 a page, filtered by time and by one lookup attribute."""
    size = int(params.get("MaxResults") or _PAGE)
    if not 1 <= size <= _PAGE:
        raise AwsError("InvalidMaxResultsException", f"MaxResults must be between 1 and {_PAGE}")
    start, end = params.get("StartTime"), params.get("EndTime")
    if start is not None and end is not None and start > end:
        raise AwsError("InvalidTimeRangeException", "StartTime must be before EndTime")
    attribute = _attribute(params.get("LookupAttributes") or [])
    history = ctx.state.history.events(
        account=ctx.account, region=ctx.region, before=_place(params.get("NextToken"))
    )
    matching = (
        (place, event)
        for place, event in history
        if _in_time(event, start, end) and (attribute is None or _has(event, *attribute))
    )
    page = list(islice(matching, size))
    output: dict[str, Any] = {"Events": [_summary(event) for _, event in page]}
    if next(matching, None) is not None:
        # A place, not a count: looking up is itself on record, and would shift what is counted.
        output["NextToken"] = str(page[-1][0])
    return output


def build(history: EventHistory) -> Service[CloudTrailState]:
    """The slice, wired."""
    return Service(operations=operations, state=CloudTrailState(history=history))


def _place(token: str | None) -> int | None:
    if token is None:
        return None
    if not token.isdecimal() or len(token) >= len(str(2**63)):
        raise AwsError("InvalidNextTokenException", "The specified NextToken is invalid")
    return int(token)


def _attribute(given: list[Mapping[str, str]]) -> tuple[str, str] | None:
    """The one attribute to look for. Source: LookupEvents, "currently the list can contain only one item"."""
    if not given:
        return None
    if len(given) > 1:
        raise AwsError("InvalidLookupAttributesException", "LookupAttributes can contain only one item")
    key, wanted = given[0].get("AttributeKey", ""), given[0].get("AttributeValue", "")
    if key not in _ATTRIBUTES:
        raise AwsError("InvalidLookupAttributesException", f"{key} is not a lookup attribute")
    return key, wanted


def _time(event: Mapping[str, Any]) -> datetime:
    return datetime.strptime(event["eventTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _in_time(event: Mapping[str, Any], start: datetime | None, end: datetime | None) -> bool:
    time = _time(event)
    return (start is None or _aware(start) <= time) and (end is None or time <= _aware(end))


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _has(event: Mapping[str, Any], key: str, wanted: str) -> bool:
    identity: Mapping[str, Any] = event.get("userIdentity") or {}
    match key:
        case "ReadOnly":
            return str(event.get("readOnly", "")).lower() == wanted.lower()
        case "AccessKeyId":
            return identity.get("accessKeyId") == wanted
        case "Username":
            return wanted == _user_name(identity)
        case "ResourceName":
            return any(wanted == arn or arn.endswith((f"/{wanted}", f":{wanted}")) for arn in _arns(event))
        case "ResourceType":
            return any(wanted == _resource_type(arn) for arn in _arns(event))
        case _:
            # EventId, EventName, EventSource.
            return event.get(key[0].lower() + key[1:].replace("Id", "ID")) == wanted


def _user_name(identity: Mapping[str, Any]) -> str:
    """Of a user its name, of a role's session the session's."""
    return identity.get("userName") or str(identity.get("arn", "")).rpartition("/")[2]


def _resource_type(arn: str) -> str | None:
    _, _, service, _, _, resource = (*arn.split(":", 5), *[""] * 6)[:6]
    return _RESOURCE_TYPES.get((service, resource.replace(":", "/").partition("/")[0]))


def _arns(event: Mapping[str, Any]) -> list[str]:
    resources: list[Mapping[str, str]] = event.get("resources") or []
    return [resource["ARN"] for resource in resources]


def _summary(event: Mapping[str, Any]) -> dict[str, Any]:
    identity: Mapping[str, Any] = event.get("userIdentity") or {}
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": "true" if event.get("readOnly") else "false",
        "AccessKeyId": identity.get("accessKeyId"),
        "EventTime": _time(event),
        "EventSource": event["eventSource"],
        "Username": _user_name(identity),
        "Resources": [{"ResourceName": arn, "ResourceType": _resource_type(arn)} for arn in _arns(event)],
        "CloudTrailEvent": json.dumps(event, default=str),
    }
