from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.identity import IdentityCloud
from tests.support.refusals import refused

ACCOUNT = "000000000000"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'


def trust(principal: Any, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


LAMBDA = trust({"Service": "lambda.amazonaws.com"})


def test_a_role_is_created_read_and_listed(client: Any) -> None:
    made = client.create_role(
        RoleName="orders",
        Path="/app/",
        AssumeRolePolicyDocument=LAMBDA,
        Description="of the orders function",
        MaxSessionDuration=7200,
        PermissionsBoundary=ADMIN,
        Tags=[{"Key": "team", "Value": "a b"}],
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/app/orders"
    assert made["RoleId"].startswith("AROA")
    assert made["AssumeRolePolicyDocument"] == json.loads(LAMBDA)
    assert made["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": ADMIN,
    }
    assert client.get_role(RoleName="orders")["Role"] == {**made, "RoleLastUsed": {}}
    listed = client.list_roles(PathPrefix="/app/")["Roles"][0]
    assert listed == {key: value for key, value in made.items() if key not in ("Tags", "PermissionsBoundary")}
    refused("NoSuchEntity", "The role with name no cannot be found.", client.get_role, RoleName="no")
    refused(
        "EntityAlreadyExists",
        "Role with name ORDERS already exists.",
        client.create_role,
        RoleName="ORDERS",
        AssumeRolePolicyDocument=LAMBDA,
    )


def test_on_the_wire_documents_are_url_encoded(cloud: IdentityCloud) -> None:
    # botocore decodes them (handlers.json_decode_policies), so what the operation returns is looked at here.
    client = cloud.client("iam")
    client.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    service = cloud.services["iam"]
    ctx = cloud._context(service, ACCOUNT, "us-east-1")
    output = service.operations.by_name["GetRole"].handler(ctx, {"RoleName": "r"})
    text = output["Role"]["AssumeRolePolicyDocument"]  # type: ignore[index]
    assert text.startswith("%7B%22Version%22%3A")


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("not json", ""),
        ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}', "Principal"),
        (trust({"Service": "lambda.amazonaws.com"}, Resource="*"), "prohibited field Resource"),
        (
            trust({"AWS": "arn:aws:iam::000000000000:role/missing"}),
            'Invalid principal in policy: "AWS":"arn:aws:iam::000000000000:role/missing"',
        ),
        (trust({"AWS": "arn:aws:iam::000000000000:user/*"}), "Invalid principal in policy"),
        (trust({"AWS": "arn:aws:s3:::bucket"}), "Invalid principal in policy"),
        (trust({"Service": "lambda"}), 'Invalid principal in policy: "SERVICE":"lambda"'),
    ],
)
def test_a_malformed_trust_policy_is_refused(client: Any, document: str, message: str) -> None:
    client.create_user(UserName="somebody")
    refused(
        "MalformedPolicyDocument",
        message,
        client.create_role,
        RoleName="r",
        AssumeRolePolicyDocument=document,
    )
    assert client.list_roles()["Roles"] == []


@pytest.mark.parametrize(
    "principal",
    [
        "*",
        {"AWS": "*"},
        {"AWS": "123456789012"},
        {"AWS": "arn:aws:iam::123456789012:root"},
        {"AWS": "arn:aws:iam::123456789012:role/of-an-account-that-casemate-does-not-run"},
        {"AWS": "arn:aws:iam::000000000000:user/somebody"},
        {"AWS": "arn:aws:sts::000000000000:assumed-role/any/session"},
        {"AWS": "AROAEXAMPLEEXAMPLE123"},
    ],
)
def test_valid_principals(client: Any, principal: Any) -> None:
    client.create_user(UserName="somebody")
    client.create_role(RoleName="r", AssumeRolePolicyDocument=trust(principal))


def test_a_trust_policy_has_2048_characters_at_most_white_space_not_counted(client: Any) -> None:
    spaced = LAMBDA.replace(" ", " " * 800)
    client.create_role(RoleName="spaced", AssumeRolePolicyDocument=spaced)
    long = trust({"AWS": [f"{number:012}" for number in range(200)]})
    refused(
        "LimitExceeded",
        "Cannot exceed quota for ACLSizePerRole: 2048",
        client.create_role,
        RoleName="r",
        AssumeRolePolicyDocument=long,
    )


def test_a_role_is_updated(client: Any) -> None:
    client.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA, Description="a")
    client.update_role(RoleName="r", MaxSessionDuration=43200)
    client.update_assume_role_policy(RoleName="r", PolicyDocument=trust({"AWS": ACCOUNT}))
    role = client.get_role(RoleName="r")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("a", 43200)
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"AWS": ACCOUNT}
    assert client.update_role_description(RoleName="r", Description="b")["Role"]["Description"] == "b"
    client.update_role(RoleName="r", Description="")
    assert client.get_role(RoleName="r")["Role"]["MaxSessionDuration"] == 3600
    refused(
        "ValidationError", "maxSessionDuration", client.update_role, RoleName="r", MaxSessionDuration=43201
    )
    refused(
        "MalformedPolicyDocument", "", client.update_assume_role_policy, RoleName="r", PolicyDocument="{}"
    )


