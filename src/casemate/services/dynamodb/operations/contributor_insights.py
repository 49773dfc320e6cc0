"""UpdateContributorInsights, DescribeContributorInsights, ListContributorInsights: kept and described, nothing is counted.

Source: API reference of the three; Developer Guide, "CloudWatch Contributor Insights for DynamoDB" (the rules' names);
ack-api-quirks, DDB-TABLE-089, 091 and 343 (what is listed, and what happens to what is so already).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Checks, Context, Output, Params
from casemate.services.dynamodb.errors import table_not_found, validation
from casemate.services.dynamodb.names import own_table_ref, table_ref
from casemate.services.dynamodb.records import ContributorInsights, TableRecord
from casemate.services.dynamodb.registry import operations
from casemate.services.dynamodb.state import DynamoState

SERVICE = "contributorinsights.dynamodb.amazonaws.com"
_PAGE = 100


def _on_holder(action: str) -> Checks[DynamoState]:
    def checks(ctx: Context[DynamoState], params: Params) -> Iterable[Check]:
        ref, index = table_ref(ctx, params["TableName"]), params.get("IndexName")
        resource = ref.arn if index is None else ref.index_arn(index)
        return (Check(action=f"dynamodb:{action}", resource=resource),)

    return checks


def _holder(ctx: Context[DynamoState], params: Params) -> tuple[TableRecord, str]:
    """The table, and the global index that is meant, or nothing for the table itself."""
    ref = own_table_ref(ctx, params["TableName"])
    record = ctx.state.tables.get(*ref.key)
    name = params.get("IndexName") or ""
    if record is None:
        raise table_not_found(ref.name)
    index = record.index(name) if name else None
    if name and (index is None or not index.is_global):
        raise AwsError(
            "ResourceNotFoundException",
            f"Requested resource not found: Index: {name} not found for table: {record.name}",
        )
    return record, name


def _check_settled(record: TableRecord, index: str) -> None:
    """The words are AWS's: ack-api-quirks, DDB-TABLE-442."""
    found = record.index(index)
    what = "Table" if record.is_being_created else "Index" if found and found.status != "ACTIVE" else None
    if what is not None:
        raise validation(
            f"Table or Index is not in a valid state to update Key Access Insights: {what}Status must be ACTIVE to enable "
            "ContributorInsights."
        )


def _state(setting: ContributorInsights | None) -> dict[str, Any]:
    """Of what was never switched on AWS tells no mode (DDB-TABLE-089)."""
    if setting is None:
        return {"ContributorInsightsStatus": "DISABLED"}
    return {
        "ContributorInsightsStatus": "ENABLED" if setting.enabled else "DISABLED",
        "ContributorInsightsMode": setting.mode,
    }


def _named(record: TableRecord, index: str) -> dict[str, Any]:
    return {"TableName": record.name, **({"IndexName": index} if index else {})}


@operations.operation("UpdateContributorInsights", checks=_on_holder("UpdateContributorInsights"))
def update_contributor_insights(ctx: Context[DynamoState], params: Params) -> Output:
    record, index = _holder(ctx, params)
    enabled = params["ContributorInsightsAction"] == "ENABLE"
    mode = params.get("ContributorInsightsMode") or "ACCESSED_AND_THROTTLED_KEYS"
    _check_settled(record, index)
    present = record.insights.get(index)
    is_enabled = present is not None and present.enabled
    if enabled == is_enabled and (present is None or not enabled or present.mode == mode):
        # What is so already stays as it is (ack-api-quirks, DDB-TABLE-091 and 341).
        return _named(record, index) | _state(present)
    if enabled and ctx.state.linked_roles is not None:
        ctx.state.linked_roles.ensure(ctx, SERVICE)
    setting = ContributorInsights(
        enabled=enabled,
        mode=mode if enabled or present is None else present.mode,
        changed=ctx.now.timestamp(),
    )
    changed = replace(record, insights={**record.insights, index: setting})
    ctx.state.tables.put(record.ref.key, changed)
    return {
        **_named(record, index),
        "ContributorInsightsStatus": "ENABLING" if enabled else "DISABLING",
        "ContributorInsightsMode": setting.mode,
    }


@operations.operation("DescribeContributorInsights", checks=_on_holder("DescribeContributorInsights"))
def describe_contributor_insights(ctx: Context[DynamoState], params: Params) -> Output:
    record, index = _holder(ctx, params)
    setting = record.insights.get(index)
    if setting is None:
        return {**_named(record, index), "ContributorInsightsStatus": "DISABLED"}
    return {
        **_summary(record, index, setting),
        "LastUpdateDateTime": datetime.fromtimestamp(setting.changed, UTC),
        "ContributorInsightsRuleList": _rules(record, index, setting) if setting.enabled else [],
    }


def _summary(record: TableRecord, index: str, setting: ContributorInsights) -> dict[str, Any]:
    return _named(record, index) | _state(setting)


def _rules(record: TableRecord, index: str, setting: ContributorInsights) -> list[str]:
    """Most accessed (C) and most throttled (T), by partition key (PK) and by both keys (SK)."""
    found = record.index(index)
    sorts = bool(record.range_key) if found is None else bool(found.range_keys)
    kinds = "T" if setting.mode == "THROTTLED_KEYS" else "CT"
    resource = f"{record.name}-{index}" if index else record.name
    return [
        f"DynamoDBContributorInsights-{key}{kind}-{resource}-{int(setting.changed * 1000)}"
        for key in (("PK", "SK") if sorts else ("PK",))
        for kind in kinds
    ]


@operations.operation("ListContributorInsights")
def list_contributor_insights(ctx: Context[DynamoState], params: Params) -> Output:
    """Where it is switched on, by table and index; the token is the last entry of the page."""
    name = params.get("TableName")
    prefix = (ctx.account, ctx.region) if name is None else own_table_ref(ctx, name).key
    found = sorted(
        (record.name, index, _summary(record, index, setting))
        for record in ctx.state.tables.values(*prefix)
        for index, setting in record.insights.items()
        if setting.enabled
    )
    token = params.get("NextToken")
    if token is not None:
        table, separator, index = token.partition("/")
        if not separator:
            raise validation("Invalid NextToken")
        found = [entry for entry in found if entry[:2] > (table, index)]
    limit = _PAGE if params.get("MaxResults") is None else params["MaxResults"]
    if limit < 1:
        # Of the lists of this service its model leaves this one alone without a least number.
        raise validation(
            f"1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: Member must have "
            "value greater than or equal to 1"
        )
    answer: dict[str, Any] = {"ContributorInsightsSummaries": [summary for _, _, summary in found[:limit]]}
    if len(found) > limit:
        answer["NextToken"] = "/".join(found[limit - 1][:2])
    return answer
