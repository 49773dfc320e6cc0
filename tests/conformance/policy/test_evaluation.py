"""Layers, their combination, the perimeter policies of the reference architecture, and AWS's texts."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.policy import cases, policies_of, request_of

from casemate.policy.decision import Outcome, PolicyType
from casemate.policy.evaluation import evaluate

TABLES_OF_DECISIONS = ("evaluation", "perimeter", "pages", "parties", "worked_examples", "conditions")
ORDER = [
    PolicyType.RCP,
    PolicyType.SCP,
    PolicyType.ENDPOINT,
    PolicyType.RESOURCE,
    PolicyType.TRUST,
    PolicyType.IDENTITY,
    PolicyType.BOUNDARY,
    PolicyType.SESSION,
]


@pytest.mark.parametrize(
    "case",
    [case for table in TABLES_OF_DECISIONS for case in cases(f"{table}.json")],
    ids=lambda case: case["name"],
)
def test_decision(case: dict[str, Any]) -> None:
    request, policies = request_of(case["given"]), policies_of(case["given"])
    expected = case["expected"]
    decision = evaluate(request, policies)
    assert decision.allowed is expected["allowed"], decision.message
    decided_by = expected["decided_by"] and PolicyType[expected["decided_by"]]
    assert decision.decided_by is decided_by
    if decision.layers:
        types = [layer.type for layer in decision.layers]
        assert types == sorted(types, key=ORDER.index), "layers are in the order of evaluation"
        assert {*types} >= {*ORDER} - {PolicyType.RESOURCE, PolicyType.TRUST}
    if not decision.allowed:
        deciding = {layer.outcome for layer in decision.layers if layer.type is decided_by}
        explicit = expected["explicit"]
        assert (decision.statement is not None) is explicit
        assert (Outcome.EXPLICIT_DENY in deciding) is explicit
        if decision.statement is not None:
            assert decision.statement.applied
            assert decision.statement.effect is Outcome.EXPLICIT_DENY


@pytest.mark.parametrize("case", cases("messages.json"), ids=lambda case: case["name"])
def test_message(case: dict[str, Any]) -> None:
    given = case["given"]
    decision = evaluate(request_of(given), policies_of(given), with_policy_arn=given["with_policy_arn"])
    assert decision.message == case["expected"]["message"]
