"""Laws of the engine: what must hold for every request and every set of policies."""

from __future__ import annotations

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.differential.naive_policy import glob
from tests.support.policy import FULL, policy
from tests.support.policy_questions import random_policy, random_request, random_set, random_statement

from casemate.policy.decision import Decision, Outcome, PolicyType
from casemate.policy.document import Policy
from casemate.policy.errors import MalformedPolicy
from casemate.policy.evaluation import evaluate
from casemate.policy.parser import parse_policy
from casemate.policy.patterns import compile_arn, compile_glob, compile_resource
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet

seeds = st.integers(min_value=0, max_value=2**32)
quick = settings(max_examples=150, deadline=None)


def question(seed: int) -> tuple[random.Random, AuthorizationRequest, PolicySet]:
    rng = random.Random(seed)
    policies = random_set(rng)
    return rng, random_request(rng), policies


def deny(rng: random.Random, kind: PolicyType) -> Policy:
    statement = random_statement(rng, kind) | {"Effect": "Deny"}
    return policy(statement, kind=kind, label="added")


def shuffled(rng: random.Random, one: Policy | None) -> Policy | None:
    if one is None:
        return None
    statements = list(one.statements)
    rng.shuffle(statements)
    return replace(one, statements=tuple(statements))


def essence(decision: Decision) -> tuple[object, ...]:
    return decision.allowed, decision.reason, decision.decided_by


@quick
@given(seeds)
def test_adding_a_deny_never_allows_more(seed: int) -> None:
    rng, request, policies = question(seed)
    if evaluate(request, policies).allowed:
        return
    more = [
        replace(policies, identity=(*policies.identity, deny(rng, PolicyType.IDENTITY))),
        replace(policies, session=(*policies.session, deny(rng, PolicyType.SESSION))),
    ]
    if policies.resource is not None:
        extra = deny(rng, PolicyType.RESOURCE).statements
        more.append(
            replace(
                policies,
                resource=replace(policies.resource, statements=(*policies.resource.statements, *extra)),
            )
        )
    assert not any(evaluate(request, one).allowed for one in more)


@quick
@given(seeds)
def test_adding_a_ceiling_never_allows_more(seed: int) -> None:
    """An SCP level, an endpoint policy, a boundary, a session policy where there was none."""
    rng, request, policies = question(seed)
    if evaluate(request, policies).allowed:
        return
    level = PolicyLevel(target_id="added", policies=(random_policy(rng, PolicyType.SCP),))
    more = [replace(policies, scps=(*policies.scps, level))]
    if policies.endpoint is None:
        more.append(replace(policies, endpoint=random_policy(rng, PolicyType.ENDPOINT)))
    if policies.boundary is None:
        more.append(replace(policies, boundary=random_policy(rng, PolicyType.BOUNDARY)))
    assert not any(evaluate(request, one).allowed for one in more)


@quick
@given(seeds)
def test_adding_an_rcp_never_allows_more(seed: int) -> None:
    rng, request, policies = question(seed)
    level = PolicyLevel(target_id="added", policies=(random_policy(rng, PolicyType.RCP),))
    if not evaluate(request, policies).allowed:
        assert not evaluate(request, replace(policies, rcps=(*policies.rcps, level))).allowed


@quick
@given(seeds)
def test_adding_an_allow_never_refuses_more(seed: int) -> None:
    _, request, policies = question(seed)
    if evaluate(request, policies).allowed:
        more = replace(policies, identity=(*policies.identity, policy(FULL)))
        assert evaluate(request, more).allowed


@quick
@given(seeds)
def test_the_order_of_statements_and_policies_never_matters(seed: int) -> None:
    rng, request, policies = question(seed)

    def mix(group: tuple[Policy, ...]) -> tuple[Policy, ...]:
        items = [shuffled(rng, one) for one in group]
        rng.shuffle(items)
        return tuple(one for one in items if one is not None)

    mixed = replace(
        policies,
        identity=mix(policies.identity),
        session=mix(policies.session),
        boundary=shuffled(rng, policies.boundary),
        endpoint=shuffled(rng, policies.endpoint),
        resource=shuffled(rng, policies.resource),
        scps=tuple(replace(level, policies=mix(level.policies)) for level in policies.scps),
    )
    assert essence(evaluate(request, policies)) == essence(evaluate(request, mixed))


