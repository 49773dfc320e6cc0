from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.identity import MANAGEMENT, WORKLOAD, IdentityCloud
from tests.support.refusals import refused

from casemate.policy.decision import PolicyType
from casemate.servicekit.service import Check

FULL, RCP_FULL = "p-FullAWSAccess", "p-RCPFullAWSAccess"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


DENY_S3 = document({"Effect": "Deny", "Action": "s3:*", "Resource": "*"})
RCP_DENY = document({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"})


def create(client: Any, name: str = "deny", content: str = DENY_S3, kind: str = SCP, **more: Any) -> str:
    made = client.create_policy(Name=name, Description="d", Type=kind, Content=content, **more)
    return made["Policy"]["PolicySummary"]["Id"]


def root_id(client: Any) -> str:
    return client.list_roots()["Roots"][0]["Id"]


def attached(client: Any, target: str, kind: str = SCP) -> list[str]:
    listed = client.list_policies_for_target(TargetId=target, Filter=kind)["Policies"]
    return [each["Id"] for each in listed]


def unit(client: Any, parent: str, name: str = "ou") -> str:
    return client.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]


def test_the_organization_exists_from_the_start(client: Any) -> None:
    organization = client.describe_organization()["Organization"]
    assert organization["MasterAccountId"] == MANAGEMENT
    assert organization["FeatureSet"] == "ALL"
    assert organization["Arn"] == f"arn:aws:organizations::{MANAGEMENT}:organization/{organization['Id']}"
    root = client.list_roots()["Roots"][0]
    assert {each["Type"]: each["Status"] for each in root["PolicyTypes"]} == {SCP: "ENABLED", RCP: "ENABLED"}
    assert [each["Id"] for each in client.list_accounts()["Accounts"]] == [WORKLOAD, MANAGEMENT]
    for target in (root["Id"], WORKLOAD, MANAGEMENT):
        assert (attached(client, target), attached(client, target, RCP)) == ([FULL], [RCP_FULL])
    refused("AlreadyInOrganizationException", "already a member", client.create_organization)


def test_only_the_management_account_may_ask(cloud: IdentityCloud, client: Any) -> None:
    member = cloud.client("organizations", account=WORKLOAD)
    assert member.describe_organization()["Organization"]["MasterAccountId"] == MANAGEMENT
    for call, params in (
        (member.list_accounts, {}),
        (member.create_policy, {"Name": "n", "Description": "d", "Type": SCP, "Content": DENY_S3}),
        (member.detach_policy, {"PolicyId": FULL, "TargetId": WORKLOAD}),
    ):
        message = "You don't have permissions to access this resource."
        refused("AccessDeniedException", message, call, **params)
    stranger = cloud.client("organizations", account="999999999999")
    refused("AWSOrganizationsNotInUseException", "not a member", stranger.describe_organization)
    refused("AWSOrganizationsNotInUseException", "not a member", stranger.list_roots)


def test_units(client: Any) -> None:
    root = root_id(client)
    made = client.create_organizational_unit(ParentId=root, Name="prod", Tags=[{"Key": "a", "Value": "b"}])
    prod = made["OrganizationalUnit"]["Id"]
    assert prod.startswith(f"ou-{root.removeprefix('r-')}-")
    assert attached(client, prod) == [FULL]
    refused(
        "DuplicateOrganizationalUnitException",
        "An OU with the same name already exists.",
        client.create_organizational_unit,
        ParentId=root,
        Name="prod",
    )
    inner = unit(client, prod, "prod")
    client.update_organizational_unit(OrganizationalUnitId=prod, Name="production")
    found = client.describe_organizational_unit(OrganizationalUnitId=prod)["OrganizationalUnit"]
    assert found["Name"] == "production"
    assert [
        e["Id"] for e in client.list_organizational_units_for_parent(ParentId=root)["OrganizationalUnits"]
    ] == [prod]
    assert client.list_parents(ChildId=inner)["Parents"] == [{"Id": prod, "Type": "ORGANIZATIONAL_UNIT"}]
    children = client.list_children(ParentId=root, ChildType="ACCOUNT")["Children"]
    assert [each["Id"] for each in children] == [WORKLOAD, MANAGEMENT]
    refused(
        "OrganizationalUnitNotEmptyException",
        "The specified OU is not empty.",
        client.delete_organizational_unit,
        OrganizationalUnitId=prod,
    )
    client.delete_organizational_unit(OrganizationalUnitId=inner)
    client.delete_organizational_unit(OrganizationalUnitId=prod)
    refused(
        "OrganizationalUnitNotFoundException",
        "doesn't exist",
        client.describe_organizational_unit,
        OrganizationalUnitId=prod,
    )
    refused("ParentNotFoundException", "doesn't exist", client.list_accounts_for_parent, ParentId="r-none")
    refused("ChildNotFoundException", "doesn't exist", client.list_parents, ChildId="123456789012")


def test_units_are_five_levels_deep_at_most(client: Any) -> None:
    parent = root_id(client)
    for level in range(5):
        parent = unit(client, parent, f"level{level}")
    error = refused(
        "ConstraintViolationException",
        "too many levels deep",
        client.create_organizational_unit,
        ParentId=parent,
        Name="x",
    )
    assert error["Reason"] == "OU_DEPTH_LIMIT_EXCEEDED"


def test_an_account_is_created_with_its_access_role(client: Any, cloud: IdentityCloud) -> None:
    status = client.create_account(
        AccountName="team", Email="team@example.com", Tags=[{"Key": "t", "Value": "1"}]
    )["CreateAccountStatus"]
    assert status["State"] == "SUCCEEDED"
    account = status["AccountId"]
    again = client.describe_create_account_status(CreateAccountRequestId=status["Id"])["CreateAccountStatus"]
    assert again == status
    described = client.describe_account(AccountId=account)["Account"]
    assert (described["Name"], described["Status"]) == ("team", "ACTIVE")
    assert described["JoinedMethod"] == "CREATED"
    assert client.list_tags_for_resource(ResourceId=account)["Tags"] == [{"Key": "t", "Value": "1"}]
    assert cloud.organization.account_exists(account)
    cloud.principal = cloud.administrator(MANAGEMENT)
    cloud.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole", RoleSessionName="me"
    )


