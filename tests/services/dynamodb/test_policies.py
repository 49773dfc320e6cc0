"""Who is asked what about policies of tables, and what waits for a replica.

Sources: API reference, CreateTable and PutResourcePolicy; AWS's answers as recorded by ack-api-quirks, DDB-TABLE-210, 306
and 442.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.services.dynamodb.conftest import TablesCloud

ARN = "arn:aws:dynamodb:us-east-2:000000000000:table/one"
SIMPLE: dict[str, Any] = {
    "TableName": "one",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
TTL = {"Enabled": True, "AttributeName": "expires"}


def policy(action: str = "dynamodb:GetItem") -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": action,
        "Resource": ARN,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def test_a_table_with_a_policy_and_tags_takes_three_permissions(cloud: TablesCloud, client: Any) -> None:
    client.create_table(**SIMPLE, ResourcePolicy=policy(), Tags=[{"Key": "team", "Value": "a"}])
    assert [(check.action, check.resource) for check in cloud.checks] == [
        (f"dynamodb:{action}", ARN) for action in ("CreateTable", "TagResource", "PutResourcePolicy")
    ]


def test_a_policy_that_shuts_its_author_out_is_undone(cloud: TablesCloud, client: Any) -> None:
    client.create_table(**SIMPLE)
    first = client.put_resource_policy(ResourceArn=ARN, Policy=policy())["RevisionId"]
    cloud.denied = {"dynamodb:PutResourcePolicy"}
    with refused("AccessDeniedException.*will not allow you to update the resource policy in the future"):
        client.put_resource_policy(ResourceArn=ARN, Policy=policy("dynamodb:Query"))
    assert client.get_resource_policy(ResourceArn=ARN)["RevisionId"] == first
    client.put_resource_policy(
        ResourceArn=ARN, Policy=policy("dynamodb:Query"), ConfirmRemoveSelfResourceAccess=True
    )
    assert "dynamodb:Query" in client.get_resource_policy(ResourceArn=ARN)["Policy"]


def test_time_to_live_waits_for_a_replica(cloud: TablesCloud, client: Any) -> None:
    client.create_table(**SIMPLE)
    cloud.settles = False
    client.update_table(TableName="one", ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])
    there = cloud.client("dynamodb", region="eu-west-1")
    with refused(
        "ValidationException.*not allowed while the replica is being added to table with name: .one."
    ):
        client.update_time_to_live(TableName="one", TimeToLiveSpecification=TTL)
    with refused("ValidationException.*Cannot describe time to live while table is in CREATING state"):
        there.describe_time_to_live(TableName="one")
    with refused("ValidationException.*TableStatus must be ACTIVE to enable ContributorInsights"):
        there.update_contributor_insights(TableName="one", ContributorInsightsAction="ENABLE")
    with refused("TableNotFoundException.*Table not found: one"):
        there.create_backup(TableName="one", BackupName="first")
    cloud.settle()
    client.update_time_to_live(TableName="one", TimeToLiveSpecification=TTL)
    shown = there.describe_time_to_live(TableName="one")["TimeToLiveDescription"]
    assert shown == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_insights_wait_for_their_index(cloud: TablesCloud, client: Any) -> None:
    client.create_table(**SIMPLE)
    client.put_item(TableName="one", Item={"id": {"S": "a"}, "kind": {"S": "b"}})
    index = {
        "IndexName": "by-kind",
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    cloud.settles = False
    client.update_table(
        TableName="one",
        AttributeDefinitions=[{"AttributeName": "kind", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    named = {"TableName": "one", "IndexName": "by-kind", "ContributorInsightsAction": "ENABLE"}
    with refused("ValidationException.*IndexStatus must be ACTIVE to enable ContributorInsights"):
        client.update_contributor_insights(**named)
    cloud.settle()
    assert client.update_contributor_insights(**named)["ContributorInsightsStatus"] == "ENABLING"
