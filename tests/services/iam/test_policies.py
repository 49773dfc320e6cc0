from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.identity import IdentityCloud
from tests.support.refusals import refused

ACCOUNT = "000000000000"
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
VPC = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
LAMBDA = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def allow(action: str, resource: str = "*") -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    )


def make(client: Any, noun: str) -> dict[str, str]:
    if noun == "user":
        client.create_user(UserName="x")
        return {"UserName": "x"}
    if noun == "group":
        client.create_group(GroupName="x")
        return {"GroupName": "x"}
    client.create_role(RoleName="x", AssumeRolePolicyDocument=LAMBDA)
    return {"RoleName": "x"}


@pytest.mark.parametrize("noun", ["user", "group", "role"])
def test_inline_policies(client: Any, noun: str) -> None:
    name = make(client, noun)
    put, get, listing, delete = (
        getattr(client, f"{verb}_{noun}_{word}")
        for verb, word in (("put", "policy"), ("get", "policy"), ("list", "policies"), ("delete", "policy"))
    )
    put(**name, PolicyName="b", PolicyDocument=allow("s3:GetObject"))
    put(**name, PolicyName="a", PolicyDocument=allow("s3:PutObject"))
    put(**name, PolicyName="a", PolicyDocument=allow("s3:DeleteObject"))
    assert listing(**name)["PolicyNames"] == ["a", "b"]
    found = get(**name, PolicyName="a")
    assert found["PolicyDocument"] == json.loads(allow("s3:DeleteObject"))
    assert found["PolicyName"] == "a"
    refused("NoSuchEntity", f"The {noun} policy with name c cannot be found.", get, **name, PolicyName="c")
    refused("MalformedPolicyDocument", "", put, **name, PolicyName="c", PolicyDocument="nonsense")
    refused(
        "MalformedPolicyDocument",
        "should not specify a principal",
        put,
        **name,
        PolicyName="c",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
        '"Action":"s3:*","Resource":"*"}]}',
    )
    limit = {"user": 2048, "group": 5120, "role": 10240}[noun]
    refused(
        "LimitExceeded",
        f"Maximum policy size of {limit} bytes exceeded for {noun} x",
        put,
        **name,
        PolicyName="c",
        PolicyDocument=allow("s3:*", "arn:aws:s3:::" + "x" * limit),
    )
    delete(**name, PolicyName="a")
    refused("NoSuchEntity", "a cannot be found", delete, **name, PolicyName="a")
    assert listing(**name)["PolicyNames"] == ["b"]


