"""All of AWS's managed policies: they parse, come back as they went in, and decide."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from tests.differential.naive_policy import naive
from tests.support.identity import IdentityCloud
from tests.support.policy import ACCOUNT, user
from tests.support.refusals import refused

from casemate.policy.decision import PolicyType
from casemate.policy.document import Policy, Statement
from casemate.policy.evaluation import evaluate
from casemate.policy.parser import parse_policy
from casemate.policy.request import AuthorizationRequest, PolicySet
from casemate.services.iam import managed
from casemate.services.iam.managed import aws_policy, aws_policy_arns, provenance

LINKED = "arn:aws:iam::aws:policy/aws-service-role/AWSOrganizationsServiceTrustPolicy"
LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
)


@pytest.fixture(scope="module", autouse=True)
def index_read_once() -> Iterator[None]:
    """The product forgets the index to save memory; 1,582 policies in a row are asked for here only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(managed, "_index", cache(managed._index))
        yield


@cache
def parsed(arn: str) -> Policy:
    found = aws_policy(arn)
    assert found is not None
    return parse_policy(found.document, kind=PolicyType.IDENTITY, label=arn, managed=True)


def written(policy: Policy) -> dict[str, Any]:
    """The parsed policy as a document again, every element a list."""
    statements: list[dict[str, Any]] = []
    for each in policy.statements:
        conditions: dict[str, dict[str, list[str]]] = {}
        for clause in each.conditions:
            conditions.setdefault(clause.operator, {})[clause.key] = list(clause.values)
        elements = {
            "Sid": each.sid,
            "Effect": each.effect,
            "Action": list(each.actions),
            "NotAction": list(each.not_actions),
            "Resource": list(each.resources),
            "NotResource": list(each.not_resources),
            "Condition": conditions,
        }
        statements.append({name: value for name, value in elements.items() if value})
    return {"Version": policy.version, "Statement": statements}


def normal(document: dict[str, Any]) -> dict[str, Any]:
    """The published document in the form of `written`."""

    def listed(value: Any) -> list[Any]:
        return value if isinstance(value, list) else [value]

    def text(value: Any) -> str:
        return json.dumps(value) if isinstance(value, bool | int) else value

    statements: list[dict[str, Any]] = []
    for each in listed(document["Statement"]):
        shown = {
            name: value if name in {"Sid", "Effect"} else listed(value)
            for name, value in each.items()
            if name != "Condition" and value
        }
        if each.get("Condition"):
            shown["Condition"] = {
                operator: {key: [text(value) for value in listed(values)] for key, values in keys.items()}
                for operator, keys in each["Condition"].items()
            }
        statements.append(shown)
    return {"Version": document["Version"], "Statement": statements}


def test_the_data_says_where_it_comes_from() -> None:
    source = provenance()
    assert source["licence"] == "Apache-2.0"
    assert re.fullmatch(r"\d+\.\d+\.\d+", source["version"])
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", source["retrieved"])


def test_every_policy_parses_and_comes_back_as_it_went_in() -> None:
    arns = aws_policy_arns()
    assert len(arns) > 1500
    assert len(set(arns)) == len(arns)
    for arn in arns:
        policy = parsed(arn)
        assert written(policy) == normal(json.loads(policy.document)), arn
        again = parse_policy(json.dumps(written(policy)), kind=PolicyType.IDENTITY, label=arn, managed=True)
        assert again.statements == policy.statements, arn


def concrete(pattern: str) -> str:
    """Something that `pattern` matches."""
    return re.sub(r"\$\{[^}]*\}", "x", pattern).replace("*", "x").replace("?", "x")


def ask(policy: Policy, action: str, resource: str) -> tuple[bool, AuthorizationRequest]:
    request = AuthorizationRequest(
        principal=user(), action=action, resource=resource, resource_account=ACCOUNT
    )
    policies = PolicySet(identity=(policy,))
    decision = evaluate(request, policies)
    allowed, _ = naive(request, policies)
    assert decision.allowed is allowed, (policy.label, action, resource)
    return decision.allowed, request


