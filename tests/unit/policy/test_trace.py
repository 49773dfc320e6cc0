"""The trace says what was compared with what, and keeps every statement."""

from __future__ import annotations

import pytest
from tests.support.policy import ACCOUNT, FULL, TABLE, policy, role, user

from casemate.policy.compiled import KEPT, compile_policy
from casemate.policy.decision import ConditionTrace, Element, Outcome, PolicyType, Reason
from casemate.policy.evaluation import evaluate
from casemate.policy.principals import names_everyone_only
from casemate.policy.request import AuthorizationRequest, PolicyLevel, PolicySet

OUTSIDE = {
    "Sid": "DenyDynamoDBOutsideVPC",
    "Effect": "Deny",
    "Action": "dynamodb:*",
    "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}},
}


def ask(policies: PolicySet, **context: str) -> AuthorizationRequest:
    return AuthorizationRequest(
        principal=role(),
        action="dynamodb:GetItem",
        resource=TABLE,
        resource_account=ACCOUNT,
        context={key.replace("_", ":"): value for key, value in context.items()},
    )


def test_a_refusal_shows_the_statement_and_the_absent_key() -> None:
    scp = policy(FULL, OUTSIDE, kind=PolicyType.SCP, label="arn:aws:organizations::1:policy/o-1/p-1")
    policies = PolicySet(
        scps=(PolicyLevel(target_id="r-root", policies=(scp,)),), identity=(policy(FULL, label="inline:all"),)
    )
    decision = evaluate(ask(policies), policies)
    assert decision.reason is Reason.EXPLICIT_DENY
    assert decision.statement is not None
    assert decision.statement.sid == "DenyDynamoDBOutsideVPC"
    assert decision.statement.index == 1
    assert decision.statement.conditions == (
        ConditionTrace(
            operator="StringNotEquals", key="aws:SourceVpc", expected=("vpc-1",), actual=None, matched=True
        ),
    )
    scp_layer = next(layer for layer in decision.layers if layer.type is PolicyType.SCP)
    assert scp_layer.level == "r-root"
    assert [one.applied for one in scp_layer.statements] == [True, True]


def test_an_allowed_request_shows_the_allowing_statement_and_why_the_deny_did_not_apply() -> None:
    identity = policy(OUTSIDE, {**FULL, "Sid": "All"})
    policies = PolicySet(identity=(identity,))
    decision = evaluate(ask(policies, aws_SourceVpc="vpc-1"), policies)
    assert decision.allowed
    assert decision.statement is not None
    assert decision.statement.sid == "All"
    layer = next(layer for layer in decision.layers if layer.type is PolicyType.IDENTITY)
    assert layer.statements[0].failed is Element.CONDITION
    assert layer.statements[0].conditions[0].actual == ("vpc-1",)


