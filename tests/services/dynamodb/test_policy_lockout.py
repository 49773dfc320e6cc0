"""Who can still change a table's policy. Source: API reference, PutResourcePolicy and DeleteResourcePolicy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.identity import MANAGEMENT
from tests.support.key_cloud import SIMPLE, KeyCloud, refused

from casemate.model.principals import Principal, PrincipalKind

ACCOUNT = "000000000000"
ARN = f"arn:aws:dynamodb:us-east-2:{ACCOUNT}:table/orders"
ROOT = Principal(
    kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{ACCOUNT}:root", account=ACCOUNT, user_id=ACCOUNT
)


@pytest.fixture
def cloud() -> Iterator[KeyCloud]:
    made = KeyCloud()
    yield made
    made.engine.close()
    made.store.close()


@pytest.fixture
def tables(cloud: KeyCloud) -> Any:
    client = cloud.client("dynamodb")
    client.create_table(TableName="orders", **SIMPLE)
    return client


def denying(action: str) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": ARN}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_who_would_lock_himself_out_has_to_confirm_it(tables: Any) -> None:
    tables.put_resource_policy(ResourceArn=ARN, Policy=denying("dynamodb:GetItem"))
    for _ in range(2):
        with refused("AccessDeniedException.*will not allow you to update the resource policy in the future"):
            tables.put_resource_policy(ResourceArn=ARN, Policy=denying("dynamodb:*"))
        assert json.loads(tables.get_resource_policy(ResourceArn=ARN)["Policy"]) == json.loads(
            denying("dynamodb:GetItem")
        )
    tables.put_resource_policy(
        ResourceArn=ARN, Policy=denying("dynamodb:*"), ConfirmRemoveSelfResourceAccess=True
    )
    with refused("AccessDeniedException.*explicit deny in a resource-based policy"):
        tables.get_resource_policy(ResourceArn=ARN)


def test_the_root_user_deletes_a_policy_that_denies_everybody_everything(
    cloud: KeyCloud, tables: Any
) -> None:
    tables.put_resource_policy(
        ResourceArn=ARN, Policy=denying("dynamodb:*"), ConfirmRemoveSelfResourceAccess=True
    )
    with refused("AccessDeniedException.*dynamodb:DeleteResourcePolicy"):
        tables.delete_resource_policy(ResourceArn=ARN)
    cloud.principal = ROOT
    for call, named in (
        (tables.get_resource_policy, {"ResourceArn": ARN}),
        (tables.describe_table, {"TableName": "orders"}),
    ):
        with refused("AccessDeniedException.*explicit deny in a resource-based policy"):
            call(**named)
    tables.delete_resource_policy(ResourceArn=ARN)
    cloud.principal = cloud.administrator()
    with refused("PolicyNotFoundException"):
        tables.get_resource_policy(ResourceArn=ARN)


def test_no_other_accounts_root_user_deletes_it(cloud: KeyCloud, tables: Any) -> None:
    tables.put_resource_policy(ResourceArn=ARN, Policy=denying("dynamodb:GetItem"))
    other = "111111111111"
    cloud.principal = Principal(
        kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{other}:root", account=other, user_id=other
    )
    with refused("AccessDeniedException.*dynamodb:DeleteResourcePolicy"):
        cloud.client("dynamodb", account=other).delete_resource_policy(ResourceArn=ARN)


@pytest.mark.parametrize("kind", ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"])
def test_what_an_organization_denies_the_root_user_on_that_table_it_is_denied(
    cloud: KeyCloud, tables: Any, kind: str
) -> None:
    """Only the table's own policy is left out."""
    tables.put_resource_policy(ResourceArn=ARN, Policy=denying("dynamodb:GetItem"))
    organizations = cloud.client("organizations", account=MANAGEMENT)
    cloud.principal = None
    statement: dict[str, Any] = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": ARN}
    if kind == "RESOURCE_CONTROL_POLICY":
        statement["Principal"] = "*"
    policy = organizations.create_policy(
        Name="kept",
        Description="",
        Type=kind,
        Content=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=ACCOUNT)
    cloud.principal = ROOT
    with refused(
        "AccessDeniedException.*DeleteResourcePolicy.*explicit deny in a (service|resource) control"
    ):
        tables.delete_resource_policy(ResourceArn=ARN)


def test_the_policy_of_a_stream_of_another_region_is_asked_for_there(cloud: KeyCloud, tables: Any) -> None:
    tables.update_table(
        TableName="orders", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    )
    stream = tables.describe_table(TableName="orders")["Table"]["LatestStreamArn"]
    elsewhere = cloud.client("dynamodb", region="eu-west-1")
    for call in (elsewhere.get_resource_policy, elsewhere.delete_resource_policy):
        with refused("ValidationException.*Region mismatch: expected eu-west-1, given us-east-2"):
            call(ResourceArn=stream)
    tables.delete_resource_policy(ResourceArn=stream)


def test_a_policy_with_half_a_character_is_none(tables: Any) -> None:
    policy = denying("dynamodb:GetItem").replace('"Effect"', r'"Sid": "\ud800", "Effect"')
    with refused("ValidationException.*Invalid policy document"):
        tables.put_resource_policy(ResourceArn=ARN, Policy=policy)


def test_insights_are_listed_by_whom_a_policy_names_no_table(cloud: KeyCloud, tables: Any) -> None:
    """Service Authorization Reference: ListContributorInsights has no resource, whichever table it is asked of."""
    for resource, code in ((ARN, "AccessDeniedException"), ("*", None)):
        allowed = {"Effect": "Allow", "Action": "dynamodb:ListContributorInsights", "Resource": resource}
        cloud.principal = cloud.user(f"lister-{len(resource)}", allowed)
        if code is None:
            assert tables.list_contributor_insights(TableName="orders")["ContributorInsightsSummaries"] == []
            continue
        with refused(code):
            tables.list_contributor_insights(TableName="orders")
