"""What temporary credentials cannot call, whatever the policies say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.support.policy import federated, role, root, user

from casemate.gateway.session_reach import refuse_out_of_reach
from casemate.model.errors import AwsError
from casemate.model.principals import Principal

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
WITH_MFA = {"token_issued": SINCE, "mfa_age_seconds": 10}


def answer(principal: Principal, service: str, operation: str) -> str:
    """Status and code of the refusal; empty when there is none."""
    try:
        refuse_out_of_reach(principal, service, operation)
    except AwsError as refusal:
        return f"{refusal.http_status} {refusal.code}"
    return ""


@pytest.mark.parametrize(
    ("principal", "refused"),
    [
        (user(), ""),
        (root(), ""),
        (user(token_issued=SINCE), "403 InvalidClientTokenId"),
        (user(**WITH_MFA), ""),
        (federated(token_issued=SINCE), "403 InvalidClientTokenId"),
        (federated(**WITH_MFA), "403 InvalidClientTokenId"),
        (role(token_issued=SINCE), ""),
    ],
    ids=["a user", "root", "a user's session", "one with MFA", "federated", "federated, MFA", "a role"],
)
def test_iam(principal: Principal, refused: str) -> None:
    """A session of a user needs MFA, one of GetFederationToken never reaches IAM."""
    assert answer(principal, "iam", "ListUsers") == refused
    assert answer(principal, "dynamodb", "ListTables") == ""


@pytest.mark.parametrize(
    ("principal", "reached"),
    [
        (user(), {"AssumeRole", "GetCallerIdentity", "GetSessionToken", "GetAccessKeyInfo"}),
        (user(**WITH_MFA), {"AssumeRole", "GetCallerIdentity"}),
        (federated(token_issued=SINCE), {"GetCallerIdentity"}),
        (role(token_issued=SINCE), {"AssumeRole", "GetCallerIdentity", "GetAccessKeyInfo"}),
    ],
    ids=["a user", "a user's session", "federated", "a role"],
)
def test_sts(principal: Principal, reached: set[str]) -> None:
    """Sessions of GetSessionToken, GetFederationToken and AssumeRole: fewer operations of STS each."""
    for operation in ("AssumeRole", "GetCallerIdentity", "GetSessionToken", "GetAccessKeyInfo"):
        assert answer(principal, "sts", operation) == ("" if operation in reached else "403 AccessDenied")