@pytest.mark.parametrize(
    ("statement", "failed"),
    [
        ({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, Element.ACTION),
        ({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::b"}, Element.RESOURCE),
        ({**FULL, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}, Element.CONDITION),
        (FULL, None),
    ],
)
def test_the_first_element_that_fails_is_named(statement: dict[str, object], failed: Element | None) -> None:
    policies = PolicySet(identity=(policy(statement),))
    decision = evaluate(ask(policies, aws_SecureTransport="true"), policies)
    layer = next(layer for layer in decision.layers if layer.type is PolicyType.IDENTITY)
    assert layer.statements[0].failed is failed


def test_a_principal_that_is_not_named_fails_first() -> None:
    bucket = policy(
        {**FULL, "Action": "s3:*", "Principal": {"AWS": "222222222222"}}, kind=PolicyType.RESOURCE
    )
    policies = PolicySet(resource=bucket)
    decision = evaluate(ask(policies), policies)
    layer = next(layer for layer in decision.layers if layer.type is PolicyType.RESOURCE)
    assert layer.statements[0].failed is Element.PRINCIPAL


def test_a_resource_that_does_not_match_says_what_it_lists() -> None:
    statement = {**FULL, "Resource": [TABLE + "-old", TABLE + "-${aws:username}"]}
    policies = PolicySet(identity=(policy(statement),))
    layer = next(x for x in evaluate(ask(policies), policies).layers if x.type is PolicyType.IDENTITY)
    assert layer.statements[0].wanted == (TABLE + "-old", TABLE + "-${aws:username}")


@pytest.mark.parametrize(
    ("element", "wanted"),
    [
        (
            {"Principal": {"AWS": "222222222222", "Service": "ec2.amazonaws.com"}},
            ("222222222222", "ec2.amazonaws.com"),
        ),
        ({"NotPrincipal": {"AWS": "*"}}, ()),
    ],
)
def test_a_principal_that_is_not_named_says_whom_the_statement_names(
    element: dict[str, object], wanted: tuple[str, ...]
) -> None:
    policies = PolicySet(resource=policy({**FULL, **element}, kind=PolicyType.RESOURCE))
    layer = next(x for x in evaluate(ask(policies), policies).layers if x.type is PolicyType.RESOURCE)
    assert layer.statements[0].failed is Element.PRINCIPAL
    assert layer.statements[0].wanted == wanted


def test_all_conditions_are_evaluated_even_after_one_failed() -> None:
    statement = {
        **FULL,
        "Condition": {"StringEquals": {"aws:SourceVpc": "vpc-1", "aws:SourceVpce": "vpce-1"}},
    }
    policies = PolicySet(identity=(policy(statement),))
    decision = evaluate(ask(policies, aws_SourceVpc="vpc-2", aws_SourceVpce="vpce-1"), policies)
    layer = next(layer for layer in decision.layers if layer.type is PolicyType.IDENTITY)
    assert [one.matched for one in layer.statements[0].conditions] == [False, True]


def test_variables_are_shown_replaced_and_unresolved_ones_as_written() -> None:
    statement = {
        **FULL,
        "Condition": {"StringEquals": {"aws:userid": ["${aws:username}", "${aws:SourceIdentity}"]}},
    }
    policies = PolicySet(identity=(policy(statement),))
    decision = evaluate(ask(policies, aws_username="ann"), policies)
    layer = next(layer for layer in decision.layers if layer.type is PolicyType.IDENTITY)
    assert layer.statements[0].conditions[0].expected == ("ann", "${aws:SourceIdentity}")


def test_layers_that_take_no_part_are_there_and_say_so() -> None:
    policies = PolicySet(identity=(policy(FULL),))
    outcomes = {layer.type: layer.outcome for layer in evaluate(ask(policies), policies).layers}
    assert outcomes == {
        PolicyType.RCP: Outcome.NOT_APPLICABLE,
        PolicyType.SCP: Outcome.NOT_APPLICABLE,
        PolicyType.ENDPOINT: Outcome.NOT_APPLICABLE,
        PolicyType.RESOURCE: Outcome.NOT_APPLICABLE,
        PolicyType.IDENTITY: Outcome.ALLOW,
        PolicyType.BOUNDARY: Outcome.NOT_APPLICABLE,
        PolicyType.SESSION: Outcome.NOT_APPLICABLE,
    }


def test_rcps_that_do_not_deny_are_shown_as_allowing() -> None:
    """RCPFullAWSAccess is attached everywhere and cannot be detached, whether or not the set lists it."""
    deny = policy(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
        kind=PolicyType.RCP,
        label="rcp",
    )
    rcps = (PolicyLevel(target_id="r-root", policies=()), PolicyLevel(target_id=ACCOUNT, policies=(deny,)))
    policies = PolicySet(identity=(policy(FULL),), rcps=rcps)
    layers = [layer for layer in evaluate(ask(policies), policies).layers if layer.type is PolicyType.RCP]
    assert [(layer.level, layer.outcome) for layer in layers] == [
        ("r-root", Outcome.ALLOW),
        (ACCOUNT, Outcome.ALLOW),
    ]


def test_answers_are_kept_and_not_without_end() -> None:
    """A key whose values never repeat does not make memory grow."""
    one = policy({**FULL, "Condition": {"StringLike": {"dynamodb:LeadingKeys": "user-*"}}})
    policies = PolicySet(identity=(one,))
    for number in range(3 * KEPT):
        request = ask(policies, dynamodb_LeadingKeys=f"user-{number}")
        assert evaluate(request, policies).allowed
    assert compile_policy(one) is compile_policy(one)
    assert len(compile_policy(one).statements[0].kept_answers) <= KEPT


def test_an_equal_policy_parsed_again_is_another_policy() -> None:
    assert compile_policy(policy(FULL)) is not compile_policy(policy(FULL))


def test_gateway_endpoint_policies_must_name_everyone() -> None:
    everyone = policy(
        {**FULL, "Principal": "*"}, {**FULL, "Principal": {"AWS": "*"}}, kind=PolicyType.ENDPOINT
    )
    one = policy({**FULL, "Principal": {"AWS": user().arn}}, kind=PolicyType.ENDPOINT)
    negated = policy({**FULL, "NotPrincipal": {"AWS": user().arn}}, kind=PolicyType.ENDPOINT)
    assert names_everyone_only(everyone)
    assert not names_everyone_only(one)
    assert not names_everyone_only(negated)