def test_an_account_that_cannot_be_created(client: Any) -> None:
    client.create_account(AccountName="a", Email="a@example.com")
    status = client.create_account(AccountName="b", Email="A@example.com")["CreateAccountStatus"]
    assert (status["State"], status["FailureReason"]) == ("FAILED", "EMAIL_ALREADY_EXISTS")
    assert len(client.list_accounts()["Accounts"]) == 3
    assert len(client.list_create_account_status(States=["FAILED"])["CreateAccountStatuses"]) == 1
    error = refused(
        "InvalidInputException",
        "reserved prefix",
        client.create_account,
        AccountName="c",
        Email="c@example.com",
        RoleName="AWSServiceRoleForX",
    )
    assert error["Reason"] == "INVALID_ROLE_NAME"
    error = refused(
        "InvalidInputException",
        "You provided a value that does not match the required pattern.",
        client.create_account,
        AccountName="c",
        Email="nothing-like-an-address",
    )
    assert error["Reason"] == "INVALID_PATTERN"
    refused(
        "CreateAccountStatusNotFoundException",
        "",
        client.describe_create_account_status,
        CreateAccountRequestId="car-12345678",
    )


def test_moving_an_account(client: Any, cloud: IdentityCloud) -> None:
    root = root_id(client)
    prod = unit(client, root)
    organization = client.describe_organization()["Organization"]["Id"]

    def paths() -> tuple[str, ...]:
        membership = cloud.organization.membership(WORKLOAD)
        assert membership is not None
        return membership.paths

    assert paths() == (f"{organization}/{root}/",)
    move = {"AccountId": WORKLOAD, "SourceParentId": root, "DestinationParentId": prod}
    client.move_account(**move)
    assert paths() == (f"{organization}/{root}/{prod}/",)
    assert [each["Id"] for each in client.list_accounts_for_parent(ParentId=prod)["Accounts"]] == [WORKLOAD]
    refused("DuplicateAccountException", "already present", client.move_account, **move)
    other = unit(client, root, "other")
    refused(
        "SourceParentNotFoundException", "", client.move_account, **{**move, "DestinationParentId": other}
    )
    refused(
        "DestinationParentNotFoundException",
        "",
        client.move_account,
        AccountId=WORKLOAD,
        SourceParentId=prod,
        DestinationParentId="r-none",
    )
    refused(
        "AccountNotFoundException",
        "You specified an account that doesn't exist.",
        client.move_account,
        **{**move, "AccountId": "123456789012"},
    )


