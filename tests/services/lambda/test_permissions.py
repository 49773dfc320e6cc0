"""Resource-based policies."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.policy.document import ConditionClause, PrincipalSpec

from .conftest import LambdaCloud

ARN = "arn:aws:lambda:us-east-2:000000000000:function:orders"


def add(client: Any, sid: str = "s1", principal: str = "222222222222", **params: Any) -> Any:
    return client.add_permission(
        FunctionName="orders",
        StatementId=sid,
        **{"Action": "lambda:InvokeFunction", "Principal": principal, **params},
    )


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ("222222222222", {"AWS": "arn:aws:iam::222222222222:root"}),
        ("arn:aws:iam::222222222222:role/r", {"AWS": "arn:aws:iam::222222222222:role/r"}),
        ("events.amazonaws.com", {"Service": "events.amazonaws.com"}),
        ("*", "*"),
    ],
)
def test_statements_are_written_as_aws_writes_them(
    cloud: LambdaCloud, client: Any, principal: str, expected: Any
) -> None:
    cloud.create(client)
    statement = json.loads(add(client, principal=principal)["Statement"])
    assert statement == {
        "Sid": "s1",
        "Effect": "Allow",
        "Principal": expected,
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
    }
    policy = json.loads(client.get_policy(FunctionName="orders")["Policy"])
    assert policy == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}


def test_the_engine_gets_the_same_policy_object_until_it_changes(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    lookup = cloud.slice.service.resource_policies
    assert lookup is not None
    assert lookup(ARN) is None
    add(client, principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::b", SourceAccount="222222222222")
    policy = lookup(ARN)
    assert policy is not None
    assert lookup(ARN) is policy
    [statement] = policy.statements
    assert statement.principal == PrincipalSpec(service=("s3.amazonaws.com",))
    assert statement.resources == (ARN,)
    assert set(statement.conditions) == {
        ConditionClause(operator="StringEquals", key="AWS:SourceAccount", values=("222222222222",)),
        ConditionClause(operator="ArnLike", key="AWS:SourceArn", values=("arn:aws:s3:::b",)),
    }
    add(client, "s2")
    changed = lookup(ARN)
    assert changed is not None
    assert changed is not policy
    assert [one.sid for one in changed.statements] == ["s1", "s2"]
    assert lookup(f"{ARN}:live") is None
    assert lookup("arn:aws:s3:::bucket") is None


def test_a_qualifier_has_a_policy_of_its_own(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, Publish=True)
    add(client, Qualifier="1")
    lookup = cloud.slice.service.resource_policies
    assert lookup is not None
    assert lookup(ARN) is None
    qualified = lookup(f"{ARN}:1")
    assert qualified is not None
    assert qualified.statements[0].resources == (f"{ARN}:1",)


def code_of(call: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


def test_statement_ids_are_unique_and_removed_by_name(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    add(client)
    assert code_of(lambda: add(client)) == "ResourceConflictException"
    remove = client.remove_permission
    assert code_of(lambda: remove(FunctionName="orders", StatementId="no")) == "ResourceNotFoundException"
    assert code_of(lambda: add(client, "s2", RevisionId="x")) == "PreconditionFailedException"
    assert code_of(lambda: add(client, "s3", Action="s3:GetObject")) == "ValidationException"
    client.remove_permission(FunctionName="orders", StatementId="s1")
    assert code_of(lambda: client.get_policy(FunctionName="orders")) == "ResourceNotFoundException"


def test_a_policy_has_at_most_20_kb(cloud: LambdaCloud, client: Any) -> None:
    """Lambda quotas, "Function resource-based policy"; the text: adobe/helix-deploy#24 on GitHub."""
    cloud.create(client)
    arn = "arn:aws:s3:::" + "b" * 900
    with pytest.raises(ClientError) as caught:
        for number in range(30):
            add(client, f"s{number}", SourceArn=arn)
    assert 10 < len(json.loads(client.get_policy(FunctionName="orders")["Policy"])["Statement"]) < 20
    error = caught.value.response["Error"]
    assert error["Code"] == "PolicyLengthExceededException"
    assert re.fullmatch(
        r"The final policy size \(2\d{4}\) is bigger than the limit \(20480\)\.", error["Message"]
    )
