from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.identity import MANAGEMENT, WORKLOAD, IdentityCloud, root_of

from casemate.model.errors import AwsError
from casemate.model.principals import Principal, PrincipalKind
from casemate.servicekit.service import Check
from casemate.servicekit.store import Store

ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def principal_of(cloud: IdentityCloud, name: str) -> Principal:
    found = cloud.directory.user(WORKLOAD, name)
    assert found is not None
    return found


def test_a_user_has_its_own_policies_and_those_of_its_groups() -> None:
    cloud = IdentityCloud()
    client = cloud.client("iam")
    arn = client.create_policy(PolicyName="p", PolicyDocument=ALLOW)["Policy"]["Arn"]
    client.create_user(UserName="bob", PermissionsBoundary=arn)
    client.create_group(GroupName="g")
    client.put_user_policy(UserName="bob", PolicyName="i", PolicyDocument=ALLOW)
    client.put_group_policy(GroupName="g", PolicyName="j", PolicyDocument=ALLOW)
    client.attach_group_policy(GroupName="g", PolicyArn=ADMIN)
    bob = principal_of(cloud, "bob")
    before = cloud.directory.policies_of(bob)
    assert len(before.identity) == 1
    client.add_user_to_group(UserName="bob", GroupName="g")
    after = cloud.directory.policies_of(bob)
    assert [policy.label for policy in after.identity] == [
        f"inline policy i of user bob (arn:aws:iam::{WORKLOAD}:user/bob)",
        ADMIN,
        f"inline policy j of group g (arn:aws:iam::{WORKLOAD}:group/g)",
    ]
    assert after.boundary is not None
    assert after.boundary.label == arn


def test_the_same_policy_objects_come_back_until_their_text_changes() -> None:
    cloud = IdentityCloud()
    client = cloud.client("iam")
    arn = client.create_policy(PolicyName="p", PolicyDocument=ALLOW)["Policy"]["Arn"]
    client.create_user(UserName="bob")
    client.attach_user_policy(UserName="bob", PolicyArn=arn)
    bob = principal_of(cloud, "bob")
    first = cloud.directory.policies_of(bob)
    client.create_user(UserName="eve")
    assert cloud.directory.policies_of(bob) is first
    client.tag_user(UserName="bob", Tags=[{"Key": "a", "Value": "b"}])
    again = cloud.directory.policies_of(bob)
    assert again is not first
    assert again.identity[0] is first.identity[0]
    client.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW.replace("Get", "Put"))
    assert cloud.directory.policies_of(bob).identity[0] is first.identity[0]
    client.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    changed = cloud.directory.policies_of(bob).identity[0]
    assert changed.statements[0].actions == ("s3:PutObject",)


def test_strangers_and_root_have_no_policies() -> None:
    cloud = IdentityCloud()
    stranger = Principal(
        kind=PrincipalKind.USER,
        arn=f"arn:aws:iam::{WORKLOAD}:user/x",
        account=WORKLOAD,
        user_id="AIDA",
        user_name="x",
    )
    for principal in (stranger, root_of(WORKLOAD)):
        assert cloud.directory.policies_of(principal).identity == ()


def test_roles_are_found_by_their_whole_arn() -> None:
    cloud = IdentityCloud()
    cloud.client("iam").create_role(RoleName="r", Path="/a/", AssumeRolePolicyDocument=LAMBDA)
    arn = f"arn:aws:iam::{WORKLOAD}:role/a/r"
    assert cloud.directory.role_arn(WORKLOAD, "r") == arn
    assert cloud.directory.role_arn(WORKLOAD, "no") is None
    assert cloud.directory.role_exists(arn)
    for wrong in (
        f"arn:aws:iam::{WORKLOAD}:role/r",
        f"arn:aws:iam::{MANAGEMENT}:role/a/r",
        "nonsense",
        ADMIN,
    ):
        assert not cloud.directory.role_exists(wrong)
    assert cloud.directory.role(arn) is cloud.directory.role(arn)


