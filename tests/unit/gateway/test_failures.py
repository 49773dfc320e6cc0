"""Encoded authorization messages: opaque, unforgeable, and complete once decoded."""

from __future__ import annotations

import json

import pytest
from tests.support.policy import ACCOUNT, FULL, OTHER, TABLE, policies_of, request_of, user

from casemate.gateway.authorization import encodes, refusal
from casemate.gateway.failures import KEY_BYTES, SealedMessages, failure
from casemate.policy.evaluation import evaluate

MESSAGES = SealedMessages(b"k" * KEY_BYTES)
CONTENT = {"allowed": False, "secret": "NoVpc" * 20}


def test_a_message_is_read_back() -> None:
    sealed = MESSAGES.seal(CONTENT, ACCOUNT)
    opened = MESSAGES.open(sealed, ACCOUNT)
    assert opened is not None
    assert json.loads(opened) == CONTENT
    assert set(sealed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_two_messages_about_the_same_refusal_differ() -> None:
    assert MESSAGES.seal(CONTENT, ACCOUNT) != MESSAGES.seal(CONTENT, ACCOUNT)


def test_no_other_account_and_no_other_key_reads_it() -> None:
    sealed = MESSAGES.seal(CONTENT, ACCOUNT)
    assert MESSAGES.open(sealed, OTHER) is None
    assert SealedMessages(b"l" * KEY_BYTES).open(sealed, ACCOUNT) is None


@pytest.mark.parametrize("place", [0, 11, 12, 40, -20])
def test_a_changed_message_is_none(place: int) -> None:
    sealed = list(MESSAGES.seal(CONTENT, ACCOUNT))
    sealed[place] = "A" if sealed[place] != "A" else "B"
    assert MESSAGES.open("".join(sealed), ACCOUNT) is None


@pytest.mark.parametrize("text", ["", "x", "abcd", "not base64!", "é", "line\nbreak", "A" * 10_000])
def test_what_was_never_a_message_is_none(text: str) -> None:
    assert MESSAGES.open(text, ACCOUNT) is None


def test_the_decoded_form_names_every_matched_deny_and_the_whole_context() -> None:
    deny = {
        "Sid": "Guard",
        "Effect": "Deny",
        "NotAction": "s3:*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}},
    }
    given = {
        "principal": "user",
        "identity": ["full", {**deny, "Sid": "Own"}],
        "scps": [["full", deny]],
        "context": {"aws:SourceVpc": "vpc-9", "aws:TagKeys": ["a", "b"]},
    }
    request, policies = request_of(given), policies_of(given)
    decision = evaluate(request, policies)
    decoded = failure(request, policies, decision)
    assert decoded["allowed"] is False
    assert decoded["explicitDeny"] is True
    statements = decoded["matchedStatements"]["items"]
    assert [one["statementId"] for one in statements] == ["Guard", "Own"]
    assert statements[0] == {
        "statementId": "Guard",
        "effect": "DENY",
        "principals": {"items": [{"value": user().user_id}]},
        "principalGroups": {"items": []},
        "actions": {"items": []},
        "resources": {"items": [{"value": "*"}]},
        "conditions": {
            "items": [
                {
                    "operator": "StringNotEquals",
                    "key": "aws:SourceVpc",
                    "values": {"items": [{"value": "vpc-1"}, {"value": "vpc-2"}]},
                }
            ]
        },
        "notActions": {"items": [{"value": "s3:*"}]},
    }
    context = decoded["context"]
    assert context["principal"] == {"id": user().user_id, "name": "ann", "arn": user().arn}
    assert context["resource"] == TABLE
    conditions = {
        one["key"]: [value["value"] for value in one["values"]["items"]]
        for one in context["conditions"]["items"]
    }
    assert conditions["aws:SourceVpc"] == ["vpc-9"]
    assert conditions["aws:TagKeys"] == ["a", "b"]


def test_an_implicit_deny_matches_no_statement() -> None:
    given = {"principal": "user", "identity": [{**FULL, "Action": "s3:*"}]}
    request, policies = request_of(given), policies_of(given)
    decoded = failure(request, policies, evaluate(request, policies))
    assert decoded["explicitDeny"] is False
    assert decoded["matchedStatements"] == {"items": []}


@pytest.mark.parametrize(
    ("service", "action", "encoded"),
    [
        ("ec2", "ec2:CreateVpc", True),
        ("ec2", "ec2:RunInstances", True),
        ("ec2", "ec2:DescribeVpcs", False),
        ("dynamodb", "dynamodb:PutItem", False),
    ],
)
def test_only_ec2_encodes_and_only_what_changes_something(service: str, action: str, encoded: bool) -> None:
    given = {"principal": "user", "action": action, "resource": "*"}
    decision = evaluate(request_of(given), policies_of(given))
    assert encodes(service, decision) is encoded
    error = refusal(service, decision, "blob" if encoded else "")
    assert error.message.endswith(". Encoded authorization failure message: blob") is encoded
