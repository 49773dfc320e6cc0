"""KMS keys: their policies, which must allow, and the grants beside them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.policy import cases, policies_of, request_of

from casemate.policy.decision import PolicyType
from casemate.policy.evaluation import evaluate
from casemate.services.kms.grant_statements import with_grants
from casemate.services.kms.records import GrantRecord, KeyRecord, Material

KEY = KeyRecord(
    account="000000000000",
    region="us-east-2",
    key_id="11111111-2222-3333-4444-555555555555",
    created=0.0,
    spec="SYMMETRIC_DEFAULT",
    usage="ENCRYPT_DECRYPT",
    policy="{}",
    materials=(Material(material_id="00", wrapped=b"", created=0.0),),
)


def grant(number: int, given: dict[str, Any]) -> GrantRecord:
    return GrantRecord(
        grant_id=f"{number:064x}",
        token="token",
        region=KEY.region,
        key_id=KEY.key_id,
        grantee=given["grantee"],
        retiring=None,
        operations=tuple(given["operations"]),
        name=None,
        context_equals=given.get("equals"),
        context_subset=given.get("subset"),
        issuer=KEY.account,
        created=0.0,
    )


@pytest.mark.parametrize("case", cases("keys.json"), ids=lambda case: case["name"])
def test_decision(case: dict[str, Any]) -> None:
    given, expected = case["given"], case["expected"]
    asked = policies_of(given)
    assert asked.resource is not None
    grants = [grant(number, one) for number, one in enumerate(given.get("grants", []))]
    policies = replace(asked, resource=with_grants(asked.resource, KEY, grants), resource_must_allow=True)
    decision = evaluate(request_of(given), policies)
    assert decision.allowed is expected["allowed"], decision.message
    assert decision.decided_by is (expected["decided_by"] and PolicyType[expected["decided_by"]])
    if not decision.allowed:
        assert (decision.statement is not None) is expected["explicit"]
