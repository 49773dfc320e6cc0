"""Streams end to end: a table's changes reach a function, through restarts too, as the function's role allows.

The handler prints what it is given; the tests read it in CloudWatch Logs, as a user would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import REGION, Instance
from tests.support.private_table import BASIC, PrivateTable, policy, unique, zipped

pytestmark = pytest.mark.kernel

HANDLER = """
import json

def handler(event, context):
    print("EVENT " + json.dumps(event))
    failures = []
    for record in event["Records"]:
        if "poison" in record["dynamodb"].get("NewImage", {}):
            failures.append({"itemIdentifier": record["dynamodb"]["SequenceNumber"]})
    return {"batchItemFailures": failures}
"""
STREAM_ACTIONS = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
]


class Consumer:
    """A table with a stream, and a function that prints what the stream brings it."""

    def __init__(self, world: PrivateTable, **table: Any) -> None:
        self.world = world
        self.logs = world.instance.client("logs")
        self.table, self.function = unique("table"), unique("consumer")
        made = world.dynamodb.create_table(
            TableName=self.table,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            **table,
        )
        self.stream = made["TableDescription"]["LatestStreamArn"]
        self.role = world.role({"Effect": "Allow", "Action": STREAM_ACTIONS, "Resource": "*"}, managed=BASIC)
        world.lambda_.create_function(
            FunctionName=self.function,
            Runtime="python3.12",
            Role=self.role,
            Handler="app.handler",
            Code={"ZipFile": zipped({"app.py": HANDLER})},
        )

    def map(self, **params: Any) -> str:
        defaults = {"StartingPosition": "TRIM_HORIZON", "FunctionName": self.function}
        made = self.world.lambda_.create_event_source_mapping(
            EventSourceArn=self.stream, **(defaults | params)
        )
        assert made["State"] == "Creating"
        return made["UUID"]

    def put(self, key: str, **attributes: str) -> None:
        item = {name: {"S": text} for name, text in attributes.items()}
        self.world.dynamodb.put_item(TableName=self.table, Item={"id": {"S": key}, **item})

    def events(self) -> list[dict[str, Any]]:
        """Every event the function was given, in order."""
        try:
            found = self.logs.filter_log_events(
                logGroupName=f"/aws/lambda/{self.function}", filterPattern="EVENT"
            )
        except ClientError:
            return []
        messages = sorted(found["events"], key=lambda one: one["timestamp"])
        return [json.loads(one["message"].partition("EVENT ")[2]) for one in messages]

    def records(self) -> list[dict[str, Any]]:
        return [record for event in self.events() for record in event["Records"]]

    def keys(self) -> list[str]:
        return [record["dynamodb"]["Keys"]["id"]["S"] for record in self.records()]


def eventually(holds: Callable[[], Any], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def consumer(world: PrivateTable) -> Iterator[Consumer]:
    made = Consumer(world)
    yield made
    for one in world.lambda_.list_event_source_mappings(FunctionName=made.function)["EventSourceMappings"]:
        world.lambda_.delete_event_source_mapping(UUID=one["UUID"])


def test_a_change_of_an_item_reaches_the_function_as_aws_sends_it(consumer: Consumer) -> None:
    uuid = consumer.map()
    consumer.put("1", what="a")
    consumer.world.dynamodb.update_item(
        TableName=consumer.table,
        Key={"id": {"S": "1"}},
        UpdateExpression="SET what = :b, bytes = :c",
        ExpressionAttributeValues={":b": {"S": "b"}, ":c": {"B": b"\x00\xff"}},
    )
    eventually(lambda: len(consumer.records()) == 2)
    inserted, modified = consumer.records()
    assert set(inserted) == {
        "eventID", "eventName", "eventVersion", "eventSource", "awsRegion", "dynamodb", "eventSourceARN"
    }  # fmt: skip
    assert (inserted["eventName"], modified["eventName"]) == ("INSERT", "MODIFY")
    assert inserted["eventVersion"] == "1.1"
    assert inserted["eventSource"] == "aws:dynamodb"
    assert inserted["awsRegion"] == REGION
    assert inserted["eventSourceARN"] == consumer.stream
    change = modified["dynamodb"]
    assert change["Keys"] == {"id": {"S": "1"}}
    assert change["OldImage"] == {"id": {"S": "1"}, "what": {"S": "a"}}
    assert change["NewImage"] == {"id": {"S": "1"}, "what": {"S": "b"}, "bytes": {"B": "AP8="}}
    assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert abs(change["ApproximateCreationDateTime"] - time.time()) < 60
    mapping = consumer.world.lambda_.get_event_source_mapping(UUID=uuid)
    assert mapping["State"] == "Enabled"
    eventually(
        lambda: consumer.world.lambda_.get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK"
    )


def test_an_expired_item_tells_the_function_that_the_service_deleted_it(consumer: Consumer) -> None:
    consumer.map(FilterCriteria={"Filters": [{"Pattern": json.dumps({"eventName": ["REMOVE"]})}]})
    consumer.world.dynamodb.update_time_to_live(
        TableName=consumer.table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    item = {"id": {"S": "1"}, "expires": {"N": str(int(time.time()) - 1)}}
    consumer.world.dynamodb.put_item(TableName=consumer.table, Item=item)
    eventually(consumer.records)
    (removed,) = consumer.records()
    assert removed["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert removed["dynamodb"]["OldImage"] == item


def test_a_role_without_permission_cannot_be_given_a_stream(consumer: Consumer) -> None:
    role = consumer.world.role(
        {"Effect": "Allow", "Action": STREAM_ACTIONS[1:], "Resource": "*"}, managed=BASIC
    )
    consumer.world.lambda_.update_function_configuration(FunctionName=consumer.function, Role=role)
    with pytest.raises(ClientError) as error:
        consumer.map()
    assert error.value.response["Error"] == {
        "Code": "InvalidParameterValueException",
        "Message": f"Cannot access stream {consumer.stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM.",
    }


def test_a_policy_that_changes_stops_the_reading_and_lets_it_go_on(consumer: Consumer) -> None:
    uuid = consumer.map()
    consumer.put("1")
    eventually(lambda: consumer.keys() == ["1"])
    forbidden = consumer.world.scp(
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "dynamodb:GetRecords", "Resource": "*"},
    )
    try:
        consumer.put("2")

        def result() -> str:
            return consumer.world.lambda_.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]

        eventually(lambda: "explicit deny in a service control policy" in result())
    finally:
        consumer.world.detach(forbidden)
    eventually(lambda: consumer.keys() == ["1", "2"])


def test_a_poison_record_is_given_up_after_its_attempts_and_the_rest_goes_on(consumer: Consumer) -> None:
    consumer.put("1")
    consumer.put("2", poison="yes")
    consumer.put("3")
    consumer.map(MaximumRetryAttempts=1, FunctionResponseTypes=["ReportBatchItemFailures"])
    eventually(lambda: consumer.keys()[-1:] == ["3"] and len(consumer.events()) >= 2)
    batches = [
        [one["dynamodb"]["Keys"]["id"]["S"] for one in event["Records"]] for event in consumer.events()
    ]
    assert batches == [["1", "2", "3"], ["2", "3"]], "what follows a record given up with it is given up too"
    consumer.put("4")
    eventually(lambda: consumer.keys()[-1:] == ["4"])


def test_a_disabled_mapping_waits_and_goes_on_where_it_was(consumer: Consumer) -> None:
    uuid = consumer.map()
    consumer.put("1")
    eventually(lambda: consumer.keys() == ["1"])
    client = consumer.world.lambda_
    assert client.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    assert client.get_event_source_mapping(UUID=uuid)["State"] == "Disabled"
    consumer.put("2")
    time.sleep(0.3)
    assert consumer.keys() == ["1"]
    client.update_event_source_mapping(UUID=uuid, Enabled=True, ParallelizationFactor=4)
    eventually(lambda: consumer.keys() == ["1", "2"])
    assert client.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_event_source_mapping(UUID=uuid)


def test_kill_9_loses_no_record_and_the_checkpoint_is_kept(tmp_path: Path) -> None:
    instance = Instance(tmp_path, "--dataplane", "kernel").start()
    try:
        consumer = Consumer(PrivateTable(instance))
        consumer.map()
        for number in range(20):
            consumer.put(f"before-{number}")
        eventually(lambda: len(consumer.keys()) >= 20)
        instance.kill()
        instance.start()
        consumer.world = PrivateTable(instance)
        consumer.logs = instance.client("logs")
        for number in range(20):
            consumer.put(f"after-{number}")
            if number == 10:
                instance.kill()
                instance.start()
                consumer.world = PrivateTable(instance)
                consumer.logs = instance.client("logs")
        wanted = [f"after-{number}" for number in range(20)]
        eventually(lambda: set(wanted) <= set(consumer.keys()))
        keys = consumer.keys()
        firsts = [keys.index(key) for key in wanted]
        assert firsts == sorted(firsts), "in order, whatever was handed over twice"
        assert keys.count("before-0") == 1, "the checkpoint was kept"
    finally:
        if instance.process is not None:
            instance.stop()


def test_the_stream_of_an_encrypted_table_needs_the_use_of_its_key(world: PrivateTable) -> None:
    key = world.instance.client("kms").create_key()["KeyMetadata"]["Arn"]
    consumer = Consumer(world, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    uuid = consumer.map()
    consumer.put("1")

    def result() -> str:
        return world.lambda_.get_event_source_mapping(UUID=uuid)["LastProcessingResult"]

    eventually(lambda: "KMS key access denied" in result())
    assert consumer.keys() == []
    world.iam.put_role_policy(
        RoleName=consumer.role.rpartition("/")[2],
        PolicyName="key",
        PolicyDocument=policy({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}),
    )
    eventually(lambda: consumer.keys() == ["1"])
    world.lambda_.delete_event_source_mapping(UUID=uuid)


def test_the_aws_cli_reads_a_stream(consumer: Consumer) -> None:
    keys = consumer.world.instance.keys()
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": consumer.world.instance.endpoint,
        "AWS_ACCESS_KEY_ID": keys["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
        "AWS_DEFAULT_REGION": REGION,
    }

    def aws(*arguments: str) -> Any:
        argv = [str(Path(sys.executable).with_name("aws")), "dynamodbstreams", *arguments]
        return json.loads(subprocess.check_output(argv, env=environment, text=True))

    consumer.put("1")
    shard = aws("describe-stream", "--stream-arn", consumer.stream)["StreamDescription"]["Shards"][0]
    place = aws(
        "get-shard-iterator", "--stream-arn", consumer.stream, "--shard-id", shard["ShardId"],
        "--shard-iterator-type", "TRIM_HORIZON",
    )["ShardIterator"]  # fmt: skip
    (record,) = aws("get-records", "--shard-iterator", place)["Records"]
    assert record["dynamodb"]["NewImage"] == {"id": {"S": "1"}}