@quick
@given(seeds)
def test_the_same_question_has_the_same_answer(seed: int) -> None:
    """Kept answers never leak from one request into another."""
    rng, request, policies = question(seed)
    first = evaluate(request, policies)
    for _ in range(20):
        evaluate(random_request(rng), policies)
    assert evaluate(request, policies) == first


@quick
@given(seeds)
def test_key_and_action_names_ignore_case(seed: int) -> None:
    _, request, policies = question(seed)
    loud = replace(
        request,
        action=request.action.upper(),
        context={key.upper(): value for key, value in request.context.items()},
    )
    assert essence(evaluate(request, policies)) == essence(evaluate(loud, policies))


@quick
@given(seeds)
def test_the_trace_is_complete_and_says_what_decided(seed: int) -> None:
    _, request, policies = question(seed)
    decision = evaluate(request, policies)
    groups: dict[PolicyType, list[Policy | None]] = {
        PolicyType.IDENTITY: [*policies.identity],
        PolicyType.BOUNDARY: [policies.boundary],
        PolicyType.ENDPOINT: [policies.endpoint],
        PolicyType.RESOURCE: [policies.resource],
        PolicyType.SESSION: [*policies.session],
    }
    for layer in decision.layers:
        if layer.type in groups and layer.outcome is not Outcome.NOT_APPLICABLE and layer.statements:
            expected = sum(len(one.statements) for one in groups[layer.type] if one is not None)
            assert len(layer.statements) == expected
        for trace in layer.statements:
            assert trace.applied is (trace.failed is None)
            assert not trace.applied or all(one.matched for one in trace.conditions)
    assert decision.allowed is (decision.decided_by is None)
    assert decision.allowed is (decision.message == "")
    if decision.statement is not None:
        assert any(decision.statement in layer.statements for layer in decision.layers)


letters = st.text(alphabet="ab:*?$", max_size=10)


@settings(max_examples=400, deadline=None)
@given(letters, st.text(alphabet="ab:*", max_size=12))
def test_wildcards_match_as_the_recursive_definition(pattern: str, text: str) -> None:
    assert compile_glob((pattern,))(text) is glob(pattern, text)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.text(alphabet="ab*?", max_size=4), min_size=6, max_size=6),
    st.lists(st.text(alphabet="ab", max_size=4), min_size=6, max_size=6),
)
def test_an_arn_matches_part_by_part(pattern: list[str], parts: list[str]) -> None:
    assert compile_arn((":".join(pattern),))(":".join(parts)) is all(map(glob, pattern, parts))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="a:*?", max_size=8), st.text(alphabet="a:", max_size=8))
def test_a_resource_pattern_matches_no_more_than_free_wildcards_do(pattern: str, text: str) -> None:
    """Parts only ever narrow what `*` may cross, apart from the completion of short ARNs."""
    pattern, text = f"arn:aws:x:::{pattern}", f"arn:aws:x:::{text}"
    assert compile_resource((pattern,))(text) is glob(pattern, text)


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.sampled_from(["*", "Allow", "Deny", "s3:*", "arn:aws:s3:::b"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "Version",
                        "Statement",
                        "Sid",
                        "Effect",
                        "Action",
                        "Resource",
                        "Condition",
                        "Principal",
                        "NotPrincipal",
                        "AWS",
                        "StringEquals",
                        "aws:x",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    ),
    st.sampled_from(list(PolicyType)),
)
def test_any_json_is_parsed_or_refused_never_a_traceback(value: object, kind: PolicyType) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": value})
    for text in (document, json.dumps(value)):
        try:
            parsed = parse_policy(text, kind=kind, label="any")
        except MalformedPolicy:
            continue
        assert parsed.statements
