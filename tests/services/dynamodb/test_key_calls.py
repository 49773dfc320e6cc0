"""DynamoDB's calls of KMS on record. Source: DynamoDB Developer Guide, "Monitoring DynamoDB interaction with AWS KMS"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.key_cloud import SIMPLE, KeyCloud, refused

from casemate.services import dynamodb
from casemate.services.dynamodb.table_keys import CACHED_SECONDS

TABLES = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
DECRYPT = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
ITEM = {"id": {"S": "1"}}
ACCOUNT = "000000000000"
SERVICE = "dynamodb.us-east-2.amazonaws.com"
CONTEXT = {"aws:dynamodb:tableName": "orders", "aws:dynamodb:subscriberId": ACCOUNT}


@pytest.fixture
def cloud() -> Iterator[KeyCloud]:
    made = KeyCloud()
    yield made
    made.engine.close()
    made.store.close()


@pytest.fixture
def key(cloud: KeyCloud) -> str:
    return cloud.client("kms").create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def tables(cloud: KeyCloud, key: str) -> Any:
    client = cloud.client("dynamodb")
    client.create_table(TableName="orders", **SIMPLE, **with_key(key))
    return client


def with_key(key: str) -> dict[str, Any]:
    return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}}


def named(cloud: KeyCloud, *names: str) -> list[dict[str, Any]]:
    """The events since the last time this was asked, which must have these names."""
    events, cloud.calls.events = cloud.calls.events, []
    assert [event["eventName"] for event in events] == list(names)
    return events


def test_a_new_table_describes_the_key_grants_and_generates(cloud: KeyCloud, key: str, tables: Any) -> None:
    described, granted, generated = named(cloud, "DescribeKey", "CreateGrant", "GenerateDataKey")
    administrator = cloud.principal.arn
    for event in (described, granted):
        assert event["userIdentity"]["arn"] == administrator
        assert event["userIdentity"]["invokedBy"] == "dynamodb.amazonaws.com"
    assert generated["userIdentity"] == {"type": "AWSService", "invokedBy": "dynamodb.amazonaws.com"}
    for event in (described, granted, generated):
        assert event["eventSource"] == "kms.amazonaws.com"
        assert (event["sourceIPAddress"], event["userAgent"]) == ("dynamodb.amazonaws.com",) * 2
        assert event["resources"] == [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]
        assert (event["recipientAccountId"], event["awsRegion"]) == (ACCOUNT, "us-east-2")
        assert (event["eventType"], event["eventCategory"]) == ("AwsApiCall", "Management")
    assert [event["readOnly"] for event in (described, granted, generated)] == [True, False, True]
    assert generated["requestParameters"] == {
        "encryptionContext": CONTEXT,
        "keySpec": "AES_256",
        "keyId": key,
    }
    (grant,) = cloud.client("kms").list_grants(KeyId=key)["Grants"]
    assert granted["responseElements"] == {"grantId": grant["GrantId"]}
    asked = granted["requestParameters"]
    assert (asked["keyId"], asked["granteePrincipal"], asked["retiringPrincipal"]) == (key, SERVICE, SERVICE)
    assert asked["constraints"] == {"encryptionContextSubset": CONTEXT}
    assert set(asked["operations"]) == {
        "DescribeKey", "GenerateDataKey", "Decrypt", "Encrypt", "ReEncryptFrom", "ReEncryptTo", "RetireGrant"
    }  # fmt: skip
    ids = {event["eventID"] for event in (described, granted, generated)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one) for one in ids)


def test_the_table_key_is_decrypted_once_in_five_minutes(cloud: KeyCloud, key: str, tables: Any) -> None:
    """And in the name of each who uses the table."""
    cloud.calls.events = []
    ann = cloud.user("ann", TABLES, DECRYPT)
    cloud.principal = ann
    for _ in range(3):
        tables.put_item(TableName="orders", Item=ITEM)
    (event,) = named(cloud, "Decrypt")
    assert event["userIdentity"]["userName"] == "ann"
    assert event["userIdentity"]["invokedBy"] == "dynamodb.amazonaws.com"
    assert event["requestParameters"] == {"encryptionContext": CONTEXT}
    assert event["responseElements"] is None
    assert event["resources"] == [{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}]
    cloud.principal = cloud.administrator()
    tables.get_item(TableName="orders", Key=ITEM)
    assert named(cloud, "Decrypt")[0]["userIdentity"].get("userName") != "ann"
    cloud.later(seconds=CACHED_SECONDS)
    tables.get_item(TableName="orders", Key=ITEM)
    named(cloud, "Decrypt")


def test_what_is_refused_is_on_record_too(cloud: KeyCloud, key: str, tables: Any) -> None:
    cloud.calls.events = []
    cloud.principal = cloud.user("ann", TABLES)
    with refused("AccessDeniedException"):
        tables.get_item(TableName="orders", Key=ITEM)
    (event,) = named(cloud, "Decrypt")
    assert event["errorCode"] == "AccessDeniedException"
    assert "kms:Decrypt" in event["errorMessage"]
    with refused("AccessDeniedException.*kms:DescribeKey"):
        tables.create_table(TableName="more", **SIMPLE, **with_key(key))
    (event,) = named(cloud, "DescribeKey")
    assert event["errorCode"] == "AccessDeniedException"


def test_a_deleted_table_retires_its_grant(cloud: KeyCloud, key: str, tables: Any) -> None:
    (grant,) = cloud.client("kms").list_grants(KeyId=key)["Grants"]
    cloud.calls.events = []
    tables.delete_table(TableName="orders")
    (event,) = named(cloud, "RetireGrant")
    assert event["userIdentity"] == {"type": "AWSService", "invokedBy": "dynamodb.amazonaws.com"}
    assert event["additionalEventData"] == {"grantId": grant["GrantId"]}
    assert (event["requestParameters"], event["responseElements"], event["readOnly"]) == (None, None, False)
    assert event["resources"][0]["ARN"] == key


def test_tables_of_the_key_that_aws_owns_leave_no_record(cloud: KeyCloud) -> None:
    client = cloud.client("dynamodb")
    client.create_table(TableName="plain", **SIMPLE)
    client.put_item(TableName="plain", Item=ITEM)
    client.delete_table(TableName="plain")
    named(cloud)


def test_who_reads_a_stream_must_be_able_to_use_the_key_of_its_table(cloud: KeyCloud, key: str) -> None:
    """Usage notes: "The KMS key you select for a table is also used to encrypt its [...] streams"."""
    cloud.services["dynamodbstreams"] = dynamodb.build_streams(cloud.services["dynamodb"])
    client, streams = cloud.client("dynamodb"), cloud.client("dynamodbstreams")
    viewed = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    made = client.create_table(TableName="orders", **SIMPLE, **with_key(key), StreamSpecification=viewed)
    stream = made["TableDescription"]["LatestStreamArn"]
    client.put_item(TableName="orders", Item=ITEM)
    shard = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
    asked = {"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(**asked)["ShardIterator"]
    cloud.calls.events = []
    cloud.principal = cloud.user("ann", TABLES)
    with refused("AccessDeniedException.*kms:Decrypt"):
        streams.get_records(ShardIterator=iterator)
    cloud.principal = cloud.user("bob", TABLES, DECRYPT)
    assert len(streams.get_records(ShardIterator=iterator)["Records"]) == 1
    denied, allowed = named(cloud, "Decrypt", "Decrypt")
    assert denied["userIdentity"]["userName"] == "ann"
    assert "errorCode" not in allowed
