from __future__ import annotations

from typing import Any

import pytest
from tests.support.identity import IdentityCloud, root_of
from tests.support.refusals import refused

ACCOUNT = "000000000000"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'


def test_a_user_is_created_read_listed_and_deleted(client: Any) -> None:
    made = client.create_user(UserName="bob", Path="/team/", Tags=[{"Key": "a", "Value": "1"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/bob"
    assert made["UserId"].startswith("AIDA")
    assert len(made["UserId"]) == 21
    assert client.get_user(UserName="bob")["User"] == made
    client.create_user(UserName="alice")
    assert [user["UserName"] for user in client.list_users()["Users"]] == ["alice", "bob"]
    listed = client.list_users(PathPrefix="/team/")["Users"]
    assert [user["UserName"] for user in listed] == ["bob"]
    assert "Tags" not in listed[0]
    client.delete_user(UserName="bob")
    refused("NoSuchEntity", "The user with name bob cannot be found.", client.get_user, UserName="bob")


def test_names_are_unique_without_regard_to_case(client: Any) -> None:
    client.create_user(UserName="Bob")
    refused("EntityAlreadyExists", "User with name bob already exists.", client.create_user, UserName="bob")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"UserName": "b/b"},
            (
                "1 validation error detected: Value 'b/b' at 'userName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [\\w+=,.@-]+"
            ),
        ),
        ({"UserName": "x" * 65}, "Member must have length less than or equal to 64"),
        ({"UserName": "bob", "Path": "no-slash"}, "at 'path'"),
        ({"UserName": "bob", "Tags": [{"Key": "k", "Value": "v" * 257}]}, "at 'tags.1.member.value'"),
        ({"UserName": "é"}, "regular expression"),
    ],
)
def test_what_the_model_forbids_is_a_validation_error(
    client: Any, params: dict[str, Any], message: str
) -> None:
    refused("ValidationError", message, client.create_user, **params)