def test_policies(client: Any) -> None:
    policy = create(client, Tags=[{"Key": "k", "Value": "v"}])
    found = client.describe_policy(PolicyId=policy)["Policy"]
    assert found["Content"] == DENY_S3
    organization = client.describe_organization()["Organization"]["Id"]
    assert found["PolicySummary"] == {
        "Id": policy,
        "Arn": f"arn:aws:organizations::{MANAGEMENT}:policy/{organization}/service_control_policy/{policy}",
        "Name": "deny",
        "Description": "d",
        "Type": SCP,
        "AwsManaged": False,
    }
    refused("DuplicatePolicyException", "same name", create, client=client)
    create(client, kind=RCP, content=RCP_DENY)
    client.update_policy(PolicyId=policy, Name="renamed", Description="e")
    summary = client.describe_policy(PolicyId=policy)["Policy"]["PolicySummary"]
    assert (summary["Name"], summary["Description"]) == ("renamed", "e")
    assert [each["Id"] for each in client.list_policies(Filter=SCP)["Policies"]] == sorted([FULL, policy])
    client.attach_policy(PolicyId=policy, TargetId=WORKLOAD)
    refused("PolicyInUseException", "attached to one or more", client.delete_policy, PolicyId=policy)
    client.detach_policy(PolicyId=policy, TargetId=WORKLOAD)
    client.delete_policy(PolicyId=policy)
    refused("PolicyNotFoundException", "doesn't exist", client.describe_policy, PolicyId=policy)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (SCP, "nonsense"),
        (SCP, RCP_DENY),
        (SCP, document({"Effect": "Deny", "Action": "s3:*"})),
        (RCP, DENY_S3),
        (RCP, document({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"})),
    ],
    ids=[
        "not JSON",
        "an SCP has no principal",
        "no resource",
        "an RCP has a principal",
        "an RCP only denies",
    ],
)
def test_malformed_policies(client: Any, kind: str, content: str) -> None:
    message = "The provided policy document does not meet the requirements of the specified policy type."
    refused("MalformedPolicyDocumentException", message, create, client=client, kind=kind, content=content)


def test_what_aws_made_is_not_changed(client: Any) -> None:
    error = refused("InvalidInputException", "managed by AWS", client.delete_policy, PolicyId=FULL)
    assert error["Reason"] == "IMMUTABLE_POLICY"
    refused("InvalidInputException", "managed by AWS", client.update_policy, PolicyId=FULL, Name="x")
    error = refused(
        "InvalidInputException", "can't detach", client.detach_policy, PolicyId=RCP_FULL, TargetId=WORKLOAD
    )
    assert error["Reason"] == "NON_DETACHABLE_POLICY"


def test_attaching_and_detaching(client: Any) -> None:
    policy = create(client)
    client.attach_policy(PolicyId=policy, TargetId=WORKLOAD)
    refused(
        "DuplicatePolicyAttachmentException",
        "The selected policy is already attached to the specified target.",
        client.attach_policy,
        PolicyId=policy,
        TargetId=WORKLOAD,
    )
    targets = client.list_targets_for_policy(PolicyId=policy)["Targets"]
    assert [(each["TargetId"], each["Type"], each["Name"]) for each in targets] == [
        (WORKLOAD, "ACCOUNT", "workload")
    ]
    client.detach_policy(PolicyId=FULL, TargetId=WORKLOAD)
    error = refused(
        "ConstraintViolationException",
        "You must have at least one",
        client.detach_policy,
        PolicyId=policy,
        TargetId=WORKLOAD,
    )
    assert error["Reason"] == "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"
    refused("PolicyNotAttachedException", "", client.detach_policy, PolicyId=FULL, TargetId=WORKLOAD)
    refused("TargetNotFoundException", "", client.attach_policy, PolicyId=policy, TargetId="123456789012")
    refused("PolicyNotFoundException", "", client.attach_policy, PolicyId="p-12345678", TargetId=WORKLOAD)
    error = refused("InvalidInputException", "", client.attach_policy, PolicyId=policy, TargetId="wrong")
    assert error["Reason"] == "INVALID_PATTERN_TARGET_ID"


@pytest.mark.parametrize(("kind", "most"), [(SCP, 10), (RCP, 5)])
def test_a_target_has_so_many_policies_at_most(client: Any, kind: str, most: int) -> None:
    """User Guide, "Quotas"; AWS's own policy counts."""
    content = DENY_S3 if kind == SCP else RCP_DENY
    for number in range(most - 1):
        policy = create(client, f"p{number}", kind=kind, content=content)
        client.attach_policy(PolicyId=policy, TargetId=WORKLOAD)
    error = refused(
        "ConstraintViolationException",
        "maximum number",
        client.attach_policy,
        PolicyId=create(client, "more", kind=kind, content=content),
        TargetId=WORKLOAD,
    )
    assert error["Reason"] == "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED"


def test_a_policy_that_is_too_long(client: Any) -> None:
    content = document({"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::" + "x" * 11_000})
    error = refused(
        "ConstraintViolationException", "maximum policy size", create, client=client, content=content
    )
    assert error["Reason"] == "POLICY_CONTENT_LIMIT_EXCEEDED"


def test_disabling_and_enabling_a_policy_type(client: Any, cloud: IdentityCloud) -> None:
    root, policy = root_id(client), create(client)
    client.attach_policy(PolicyId=policy, TargetId=WORKLOAD)
    after = client.disable_policy_type(RootId=root, PolicyType=SCP)["Root"]
    assert after["PolicyTypes"] == [{"Type": RCP, "Status": "ENABLED"}]
    membership = cloud.organization.membership(WORKLOAD)
    assert membership is not None
    assert membership.scps == ()
    assert len(membership.rcps) == 2
    refused(
        "PolicyTypeNotEnabledException",
        "only for enabled policy types",
        client.attach_policy,
        PolicyId=policy,
        TargetId=WORKLOAD,
    )
    refused("PolicyTypeNotEnabledException", "", client.disable_policy_type, RootId=root, PolicyType=SCP)
    client.enable_policy_type(RootId=root, PolicyType=SCP)
    assert attached(client, WORKLOAD) == [FULL]
    refused("PolicyTypeAlreadyEnabledException", "", client.enable_policy_type, RootId=root, PolicyType=SCP)
    refused(
        "PolicyTypeNotAvailableForOrganizationException",
        "",
        client.enable_policy_type,
        RootId=root,
        PolicyType="TAG_POLICY",
    )
    error = refused("InvalidInputException", "", client.enable_policy_type, RootId=root, PolicyType="NO")
    assert error["Reason"] == "INVALID_ENUM_POLICY_TYPE"
    refused("RootNotFoundException", "", client.enable_policy_type, RootId="r-none", PolicyType=SCP)


def test_tags(client: Any) -> None:
    policy = create(client)
    for resource in (policy, WORKLOAD, root_id(client)):
        client.tag_resource(
            ResourceId=resource, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
        )
        client.untag_resource(ResourceId=resource, TagKeys=["a"])
        assert client.list_tags_for_resource(ResourceId=resource)["Tags"] == [{"Key": "b", "Value": "2"}]
    error = refused(
        "InvalidInputException",
        "unique",
        client.tag_resource,
        ResourceId=policy,
        Tags=[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}],
    )
    assert error["Reason"] == "DUPLICATE_TAG_KEY"
    refused("TargetNotFoundException", "", client.list_tags_for_resource, ResourceId="p-12345678")


