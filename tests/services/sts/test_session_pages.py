"""What the IAM User Guide's pages on session tags, source identity and principals say beyond test_sts.py."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.services.sts.test_sts import ALLOW_ALL, ROLE, as_session, document, make_role, trusting, user
from tests.support.identity import WORKLOAD, IdentityCloud
from tests.support.refusals import refused

BOB = f"arn:aws:iam::{WORKLOAD}:user/bob"
BOTH = ("sts:AssumeRole", "sts:TagSession")


@pytest.fixture
def cloud() -> IdentityCloud:
    made = IdentityCloud()
    made.principal = made.administrator()
    return made


@pytest.mark.parametrize("written", ["user/bob", "user\\/bob", "user/\\u0062ob"])
def test_a_principal_made_anew_is_not_trusted(cloud: IdentityCloud, written: str) -> None:
    """ "AWS JSON policy elements: Principal": what is kept is the unique id, which shows when the user is gone."""
    iam, call = cloud.client("iam"), cloud.client("sts").assume_role
    first = user(cloud, "bob", ALLOW_ALL)
    make_role(cloud, trusting({"AWS": BOB}).replace("user/bob", written))
    call(RoleArn=ROLE, RoleSessionName="me")
    cloud.principal = None
    for key in iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="bob", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="bob", PolicyName="p")
    iam.delete_user(UserName="bob")
    trust = iam.get_role(RoleName="orders")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"AWS": first.user_id}
    second = user(cloud, "bob", ALLOW_ALL)
    assert (second.arn, second.user_id != first.user_id) == (BOB, True)
    refused("AccessDenied", "sts:AssumeRole", call, RoleArn=ROLE, RoleSessionName="me")
    cloud.principal = None
    iam.update_assume_role_policy(RoleName="orders", PolicyDocument=trusting({"AWS": [BOB, WORKLOAD]}))
    cloud.principal = second
    call(RoleArn=ROLE, RoleSessionName="me")


def test_a_role_made_anew_is_not_trusted_and_a_renamed_user_still_is(cloud: IdentityCloud) -> None:
    iam, call = cloud.client("iam"), cloud.client("sts").assume_role
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    make_role(cloud, trusting({"AWS": ROLE}), name="second")
    cloud.principal = None
    iam.delete_role(RoleName="orders")
    make_role(cloud, trusting({"AWS": WORKLOAD}))
    cloud.principal = cloud.administrator()
    as_session(cloud, call(RoleArn=ROLE, RoleSessionName="me")["Credentials"])
    refused(
        "AccessDenied",
        "sts:AssumeRole",
        call,
        RoleArn=ROLE.replace("orders", "second"),
        RoleSessionName="me",
    )
    user(cloud, "bob")
    make_role(cloud, trusting({"AWS": BOB}), name="third")
    cloud.principal = None
    key = iam.create_access_key(UserName="bob")["AccessKey"]["AccessKeyId"]
    iam.update_user(UserName="bob", NewUserName="rob")
    found = cloud.credential(key)
    assert found is not None
    cloud.principal = found.principal
    call(RoleArn=ROLE.replace("orders", "third"), RoleSessionName="me")
    cloud.principal = None
    trust = iam.get_role(RoleName="third")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"AWS": BOB.replace("bob", "rob")}


def test_tags_over_tags_along_a_chain(cloud: IdentityCloud) -> None:
    """ "Chaining roles with session tags": Star and Heart pass on, a role's own tags and plain session tags do not."""
    call = cloud.client("sts").assume_role
    second, third = (ROLE.replace("orders", name) for name in ("second", "third"))
    make_role(cloud, trusting({"AWS": WORKLOAD}, *BOTH), Tags=[{"Key": "Heart", "Value": "1"}])
    make_role(cloud, trusting({"AWS": ROLE}, *BOTH), name="second", Tags=[{"Key": "Sun", "Value": "2"}])
    make_role(
        cloud,
        trusting({"AWS": second}, *BOTH),
        name="third",
        Tags=[{"Key": "star", "Value": "3"}, {"Key": "Lightning", "Value": "3"}],
    )
    tags = [{"Key": "Star", "Value": "1"}, {"Key": "Heart", "Value": "1"}, {"Key": "Moon", "Value": "1"}]
    answer = call(RoleArn=ROLE, RoleSessionName="s1", Tags=tags, TransitiveTagKeys=["Star", "Heart"])
    assert as_session(cloud, answer["Credentials"]).tags == {"Star": "1", "Heart": "1", "Moon": "1"}
    answer = call(RoleArn=second, RoleSessionName="s2")
    assert as_session(cloud, answer["Credentials"]).tags == {"Star": "1", "Heart": "1", "Sun": "2"}
    with pytest.raises(Exception, match="conflicts with a transitive tag"):
        call(RoleArn=third, RoleSessionName="s3", Tags=[{"Key": "Heart", "Value": "3"}])
    answer = call(RoleArn=third, RoleSessionName="s3")
    assert as_session(cloud, answer["Credentials"]).tags == {"Star": "1", "Heart": "1", "Lightning": "3"}


