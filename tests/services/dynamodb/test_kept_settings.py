"""Settings that are kept and described and do nothing: contributor insights, Kinesis destinations."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

STREAM = "arn:aws:kinesis:us-east-2:000000000000:stream/changes"
TABLE: dict[str, Any] = {"TableName": "orders"}


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def test_contributor_insights_are_switched_on_and_off_by_table_and_by_index(orders: Any) -> None:
    assert orders.describe_contributor_insights(**TABLE)["ContributorInsightsStatus"] == "DISABLED"
    assert orders.list_contributor_insights()["ContributorInsightsSummaries"] == []
    answer = orders.update_contributor_insights(**TABLE, ContributorInsightsAction="ENABLE")
    assert answer["ContributorInsightsStatus"] == "ENABLING"
    orders.update_contributor_insights(
        **TABLE,
        IndexName="status-all",
        ContributorInsightsAction="ENABLE",
        ContributorInsightsMode="THROTTLED_KEYS",
    )
    table = orders.describe_contributor_insights(**TABLE)
    assert table["ContributorInsightsStatus"] == "ENABLED"
    assert table["ContributorInsightsMode"] == "ACCESSED_AND_THROTTLED_KEYS"
    kinds = [name.split("-")[1] for name in table["ContributorInsightsRuleList"]]
    assert kinds == ["PKC", "PKT", "SKC", "SKT"]
    index = orders.describe_contributor_insights(**TABLE, IndexName="status-all")
    assert [name.split("-")[1] for name in index["ContributorInsightsRuleList"]] == ["PKT"]
    first = orders.list_contributor_insights(MaxResults=1)
    rest = orders.list_contributor_insights(MaxResults=1, NextToken=first["NextToken"])
    assert "NextToken" not in rest
    both = first["ContributorInsightsSummaries"] + rest["ContributorInsightsSummaries"]
    assert [one.get("IndexName") for one in both] == [None, "status-all"]
    for number in (0, -1, -(2**31)):
        with refused("ValidationException"):
            orders.list_contributor_insights(MaxResults=number)
    orders.update_contributor_insights(**TABLE, ContributorInsightsAction="DISABLE")
    assert orders.describe_contributor_insights(**TABLE)["ContributorInsightsStatus"] == "DISABLED"


def test_contributor_insights_go_with_their_index(orders: Any) -> None:
    """One of the same name is another index, as a table made again is another table."""
    index = {"IndexName": "status-all"}
    (made,) = (
        one
        for one in orders.describe_table(**TABLE)["Table"]["GlobalSecondaryIndexes"]
        if one["IndexName"] == "status-all"
    )
    attributes = orders.describe_table(**TABLE)["Table"]["AttributeDefinitions"]
    for named in ({}, index):
        orders.update_contributor_insights(**TABLE, **named, ContributorInsightsAction="ENABLE")
    orders.update_table(**TABLE, GlobalSecondaryIndexUpdates=[{"Delete": index}])
    assert len(orders.list_contributor_insights()["ContributorInsightsSummaries"]) == 1
    again = {name: made[name] for name in ("IndexName", "KeySchema", "Projection")}
    orders.update_table(
        **TABLE, AttributeDefinitions=attributes, GlobalSecondaryIndexUpdates=[{"Create": again}]
    )
    described = orders.describe_contributor_insights(**TABLE, **index)
    assert described["ContributorInsightsStatus"] == "DISABLED"
    (left,) = orders.list_contributor_insights()["ContributorInsightsSummaries"]
    assert "IndexName" not in left


@pytest.mark.parametrize("named", [{"TableName": "absent"}, {**TABLE, "IndexName": "by-status"}])
def test_contributor_insights_of_what_is_not_there(orders: Any, named: dict[str, str]) -> None:
    with refused("ResourceNotFoundException"):
        orders.update_contributor_insights(**named, ContributorInsightsAction="ENABLE")
    with refused("ResourceNotFoundException"):
        orders.describe_contributor_insights(**named)


def test_a_kinesis_destination_is_enabled_updated_and_disabled(orders: Any) -> None:
    named = {**TABLE, "StreamArn": STREAM}
    with refused("ValidationException.*must be ACTIVE to perform DISABLE operation"):
        orders.disable_kinesis_streaming_destination(**named)
    assert orders.enable_kinesis_streaming_destination(**named)["DestinationStatus"] == "ENABLING"
    with refused("ValidationException.*must be DISABLED or ENABLE_FAILED"):
        orders.enable_kinesis_streaming_destination(**named)
    finer = {"ApproximateCreationDateTimePrecision": "MICROSECOND"}
    updated = orders.update_kinesis_streaming_destination(**named, UpdateKinesisStreamingConfiguration=finer)
    assert updated["DestinationStatus"] == "UPDATING"
    with refused("ValidationException.*Precision is already set to the desired value of MICROSECOND"):
        orders.update_kinesis_streaming_destination(**named, UpdateKinesisStreamingConfiguration=finer)
    described = orders.describe_kinesis_streaming_destination(**TABLE)
    assert described["KinesisDataStreamDestinations"] == [
        {"StreamArn": STREAM, "DestinationStatus": "ACTIVE", **finer}
    ]
    assert orders.disable_kinesis_streaming_destination(**named)["DestinationStatus"] == "DISABLING"
    (left,) = orders.describe_kinesis_streaming_destination(**TABLE)["KinesisDataStreamDestinations"]
    assert left["DestinationStatus"] == "DISABLED"


def test_a_kinesis_destination_needs_a_stream_and_a_table(orders: Any) -> None:
    other = STREAM.replace("kinesis", "dynamodb")
    with refused("ValidationException.*is not the ARN of a Kinesis data stream"):
        orders.enable_kinesis_streaming_destination(**TABLE, StreamArn=other)
    with refused("ResourceNotFoundException"):
        orders.enable_kinesis_streaming_destination(TableName="absent", StreamArn=STREAM)
