"""Operators, patterns and variables, each case through `evaluate` with one allowing statement."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.policy import ACCOUNT, TABLE, cases, context_of, policy, user

from casemate.policy.decision import ConditionTrace, Decision
from casemate.policy.evaluation import evaluate
from casemate.policy.request import AuthorizationRequest, PolicySet


def ask(
    statement: dict[str, Any],
    *,
    action: str = "dynamodb:GetItem",
    resource: str = TABLE,
    context: dict[str, Any] | None = None,
    version: str = "2012-10-17",
) -> Decision:
    request = AuthorizationRequest(
        principal=user(),
        action=action,
        resource=resource,
        resource_account=ACCOUNT,
        context=context_of(context or {}),
    )
    return evaluate(request, PolicySet(identity=(policy(statement, version=version),)))


def condition_of(decision: Decision) -> ConditionTrace:
    (identity,) = (layer for layer in decision.layers if layer.statements)
    (condition,) = identity.statements[0].conditions
    return condition


@pytest.mark.parametrize("case", cases("operators.json"), ids=lambda case: case["name"])
def test_operator(case: dict[str, Any]) -> None:
    given = case["given"]
    actual = given["actual"]
    context = {} if actual is None else {given.get("context_key", given["key"]): actual}
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {given["operator"]: {given["key"]: given["values"]}},
    }
    decision = ask(statement, context=context)
    trace = condition_of(decision)
    assert trace.matched is case["expected"]["matched"]
    assert decision.allowed is case["expected"]["matched"]
    assert trace.actual == ((actual,) if isinstance(actual, str) else tuple(actual or ()) or None)
    denied = ask({**statement, "Effect": "Deny"}, context=context)
    assert (denied.reason.value == "explicit deny") is case["expected"]["matched"]


@pytest.mark.parametrize("case", cases("patterns.json"), ids=lambda case: case["name"])
def test_pattern(case: dict[str, Any]) -> None:
    given, matched = case["given"], case["expected"]["matched"]
    name = given["element"]
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", name: given["pattern"]}
    negated = {key: value for key, value in statement.items() if key != name} | {
        f"Not{name}": given["pattern"]
    }
    text = {name.lower(): given["text"]}
    assert ask(statement, **text).allowed is matched
    assert ask(negated, **text).allowed is not matched


@pytest.mark.parametrize("case", cases("variables.json"), ids=lambda case: case["name"])
def test_variable(case: dict[str, Any]) -> None:
    given, matched = case["given"], case["expected"]["matched"]
    statement: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    context, resource = dict(given["context"]), TABLE
    if given["element"] == "Resource":
        statement["Resource"] = given["pattern"]
        resource = given["text"]
    else:
        statement["Condition"] = {given["operator"]: {"aws:PrincipalTag/tested": given["pattern"]}}
        context["aws:PrincipalTag/tested"] = given["text"]
    decision = ask(statement, resource=resource, context=context, version=given["version"])
    assert decision.allowed is matched
