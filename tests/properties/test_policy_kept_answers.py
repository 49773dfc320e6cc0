"""Keeping answers never changes one: policies that answered many requests say what fresh policies say, trace included.

The engine keeps answers per action, per value of the keys that are read, and per combination of them. A key that
leaves something out would give a later request an earlier one's answer.
"""

from __future__ import annotations

import random

import pytest
from tests.support.policy import ACCOUNT, policy, user
from tests.support.policy_questions import random_request, random_set

from casemate.policy.compiled import KEPT, compile_policy
from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.evaluation import evaluate
from casemate.policy.request import AuthorizationRequest, PolicySet


@pytest.mark.parametrize("seed", range(40))
def test_policies_that_answered_before_answer_as_fresh_ones(seed: int) -> None:
    used = random_set(random.Random(seed))
    rng = random.Random(f"requests {seed}")
    for _ in range(50):
        request = random_request(rng)
        expected = evaluate(request, random_set(random.Random(seed)))
        assert evaluate(request, used) == expected


def bound(*statements: dict[str, object]) -> tuple[Policy, PolicySet]:
    one = policy(*statements)
    return one, PolicySet(identity=(one,))


def ask(policies: PolicySet, number: int, action: str = "s3:GetObject") -> AuthorizationRequest:
    return AuthorizationRequest(
        principal=user(),
        action=action,
        resource=f"arn:aws:s3:::bucket/{number}",
        resource_account=ACCOUNT,
        context={"aws:EpochTime": str(number)},
    )


def test_a_decision_shows_its_own_resource_and_values_though_statements_were_answered_before() -> None:
    early = {"NumericLessThan": {"aws:EpochTime": "100"}}
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::bucket/*", "Condition": early}
    _, policies = bound(statement)
    for number in (7, 99, 100, 7, 5000, 99):
        decision = evaluate(ask(policies, number), policies)
        assert decision.allowed is (number < 100)
        assert decision.resource == f"arn:aws:s3:::bucket/{number}"
        [trace] = next(layer for layer in decision.layers if layer.type is PolicyType.IDENTITY).statements
        assert trace.conditions[0].actual == (str(number),)


def test_the_case_of_an_action_changes_neither_the_answer_nor_what_is_kept_of_another() -> None:
    _, policies = bound({"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"})
    for action in ("s3:GetObject", "S3:getobject", "s3:PutObject", "s3:GETOBJECT"):
        decision = evaluate(ask(policies, 1, action), policies)
        assert decision.allowed is ("get" in action.lower())
        assert decision.action == action


def test_values_that_never_repeat_do_not_pile_up() -> None:
    early = {"NumericLessThan": {"aws:EpochTime": "100"}}
    one, policies = bound({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": early})
    for number in range(3 * KEPT):
        assert evaluate(ask(policies, number), policies).allowed is (number < 100)
    assert 0 < len(compile_policy(one).statements[0].kept_answers) <= KEPT