def test_get_user_without_a_name_is_about_the_caller(cloud: IdentityCloud) -> None:
    cloud.principal = cloud.administrator()
    assert cloud.client("iam").get_user()["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/admin"
    cloud.principal = root_of(ACCOUNT)
    root = cloud.client("iam").get_user()["User"]
    assert (root["Arn"], root["UserId"]) == (f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)


def test_a_renamed_user_keeps_its_id_keys_and_groups(client: Any) -> None:
    made = client.create_user(UserName="bob")["User"]
    client.create_group(GroupName="g")
    client.add_user_to_group(UserName="bob", GroupName="g")
    key = client.create_access_key(UserName="bob")["AccessKey"]["AccessKeyId"]
    client.create_user(UserName="eve")
    refused("EntityAlreadyExists", "eve", client.update_user, UserName="bob", NewUserName="eve")
    client.update_user(UserName="bob", NewUserName="rob", NewPath="/x/")
    user = client.get_user(UserName="rob")["User"]
    assert (user["UserId"], user["Path"]) == (made["UserId"], "/x/")
    assert [each["AccessKeyId"] for each in client.list_access_keys(UserName="rob")["AccessKeyMetadata"]] == [
        key
    ]
    assert [each["UserName"] for each in client.get_group(GroupName="g")["Users"]] == ["rob"]


@pytest.mark.parametrize(
    ("give", "take", "message"),
    [
        (
            ("create_access_key", {}),
            ("delete_access_key", {}),
            "Cannot delete entity, must delete access keys first.",
        ),
        (
            ("attach_user_policy", {"PolicyArn": ADMIN}),
            ("detach_user_policy", {"PolicyArn": ADMIN}),
            "Cannot delete entity, must detach all policies first.",
        ),
        (
            ("put_user_policy", {"PolicyName": "p", "PolicyDocument": ALLOW}),
            ("delete_user_policy", {"PolicyName": "p"}),
            "Cannot delete entity, must delete policies first.",
        ),
        (
            ("add_user_to_group", {"GroupName": "g"}),
            ("remove_user_from_group", {"GroupName": "g"}),
            "Cannot delete entity, must remove users from group first.",
        ),
    ],
)
def test_a_user_that_has_something_is_not_deleted(
    client: Any, give: tuple[str, dict[str, Any]], take: tuple[str, dict[str, Any]], message: str
) -> None:
    client.create_group(GroupName="g")
    client.create_user(UserName="bob")
    given = getattr(client, give[0])(UserName="bob", **give[1])
    refused("DeleteConflict", message, client.delete_user, UserName="bob")
    key = {"AccessKeyId": given["AccessKey"]["AccessKeyId"]} if "AccessKey" in given else {}
    getattr(client, take[0])(UserName="bob", **take[1], **key)
    client.delete_user(UserName="bob")


def test_pages_hold_max_items_and_continue(client: Any) -> None:
    for number in range(5):
        client.create_user(UserName=f"u{number}")
    first = client.list_users(MaxItems=2)
    assert first["IsTruncated"]
    client.delete_user(UserName="u1")
    second = client.list_users(MaxItems=2, Marker=first["Marker"])
    assert [user["UserName"] for user in second["Users"]] == ["u2", "u3"]
    last = client.list_users(MaxItems=2, Marker=second["Marker"])
    assert ([user["UserName"] for user in last["Users"]], last["IsTruncated"]) == (["u4"], False)
    refused("ValidationError", "Marker", client.list_users, Marker="!")
    refused("ValidationError", "at 'maxItems'", client.list_users, MaxItems=1001)


def test_access_keys(client: Any, cloud: IdentityCloud) -> None:
    client.create_user(UserName="bob")
    made = client.create_access_key(UserName="bob")["AccessKey"]
    assert made["AccessKeyId"].startswith("AKIA")
    assert (len(made["AccessKeyId"]), len(made["SecretAccessKey"]), made["Status"]) == (20, 40, "Active")
    client.create_access_key(UserName="bob")
    refused(
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
        client.create_access_key,
        UserName="bob",
    )
    client.update_access_key(UserName="bob", AccessKeyId=made["AccessKeyId"], Status="Inactive")
    states = {
        each["AccessKeyId"]: each["Status"]
        for each in client.list_access_keys(UserName="bob")["AccessKeyMetadata"]
    }
    assert states[made["AccessKeyId"]] == "Inactive"
    found = cloud.credential(made["AccessKeyId"])
    assert found is not None
    assert not found.active
    refused(
        "ValidationError",
        "Member must satisfy enum value set: [Active, Inactive, Expired]",
        client.update_access_key,
        UserName="bob",
        AccessKeyId=made["AccessKeyId"],
        Status="Maybe",
    )
    client.create_user(UserName="eve")
    refused(
        "NoSuchEntity",
        f"The Access Key with id {made['AccessKeyId']} cannot be found.",
        client.delete_access_key,
        UserName="eve",
        AccessKeyId=made["AccessKeyId"],
    )
    client.delete_access_key(UserName="bob", AccessKeyId=made["AccessKeyId"])
    assert cloud.credential(made["AccessKeyId"]) is None


def test_keys_without_a_user_name_are_the_callers(cloud: IdentityCloud) -> None:
    cloud.principal = root_of(ACCOUNT)
    key = cloud.client("iam").create_access_key()["AccessKey"]
    found = cloud.credential(key["AccessKeyId"])
    assert found is not None
    assert found.principal.arn == f"arn:aws:iam::{ACCOUNT}:root"
    assert cloud.client("iam").get_account_summary()["SummaryMap"]["AccountAccessKeysPresent"] == 1


def test_groups(client: Any) -> None:
    group = client.create_group(GroupName="devs", Path="/x/")["Group"]
    assert group["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/x/devs"
    refused(
        "EntityAlreadyExists", "Group with name Devs already exists.", client.create_group, GroupName="Devs"
    )
    client.create_user(UserName="bob")
    refused(
        "NoSuchEntity",
        "The group with name no cannot be found.",
        client.add_user_to_group,
        GroupName="no",
        UserName="bob",
    )
    client.add_user_to_group(GroupName="devs", UserName="bob")
    client.add_user_to_group(GroupName="devs", UserName="bob")
    assert [each["GroupName"] for each in client.list_groups_for_user(UserName="bob")["Groups"]] == ["devs"]
    client.update_group(GroupName="devs", NewGroupName="ops")
    assert [each["UserName"] for each in client.get_group(GroupName="ops")["Users"]] == ["bob"]
    refused("DeleteConflict", "must remove users from group first", client.delete_group, GroupName="ops")
    client.remove_user_from_group(GroupName="ops", UserName="bob")
    client.put_group_policy(GroupName="ops", PolicyName="p", PolicyDocument=ALLOW)
    refused("DeleteConflict", "must delete policies first", client.delete_group, GroupName="ops")
    client.delete_group_policy(GroupName="ops", PolicyName="p")
    client.attach_group_policy(GroupName="ops", PolicyArn=ADMIN)
    refused("DeleteConflict", "must detach all policies first", client.delete_group, GroupName="ops")
    client.detach_group_policy(GroupName="ops", PolicyArn=ADMIN)
    client.delete_group(GroupName="ops")
    assert client.list_groups()["Groups"] == []


def test_a_user_is_in_ten_groups_at_most(client: Any) -> None:
    client.create_user(UserName="bob")
    for number in range(11):
        client.create_group(GroupName=f"g{number}")
    for number in range(10):
        client.add_user_to_group(GroupName=f"g{number}", UserName="bob")
    refused(
        "LimitExceeded",
        "Cannot exceed quota for GroupsPerUser: 10",
        client.add_user_to_group,
        GroupName="g10",
        UserName="bob",
    )


def test_accounts_do_not_see_each_other(cloud: IdentityCloud) -> None:
    cloud.client("iam").create_user(UserName="bob")
    other = cloud.client("iam", account="111111111111")
    refused("NoSuchEntity", "bob", other.get_user, UserName="bob")
    assert other.list_users()["Users"] == []


def test_account_alias_and_summary(client: Any, cloud: IdentityCloud) -> None:
    client.create_account_alias(AccountAlias="my-company")
    assert client.list_account_aliases()["AccountAliases"] == ["my-company"]
    other = cloud.client("iam", account="111111111111")
    refused(
        "EntityAlreadyExists",
        "The account alias my-company already exists.",
        other.create_account_alias,
        AccountAlias="my-company",
    )
    refused("ValidationError", "accountAlias", client.create_account_alias, AccountAlias="No_Good")
    refused("NoSuchEntity", "other", client.delete_account_alias, AccountAlias="other")
    client.delete_account_alias(AccountAlias="my-company")
    assert client.list_account_aliases()["AccountAliases"] == []
    client.create_user(UserName="bob")
    summary = client.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Roles"], summary["Policies"]) == (1, 0, 0)
