"""Create, Get, List, Update, DeleteEventSourceMapping through boto3. Source: API reference of each, botocore's model."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.lambda_streams import make_stream

CANNOT_ACCESS = (
    "Cannot access stream {}. Please ensure the role can perform the GetRecords, GetShardIterator, DescribeStream, and "
    "ListStreams Actions on your stream in IAM."
)


def refused(code: str, words: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"(?s)\({code}\).*{re.escape(words)}")


@pytest.fixture
def stream(cloud: Any) -> str:
    return make_stream(cloud)


@pytest.fixture
def mapped(cloud: Any, client: Any, stream: str) -> Any:
    cloud.create(client)
    return client.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="orders", StartingPosition="LATEST"
    )


def test_a_mapping_has_the_defaults_of_a_dynamodb_stream(
    cloud: Any, client: Any, stream: str, mapped: Any
) -> None:
    assert mapped["State"] == "Creating"
    found = client.get_event_source_mapping(UUID=mapped["UUID"])
    function = client.get_function(FunctionName="orders")["Configuration"]["FunctionArn"]
    expected = {
        "UUID": mapped["UUID"],
        "EventSourceArn": stream,
        "FunctionArn": function,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-2:000000000000:event-source-mapping:{mapped['UUID']}",
        "StartingPosition": "LATEST",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "TumblingWindowInSeconds": 0,
        "DestinationConfig": {"OnFailure": {}},
        "FunctionResponseTypes": [],
        "LastModified": cloud.now,
        "LastProcessingResult": "No records processed",
        "State": "Enabled",
        "StateTransitionReason": "User action",
    }
    assert {name: value for name, value in found.items() if name != "ResponseMetadata"} == expected


def test_what_is_asked_for_is_kept_and_changed(client: Any, mapped: Any) -> None:
    pattern = json.dumps({"eventName": ["INSERT"]})
    changes = {
        "BatchSize": 7,
        "MaximumBatchingWindowInSeconds": 5,
        "ParallelizationFactor": 10,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 0,
        "MaximumRecordAgeInSeconds": 60,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{"Pattern": pattern}]},
    }
    updated = client.update_event_source_mapping(UUID=mapped["UUID"], **changes)
    assert updated["State"] == "Updating"
    found = client.get_event_source_mapping(UUID=mapped["UUID"])
    assert {name: found[name] for name in changes} == changes
    client.update_event_source_mapping(UUID=mapped["UUID"], FilterCriteria={"Filters": []}, Enabled=False)
    found = client.get_event_source_mapping(UUID=mapped["UUID"])
    assert "FilterCriteria" not in found
    assert found["State"] == "Disabled"
    assert found["BatchSize"] == 7


def test_mappings_are_listed_by_function_and_by_stream(
    cloud: Any, client: Any, stream: str, mapped: Any
) -> None:
    cloud.create(client, "other")
    second = client.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="other", StartingPosition="TRIM_HORIZON"
    )
    third_stream = make_stream(cloud, "table-two")
    third = client.create_event_source_mapping(
        EventSourceArn=third_stream, FunctionName="other", StartingPosition="TRIM_HORIZON"
    )

    def listed(**params: Any) -> set[str]:
        pages = client.get_paginator("list_event_source_mappings").paginate(
            PaginationConfig={"PageSize": 2}, **params
        )
        return {one["UUID"] for page in pages for one in page["EventSourceMappings"]}

    assert listed() == {mapped["UUID"], second["UUID"], third["UUID"]}
    assert listed(FunctionName="other") == {second["UUID"], third["UUID"]}
    assert listed(EventSourceArn=stream) == {mapped["UUID"], second["UUID"]}
    assert listed(EventSourceArn=third_stream, FunctionName="orders") == set()


def test_the_same_function_reads_a_stream_once(client: Any, stream: str, mapped: Any) -> None:
    with refused("ResourceConflictException", f"existing mapping with UUID {mapped['UUID']}"):
        client.create_event_source_mapping(
            EventSourceArn=stream, FunctionName="orders", StartingPosition="LATEST"
        )


def test_an_alias_is_kept_in_the_function_arn(client: Any, cloud: Any, stream: str) -> None:
    cloud.create(client)
    version = client.publish_version(FunctionName="orders")["Version"]
    client.create_alias(FunctionName="orders", Name="live", FunctionVersion=version)
    made = client.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="orders:live", StartingPosition="LATEST"
    )
    assert made["FunctionArn"].endswith(":function:orders:live")


def test_a_deleted_mapping_is_gone(client: Any, mapped: Any) -> None:
    assert client.delete_event_source_mapping(UUID=mapped["UUID"])["State"] == "Deleting"
    for call in (
        client.get_event_source_mapping,
        client.update_event_source_mapping,
        client.delete_event_source_mapping,
    ):
        with refused("ResourceNotFoundException", "The resource you requested does not exist."):
            call(UUID=mapped["UUID"])


@pytest.mark.parametrize("missing", ["GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"])
def test_the_role_must_be_able_to_read_the_stream(cloud: Any, client: Any, stream: str, missing: str) -> None:
    cloud.create(client)
    cloud.denied.add(f"dynamodb:{missing}")
    with refused("InvalidParameterValueException", CANNOT_ACCESS.format(stream)):
        client.create_event_source_mapping(
            EventSourceArn=stream, FunctionName="orders", StartingPosition="LATEST"
        )


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"StartingPosition": None}, "InvalidParameterValueException", "at 'startingPosition'"),
        (
            {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1},
            "InvalidParameterValueException",
            "Unsupported starting position for arn type: arn:aws:dynamodb",
        ),
        ({"EventSourceArn": None}, "InvalidParameterValueException", "DynamoDB streams only"),
        (
            {"EventSourceArn": "arn:aws:sqs:us-east-2:000000000000:queue"},
            "InvalidParameterValueException",
            "does not support sqs",
        ),
        (
            {"EventSourceArn": "arn:aws:dynamodb:us-east-2:000000000000:table/orders/stream/absent"},
            "InvalidParameterValueException",
            "Stream not found",
        ),
        ({"FunctionName": "absent"}, "ResourceNotFoundException", "Function not found"),
        ({"BatchSize": 10_001}, "ValidationException", "less than or equal to 10000"),
        ({"MaximumBatchingWindowInSeconds": 301}, "ValidationException", "less than or equal to 300"),
        ({"ParallelizationFactor": 11}, "ValidationException", "less than or equal to 10"),
        ({"MaximumRetryAttempts": 10_001}, "ValidationException", "less than or equal to 10000"),
        ({"MaximumRecordAgeInSeconds": 59}, "InvalidParameterValueException", "between 60 and 604800"),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}},
            "InvalidParameterValueException",
            "Invalid filter pattern definition.",
        ),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": '{"a":["b"]}'}] * 6}},
            "InvalidParameterValueException",
            "limit of 5 filters",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-2:000000000000:q"}}},
            "InvalidParameterValueException",
            "no queues, topics or buckets",
        ),
        ({"Queues": ["q"]}, "InvalidParameterValueException", "Queues is not supported"),
        (
            {"TumblingWindowInSeconds": 30, "ParallelizationFactor": 2},
            "InvalidParameterValueException",
            "TumblingWindowInSeconds",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    cloud: Any, client: Any, stream: str, params: dict[str, Any], code: str, words: str
) -> None:
    cloud.create(client)
    given = {"EventSourceArn": stream, "FunctionName": "orders", "StartingPosition": "LATEST", **params}
    with refused(code, words):
        client.create_event_source_mapping(
            **{name: value for name, value in given.items() if value is not None}
        )


def test_a_mapping_has_tags(cloud: Any, client: Any, stream: str) -> None:
    cloud.create(client)
    arn = client.create_event_source_mapping(
        EventSourceArn=stream, FunctionName="orders", StartingPosition="LATEST", Tags={"team": "a"}
    )["EventSourceMappingArn"]
    client.tag_resource(Resource=arn, Tags={"stage": "b"})
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "a", "stage": "b"}
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "b"}
    with refused("ResourceNotFoundException"):
        client.list_tags(Resource=arn.replace(arn[-4:], "ffff"))


def test_calls_are_authorized_on_the_mapping_and_its_function(cloud: Any, client: Any, mapped: Any) -> None:
    cloud.checks.clear()
    client.update_event_source_mapping(UUID=mapped["UUID"], BatchSize=5)
    (check,) = cloud.checks
    assert check.action == "lambda:UpdateEventSourceMapping"
    assert check.resource == mapped["EventSourceMappingArn"]
    assert check.context == {"lambda:FunctionArn": mapped["FunctionArn"]}
