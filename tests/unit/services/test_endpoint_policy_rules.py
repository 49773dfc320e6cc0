"""The considerations of "Control access to VPC endpoints using endpoint policies" (AWS PrivateLink Guide)."""

from __future__ import annotations

import json

import pytest

from casemate.policy.decision import PolicyType
from casemate.policy.parser import parse_policy
from casemate.services.ec2.endpoint_policy_rules import broken_rule


def broken(condition: dict | None = None, resource: str = "*") -> str | None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": resource}
    if condition:
        statement["Condition"] = condition
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return broken_rule(parse_policy(document, kind=PolicyType.ENDPOINT, label="endpoint"))


@pytest.mark.parametrize(
    "condition",
    [
        {"StringEquals": {"aws:PrincipalAccount": "000000000000"}},
        {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/break-glass*"}},
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}},
        {"StringNotLikeIfExists": {"aws:SourceVpc": "vpc-0a1b2c3d"}},
        {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::000000000000:role/*"}},
        {"StringLike": {"s3:prefix": "secret*"}},
        {"StringLike": {"s3:prefix": "*secret"}},
    ],
)
def test_what_names_identifiers_whole_is_taken(condition: dict) -> None:
    assert broken(condition) is None


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"StringLike": {"aws:PrincipalAccount": "00000000*"}}, "NO_WILDCARD"),
        ({"StringLike": {"aws:ResourceOrgId": "o-??????z???"}}, "NO_WILDCARD"),
        ({"ForAnyValue:StringNotLikeIfExists": {"AWS:sourcevpc": "vpc-0a1b2c*"}}, "NO_WILDCARD"),
        ({"NumericLessThan": {"aws:PrincipalAccount": "5"}}, "does not take"),
        ({"StringLike": {"s3:prefix": "short*"}}, "fewer than 6"),
        ({"StringLike": {"s3:prefix": "longenough*a*"}}, "fewer than 6"),
        ({"StringLike": {"s3:prefix": "*"}}, "fewer than 6"),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::0000*:role/x"}}, "not both"),
    ],
)
def test_what_would_tell_parts_of_an_identifier_is_refused(condition: dict, words: str) -> None:
    found = broken(condition)
    assert found is not None
    assert words in found


def test_the_account_of_a_resource_is_whole_or_open() -> None:
    assert broken(resource="arn:aws:dynamodb:us-east-2:000000000000:table/orders") is None
    assert broken(resource="arn:aws:dynamodb:*:*:table/orders") is None
    assert broken(resource="arn:aws:s3:::bucket/*") is None
    assert broken(resource="arn:aws:dynamodb:us-east-2:0000????????:table/orders") is not None
