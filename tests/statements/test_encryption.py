"""T01: a table with a customer's KMS key is of use only to who may use the key.

The function has no way to KMS: DynamoDB asks KMS on its caller's behalf, so that no endpoint for KMS is needed.
"""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import REGION, WORKLOAD
from tests.support.private_table import PrivateTable, policy, unique

pytestmark = pytest.mark.kernel

KEY = {"id": {"S": "1"}}
TABLES = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}


def encrypted_table(world: PrivateTable, key: str) -> str:
    name = unique("encrypted")
    made = world.dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    assert made["TableDescription"]["SSEDescription"]["KMSMasterKeyArn"] == key
    world.dynamodb.put_item(TableName=name, Item=KEY)
    return name


def by_way_of_dynamodb(key: str) -> dict[str, Any]:
    """The statement of the DynamoDB Developer Guide: the key, through DynamoDB only."""
    via = {"StringEquals": {"kms:ViaService": f"dynamodb.{REGION}.amazonaws.com"}}
    return {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": via}


def test_t01_without_use_of_the_key_the_table_is_unusable(world: PrivateTable) -> None:
    kms = world.instance.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    table = encrypted_table(world, key)
    vpc = world.vpc()
    subnet, group = vpc.subnet("private"), vpc.group()
    vpc.endpoint("private")
    role = world.role(TABLES)
    function = world.function(subnets=[subnet], groups=[group], role=role)

    without = world.get(function, table)
    assert without["error"] == "AccessDeniedException", without
    assert "KMS key access denied error" in without["message"]
    assert f"is not authorized to perform: kms:Decrypt on resource: {key}" in without["message"]

    name = role.rpartition("/")[2]
    granted = policy(TABLES, by_way_of_dynamodb(key))
    world.iam.put_role_policy(RoleName=name, PolicyName="granted", PolicyDocument=granted)
    assert world.get(function, table)["ok"]

    # The same permission is of no use to somebody who asks KMS itself.
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    user = unique("user")
    world.iam.create_user(UserName=user)
    world.iam.put_user_policy(UserName=user, PolicyName="granted", PolicyDocument=granted)
    credentials = world.iam.create_access_key(UserName=user)["AccessKey"]
    asks_itself = world.instance.client("kms", credentials=credentials)
    with pytest.raises(ClientError, match="AccessDeniedException"):
        asks_itself.decrypt(CiphertextBlob=blob)


def test_t01_with_a_disabled_key_nobody_uses_the_table(world: PrivateTable) -> None:
    kms = world.instance.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    table = encrypted_table(world, key)
    kms.disable_key(KeyId=key)
    status = world.dynamodb.describe_table(TableName=table)["Table"]["TableStatus"]
    assert status == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    # A caller who has not used the table in the last five minutes.
    user = unique("user")
    world.iam.create_user(UserName=user)
    world.iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    credentials = world.iam.create_access_key(UserName=user)["AccessKey"]
    client = world.instance.client("dynamodb", credentials=credentials)
    with pytest.raises(ClientError) as caught:
        client.get_item(TableName=table, Key=KEY)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert f"DisabledException: {key} is disabled." in error["Message"]
    kms.enable_key(KeyId=key)
    assert client.get_item(TableName=table, Key=KEY)["Item"] == KEY


def test_t01_a_key_policy_decides_before_any_identity_policy(world: PrivateTable) -> None:
    kms = world.instance.client("kms")
    administrator = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:user/admin"},
        "Action": "kms:*",
        "Resource": "*",
    }
    key = kms.create_key(Policy=policy(administrator))["KeyMetadata"]["Arn"]
    table = encrypted_table(world, key)
    user = unique("user")
    world.iam.create_user(UserName=user)
    world.iam.attach_user_policy(UserName=user, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    credentials = world.iam.create_access_key(UserName=user)["AccessKey"]
    client = world.instance.client("dynamodb", credentials=credentials)
    with pytest.raises(ClientError, match="no resource-based policy allows the kms:Decrypt action"):
        client.get_item(TableName=table, Key=KEY)