@pytest.mark.parametrize("noun", ["user", "group", "role"])
def test_attached_policies(client: Any, noun: str, cloud: IdentityCloud) -> None:
    name = make(client, noun)
    attach, detach = getattr(client, f"attach_{noun}_policy"), getattr(client, f"detach_{noun}_policy")
    attach(**name, PolicyArn=VPC)
    attach(**name, PolicyArn=VPC)
    assert cloud.checks[-1].context["iam:PolicyARN"] == VPC
    assert cloud.checks[-1].resource == f"arn:aws:iam::{ACCOUNT}:{noun}/x"
    attached = getattr(client, f"list_attached_{noun}_policies")(**name)["AttachedPolicies"]
    assert attached == [{"PolicyName": "AWSLambdaVPCAccessExecutionRole", "PolicyArn": VPC}]
    assert client.get_policy(PolicyArn=VPC)["Policy"]["AttachmentCount"] == 1
    entities = client.list_entities_for_policy(PolicyArn=VPC)
    assert [each[f"{noun.title()}Name"] for each in entities[f"Policy{noun.title()}s"]] == ["x"]
    other = "Role" if noun == "user" else "User"
    filtered = client.list_entities_for_policy(PolicyArn=VPC, EntityFilter=other)
    assert filtered["PolicyUsers"] == filtered["PolicyRoles"] == filtered["PolicyGroups"] == []
    missing = "arn:aws:iam::aws:policy/NoSuchPolicy"
    refused(
        "NoSuchEntity",
        f"Policy {missing} does not exist or is not attachable.",
        attach,
        **name,
        PolicyArn=missing,
    )
    refused("NoSuchEntity", f"Policy {BASIC} was not found.", detach, **name, PolicyArn=BASIC)
    for number in range(9):
        arn = client.create_policy(PolicyName=f"p{number}", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
        attach(**name, PolicyArn=arn)
    refused(
        "LimitExceeded",
        f"Cannot exceed quota for PoliciesPer{noun.title()}: 10",
        attach,
        **name,
        PolicyArn=BASIC,
    )
    detach(**name, PolicyArn=VPC)
    attach(**name, PolicyArn=BASIC)


def test_a_managed_policy_and_its_versions(client: Any) -> None:
    made = client.create_policy(
        PolicyName="p", Path="/x/", PolicyDocument=allow("s3:GetObject"), Description="d"
    )["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/x/p"
    assert (made["DefaultVersionId"], made["AttachmentCount"], made["IsAttachable"]) == ("v1", 0, True)
    assert client.get_policy(PolicyArn=arn)["Policy"]["Description"] == "d"
    refused(
        "EntityAlreadyExists",
        "A policy called P already exists. Duplicate names are not allowed.",
        client.create_policy,
        PolicyName="P",
        PolicyDocument=allow("s3:*"),
    )
    client.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:PutObject"))
    made = client.create_policy_version(
        PolicyArn=arn, PolicyDocument=allow("s3:DeleteObject"), SetAsDefault=True
    )
    assert (made["PolicyVersion"]["VersionId"], made["PolicyVersion"]["IsDefaultVersion"]) == ("v3", True)
    versions = client.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(each["VersionId"], each["IsDefaultVersion"]) for each in versions] == [
        ("v3", True),
        ("v2", False),
        ("v1", False),
    ]
    got = client.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert got["Document"] == json.loads(allow("s3:PutObject"))
    client.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    refused(
        "DeleteConflict",
        "Cannot delete the default version of a policy.",
        client.delete_policy_version,
        PolicyArn=arn,
        VersionId="v1",
    )
    refused("DeleteConflict", "more than one version", client.delete_policy, PolicyArn=arn)
    for _ in range(2):
        client.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:*"))
    refused(
        "LimitExceeded",
        "A managed policy can have up to 5 versions.",
        client.create_policy_version,
        PolicyArn=arn,
        PolicyDocument=allow("s3:*"),
    )
    for version in ("v2", "v3", "v4", "v5"):
        client.delete_policy_version(PolicyArn=arn, VersionId=version)
    refused("NoSuchEntity", "v2 does not exist", client.get_policy_version, PolicyArn=arn, VersionId="v2")
    client.create_policy_version(PolicyArn=arn, PolicyDocument=allow("s3:*"))
    assert client.list_policy_versions(PolicyArn=arn)["Versions"][0]["VersionId"] == "v6"
    client.delete_policy_version(PolicyArn=arn, VersionId="v6")
    client.create_user(UserName="u")
    client.attach_user_policy(UserName="u", PolicyArn=arn)
    refused(
        "DeleteConflict", "Cannot delete a policy attached to entities.", client.delete_policy, PolicyArn=arn
    )
    client.detach_user_policy(UserName="u", PolicyArn=arn)
    client.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", f"Policy {arn} was not found.", client.get_policy, PolicyArn=arn)


def test_refused_policies(client: Any) -> None:
    refused("MalformedPolicyDocument", "", client.create_policy, PolicyName="p", PolicyDocument="{}")
    refused(
        "MalformedPolicyDocument",
        "Policy document must be version 2012-10-17 or greater.",
        client.create_policy,
        PolicyName="p",
        PolicyDocument='{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
    )
    refused(
        "LimitExceeded",
        "Cannot exceed quota for PolicySize: 6144",
        client.create_policy,
        PolicyName="p",
        PolicyDocument=allow("s3:*", "arn:aws:s3:::" + "x" * 6144),
    )
    refused("ValidationError", "policyName", client.create_policy, PolicyName="a b", PolicyDocument="{}")


def test_listing_policies(client: Any) -> None:
    arn = client.create_policy(PolicyName="mine", Path="/x/", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    local = client.list_policies(Scope="Local")["Policies"]
    assert [each["PolicyName"] for each in local] == ["mine"]
    pages = client.get_paginator("list_policies").paginate(Scope="AWS")
    of_aws = {each["Arn"] for page in pages for each in page["Policies"]}
    assert {BASIC, VPC, "arn:aws:iam::aws:policy/AdministratorAccess"} <= of_aws
    assert arn not in of_aws
    assert {each["Arn"] for each in client.list_policies(PathPrefix="/x/")["Policies"]} == {arn}
    assert client.list_policies(OnlyAttached=True)["Policies"] == []
    client.create_user(UserName="u", PermissionsBoundary=arn)
    used = client.list_policies(PolicyUsageFilter="PermissionsBoundary")["Policies"]
    assert [each["Arn"] for each in used] == [arn]


def test_policies_of_another_account_are_out_of_reach(cloud: IdentityCloud) -> None:
    arn = cloud.client("iam").create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]
    other = cloud.client("iam", account="111111111111")
    refused("NoSuchEntity", "was not found", other.get_policy, PolicyArn=arn)
    other.create_user(UserName="u")
    refused("NoSuchEntity", "not attachable", other.attach_user_policy, UserName="u", PolicyArn=arn)


def test_policies_of_aws_are_as_published_and_unchangeable(client: Any) -> None:
    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaVPCAccessExecutionRole.html
    policy = client.get_policy(PolicyArn=VPC)["Policy"]
    assert (policy["Path"], policy["DefaultVersionId"]) == ("/service-role/", "v3")
    document = client.get_policy_version(PolicyArn=VPC, VersionId="v3")["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Action"] == [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "ec2:CreateNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ]
    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaBasicExecutionRole.html
    document = client.get_policy_version(PolicyArn=BASIC, VersionId="v1")["PolicyVersion"]["Document"]
    assert document == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": "*",
            }
        ],
    }
    refused("AccessDenied", "AWS managed policy", client.delete_policy, PolicyArn=BASIC)
    refused(
        "AccessDenied",
        "AWS managed policy",
        client.create_policy_version,
        PolicyArn=BASIC,
        PolicyDocument=allow("s3:*"),
    )


