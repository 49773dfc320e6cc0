"""AWS's data perimeter: each control lets through what its README lists and refuses the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.policy import FULL, policies_of, policy, request_of

from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.evaluation import evaluate
from casemate.policy.parser import parse_policy
from casemate.policy.request import PolicyLevel
from casemate.policy.sizes import PolicyUse, check_size

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = json.loads((HERE / "cases.json").read_text())
NAMES = sorted(path.stem for path in (HERE / "policies").glob("*.json"))
VALUES = {
    "<organization>": "o-a1b2c3d4e5",
    "<vpc>": "vpc-0a1b2c3d4e5f60718",
    "<region>": "us-east-2",
    "<corporate-cidr>": "203.0.113.0/24",
    "<third-party-a>": "777777777777",
    "<third-party-b>": "888888888888",
}
KINDS = {
    "scp": (PolicyType.SCP, PolicyUse.SCP),
    "rcp": (PolicyType.RCP, PolicyUse.RCP),
    "endpoint": (PolicyType.ENDPOINT, PolicyUse.ENDPOINT),
}


def loaded(name: str) -> Policy:
    text = (HERE / "policies" / f"{name}.json").read_text()
    for placeholder, value in VALUES.items():
        text = text.replace(placeholder, value)
    assert "<" not in text, "a placeholder is left"
    kind, use = KINDS[name.partition("_")[0]]
    check_size(use, text)
    return parse_policy(text, kind=kind, label=name)


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_under_its_type_and_size_limit_and_has_cases(name: str) -> None:
    assert loaded(name).statements
    decided = {case["expected"]["sid"] for case in CASES if case["given"]["policy"] == name}
    assert decided >= {None}, "something passes"
    assert len(decided) > 1 or name.startswith("endpoint"), "something does not"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_decision(case: dict[str, Any]) -> None:
    given, expected = case["given"], case["expected"]
    one = loaded(given["policy"])
    kind = KINDS[given["policy"].partition("_")[0]][0]
    request = request_of(
        {"resource": given.get("resource", "arn:aws:dynamodb:us-east-2:000000000000:table/orders"), **given}
    )
    everything = policy({**FULL, "Principal": "*"}, kind=PolicyType.RESOURCE, label="open")
    policies = replace(policies_of({"identity": ["full"]}), resource=everything)
    full = policy(FULL, kind=PolicyType.SCP, label="full")
    if kind is PolicyType.SCP:
        policies = replace(policies, scps=(PolicyLevel(target_id="r-ab12", policies=(full, one)),))
    elif kind is PolicyType.RCP:
        policies = replace(policies, rcps=(PolicyLevel(target_id="r-ab12", policies=(one,)),))
    else:
        policies = replace(policies, endpoint=one)
    decision = evaluate(request, policies)
    assert decision.allowed is expected["allowed"], decision.message
    if not decision.allowed:
        assert decision.decided_by is kind
        assert (decision.statement.sid if decision.statement else None) == expected["sid"]
