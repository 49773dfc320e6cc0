"""How a decision reads, alone and beside a verdict."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace
from tests.support.reference import DYNAMODB, FUNCTION, reference_network

from casemate.explain import case_json, render_case, render_decision, result_of, to_json
from casemate.policy.decision import (
    ConditionTrace,
    Decision,
    Element,
    LayerTrace,
    Outcome,
    PolicyType,
    Reason,
    StatementTrace,
)
from casemate.reachability import Flow, FromInterface, Verdict, reach

SESSION = "arn:aws:sts::000000000000:assumed-role/orders/orders"
TABLE = "arn:aws:dynamodb:us-east-2:000000000000:table/orders"
SCP = "arn:aws:organizations::111111111111:policy/o-a1/service_control_policy/p-perimeter"
DENY = StatementTrace(
    policy=SCP,
    index=0,
    sid="DenyDynamoDBOutsideVPC",
    effect=Outcome.EXPLICIT_DENY,
    applied=True,
    conditions=(
        ConditionTrace(
            operator="StringNotEquals",
            key="aws:SourceVpc",
            expected=("vpc-0abc", "vpc-0def"),
            actual=None,
            matched=True,
        ),
    ),
)
BREAK_GLASS = StatementTrace(
    policy=SCP,
    index=1,
    sid=None,
    effect=Outcome.EXPLICIT_DENY,
    applied=False,
    failed=Element.CONDITION,
    conditions=(
        ConditionTrace(
            operator="ArnNotLike",
            key="aws:PrincipalArn",
            expected=("arn:aws:iam::*:role/break-glass",),
            actual=("arn:aws:iam::000000000000:role/break-glass",),
            matched=False,
        ),
    ),
)
READ = StatementTrace(policy="inline:read-orders", index=0, sid="Read", effect=Outcome.ALLOW, applied=True)
OTHER = StatementTrace(
    policy="inline:read-orders",
    index=1,
    sid="Write",
    effect=Outcome.ALLOW,
    applied=False,
    failed=Element.ACTION,
)
DENIED = Decision(
    allowed=False,
    reason=Reason.EXPLICIT_DENY,
    principal=SESSION,
    action="dynamodb:GetItem",
    resource=TABLE,
    decided_by=PolicyType.SCP,
    statement=DENY,
    layers=(
        LayerTrace(type=PolicyType.RCP, outcome=Outcome.NOT_APPLICABLE),
        LayerTrace(
            type=PolicyType.SCP, level="r-a1b2", outcome=Outcome.EXPLICIT_DENY, statements=(DENY, BREAK_GLASS)
        ),
        LayerTrace(type=PolicyType.IDENTITY, outcome=Outcome.ALLOW, statements=(READ, OTHER)),
    ),
    message=f"User: {SESSION} is not authorized to perform: dynamodb:GetItem on resource: {TABLE} "
    "with an explicit deny in a service control policy",
)
ALLOWED = replace(
    DENIED,
    allowed=True,
    reason=Reason.ALLOWED,
    decided_by=None,
    statement=READ,
    layers=DENIED.layers[2:],
    message="",
)


def words(text: str) -> str:
    """The text without its line breaks, which depend on how long ids are."""
    return " ".join(text.split())


def verdict(patch: dict[str, object] | None = None) -> Verdict:
    network = reference_network({"vpc-main": patch or {}})
    return reach(network, Flow(source=FromInterface(interface_id=FUNCTION), destination=DYNAMODB))


def test_an_explicit_deny_names_policy_sid_and_condition() -> None:
    text = words(render_decision(DENIED))
    assert text.startswith("Access: DENIED (explicit deny)")
    assert f"Decided by: service control policy, policy {SCP}, Sid DenyDynamoDBOutsideVPC" in text
    assert "StringNotEquals aws:SourceVpc: policy vpc-0abc or vpc-0def, request: absent -> matches" in text
    assert text.endswith(
        f"AWS says: {DENIED.message} Change: call through a VPC endpoint in vpc-0abc or vpc-0def"
    )


def test_layers_come_in_the_order_of_evaluation() -> None:
    lines = render_decision(DENIED).splitlines()
    numbered = [line.strip() for line in lines if line.strip()[:2] in ("1.", "2.", "3.")]
    assert numbered == [
        "1. resource control policy: does not apply",
        "2. service control policy (r-a1b2): denies explicitly",
        "3. identity-based policy: allows",
    ]


def test_a_statement_that_does_not_apply_says_which_element_failed() -> None:
    text = words(render_decision(DENIED))
    assert "Allow policy inline:read-orders, Sid Write: does not apply: its Action does not match" in text
    assert f"Deny policy {SCP}, statement 2 (no Sid): does not apply: its Condition does not match" in text
    assert (
        "ArnNotLike aws:PrincipalArn: policy arn:aws:iam::*:role/break-glass, "
        "request: arn:aws:iam::000000000000:role/break-glass -> does not match"
    ) in text


def test_a_resource_that_does_not_match_is_shown() -> None:
    missed = replace(OTHER, failed=Element.RESOURCE, wanted=("arn:aws:s3:::a", "arn:aws:s3:::b"))
    layers = tuple(
        replace(layer, statements=tuple(missed if one is OTHER else one for one in layer.statements))
        for layer in DENIED.layers
    )
    text = words(render_decision(replace(DENIED, layers=layers)))
    assert "does not apply: its Resource (arn:aws:s3:::a or arn:aws:s3:::b) does not match" in text


def test_an_implicit_deny_says_what_kind_of_policy_is_missing() -> None:
    decision = replace(DENIED, reason=Reason.NO_ALLOW, decided_by=PolicyType.IDENTITY, statement=None)
    text = words(render_decision(decision))
    assert "DENIED (implicit deny: nothing allows it)" in text
    assert "Decided by: identity-based policy: no statement allows it" in text


def test_an_allow_names_the_statement_and_its_layer() -> None:
    text = words(render_decision(ALLOWED))
    assert text.startswith("Access: ALLOWED Who:")
    assert "Decided by: identity-based policy, policy inline:read-orders, Sid Read" in text


def test_an_action_that_needs_no_permission_says_so() -> None:
    decision = Decision(
        allowed=True,
        reason=Reason.ALWAYS_ALLOWED,
        principal=SESSION,
        action="sts:GetCallerIdentity",
        resource="*",
    )
    assert "ALLOWED (the action needs no permission)" in render_decision(decision)


def test_lines_fit_the_page_where_ids_allow() -> None:
    for line in render_case(title="orders -> table", verdict=verdict(), decision=DENIED).splitlines():
        assert len(line) <= 100 or " " not in line.strip()


@pytest.mark.parametrize(
    ("patch", "decision", "result"),
    [
        ({}, ALLOWED, "works"),
        ({}, DENIED, "access denied"),
        ({}, None, "the network lets it through"),
        ({"tables": {"rtb-private": []}}, ALLOWED, "times out: the request never arrives"),
        ({"tables": {"rtb-private": []}}, DENIED, "times out: the request never arrives"),
        (
            {
                "subnets": {"subnet-a": "10.0.1.0/24 rtb-private acl-x"},
                "acls": {"acl-x": ["out 1 allow all 0.0.0.0/0"]},
            },
            ALLOWED,
            "times out: no answer comes back",
        ),
    ],
)
def test_the_result_is_what_the_caller_experiences(
    patch: dict[str, object], decision: Decision | None, result: str
) -> None:
    seen = verdict(patch)
    assert result_of(seen, decision) == result
    assert f"Result: {result}" in render_case(title="case", verdict=seen, decision=decision)


def test_a_request_that_never_arrives_is_judged_only_as_an_outlook() -> None:
    text = render_case(title="case", verdict=verdict({"tables": {"rtb-private": []}}), decision=DENIED)
    assert "With the network open, it would be denied:" in text
    assert "With the network open" not in render_case(title="case", verdict=verdict(), decision=DENIED)


def test_a_decision_without_a_network_stands_alone() -> None:
    text = render_case(title="laptop", decision=DENIED)
    assert text.startswith("laptop\nResult: access denied\n\nAccess: DENIED")


def test_json_forms_are_plain() -> None:
    data = json.loads(json.dumps(case_json(title="case", verdict=verdict(), decision=DENIED)))
    assert data["result"] == "access denied"
    assert data["network"]["via_endpoint"] == "vpce-ddb"
    assert data["access"]["statement"]["conditions"][0] == {
        "operator": "StringNotEquals",
        "key": "aws:SourceVpc",
        "expected": ["vpc-0abc", "vpc-0def"],
        "actual": None,
        "matched": True,
    }
    assert data["access"]["decided_by"] == "service control policy"
    assert to_json(DENIED) == data["access"]