def test_everything_of_an_account_in_one_listing(client: Any) -> None:
    make(client, "user")
    make(client, "group")
    make(client, "role")
    client.add_user_to_group(UserName="x", GroupName="x")
    client.put_user_policy(UserName="x", PolicyName="i", PolicyDocument=allow("s3:GetObject"))
    client.attach_role_policy(RoleName="x", PolicyArn=BASIC)
    client.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))
    details = client.get_account_authorization_details()
    (user,), (group,), (role,) = (details[f"{noun}DetailList"] for noun in ("User", "Group", "Role"))
    assert user["GroupList"] == ["x"]
    assert user["UserPolicyList"] == [
        {"PolicyName": "i", "PolicyDocument": json.loads(allow("s3:GetObject"))}
    ]
    assert group["GroupName"] == "x"
    assert role["AssumeRolePolicyDocument"] == json.loads(LAMBDA)
    assert role["AttachedManagedPolicies"] == [
        {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}
    ]
    assert {each["PolicyName"] for each in details["Policies"]} == {"p", "AWSLambdaBasicExecutionRole"}
    only = client.get_account_authorization_details(Filter=["Role"])
    assert (len(only["RoleDetailList"]), only["UserDetailList"], only["Policies"]) == (1, [], [])


def test_what_no_account_has(client: Any) -> None:
    make(client, "user")
    assert client.list_mfa_devices(UserName="x")["MFADevices"] == []
    assert client.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert client.list_ssh_public_keys(UserName="x")["SSHPublicKeys"] == []
    assert client.list_signing_certificates(UserName="x")["Certificates"] == []
    assert client.list_service_specific_credentials(UserName="x")["ServiceSpecificCredentials"] == []
    assert client.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []
    assert client.list_saml_providers()["SAMLProviderList"] == []
    assert client.list_server_certificates()["ServerCertificateMetadataList"] == []
    refused("NoSuchEntity", "The user with name y cannot be found.", client.list_mfa_devices, UserName="y")
    message = "Login Profile for User x cannot be found."
    refused("NoSuchEntity", message, client.get_login_profile, UserName="x")
    refused("NoSuchEntity", message, client.delete_login_profile, UserName="x")
    refused("NoSuchEntity", "The Password Policy with domain name", client.get_account_password_policy)