def plain(statement: Statement) -> bool:
    """An Allow that depends on nothing but action and resource."""
    return (
        statement.effect == "Allow"
        and not statement.conditions
        and bool(statement.actions)
        and bool(statement.resources)
        and "${" not in "".join(statement.resources)
    )


def test_every_policy_decides_and_as_the_naive_evaluator_does() -> None:
    rng = random.Random(7)
    seen: Counter[str] = Counter()
    for arn in aws_policy_arns():
        policy = parsed(arn)
        everything = any(action == "*" for each in policy.statements for action in each.actions)
        denies = any(each.effect == "Deny" for each in policy.statements)
        for each in rng.sample(policy.statements, min(3, len(policy.statements))):
            actions = each.actions or ("s3:GetObject",)
            resources = each.resources or ("arn:aws:s3:::x/x",)
            action, resource = concrete(rng.choice(actions)), concrete(rng.choice(resources))
            resource = "arn:aws:s3:::x/x" if resource == "x" else resource
            allowed, _ = ask(policy, action, resource)
            seen["allowed" if allowed else "refused"] += 1
            if plain(each) and not denies:
                assert allowed, (arn, action, resource)
        allowed, _ = ask(policy, "casemate:NoSuchAction", "arn:aws:casemate:us-east-2:000000000000:thing/x")
        assert not allowed or everything or any(each.not_actions for each in policy.statements), arn
        seen["stranger allowed" if allowed else "stranger refused"] += 1
    assert seen["allowed"] > 2000
    assert seen["refused"] > 200
    assert seen["stranger allowed"] < 10


def test_nothing_is_read_until_a_policy_is_asked_for(cloud: IdentityCloud) -> None:
    managed.aws_policy.cache_clear()
    again = IdentityCloud()
    again.administrator()
    assert managed.aws_policy.cache_info().misses == 0
    again.client("iam").get_policy(PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert managed.aws_policy.cache_info().currsize == 1


def test_all_are_listed_page_by_page(client: Any) -> None:
    pages = list(client.get_paginator("list_policies").paginate(Scope="AWS"))
    listed = [each["Arn"] for page in pages for each in page["Policies"]]
    assert len(pages[0]["Policies"]) == 100
    assert sorted(listed) == sorted(aws_policy_arns())
    everything = client.list_policies(MaxItems=1000, PathPrefix="/job-function/")["Policies"]
    assert {"Billing", "ViewOnlyAccess"} <= {each["PolicyName"] for each in everything}


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess",
        "arn:aws:iam::aws:policy/service-role/AmazonS3ObjectLambdaExecutionRolePolicy",
        "arn:aws:iam::aws:policy/job-function/SupportUser",
    ],
)
def test_any_is_read_and_attached(client: Any, arn: str) -> None:
    policy = client.get_policy(PolicyArn=arn)["Policy"]
    assert policy["Arn"] == arn
    version = client.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"]["Statement"]
    assert version["IsDefaultVersion"]
    client.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    client.attach_role_policy(RoleName="r", PolicyArn=arn)
    attached = client.list_attached_role_policies(RoleName="r")["AttachedPolicies"]
    assert [each["PolicyArn"] for each in attached] == [arn]
    assert client.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1


def test_a_policy_of_a_service_linked_role_is_its_services_to_attach(client: Any) -> None:
    # API Reference, AttachRolePolicy, PolicyNotAttachable; the text as the Terraform provider's users report it.
    client.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    text = "Cannot attach a Service Role Policy to a Customer Role."
    refused("PolicyNotAttachable", text, client.attach_role_policy, RoleName="r", PolicyArn=LINKED)
    assert client.get_policy(PolicyArn=LINKED)["Policy"]["Path"] == "/aws-service-role/"
