"""Replicas and throttling as a user has them: `casemate up --throttle`, two Regions, `kill -9`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import Instance

ELSEWHERE = "eu-west-1"
SIMPLE: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    data: Path = tmp_path_factory.mktemp("replicas") / "data"
    running = Instance(data, "--dataplane", "off", "--throttle").start()
    yield running
    if running.process is not None:
        running.kill()


def soon(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def keys(client: Any) -> set[str]:
    return {item["id"]["S"] for item in client.scan(TableName="global")["Items"]}


def test_replicas_are_filled_and_told_through_a_crash(instance: Instance) -> None:
    here, there = instance.client("dynamodb"), instance.client("dynamodb", region=ELSEWHERE)
    here.create_table(TableName="global", BillingMode="PAY_PER_REQUEST", **SIMPLE)
    here.put_item(TableName="global", Item={"id": {"S": "before"}})
    here.update_table(TableName="global", ReplicaUpdates=[{"Create": {"RegionName": ELSEWHERE}}])
    soon(lambda: here.describe_table(TableName="global")["Table"]["TableStatus"] == "ACTIVE")
    there.put_item(TableName="global", Item={"id": {"S": "there"}})
    here.put_item(TableName="global", Item={"id": {"S": "here"}})
    instance.kill()
    instance.start()
    here, there = instance.client("dynamodb"), instance.client("dynamodb", region=ELSEWHERE)
    soon(lambda: keys(here) == keys(there) == {"before", "there", "here"})
    role = instance.client("iam").get_role(RoleName="AWSServiceRoleForDynamoDBReplication")["Role"]
    assert role["Path"] == "/aws-service-role/replication.dynamodb.amazonaws.com/"


def test_a_provisioned_table_is_throttled(instance: Instance) -> None:
    client = instance.client("dynamodb")
    units = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    client.create_table(TableName="slow", ProvisionedThroughput=units, **SIMPLE)
    item = {"id": {"S": "a"}, "body": {"S": "x" * 100 * 1024}}
    with pytest.raises(ClientError) as refused:
        for number in range(10):
            client.put_item(TableName="slow", Item={**item, "id": {"S": str(number)}})
    response: Any = refused.value.response
    assert response["Error"]["Code"] == "ProvisionedThroughputExceededException"
    assert response["ThrottlingReasons"][0]["reason"] == "TableWriteProvisionedThroughputExceeded"


def test_whoever_may_not_make_a_table_there_makes_no_replica(instance: Instance) -> None:
    """A policy that keeps to one Region keeps its tables there."""
    iam = instance.client("iam")
    iam.create_user(UserName="local")
    key = iam.create_access_key(UserName="local")["AccessKey"]
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", '
        '"Action": "dynamodb:*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-2"}}}]}'
    )
    iam.put_user_policy(UserName="local", PolicyName="here-only", PolicyDocument=policy)
    client = instance.client("dynamodb", credentials=key)
    client.create_table(TableName="local", BillingMode="PAY_PER_REQUEST", **SIMPLE)
    with pytest.raises(ClientError, match=r"AccessDeniedException.*dynamodb:CreateTable.*eu-west-1"):
        client.update_table(TableName="local", ReplicaUpdates=[{"Create": {"RegionName": ELSEWHERE}}])
