"""Log groups."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from casemate.servicekit.service import Output, Params
from casemate.services.logs import errors
from casemate.services.logs.operations.registry import OPERATIONS, Ctx, checked, group_of, offset_of
from casemate.services.logs.state import LogGroup

_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
_RETENTION = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""API reference, PutRetentionPolicy: possible values of retentionInDays."""


@OPERATIONS.operation("CreateLogGroup", checks=checked("CreateLogGroup"))
def create_log_group(ctx: Ctx, params: Params) -> Output:
    """Make a group."""
    name = params["logGroupName"]
    if not _NAME.fullmatch(name):
        raise errors.invalid(
            f"1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )
    key = (ctx.account, ctx.region, name)
    if key in ctx.state.groups:
        raise errors.group_exists()
    group = LogGroup(
        account=ctx.account,
        region=ctx.region,
        name=name,
        created=ctx.state.now_ms(),
        group_class=params.get("logGroupClass", "STANDARD"),
        tags=dict(params.get("tags", {})),
    )
    ctx.state.groups.put(key, group)
    return {}


@OPERATIONS.operation("DeleteLogGroup", checks=checked("DeleteLogGroup"))
def delete_log_group(ctx: Ctx, params: Params) -> Output:
    """Delete a group with all its events."""
    group = group_of(ctx, params)
    ctx.state.groups.delete(*group.key)
    ctx.state.events.delete_group(group.key)
    return {}


@OPERATIONS.operation("DescribeLogGroups", checks=checked("DescribeLogGroups"))
def describe_log_groups(ctx: Ctx, params: Params) -> Output:
    """List groups by name."""
    prefix, pattern = params.get("logGroupNamePrefix"), params.get("logGroupNamePattern")
    if prefix is not None and pattern is not None:
        raise errors.invalid("logGroupNamePattern and logGroupNamePrefix are mutually exclusive")
    groups = sorted(ctx.state.groups.values(ctx.account, ctx.region), key=lambda group: group.name)
    if prefix is not None:
        groups = [group for group in groups if group.name.startswith(prefix)]
    if pattern is not None:
        groups = [group for group in groups if pattern.lower() in group.name.lower()]
    start, limit = offset_of(params.get("nextToken")), params.get("limit", 50)
    page = groups[start : start + limit]
    more = str(start + limit) if start + limit < len(groups) else None
    return {"logGroups": [_describe(ctx, group) for group in page], "nextToken": more}


def _describe(ctx: Ctx, group: LogGroup) -> dict[str, Any]:
    described: dict[str, Any] = {
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": 0,
        "arn": f"{group.arn}:*",
        "logGroupArn": group.arn,
        "storedBytes": ctx.state.events.stored_bytes(group.key),
        "logGroupClass": group.group_class,
    }
    if group.retention_days is not None:
        described["retentionInDays"] = group.retention_days
    return described


@OPERATIONS.operation("PutRetentionPolicy", checks=checked("PutRetentionPolicy"))
def put_retention_policy(ctx: Ctx, params: Params) -> Output:
    """Keep events for so many days."""
    group, days = group_of(ctx, params), params["retentionInDays"]
    if days not in _RETENTION:
        raise errors.invalid(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(map(str, _RETENTION))}]"
        )
    ctx.state.groups.put(group.key, replace(group, retention_days=days))
    return {}


@OPERATIONS.operation("DeleteRetentionPolicy", checks=checked("DeleteRetentionPolicy"))
def delete_retention_policy(ctx: Ctx, params: Params) -> Output:
    """Keep events for ever."""
    group = group_of(ctx, params)
    ctx.state.groups.put(group.key, replace(group, retention_days=None))
    return {}
