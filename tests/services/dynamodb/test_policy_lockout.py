"""Who can still change a table's policy. Source: API reference, PutResourcePolicy and DeleteResourcePolicy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
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
        assert tables.get_resource_policy(ResourceArn=ARN)["Policy"] == denying("dynamodb:GetItem")
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
