"""Which resources a request for a missing operation is authorized on, from the Service Authorization Reference."""

from __future__ import annotations

from typing import Any

import pytest

from casemate.gateway.reference_checks import reference_checks

HERE = "us-east-2:000000000000"
TABLE = f"arn:aws:dynamodb:{HERE}:table/orders"
KEY = f"arn:aws:kms:{HERE}:key/11111111-2222-3333-4444-555555555555"


@pytest.mark.parametrize(
    ("action", "params", "resources"),
    [
        ("dynamodb:CreateBackup", {"TableName": "orders", "BackupName": "b"}, [TABLE]),
        ("dynamodb:CreateBackup", {"TableName": TABLE, "BackupName": "b"}, [TABLE]),
        (
            "dynamodb:DeleteBackup",
            {"BackupArn": f"{TABLE}/backup/01-a"},
            [f"{TABLE}/backup/01-a"],
        ),
        ("dynamodb:ListBackups", {"TableName": "orders"}, ["*"]),
        (
            "iam:CreateLoginProfile",
            {"UserName": "ann", "Password": "x"},
            ["arn:aws:iam::000000000000:user/ann"],
        ),
        ("kms:ReplicateKey", {"KeyId": KEY, "ReplicaRegion": "eu-west-1"}, [KEY]),
        ("ec2:MonitorInstances", {"InstanceIds": ["i-1", "i-2"]}, [
            f"arn:aws:ec2:{HERE}:instance/i-1",
            f"arn:aws:ec2:{HERE}:instance/i-2",
        ]),
        ("s3:GetBucketPolicy", {"Bucket": "b"}, ["arn:aws:s3:::b"]),
        ("s3:GetObject", {"Bucket": "b", "Key": "k/l"}, ["arn:aws:s3:::b/k/l"]),
        ("s3:ListBucket", {"Bucket": "b", "Prefix": "k"}, ["arn:aws:s3:::b"]),
        (
            "sqs:SendMessage",
            {"QueueUrl": "https://sqs.us-east-2.amazonaws.com/000000000000/jobs", "MessageBody": "x"},
            [f"arn:aws:sqs:{HERE}:jobs"],
        ),
        ("dynamodb:CreateBackup", {}, ["*"]),
        ("nobody:Knows", {"TableName": "orders"}, ["*"]),
    ],
)  # fmt: skip
def test_resources(action: str, params: dict[str, Any], resources: list[str]) -> None:
    checks = reference_checks(action, params, region="us-east-2", account="000000000000")
    assert [check.resource for check in checks] == resources
    assert {check.action for check in checks} == {action}