def test_only_session_tags_pass_on(cloud: IdentityCloud) -> None:
    make_role(cloud, trusting({"AWS": WORKLOAD}, *BOTH), Tags=[{"Key": "Heart", "Value": "1"}])
    refused(
        "InvalidParameterValue",
        "transitive tag key must be included",
        cloud.client("sts").assume_role,
        RoleArn=ROLE,
        RoleSessionName="me",
        Tags=[{"Key": "Star", "Value": "1"}],
        TransitiveTagKeys=["Heart"],
    )


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": f"k{number}", "Value": "v"} for number in range(51)], "ValidationError"),
        ([{"Key": "k" * 129, "Value": "v"}], "ValidationError"),
        ([{"Key": "k", "Value": "v" * 257}], "ValidationError"),
        ([{"Key": "k!", "Value": "v"}], "ValidationError"),
        ([{"Key": "k", "Value": "v!"}], "ValidationError"),
        ([{"Key": "aws:k", "Value": "v"}], "InvalidParameterValue"),
    ],
    ids=["51 tags", "a long key", "a long value", "a character in a key", "in a value", "aws:"],
)
def test_session_tags_that_cannot_be(cloud: IdentityCloud, tags: list[dict[str, str]], code: str) -> None:
    make_role(cloud, trusting({"AWS": WORKLOAD}, "sts:*"))
    call = cloud.client("sts").assume_role
    refused(code, "", call, RoleArn=ROLE, RoleSessionName="me", Tags=tags)


def test_fifty_session_tags_the_longest_and_an_empty_value(cloud: IdentityCloud) -> None:
    make_role(cloud, trusting({"AWS": WORKLOAD}, "sts:*"))
    call = cloud.client("sts").assume_role
    call(RoleArn=ROLE, RoleSessionName="me", Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])
    call(RoleArn=ROLE, RoleSessionName="me", Tags=[{"Key": "k" * 128, "Value": "v" * 256}])
    call(RoleArn=ROLE, RoleSessionName="me", Tags=[{"Key": "a b_.:/=+-@", "Value": "é 1_.:/=+-@"}])


TRUST_WITH_TAGS = document(
    {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": WORKLOAD},
        "Condition": {
            "StringLike": {f"aws:RequestTag/{key}": "*" for key in ("Project", "CostCenter", "Department")},
            "StringEquals": {"sts:ExternalId": "Example987"},
        },
    },
    {
        "Effect": "Allow",
        "Action": "sts:TagSession",
        "Principal": {"AWS": WORKLOAD},
        "Condition": {
            "StringLike": {"aws:RequestTag/Project": "*", "aws:RequestTag/CostCenter": "*"},
            "StringEquals": {"aws:RequestTag/Department": ["Engineering", "Marketing"]},
            "ForAllValues:StringEquals": {"sts:TransitiveTagKeys": ["Project", "Department"]},
        },
    },
)


def test_the_pages_trust_policy_for_session_tags(cloud: IdentityCloud) -> None:
    make_role(cloud, TRUST_WITH_TAGS)

    def asked(external: str = "Example987", transitive: tuple[str, ...] = (), **tags: str) -> dict[str, Any]:
        given = {"Project": "Automation", "CostCenter": "12345", "Department": "Engineering", **tags}
        return {
            "RoleArn": ROLE,
            "RoleSessionName": "my-session",
            "Tags": [{"Key": key, "Value": value} for key, value in given.items() if value],
            "TransitiveTagKeys": list(transitive),
            "ExternalId": external,
        }

    call = cloud.client("sts").assume_role
    call(**asked())
    call(**asked(transitive=("Project", "Department")))
    call(**asked(Extra="more"))
    refused("AccessDenied", "sts:AssumeRole", call, **asked(Project=""))
    refused("AccessDenied", "sts:AssumeRole", call, **asked(external="another"))
    refused("AccessDenied", "sts:TagSession", call, **asked(Department="Sales"))
    refused("AccessDenied", "sts:TagSession", call, **asked(transitive=("CostCenter",)))


