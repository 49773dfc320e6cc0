"""The two requests of `bench/policy.py`, as plain JSON that Casemate and its peer are both given.

Simple: one identity policy, three context keys. Complex: five identity policies, three levels of SCPs, RCPs, a
permissions boundary, a session policy, an endpoint policy, a resource policy, fourteen context keys; conditions that
read the time, the address and the partition key, so that an answer kept for one request does not serve the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ACCOUNT = "000000000000"
VPC = "vpc-0a1b2c3d4e5f60718"
TABLES = f"arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/orders-"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders-role"
FULL = {"Effect": "Allow", "Action": "*", "Resource": "*"}

Statement = dict[str, Any]
Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """Documents by type; SCPs and RCPs by level, root first."""

    identity: list[Document]
    scps: list[list[Document]] = field(default_factory=list[list[Document]])
    rcps: list[list[Document]] = field(default_factory=list[list[Document]])
    boundary: Document | None = None
    session: Document | None = None
    endpoint: Document | None = None
    resource: Document | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request."""

    principal: str
    resource: str
    context: dict[str, str | list[str]]
    action: str = "dynamodb:GetItem"
    account: str = ACCOUNT


def document(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(*actions: str, on: str = "*", **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def _deny(sid: str, action: str | list[str], condition: Document, **more: Any) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": action,
        "Resource": "*",
        "Condition": condition,
        **more,
    }


ITEMS = _allow("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", on=TABLES + "*")

SIMPLE = Policies(identity=[document(ITEMS)])

_LEADING = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["customer-*"]}}
_OUTSIDE = {
    "StringNotEqualsIfExists": {"aws:SourceVpc": VPC},
    "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/break-glass"},
    "BoolIfExists": {"aws:ViaAWSService": "false"},
}
_PERIMETER = {
    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-casemate01"},
    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
}

COMPLEX = Policies(
    identity=[
        document(
            _allow("logs:CreateLogGroup"),
            _allow(
                "logs:CreateLogStream", "logs:PutLogEvents", on="arn:aws:logs:*:*:log-group:/aws/lambda/*"
            ),
        ),
        document(
            _allow(
                "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"
            )
        ),
        document(_allow("dynamodb:*Item", "dynamodb:Query", on=TABLES + "*", Condition=_LEADING)),
        document(
            _allow("kms:Decrypt", "kms:GenerateDataKey", on=f"arn:aws:kms:us-east-2:{ACCOUNT}:key/*"),
            _allow("secretsmanager:GetSecretValue", on=f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:orders/*"),
        ),
        document(
            _deny(
                "NoDeletes",
                ["dynamodb:Delete*", "kms:ScheduleKeyDeletion"],
                {"Bool": {"aws:ViaAWSService": "false"}},
            ),
            _deny("Expires", "dynamodb:*", {"DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}),
        ),
    ],
    scps=[
        [document(FULL)],
        [
            document(FULL),
            document(
                _deny(
                    "Regions", "*", {"StringNotEquals": {"aws:RequestedRegion": ["us-east-2", "us-east-1"]}}
                )
            ),
        ],
        [document(FULL), document(_deny("DenyDynamoDBOutsideVPC", "dynamodb:*", _OUTSIDE))],
    ],
    rcps=[
        [document({**FULL, "Principal": "*"})],
        [
            document({**FULL, "Principal": "*"}),
            document(_deny("Perimeter", ["dynamodb:*", "kms:*"], _PERIMETER, Principal="*")),
        ],
        [document({**FULL, "Principal": "*"})],
    ],
    boundary=document(_allow("dynamodb:*", "logs:*", "kms:*")),
    session=document(
        _allow(
            "dynamodb:GetItem",
            "dynamodb:Query",
            on=TABLES + "*",
            Condition={"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}},
        )
    ),
    endpoint=document({**_allow("dynamodb:*", on=TABLES + "*"), "Principal": "*"}),
    resource=document(
        {
            **_allow("dynamodb:GetItem", "dynamodb:Query"),
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Condition": {"StringEquals": {"aws:SourceVpc": VPC}},
        }
    ),
)


def simple(number: int) -> Asked:
    """Each `number` names another table and comes from another address."""
    return Asked(
        principal=f"arn:aws:iam::{ACCOUNT}:user/ann",
        resource=f"{TABLES}{number}",
        context={
            "aws:SourceIp": f"203.0.{number // 250 % 250}.{number % 250}",
            "aws:RequestedRegion": "us-east-2",
            "aws:SecureTransport": "true",
        },
    )


def complex_(number: int) -> Asked:
    """Each `number` is another table, session, address, second and partition key."""
    session = f"orders-{number}"
    return Asked(
        principal=f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-role/{session}",
        resource=f"{TABLES}{number}",
        context={
            "aws:PrincipalArn": ROLE,
            "aws:PrincipalAccount": ACCOUNT,
            "aws:PrincipalType": "AssumedRole",
            "aws:PrincipalOrgID": "o-casemate01",
            "aws:userid": f"AROAEXAMPLEEXAMPLE001:{session}",
            "aws:RequestedRegion": "us-east-2",
            "aws:SecureTransport": "true",
            "aws:CurrentTime": f"2026-11-{number // 86400 % 28 + 1:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
            "aws:ViaAWSService": "false",
            "aws:PrincipalIsAWSService": "false",
            "aws:SourceVpc": VPC,
            "aws:SourceVpce": "vpce-0a1b2c3d4e5f60718",
            "aws:VpcSourceIp": f"10.0.{number // 250 % 250}.{number % 250}",
            "dynamodb:LeadingKeys": [f"customer-{number}"],
        },
    )
