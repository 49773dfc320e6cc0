"""RoleLastUsed and AccessKeyLastUsed: what is noted, how often it is written, and how long it is told.

Sources: IAM API Reference, RoleLastUsed, AccessKeyLastUsed, GetAccessKeyLastUsed, GetAccountAuthorizationDetails.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.identity import WORKLOAD, IdentityCloud
from tests.support.instance import Instance
from tests.support.refusals import refused

from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.store import Store
from casemate.services.iam.last_uses import IamCredentialUses
from casemate.services.iam.state import IamState

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:root"},
            "Action": "sts:AssumeRole",
        },
    }
)


class CountingStore(Store):
    """Counts the commits that touched the last uses."""

    def __init__(self) -> None:
        super().__init__(None)
        self.writes = 0
        self.subscribe(self._count)

    def _count(self, changed: frozenset[str]) -> None:
        self.writes += "iam.last_uses" in changed


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


@pytest.fixture
def cloud(store: CountingStore) -> IdentityCloud:
    return IdentityCloud(store)


def state_of(cloud: IdentityCloud) -> IamState:
    state: Any = cloud.services["iam"].state
    assert isinstance(state, IamState)
    return state


@pytest.fixture
def uses(cloud: IdentityCloud) -> IamCredentialUses:
    return IamCredentialUses(state_of(cloud))


def session(name: str) -> Principal:
    return Principal(
        kind=PrincipalKind.ROLE_SESSION,
        arn=f"arn:aws:sts::{WORKLOAD}:assumed-role/{name}/s",
        account=WORKLOAD,
        user_id="AROA:s",
        role_arn=f"arn:aws:iam::{WORKLOAD}:role/team/{name}",
        access_key_id="ASIAIOSFODNN7EXAMPLE",
    )


def made(client: Any, name: str = "Reader") -> None:
    client.create_role(RoleName=name, Path="/team/", AssumeRolePolicyDocument=TRUST)


def role_use(client: Any, name: str = "Reader") -> dict[str, Any]:
    return client.get_role(RoleName=name)["Role"]["RoleLastUsed"]


def test_a_role_that_was_never_used_says_nothing(client: Any) -> None:
    made(client)
    assert role_use(client) == {}


def test_a_use_is_told_by_both_operations_and_by_no_other(
    client: Any, cloud: IdentityCloud, uses: IamCredentialUses
) -> None:
    made(client)
    at = cloud.now + timedelta(seconds=3, microseconds=5)
    uses.used(session("Reader"), service="dynamodb", region="us-east-2", now=at)
    told = {"LastUsedDate": at.replace(microsecond=0), "Region": "us-east-2"}
    assert role_use(client) == told
    (detail,) = client.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    assert detail["RoleLastUsed"] == told
    (listed,) = client.list_roles()["Roles"]
    assert "RoleLastUsed" not in listed


def test_a_global_service_is_used_in_its_own_region(
    client: Any, cloud: IdentityCloud, uses: IamCredentialUses
) -> None:
    made(client)
    uses.used(session("Reader"), service="iam", region="eu-west-1", now=cloud.now)
    assert role_use(client)["Region"] == "us-east-1"


def test_it_is_written_once_a_minute_at_most(
    client: Any, cloud: IdentityCloud, store: CountingStore, uses: IamCredentialUses
) -> None:
    made(client)
    made(client, "Writer")
    for second in range(120):
        now = cloud.now + timedelta(seconds=second)
        for name in ("Reader", "Writer"):
            uses.used(session(name), service="dynamodb", region="us-east-2", now=now)
    assert store.writes == 4, "two minutes of two roles"
    assert role_use(client)["LastUsedDate"] == cloud.now + timedelta(seconds=60)


def test_it_is_told_for_400_days(client: Any, cloud: IdentityCloud, uses: IamCredentialUses) -> None:
    made(client)
    uses.used(session("Reader"), service="dynamodb", region="us-east-2", now=cloud.now)
    cloud.now += timedelta(days=400)
    assert role_use(client)
    cloud.now += timedelta(seconds=1)
    assert role_use(client) == {}


def test_a_role_made_anew_was_never_used(client: Any, cloud: IdentityCloud, uses: IamCredentialUses) -> None:
    made(client)
    uses.used(session("Reader"), service="dynamodb", region="us-east-2", now=cloud.now)
    client.delete_role(RoleName="Reader")
    assert not len(state_of(cloud).last_uses), "nothing is left behind"
    uses.used(session("Reader"), service="dynamodb", region="us-east-2", now=cloud.now)
    made(client)
    assert role_use(client) == {}


def test_an_access_key_tells_its_last_service(
    client: Any, cloud: IdentityCloud, uses: IamCredentialUses
) -> None:
    client.create_user(UserName="ann")
    key = client.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    unused = client.get_access_key_last_used(AccessKeyId=key)
    assert unused["UserName"] == "ann"
    assert unused["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    found = cloud.credential(key)
    assert found is not None
    uses.used(found.principal, service="kms", region="eu-west-1", now=cloud.now)
    used = client.get_access_key_last_used(AccessKeyId=key)["AccessKeyLastUsed"]
    assert used == {"LastUsedDate": cloud.now, "ServiceName": "kms", "Region": "eu-west-1"}
    assert cloud.checks[-1].resource == f"arn:aws:iam::{WORKLOAD}:user/ann"
    client.delete_access_key(UserName="ann", AccessKeyId=key)
    text = f"The Access Key with id {key} cannot be found."
    refused("NoSuchEntity", text, client.get_access_key_last_used, AccessKeyId=key)


def test_a_real_use_survives_a_crash_and_a_refused_request_is_one(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "data", "--dataplane", "off").start()
    try:
        iam, sts = instance.client("iam"), instance.client("sts")
        iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
        role = f"arn:aws:iam::{WORKLOAD}:role/reader"
        keys = sts.assume_role(RoleArn=role, RoleSessionName="ops")["Credentials"]
        assert iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"] == {}, "assuming is no use"
        before = datetime.now(UTC).replace(microsecond=0)
        tables = instance.client("dynamodb", region="eu-west-1", credentials=keys)
        refused("AccessDeniedException", "is not authorized to perform", tables.list_tables)
        instance.kill()
        instance.start()
        iam = instance.client("iam")
        used = iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"]
        assert used["Region"] == "eu-west-1"
        assert before <= used["LastUsedDate"] <= datetime.now(UTC)
        key = instance.keys()["access_key_id"]
        own = iam.get_access_key_last_used(AccessKeyId=key)
        assert own["UserName"] == "admin"
        assert own["AccessKeyLastUsed"]["ServiceName"] in {"iam", "sts"}
    finally:
        instance.stop()
