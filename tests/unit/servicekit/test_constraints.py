from __future__ import annotations

from typing import Any

import botocore.loaders
import pytest

from casemate.servicekit import constraints


@pytest.mark.parametrize("service", ["iam", "sts", "organizations"])
def test_every_pattern_of_the_models_is_understood(service: str) -> None:
    model = botocore.loaders.create_loader().load_service_model(service, "service-2")
    patterns = {shape["pattern"] for shape in model["shapes"].values() if "pattern" in shape}
    assert patterns
    for pattern in patterns:
        constraints._compiled(pattern)


@pytest.mark.parametrize(
    ("service", "operation", "params", "limits"),
    [
        ("iam", "CreateUser", {"UserName": "bob"}, []),
        ("iam", "CreateUser", {"UserName": ""}, ["minLength", "pattern"]),
        ("iam", "CreateUser", {"UserName": "b b", "Path": "x"}, ["pattern", "pattern"]),
        ("iam", "ListUsers", {"MaxItems": 0}, ["minValue"]),
        ("iam", "UpdateAccessKey", {"AccessKeyId": "A" * 20, "Status": "on"}, ["enum"]),
        ("iam", "TagUser", {"UserName": "b", "Tags": [{"Key": "größe é", "Value": "1 2"}]}, []),
        ("iam", "TagUser", {"UserName": "b", "Tags": [{"Key": "a#b", "Value": ""}]}, ["pattern"]),
        ("iam", "TagUser", {"UserName": "b", "Tags": [{"Key": "k", "Value": "v"}] * 51}, ["maxLength"]),
        ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::1:role/\U0001f600", "RoleSessionName": "ab"}, []),
        ("organizations", "DescribeAccount", {"AccountId": "12"}, ["pattern"]),
        ("organizations", "AttachPolicy", {"PolicyId": "p-12345678", "TargetId": "123456789012"}, []),
        (
            "organizations",
            "AttachPolicy",
            {"PolicyId": "p-1", "TargetId": "r-ab12x!"},
            ["pattern", "pattern"],
        ),
    ],
)
def test_violations(service: str, operation: str, params: dict[str, Any], limits: list[str]) -> None:
    assert [each.limit for each in constraints.violations(service, operation, params)] == limits


def test_the_message_is_worded_as_aws_words_it() -> None:
    # The form of the message is in many public issue threads, e.g. hashicorp/terraform-provider-aws 8905.
    found = constraints.violations("iam", "CreateRole", {"RoleName": "x" * 65, "MaxSessionDuration": 60})
    assert constraints.message(found) == (
        f"2 validation errors detected: Value '{'x' * 65}' at 'roleName' failed to satisfy constraint: Member must "
        "have length less than or equal to 64; Value '60' at 'maxSessionDuration' failed to satisfy constraint: "
        "Member must have value greater than or equal to 3600"
    )