def test_a_role_that_has_something_is_not_deleted(client: Any) -> None:
    client.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    client.create_instance_profile(InstanceProfileName="p")
    client.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    refused(
        "DeleteConflict", "must remove roles from instance profile first", client.delete_role, RoleName="r"
    )
    client.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
    client.attach_role_policy(RoleName="r", PolicyArn=ADMIN)
    refused("DeleteConflict", "must detach all policies first", client.delete_role, RoleName="r")
    client.detach_role_policy(RoleName="r", PolicyArn=ADMIN)
    client.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=ALLOW)
    refused("DeleteConflict", "must delete policies first", client.delete_role, RoleName="r")
    client.delete_role_policy(RoleName="r", PolicyName="p")
    client.delete_role(RoleName="r")
    refused("NoSuchEntity", "r cannot be found", client.delete_role, RoleName="r")


def test_instance_profiles(client: Any, cloud: IdentityCloud) -> None:
    client.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    client.create_role(RoleName="r2", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    made = client.create_instance_profile(InstanceProfileName="p", Tags=[{"Key": "k", "Value": "v"}])
    assert made["InstanceProfile"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/p"
    refused(
        "EntityAlreadyExists",
        "Instance Profile p already exists.",
        client.create_instance_profile,
        InstanceProfileName="p",
    )
    client.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    assert ("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/r") in {
        (each.action, each.resource) for each in cloud.checks
    }
    refused(
        "LimitExceeded",
        "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
        client.add_role_to_instance_profile,
        InstanceProfileName="p",
        RoleName="r2",
    )
    profile = client.get_instance_profile(InstanceProfileName="p")["InstanceProfile"]
    assert [role["RoleName"] for role in profile["Roles"]] == ["r"]
    assert profile["Tags"] == [{"Key": "k", "Value": "v"}]
    assert len(client.list_instance_profiles_for_role(RoleName="r")["InstanceProfiles"]) == 1
    assert len(client.list_instance_profiles()["InstanceProfiles"]) == 1
    refused("DeleteConflict", "must remove roles", client.delete_instance_profile, InstanceProfileName="p")
    client.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
    refused(
        "NoSuchEntity",
        "cannot be found in the instance profile",
        client.remove_role_from_instance_profile,
        InstanceProfileName="p",
        RoleName="r",
    )
    client.delete_instance_profile(InstanceProfileName="p")
    refused(
        "NoSuchEntity",
        "Instance Profile p cannot be found.",
        client.get_instance_profile,
        InstanceProfileName="p",
    )


@pytest.mark.parametrize("noun", ["user", "role", "instance_profile", "policy"])
def test_tags(client: Any, noun: str) -> None:
    client.create_user(UserName="x")
    client.create_role(RoleName="x", AssumeRolePolicyDocument=LAMBDA)
    client.create_instance_profile(InstanceProfileName="x")
    arn = client.create_policy(PolicyName="x", PolicyDocument=ALLOW)["Policy"]["Arn"]
    name = {
        "user": {"UserName": "x"},
        "role": {"RoleName": "x"},
        "instance_profile": {"InstanceProfileName": "x"},
        "policy": {"PolicyArn": arn},
    }[noun]
    tag, untag = getattr(client, f"tag_{noun}"), getattr(client, f"untag_{noun}")
    tag(**name, Tags=[{"Key": "Team", "Value": "a"}, {"Key": "env", "Value": ""}])
    tag(**name, Tags=[{"Key": "team", "Value": "b"}])
    listing = getattr(client, f"list_{noun}_tags")
    # Of users and roles alone keys are the same in any case (IAM User Guide, "Rules for tagging").
    one_tag = noun in ("user", "role")
    first = [] if one_tag else [{"Key": "Team", "Value": "a"}]
    assert listing(**name)["Tags"] == [*first, {"Key": "env", "Value": ""}, {"Key": "team", "Value": "b"}]
    untag(**name, TagKeys=["TEAM" if one_tag else "team"])
    assert listing(**name)["Tags"] == [*first, {"Key": "env", "Value": ""}]
    if one_tag:
        refused(
            "InvalidInput",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            tag,
            **name,
            Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}],
        )
    refused("InvalidInput", "aws:", tag, **name, Tags=[{"Key": "aws:x", "Value": ""}])
    refused("LimitExceeded", "50", tag, **name, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])


def test_boundaries(client: Any) -> None:
    client.create_user(UserName="u")
    client.create_role(RoleName="r", AssumeRolePolicyDocument=LAMBDA)
    client.put_user_permissions_boundary(UserName="u", PermissionsBoundary=ADMIN)
    client.put_role_permissions_boundary(RoleName="r", PermissionsBoundary=ADMIN)
    assert client.get_user(UserName="u")["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == ADMIN
    assert client.get_policy(PolicyArn=ADMIN)["Policy"]["PermissionsBoundaryUsageCount"] == 2
    missing = f"arn:aws:iam::{ACCOUNT}:policy/no"
    refused(
        "NoSuchEntity",
        f"Policy {missing} does not exist or is not attachable.",
        client.put_role_permissions_boundary,
        RoleName="r",
        PermissionsBoundary=missing,
    )
    client.delete_user_permissions_boundary(UserName="u")
    client.delete_role_permissions_boundary(RoleName="r")
    assert "PermissionsBoundary" not in client.get_role(RoleName="r")["Role"]
    refused("NoSuchEntity", "boundary", client.delete_role_permissions_boundary, RoleName="r")