def test_pages(client: Any) -> None:
    for number in range(3):
        create(client, f"p{number}")
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = client.list_policies(Filter=SCP, MaxResults=2, **token)
        seen += [each["Id"] for each in answer["Policies"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert len(seen) == len(set(seen)) == 4
    error = refused("InvalidInputException", "NextToken", client.list_policies, Filter=SCP, NextToken="!")
    assert error["Reason"] == "INVALID_NEXT_TOKEN"


def test_an_scp_binds_the_member_account_and_never_the_management_account(
    client: Any, cloud: IdentityCloud
) -> None:
    root = root_id(client)
    policy = create(client, content=document({"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"}))
    client.attach_policy(PolicyId=policy, TargetId=root)
    arn = client.describe_policy(PolicyId=policy)["Policy"]["PolicySummary"]["Arn"]
    check = Check(action="iam:ListUsers")
    member = cloud.administrator()
    decision = cloud.decide(cloud.services["iam"], check, member)
    assert (decision.allowed, decision.decided_by) == (False, PolicyType.SCP)
    assert decision.statement is not None
    assert decision.statement.policy == arn
    assert cloud.decide(cloud.services["iam"], check, cloud.administrator(MANAGEMENT)).allowed
    client.detach_policy(PolicyId=policy, TargetId=root)
    assert cloud.decide(cloud.services["iam"], check, member).allowed


def test_an_scp_must_allow_at_every_level(client: Any, cloud: IdentityCloud) -> None:
    root = root_id(client)
    prod = unit(client, root)
    client.move_account(AccountId=WORKLOAD, SourceParentId=root, DestinationParentId=prod)
    check, member = Check(action="iam:ListUsers"), cloud.administrator()
    only_s3 = create(client, content=document({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}))
    client.attach_policy(PolicyId=only_s3, TargetId=prod)
    assert cloud.decide(cloud.services["iam"], check, member).allowed
    client.detach_policy(PolicyId=FULL, TargetId=prod)
    decision = cloud.decide(cloud.services["iam"], check, member)
    assert (decision.allowed, decision.decided_by) == (False, PolicyType.SCP)
    assert "no service control policy allows the iam:ListUsers action" in decision.message


def test_what_operations_are_authorized_on(client: Any, cloud: IdentityCloud) -> None:
    policy = create(client, Tags=[{"Key": "k", "Value": "v"}])
    cloud.checks.clear()
    client.attach_policy(PolicyId=policy, TargetId=WORKLOAD)
    first, second = cloud.checks
    assert first.action == second.action == "organizations:AttachPolicy"
    assert first.resource.endswith(f"service_control_policy/{policy}")
    assert second.resource.endswith(f"/{WORKLOAD}")
    assert first.context == {"organizations:PolicyType": SCP, "aws:ResourceTag/k": "v"}


def test_trusted_access(client: Any, cloud: IdentityCloud) -> None:
    client.enable_aws_service_access(ServicePrincipal="ram.amazonaws.com")
    since = cloud.now
    assert client.list_aws_service_access_for_organization()["EnabledServicePrincipals"] == [
        {"ServicePrincipal": "ram.amazonaws.com", "DateEnabled": since}
    ]
    assert cloud.checks[-2].context == {"organizations:ServicePrincipal": "ram.amazonaws.com"}
    error = refused(
        "InvalidInputException", "unrecognized", client.enable_aws_service_access, ServicePrincipal="ram"
    )
    assert error["Reason"] == "UNRECOGNIZED_SERVICE_PRINCIPAL"
    client.disable_aws_service_access(ServicePrincipal="ram.amazonaws.com")
    assert client.list_aws_service_access_for_organization()["EnabledServicePrincipals"] == []


def test_the_full_access_policies_are_on_every_root_unit_and_account(client: Any) -> None:
    """User Guide, "SCP evaluation", "RCP evaluation": attached when a target is made and when the type is enabled."""
    root = root_id(client)
    made = unit(client, root)
    for target in (root, made, WORKLOAD):
        assert attached(client, target, SCP) == [FULL]
        assert attached(client, target, RCP) == [RCP_FULL]
    client.disable_policy_type(RootId=root, PolicyType=RCP)
    assert attached(client, made, RCP) == []
    client.enable_policy_type(RootId=root, PolicyType=RCP)
    assert attached(client, made, RCP) == [RCP_FULL]


@pytest.mark.parametrize(("kind", "limit"), [(SCP, 10_240), (RCP, 5_120)])
def test_every_character_of_a_policy_counts(client: Any, kind: str, limit: int) -> None:
    """User Guide, "Maximum size of SCPs", "Maximum size of RCPs": white space too."""
    content = DENY_S3 if kind == SCP else RCP_DENY
    create(client, "fits", kind=kind, content=content.ljust(limit))
    error = refused(
        "ConstraintViolationException",
        "maximum policy size",
        create,
        client=client,
        name="long",
        kind=kind,
        content=content.ljust(limit + 1),
    )
    assert error["Reason"] == "POLICY_CONTENT_LIMIT_EXCEEDED"
