"""Time to live, limits, endpoints."""

from __future__ import annotations

from dataclasses import replace

from casemate.servicekit.service import Context, Output, Params
from casemate.services.dynamodb.errors import being_deleted, validation
from casemate.services.dynamodb.global_tables.settings import followed
from casemate.services.dynamodb.names import own_table_ref
from casemate.services.dynamodb.permissions import on_table
from casemate.services.dynamodb.quotas import ACCOUNT_UNITS, TABLE_UNITS
from casemate.services.dynamodb.records import TableRecord
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState

_TTL_SECONDS = 3600
"""API reference, UpdateTimeToLive: "Any additional UpdateTimeToLive calls for the same table during this one hour duration
result in a ValidationException"; its words are those Terraform's provider and others report."""


@operations.operation("DescribeTimeToLive", checks=on_table("DescribeTimeToLive"))
def describe_time_to_live(ctx: Context[DynamoState], params: Params) -> Output:
    record = ctx.state.described(own_table_ref(ctx, params["TableName"]))
    if not ctx.state.is_usable(record):
        state = "CREATING" if record.is_being_created else "DELETING"
        raise validation(
            f"Cannot describe time to live while table is in {state} state: Current table state is {state}"
        )
    if record.ttl_attribute is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": record.ttl_attribute}}


def _check_replicas(state: DynamoState, record: TableRecord) -> None:
    """Replicas share the setting: none may be on its way. The words are AWS's (ack-api-quirks, DDB-TABLE-306 and 442)."""
    for one in (record, *state.others(record)):
        if one.is_being_created:
            raise validation(
                "Create/Update/Delete of replica is not allowed while the replica is being added to table with name: "
                f"\u2018{one.name}\u2019 in region: \u2018{one.region}\u2019."
            )
    if record.deleting:
        raise being_deleted(record.name)


@operations.operation("UpdateTimeToLive", checks=on_table("UpdateTimeToLive"))
def update_time_to_live(ctx: Context[DynamoState], params: Params) -> Output:
    """Once an hour at most (API reference, UpdateTimeToLive); `Expirer` deletes what has expired."""
    record = ctx.state.described(own_table_ref(ctx, params["TableName"]))
    _check_replicas(ctx.state, record)
    given = params["TimeToLiveSpecification"]
    attribute, enabled = given["AttributeName"], given["Enabled"]
    if enabled:
        if record.ttl_attribute == attribute:
            raise validation("TimeToLive is already enabled")
        if record.ttl_attribute is not None:
            raise validation(
                f"TimeToLive is active on a different AttributeName: current AttributeName is {record.ttl_attribute}"
            )
    elif record.ttl_attribute is None:
        raise validation("TimeToLive is already disabled")
    elif record.ttl_attribute != attribute:
        raise validation(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {record.ttl_attribute}"
        )
    now = ctx.now.timestamp()
    if record.ttl_changed is not None and now - record.ttl_changed < _TTL_SECONDS:
        raise validation("Time to live has been modified multiple times within a fixed interval")
    new = replace(record, ttl_attribute=attribute if enabled else None, ttl_changed=now)
    if new.replica is not None:
        new = replace(new, replica=replace(new.replica, expires_items=True))
    ctx.state.tables.put(record.ref.key, new)
    for other in ctx.state.others(record):
        ctx.state.tables.put(other.ref.key, followed(record, new, other))
    return {"TimeToLiveSpecification": {"Enabled": enabled, "AttributeName": attribute}}


@operations.operation("DescribeLimits")
def describe_limits(_ctx: Context[DynamoState], _params: Params) -> Output:
    return {
        "AccountMaxReadCapacityUnits": ACCOUNT_UNITS,
        "AccountMaxWriteCapacityUnits": ACCOUNT_UNITS,
        "TableMaxReadCapacityUnits": TABLE_UNITS,
        "TableMaxWriteCapacityUnits": TABLE_UNITS,
    }


@operations.operation("DescribeEndpoints")
def describe_endpoints(ctx: Context[DynamoState], _params: Params) -> Output:
    address = f"dynamodb.{ctx.region}.amazonaws.com"
    return {"Endpoints": [{"Address": address, "CachePeriodInMinutes": 1440}]}