def test_the_tags_of_the_role_and_the_caller_decide_on_session_tags(cloud: IdentityCloud) -> None:
    condition = {"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}
    make_role(cloud, trusting({"AWS": WORKLOAD}, *BOTH), Tags=[{"Key": "team", "Value": "red"}])
    call = cloud.client("sts").assume_role
    policy = document({"Effect": "Allow", "Action": "sts:*", "Resource": "*", "Condition": condition})
    for name, team in (("bob", "red"), ("eve", "blue")):
        user(cloud, name, policy, Tags=[{"Key": "team", "Value": team}])
        asked = {"RoleArn": ROLE, "RoleSessionName": "me", "Tags": [{"Key": "x", "Value": "y"}]}
        if team == "red":
            call(**asked)
        else:
            refused("AccessDenied", "sts:AssumeRole", call, **asked)


def test_federation_takes_no_transitive_tags_and_puts_its_tags_over_the_users(cloud: IdentityCloud) -> None:
    user(cloud, "bob", ALLOW_ALL, Tags=[{"Key": "Team", "Value": "a"}, {"Key": "cost", "Value": "7"}])
    answer = cloud.client("sts").get_federation_token(Name="fed", Tags=[{"Key": "team", "Value": "b"}])
    assert as_session(cloud, answer["Credentials"]).tags == {"cost": "7", "team": "b"}


@pytest.mark.parametrize("value", ["x" * 65, "a b", "aws:admin", "a/b"])
def test_source_identities_that_cannot_be(cloud: IdentityCloud, value: str) -> None:
    make_role(cloud, trusting({"AWS": WORKLOAD}, "sts:AssumeRole", "sts:SetSourceIdentity"))
    call = cloud.client("sts").assume_role
    refused("ValidationError", "", call, RoleArn=ROLE, RoleSessionName="me", SourceIdentity=value)


def test_the_source_identity_must_be_ones_name(cloud: IdentityCloud) -> None:
    """The page's two policies: the user may set its own name, the role takes that name alone."""
    policy = document(
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE},
        {
            "Effect": "Allow",
            "Action": "sts:SetSourceIdentity",
            "Resource": ROLE,
            "Condition": {"StringLike": {"sts:SourceIdentity": "${aws:username}"}},
        },
    )
    make_role(cloud, trusting({"AWS": WORKLOAD}, "sts:AssumeRole", "sts:SetSourceIdentity"))
    user(cloud, "bob", policy)
    call = cloud.client("sts").assume_role
    call(RoleArn=ROLE, RoleSessionName="me", SourceIdentity="bob")
    refused(
        "AccessDenied",
        "sts:SetSourceIdentity",
        call,
        RoleArn=ROLE,
        RoleSessionName="me",
        SourceIdentity="eve",
    )
    cloud.principal = None
    cloud.client("iam").update_assume_role_policy(
        RoleName="orders",
        PolicyDocument=trusting(
            {"AWS": BOB},
            "sts:AssumeRole",
            "sts:SetSourceIdentity",
            Condition={"StringEquals": {"sts:SourceIdentity": "DevUser"}},
        ),
    )
    cloud.principal = cloud.administrator()
    refused("AccessDenied", "", call, RoleArn=ROLE, RoleSessionName="me", SourceIdentity="bob")


def test_a_source_identity_lets_into_the_next_role(cloud: IdentityCloud) -> None:
    """aws:SourceIdentity is there when the next role is assumed, and sts:SourceIdentity beside it."""
    both = ("sts:AssumeRole", "sts:SetSourceIdentity")
    call = cloud.client("sts").assume_role
    make_role(cloud, trusting({"AWS": WORKLOAD}, *both))
    only = {"StringLike": {"aws:SourceIdentity": ["saanvi"], "sts:SourceIdentity": ["saanvi"]}}
    make_role(cloud, trusting({"AWS": ROLE}, *both, Condition=only), name="second")
    administrator = cloud.principal
    for name, lets in (("saanvi", True), ("diego", False)):
        cloud.principal = administrator
        as_session(cloud, call(RoleArn=ROLE, RoleSessionName="me", SourceIdentity=name)["Credentials"])
        asked = {"RoleArn": ROLE.replace("orders", "second"), "RoleSessionName": "me"}
        if lets:
            call(**asked, SourceIdentity=name)
        else:
            refused("AccessDenied", "", call, **asked)


def test_tag_keys_of_roles_ignore_case_and_those_of_policies_do_not(cloud: IdentityCloud) -> None:
    iam = cloud.client("iam")
    make_role(cloud, trusting({"AWS": WORKLOAD}), Tags=[{"Key": "Department", "Value": "finance"}])
    iam.tag_role(RoleName="orders", Tags=[{"Key": "department", "Value": "hr"}])
    assert iam.list_role_tags(RoleName="orders")["Tags"] == [{"Key": "department", "Value": "hr"}]
    arn = iam.create_policy(
        PolicyName="p", PolicyDocument=ALLOW_ALL, Tags=[{"Key": "Costcenter", "Value": "1234"}]
    )["Policy"]["Arn"]
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "costcenter", "Value": "5678"}])
    tags = {tag["Key"]: tag["Value"] for tag in iam.list_policy_tags(PolicyArn=arn)["Tags"]}
    assert tags == {"Costcenter": "1234", "costcenter": "5678"}
    iam.untag_policy(PolicyArn=arn, TagKeys=["costcenter"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "Costcenter", "Value": "1234"}]


def test_characters_of_policy_documents(cloud: IdentityCloud) -> None:
    """ "IAM name requirements": tab, line feed, carriage return and U+0020 to U+00FF."""
    iam = cloud.client("iam")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::a\u00ff"}
    text = json.dumps({"Version": "2012-10-17", "Statement": statement}, ensure_ascii=False, indent="\t")
    iam.create_policy(PolicyName="latin", PolicyDocument=text)
    refused(
        "ValidationError",
        "",
        iam.create_policy,
        PolicyName="greek",
        PolicyDocument=text.replace("\u00ff", "\u03b1"),
    )
