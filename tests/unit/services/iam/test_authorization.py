"""What IAM's operations are authorized on. Source: Service Authorization Reference, AWS IAM."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.identity import WORKLOAD, IdentityCloud
from tests.support.refusals import refused

ARN = f"arn:aws:iam::{WORKLOAD}"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        (
            "create_role",
            {
                "RoleName": "new",
                "Path": "/p/",
                "AssumeRolePolicyDocument": LAMBDA,
                "PermissionsBoundary": ADMIN,
                "Tags": [{"Key": "k", "Value": "v"}],
            },
            [
                (
                    "iam:CreateRole",
                    f"{ARN}:role/p/new",
                    {"aws:RequestTag/k": "v", "aws:TagKeys": ("k",), "iam:PermissionsBoundary": ADMIN},
                ),
                (
                    "iam:TagRole",
                    f"{ARN}:role/p/new",
                    {"aws:RequestTag/k": "v", "aws:TagKeys": ("k",)},
                ),
            ],
        ),
        (
            "attach_role_policy",
            {"RoleName": "r", "PolicyArn": ADMIN},
            [
                (
                    "iam:AttachRolePolicy",
                    f"{ARN}:role/a/r",
                    {
                        "iam:PolicyARN": ADMIN,
                        "iam:PermissionsBoundary": ADMIN,
                        "aws:ResourceTag/t": "1",
                        "iam:ResourceTag/t": "1",
                    },
                )
            ],
        ),
        (
            "put_user_permissions_boundary",
            {"UserName": "u", "PermissionsBoundary": ADMIN},
            [("iam:PutUserPermissionsBoundary", f"{ARN}:user/u", {"iam:PermissionsBoundary": ADMIN})],
        ),
        (
            "update_user",
            {"UserName": "u", "NewUserName": "v", "NewPath": "/x/"},
            [("iam:UpdateUser", f"{ARN}:user/u", {}), ("iam:UpdateUser", f"{ARN}:user/x/v", {})],
        ),
        ("list_users", {}, [("iam:ListUsers", "*", {})]),
        ("get_user", {}, [("iam:GetUser", f"{ARN}:user/admin", {})]),
        (
            "untag_role",
            {"RoleName": "r", "TagKeys": ["t"]},
            [
                (
                    "iam:UntagRole",
                    f"{ARN}:role/a/r",
                    {
                        "aws:TagKeys": ("t",),
                        "aws:ResourceTag/t": "1",
                        "iam:ResourceTag/t": "1",
                    },
                )
            ],
        ),
    ],
)
def test_checks(operation: str, params: dict[str, Any], expected: list[Any]) -> None:
    cloud = IdentityCloud()
    cloud.administrator()
    client = cloud.client("iam")
    client.create_user(UserName="u")
    client.create_role(
        RoleName="r",
        Path="/a/",
        AssumeRolePolicyDocument=LAMBDA,
        PermissionsBoundary=ADMIN,
        Tags=[{"Key": "t", "Value": "1"}],
    )
    cloud.checks.clear()
    getattr(client, operation)(**params)
    assert [(each.action, each.resource, dict(each.context)) for each in cloud.checks] == expected


def test_a_delegated_administrator_must_set_the_boundary() -> None:
    """IAM User Guide, "Delegating responsibility to others using permissions boundaries"."""
    cloud = IdentityCloud()
    client = cloud.client("iam")
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["iam:CreateRole", "iam:PutRolePolicy"],
                "Resource": f"{ARN}:role/team/*",
                "Condition": {"StringEquals": {"iam:PermissionsBoundary": ADMIN}},
            }
        ],
    }
    client.create_user(UserName="delegate")
    client.put_user_policy(UserName="delegate", PolicyName="p", PolicyDocument=json.dumps(document))
    cloud.principal = cloud.directory.user(WORKLOAD, "delegate")
    role: dict[str, Any] = {"RoleName": "r", "Path": "/team/", "AssumeRolePolicyDocument": LAMBDA}
    refused("AccessDenied", "iam:CreateRole", client.create_role, **role)
    refused("AccessDenied", "", client.create_role, **{**role, "Path": "/x/"}, PermissionsBoundary=ADMIN)
    client.create_role(**role, PermissionsBoundary=ADMIN)
    allow = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    client.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=allow)
