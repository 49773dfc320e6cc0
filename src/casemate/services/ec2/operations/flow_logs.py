"""Flow logs as resources: which traffic is to be logged, how, and where to. What becomes of them: `flowlogs`."""

from __future__ import annotations

from typing import Any

from casemate.servicekit.service import Check, Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.deletions import delete_each
from casemate.services.ec2.flowlogs.record import FIELD, VERSIONS
from casemate.services.ec2.paging import Rendered, filtered, paged, selected
from casemate.services.ec2.records import FlowLog
from casemate.services.ec2.registry import Ctx, on, operation, refuse, remember, replayed, required
from casemate.services.ec2.state import Ec2State

DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
"""Source: VPC User Guide, "Flow log records", version 2."""
_RESOURCES = {"VPC": "vpc", "Subnet": "subnet", "NetworkInterface": "network-interface"}
FLOW_LOG_FILTERS = {
    "deliver-log-status": "DeliverLogsStatus",
    "flow-log-id": "FlowLogId",
    "log-destination-type": "LogDestinationType",
    "log-group-name": "LogGroupName",
    "resource-id": "ResourceId",
    "traffic-type": "TrafficType",
}


def _output(state: Ec2State, log: FlowLog) -> Rendered:
    options: Rendered | None = None
    if log.options:
        options = dict(log.options)
    return {
        "FlowLogId": log.id,
        "FlowLogStatus": "ACTIVE",
        "ResourceId": log.resource_id,
        "TrafficType": log.traffic_type,
        "LogDestinationType": log.destination_type,
        "LogDestination": log.destination or None,
        "LogGroupName": log.log_group or None,
        "DeliverLogsPermissionArn": log.role_arn or None,
        "DeliverLogsStatus": "FAILED" if log.delivery_error else "SUCCESS",
        "DeliverLogsErrorMessage": log.delivery_error or None,
        "LogFormat": log.format,
        "MaxAggregationInterval": log.aggregation_seconds,
        "CreationTime": log.created,
        "DestinationOptions": options,
        "Tags": tags.rendered(state, log, log.id),
    }


def _format(params: Params) -> str:
    text = params.get("LogFormat") or DEFAULT_FORMAT
    fields = FIELD.findall(text)
    if FIELD.sub("", text).strip() or not fields:
        raise errors.invalid_parameter(f"Invalid LogFormat: {text}")
    unknown = next((field for field in fields if field not in VERSIONS), None)
    if unknown is not None:
        raise errors.invalid_parameter(f"Unknown fields provided: [{unknown}]")
    return text


def _destination(ctx: Ctx, params: Params) -> dict[str, str]:
    """Where the records go; CloudWatch Logs unless told otherwise."""
    kind = params.get("LogDestinationType") or "cloud-watch-logs"
    if kind not in {"cloud-watch-logs", "s3", "kinesis-data-firehose"}:
        raise errors.bad_value(kind, "LogDestinationType", "Unknown destination type.")
    destination, group = params.get("LogDestination") or "", params.get("LogGroupName") or ""
    role = params.get("DeliverLogsPermissionArn") or ""
    if destination and group:
        raise errors.invalid_parameter("Please only provide LogGroupName or only provide LogDestination.")
    if kind != "cloud-watch-logs":
        if not destination:
            raise errors.invalid_parameter("LogDestination can't be empty.")
        raise errors.unsupported(f"{kind} as a destination of flow logs; use cloud-watch-logs")
    if not (destination or group):
        raise errors.invalid_parameter("LogGroupName can't be empty.")
    if not role:
        raise errors.invalid_parameter(
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."
        )
    ctx.authorize(
        Check(
            action="iam:PassRole",
            resource=role,
            context={"iam:PassedToService": "vpc-flow-logs.amazonaws.com"},
        )
    )
    if destination:
        group = destination.split(":log-group:")[-1].removesuffix(":*")
    else:
        destination = ctx.arn("logs", f"log-group:{group}")
    return {"destination_type": kind, "destination": destination, "log_group": group, "role_arn": role}


def _aggregation(params: Params) -> int:
    seconds = params.get("MaxAggregationInterval")
    if seconds is not None and seconds not in {60, 600}:
        raise errors.invalid_parameter("Invalid MaxAggregationInterval. Valid values are 60 and 600.")
    return int(seconds or 600)


@operation("CreateFlowLogs", on=(on("", "ResourceIds"),), creates=("vpc-flow-log",))
def create_flow_logs(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    known = replayed(ctx, "CreateFlowLogs", params)
    if known:
        return {"FlowLogIds": known.split(","), "Unsuccessful": [], "ClientToken": params.get("ClientToken")}
    refuse(params, ("DeliverCrossAccountRole", "TagFieldSpecifications"))
    kind = _RESOURCES.get(required(params, "ResourceType"))
    if kind is None:
        raise errors.bad_value(params["ResourceType"], "ResourceType", "Unknown resource type.")
    resources = params.get("ResourceIds")
    if not resources:
        raise errors.missing_parameter("resourceId")
    traffic = params.get("TrafficType")
    if traffic not in {"ACCEPT", "REJECT", "ALL"}:
        raise (
            errors.missing_parameter("trafficType")
            if traffic is None
            else errors.bad_value(traffic, "TrafficType", "Accepted values are ACCEPT, REJECT and ALL.")
        )
    shared: dict[str, Any] = {
        "account": ctx.account,
        "region": ctx.region,
        "traffic_type": traffic,
        "format": _format(params),
        "aggregation_seconds": _aggregation(params),
        "created": ctx.now,
        "options": params.get("DestinationOptions") or None,
        **_destination(ctx, params),
    }
    labels = tags.specified(params, "vpc-flow-log")
    made: list[str] = []
    for resource_id in resources:
        place = state.by_type[kind].get(ctx, resource_id)
        vpc_id = resource_id if kind == "vpc" else place.vpc_id
        made.append(_make(ctx, resource_id, {**shared, "vpc_id": vpc_id}))
        tags.put(state, ctx, made[-1], labels)
    remember(ctx, "CreateFlowLogs", params, ",".join(made))
    return {"FlowLogIds": made, "Unsuccessful": [], "ClientToken": params.get("ClientToken")}


def _make(ctx: Ctx, resource_id: str, shared: dict[str, Any]) -> str:
    log = FlowLog(id=ctx.new_id("fl"), resource_id=resource_id, **shared)
    for each in ctx.state.flow_logs.all(ctx):
        if (each.resource_id, each.traffic_type, each.destination) == (
            resource_id, log.traffic_type, log.destination,
        ):  # fmt: skip
            raise errors.flow_log_exists()
    ctx.state.flow_logs.put(log)
    return log.id


@operation("DescribeFlowLogs")
def describe_flow_logs(ctx: Ctx, params: Params) -> Output:
    logs = selected(ctx.state.flow_logs, ctx, params.get("FlowLogIds"))
    asked = {"Filters": params.get("Filter")}
    outputs = filtered((_output(ctx.state, log) for log in logs), asked, FLOW_LOG_FILTERS)
    return paged(outputs, params, "FlowLogs", smallest=1)


@operation("DeleteFlowLogs", on=(on("vpc-flow-log", "FlowLogIds"),))
def delete_flow_logs(ctx: Ctx, params: Params) -> Output:
    ids = params.get("FlowLogIds")
    if not ids:
        raise errors.missing_parameter("flowLogId")
    return delete_each(ctx, ctx.state.flow_logs, errors.FLOW_LOG, ids)