def test_bootstrap_is_idempotent_and_heals() -> None:
    cloud = IdentityCloud()
    key = cloud.bootstrap.ensure_administrator(WORKLOAD)
    assert cloud.bootstrap.ensure_administrator(WORKLOAD) is key
    admin = cloud.administrator()
    assert cloud.decide(cloud.services["iam"], Check(action="s3:Anything"), admin).allowed
    cloud.client("iam").detach_user_policy(UserName="admin", PolicyArn=ADMIN)
    cloud.client("iam").delete_access_key(UserName="admin", AccessKeyId=key.id)
    assert not cloud.decide(cloud.services["iam"], Check(action="s3:Anything"), admin).allowed
    again = cloud.bootstrap.ensure_administrator(WORKLOAD)
    assert again.id != key.id
    assert cloud.decide(cloud.services["iam"], Check(action="s3:Anything"), cloud.administrator()).allowed
    root = cloud.bootstrap.ensure_root_key(WORKLOAD)
    found = cloud.credential(root.id)
    assert found is not None
    assert found.principal.kind is PrincipalKind.ROOT


def test_unknown_keys_are_unknown() -> None:
    cloud = IdentityCloud()
    assert cloud.credential("AKIAIOSFODNN7EXAMPLE") is None
    assert cloud.credential("ASIAIOSFODNN7EXAMPLE") is None


def test_everything_is_there_again_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    cloud = IdentityCloud(Store(path))
    client = cloud.client("iam")
    admin = cloud.bootstrap.ensure_administrator(WORKLOAD)
    client.create_group(GroupName="g")
    client.add_user_to_group(UserName="admin", GroupName="g")
    client.create_role(
        RoleName="r",
        AssumeRolePolicyDocument=LAMBDA,
        Tags=[{"Key": "a", "Value": "b"}],
        MaxSessionDuration=7200,
    )
    arn = client.create_policy(PolicyName="p", PolicyDocument=ALLOW)["Policy"]["Arn"]
    client.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW, SetAsDefault=True)
    client.attach_role_policy(RoleName="r", PolicyArn=arn)
    client.put_role_policy(RoleName="r", PolicyName="i", PolicyDocument=ALLOW)
    client.create_instance_profile(InstanceProfileName="ip")
    client.add_role_to_instance_profile(InstanceProfileName="ip", RoleName="r")
    client.create_account_alias(AccountAlias="alias")
    organizations = cloud.client("organizations", account=MANAGEMENT)
    root = organizations.list_roots()["Roots"][0]["Id"]
    unit = organizations.create_organizational_unit(ParentId=root, Name="x")["OrganizationalUnit"]["Id"]
    organizations.move_account(AccountId=WORKLOAD, SourceParentId=root, DestinationParentId=unit)
    session = cloud.service_sessions.assume_for_service(
        role_arn=f"arn:aws:iam::{WORKLOAD}:role/r", session_name="fn", service="lambda.amazonaws.com"
    )

    def everything(of: IdentityCloud) -> list[object]:
        iam, orgs = of.client("iam"), of.client("organizations", account=MANAGEMENT)
        return [
            iam.list_users(),
            iam.get_group(GroupName="g"),
            iam.get_role(RoleName="r"),
            iam.get_policy(PolicyArn=arn),
            iam.list_policy_versions(PolicyArn=arn),
            iam.get_role_policy(RoleName="r", PolicyName="i"),
            iam.list_attached_role_policies(RoleName="r"),
            iam.get_instance_profile(InstanceProfileName="ip"),
            iam.list_account_aliases(),
            orgs.describe_organization(),
            orgs.list_accounts(),
            orgs.list_roots(),
            of.credential(admin.id),
            of.credential(session.access_key_id),
            [level.target_id for level in of.organization.membership(WORKLOAD).scps],  # type: ignore[union-attr]
        ]

    before = everything(cloud)
    cloud.store.close()
    again = IdentityCloud(Store(path))
    assert everything(again) == before
    assert again.bootstrap.ensure_administrator(WORKLOAD) == admin


def test_a_failed_operation_leaves_no_trace_in_what_is_given_out() -> None:
    cloud = IdentityCloud()
    cloud.client("iam").create_user(UserName="bob")
    bob = principal_of(cloud, "bob")
    with pytest.raises(AwsError), cloud.store.transaction():
        service = cloud.services["iam"]
        ctx = cloud._context(service, WORKLOAD, "us-east-1")
        service.operations.by_name["AttachUserPolicy"].handler(ctx, {"UserName": "bob", "PolicyArn": ADMIN})
        assert len(cloud.directory.policies_of(bob).identity) == 1
        raise AwsError("Stop", "")
    assert cloud.directory.policies_of(bob).identity == ()
