"""Laws about the form of policies: what may be rewritten, reordered or attached without anybody gaining anything."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.differential.naive_policy import naive
from tests.support.canonical import canonical
from tests.support.policy import FULL, policy
from tests.support.policy_questions import levels, random_request, random_set, random_statement

from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy
from casemate.policy.evaluation import evaluate
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet

seeds = st.integers(min_value=0, max_value=2**32)
thorough = settings(max_examples=300, deadline=None)


def question(seed: int) -> tuple[random.Random, AuthorizationRequest, PolicySet]:
    rng = random.Random(seed)
    policies = random_set(rng)
    return rng, random_request(rng), policies


def rewritten(policies: PolicySet, form: Callable[[Policy], Policy]) -> PolicySet:
    """Every policy of the set in another form."""

    def one(found: Policy | None) -> Policy | None:
        return None if found is None else form(found)

    def level(found: PolicyLevel) -> PolicyLevel:
        return replace(found, policies=tuple(map(form, found.policies)))

    return replace(
        policies,
        identity=tuple(map(form, policies.identity)),
        session=tuple(map(form, policies.session)),
        scps=tuple(map(level, policies.scps)),
        rcps=tuple(map(level, policies.rcps)),
        boundary=one(policies.boundary),
        endpoint=one(policies.endpoint),
        resource=one(policies.resource),
    )


@thorough
@given(seeds)
def test_a_policy_and_its_canonical_form_decide_alike(seed: int) -> None:
    rng, request, policies = question(seed)
    plain = rewritten(policies, canonical)
    for asked in (request, *(random_request(rng) for _ in range(5))):
        first, second = evaluate(asked, policies), evaluate(asked, plain)
        assert (first.allowed, first.reason, first.decided_by) == (
            second.allowed,
            second.reason,
            second.decided_by,
        )
        assert [layer.outcome for layer in first.layers] == [layer.outcome for layer in second.layers]
        assert naive(asked, policies) == naive(asked, plain)


@thorough
@given(seeds)
def test_the_canonical_form_is_its_own(seed: int) -> None:
    _, _, policies = question(seed)
    for one in (*policies.identity, *policies.session, *filter(None, [policies.resource, policies.endpoint])):
        form = canonical(one)
        assert canonical(form).statements == form.statements
        assert len(form.statements) >= 1


@thorough
@given(seeds)
def test_the_canonical_form_knows_no_order(seed: int) -> None:
    rng, _, policies = question(seed)
    for one in (*policies.identity, *filter(None, [policies.resource, policies.boundary])):
        shuffled = list(one.statements)
        rng.shuffle(shuffled)
        assert canonical(replace(one, statements=tuple(shuffled))).statements == canonical(one).statements


@thorough
@given(seeds)
def test_scps_grant_nothing(seed: int) -> None:
    """What is refused without any SCP is refused under every tree of SCPs (SCPs "do not grant permissions")."""
    rng, request, policies = question(seed)
    if evaluate(request, replace(policies, scps=())).allowed:
        return
    for _ in range(3):
        assert not evaluate(request, replace(policies, scps=levels(rng, PolicyType.SCP))).allowed


@thorough
@given(seeds)
def test_a_deny_list_scp_attached_anywhere_allows_nothing_more(seed: int) -> None:
    """At the root, at any OU, at the account. (One with an Allow beside another's may: within a level they add up.)"""
    rng, request, policies = question(seed)
    if evaluate(request, policies).allowed or not policies.scps:
        return
    for place in range(len(policies.scps)):
        denies = [random_statement(rng, PolicyType.SCP) | {"Effect": "Deny"} for _ in range(2)]
        added = policy(*denies, kind=PolicyType.SCP, label="added")
        changed = list(policies.scps)
        changed[place] = replace(changed[place], policies=(*changed[place].policies, added))
        assert not evaluate(request, replace(policies, scps=tuple(changed))).allowed


@thorough
@given(seeds)
def test_detaching_full_access_from_a_level_only_takes_away(seed: int) -> None:
    _, request, policies = question(seed)
    empty = PolicyLevel(target_id="bare", policies=())
    decision = evaluate(request, replace(policies, scps=(*policies.scps, empty)))
    bound = not request.principal.is_service_linked and decision.layers
    identity = request.principal.kind.value not in {"AWSService", "Anonymous"}
    assert not decision.allowed or not (bound and identity)


@thorough
@given(seeds)
def test_repeating_a_policy_changes_nothing(seed: int) -> None:
    _, request, policies = question(seed)
    doubled = replace(
        policies,
        identity=policies.identity * 2,
        session=policies.session * 2,
        scps=policies.scps * 2,
        rcps=policies.rcps * 2,
    )
    first, second = evaluate(request, policies), evaluate(request, doubled)
    assert (first.allowed, first.decided_by, first.message) == (
        second.allowed,
        second.decided_by,
        second.message,
    )


@thorough
@given(seeds)
@example(3649)
def test_a_boundary_of_everything_is_no_boundary(seed: int) -> None:
    """But for a resource policy's Deny with NotPrincipal: it denies whoever has a boundary, named or not.

    Source: IAM User Guide, "AWS JSON policy elements: NotPrincipal", on permissions boundaries.
    """
    _, request, policies = question(seed)
    if policies.resource is not None:
        kept = tuple(each for each in policies.resource.statements if each.not_principal is None)
        policies = replace(policies, resource=replace(policies.resource, statements=kept))
    without = evaluate(request, replace(policies, boundary=None))
    everything = evaluate(request, replace(policies, boundary=policy(FULL, kind=PolicyType.BOUNDARY)))
    assert without.allowed is everything.allowed
    assert without.decided_by is everything.decided_by
