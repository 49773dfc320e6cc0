"""`casemate explain` asks the KMS key of a table too: the answer is the one that a call gets.

Source: DynamoDB Developer Guide, "DynamoDB encryption at rest: How it works"; KMS Developer Guide, "Determining access to
KMS keys".
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.instance import REGION, WORKLOAD
from tests.support.private_table import PrivateTable

pytestmark = pytest.mark.kernel
_ROLE_READS = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}


def explained(world: PrivateTable, role: str, table: str, action: str = "dynamodb:GetItem") -> dict[str, Any]:
    return world.instance.ask(
        command="explain",
        **{"from": f"role:{role}"},
        to=f"dynamodb:{table}",
        action=action,
        account=WORKLOAD,
        region=REGION,
    )


def key_policy(*principals: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": list(principals)},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        }
    )


def test_the_key_of_a_table_is_asked_as_a_call_would_ask_it(world: PrivateTable) -> None:
    kms, tables = world.instance.client("kms"), world.dynamodb
    admin = f"arn:aws:iam::{WORKLOAD}:user/admin"
    key = kms.create_key(Policy=key_policy(admin))["KeyMetadata"]["Arn"]
    table = "kept-under-a-key"
    tables.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    role_arn = world.role(_ROLE_READS)
    role = role_arn.rpartition("/")[2]

    refused = explained(world, role, table)
    assert refused["json"]["outcome"] == "refused"
    assert refused["json"]["decision"]["action"] == "kms:Decrypt"
    assert refused["json"]["decision"]["resource"] == key
    assert "KMS key access denied error" in refused["text"]
    described = explained(world, role, table, "dynamodb:DescribeTable")
    assert described["json"]["outcome"] == "allowed", "what does not reach the data does not ask for the key"

    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=key_policy(admin, role_arn))
    assert explained(world, role, table)["json"]["outcome"] == "allowed"

    kms.disable_key(KeyId=key)
    disabled = explained(world, role, table)
    assert disabled["json"]["outcome"] == "refused"
    assert "KMS key disabled error" in disabled["json"]["decided"]
    assert "Result: the service refuses" in " ".join(disabled["text"].split())
    kms.enable_key(KeyId=key)
    tables.delete_table(TableName=table)
