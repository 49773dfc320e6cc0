"""A recorded request in words: who asked for what, from where, with what result, and each decision on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from casemate.explain.decisions import render_decision
from casemate.policy.decision import Decision


def render_event(event: Mapping[str, Any], decisions: Sequence[Decision]) -> str:
    """`event` is the CloudTrail record of the request."""
    identity: Mapping[str, Any] = event.get("userIdentity") or {}
    result = f"{event['errorCode']}: {event.get('errorMessage', '')}" if "errorCode" in event else "succeeded"
    came = event["sourceIPAddress"]
    if "vpcEndpointId" in event:
        came = f"{came}, through {event['vpcEndpointId']}"
    lines = [
        f"{event['eventSource']} {event['eventName']} in {event['awsRegion']}, {event['eventTime']}",
        f"  request  {event['requestID']}",
        f"  who      {identity.get('arn', 'nobody known')}",
        f"  from     {came}",
        f"  result   {result}",
    ]
    if not decisions:
        lines += ["", "No policy was asked: the request failed before it was authorized."]
    for decision in decisions:
        lines += ["", render_decision(decision)]
    return "\n".join(lines)
