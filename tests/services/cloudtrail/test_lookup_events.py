"""LookupEvents through boto3, over a real journal. Source: CloudTrail API Reference, "LookupEvents"."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.direct import DirectCloud
from tests.support.exchanges import ACCOUNT, ADMIN, NOW, exchange

from casemate.gateway.journal import Journal
from casemate.servicekit.store import Store
from casemate.services import cloudtrail

TABLE = f"arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/orders"


@pytest.fixture
def journal() -> Journal:
    return Journal(None)


@pytest.fixture
def client(journal: Journal) -> Any:
    return DirectCloud(Store(None), cloudtrail.build(journal)).client("cloudtrail")


def found(client: Any, key: str, value: str) -> list[str]:
    attributes = [{"AttributeKey": key, "AttributeValue": value}]
    return [one["EventName"] for one in client.lookup_events(LookupAttributes=attributes)["Events"]]


def test_pages_neither_repeat_nor_skip_though_looking_up_is_on_record_too(
    client: Any, journal: Journal
) -> None:
    done = [exchange() for _ in range(25)]
    for one in done:
        journal.record(one)
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = client.lookup_events(MaxResults=10, **token)
        journal.record(exchange("cloudtrail", "LookupEvents"))
        seen += [one["EventId"] for one in page["Events"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == [one.request_id for one in reversed(done)]


def test_all_that_is_on_record_is_looked_through(client: Any, journal: Journal) -> None:
    journal.record(exchange(operation="DescribeLimits"))
    for _ in range(1_500):
        journal.record(exchange())
    assert found(client, "EventName", "DescribeLimits") == ["DescribeLimits"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("EventName", "PutItem"),
        ("ReadOnly", "false"),
        ("ResourceName", TABLE),
        ("ResourceName", "orders"),
        ("ResourceType", "AWS::DynamoDB::Table"),
    ],
)
def test_each_attribute_finds_what_it_names(client: Any, journal: Journal, key: str, value: str) -> None:
    journal.record(exchange())
    journal.record(exchange("dynamodb", "PutItem", params={"TableName": "orders"}, resource=TABLE))
    assert found(client, key, value) == ["PutItem"]


@pytest.mark.parametrize(
    ("key", "value", "other"),
    [
        ("Username", "admin", "bob"),
        ("AccessKeyId", str(ADMIN.access_key_id), "AKIAOTHER"),
        ("EventSource", "dynamodb.amazonaws.com", "ec2.amazonaws.com"),
    ],
)
def test_who_and_which_service(client: Any, journal: Journal, key: str, value: str, other: str) -> None:
    journal.record(exchange())
    assert found(client, key, value) == ["ListTables"]
    assert found(client, key, other) == []


def test_an_event_has_its_resources_with_their_types(client: Any, journal: Journal) -> None:
    journal.record(exchange("dynamodb", "GetItem", resource=TABLE))
    (event,) = client.lookup_events()["Events"]
    assert event["Resources"] == [{"ResourceName": TABLE, "ResourceType": "AWS::DynamoDB::Table"}]
    assert event["Username"] == "admin"


def test_the_times_are_inclusive_bounds(client: Any, journal: Journal) -> None:
    for minutes in range(3):
        journal.record(exchange(now=NOW + timedelta(minutes=minutes)))
    middle = NOW + timedelta(minutes=1)
    assert len(client.lookup_events(StartTime=middle)["Events"]) == 2
    assert len(client.lookup_events(StartTime=middle, EndTime=middle)["Events"]) == 1


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"StartTime": NOW, "EndTime": NOW - timedelta(1)}, "InvalidTimeRangeException"),
        ({"NextToken": "x"}, "InvalidNextTokenException"),
        ({"NextToken": "9" * 30}, "InvalidNextTokenException"),
        (
            {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "x"}] * 2},
            "InvalidLookupAttributesException",
        ),
    ],
)
def test_bad_input_is_refused_by_name(client: Any, params: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.lookup_events(**params)
    assert refused.value.response["Error"]["Code"] == code
