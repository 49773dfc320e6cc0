"""The engine against the naive evaluator: 8,000 random questions."""

from __future__ import annotations

import random

import pytest
from tests.differential.naive_policy import naive
from tests.support.policy_questions import random_request, random_set

from casemate.policy.evaluation import evaluate
from casemate.policy.request import AuthorizationRequest, PolicySet


def shown(request: AuthorizationRequest, policies: PolicySet) -> str:
    return f"{request}\n{policies}"


@pytest.mark.parametrize("seed", range(10))
def test_the_engine_agrees_with_the_naive_evaluator(seed: int) -> None:
    rng = random.Random(seed)
    outcomes: dict[str, int] = {}
    for _ in range(80):
        policies = random_set(rng)
        for _ in range(10):
            request = random_request(rng)
            decision = evaluate(request, policies)
            allowed, by = naive(request, policies)
            got = None
            if decision.decided_by is not None:
                got = f"{decision.decided_by.name}/{'explicit' if decision.statement else 'implicit'}"
            assert (decision.allowed, got) == (allowed, by), shown(request, policies)
            outcomes[str(by)] = outcomes.get(str(by), 0) + 1
    # The questions are worth asking: a fair part is allowed, and several layers refuse.
    assert outcomes.get("None", 0) >= 40
    assert len(outcomes) >= 7
