"""Keys of other accounts: what may be done with them, whatever the policies allow.

Source: KMS API Reference, "Cross-account use" of each operation; Developer Guide, "Allowing users in other accounts to use
a KMS key": "if you give external accounts permission for other operations, those permissions have no effect".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.key_cloud import KeyCloud, refused

OTHER = "111111111111"
EVERYTHING = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
TAG = {"TagKey": "a", "TagValue": "b"}
Call = Callable[[Any, str], object]

OWN_ACCOUNT_ONLY: dict[str, Call] = {
    "CancelKeyDeletion": lambda kms, key: kms.cancel_key_deletion(KeyId=key),
    "CreateAlias": lambda kms, key: kms.create_alias(AliasName="alias/theirs", TargetKeyId=key),
    "DisableKey": lambda kms, key: kms.disable_key(KeyId=key),
    "DisableKeyRotation": lambda kms, key: kms.disable_key_rotation(KeyId=key),
    "EnableKey": lambda kms, key: kms.enable_key(KeyId=key),
    "EnableKeyRotation": lambda kms, key: kms.enable_key_rotation(KeyId=key),
    "GetKeyPolicy": lambda kms, key: kms.get_key_policy(KeyId=key),
    "ListKeyPolicies": lambda kms, key: kms.list_key_policies(KeyId=key),
    "ListKeyRotations": lambda kms, key: kms.list_key_rotations(KeyId=key),
    "ListResourceTags": lambda kms, key: kms.list_resource_tags(KeyId=key),
    "PutKeyPolicy": lambda kms, key: kms.put_key_policy(KeyId=key, Policy="{}"),
    "RotateKeyOnDemand": lambda kms, key: kms.rotate_key_on_demand(KeyId=key),
    "ScheduleKeyDeletion": lambda kms, key: kms.schedule_key_deletion(KeyId=key),
    "TagResource": lambda kms, key: kms.tag_resource(KeyId=key, Tags=[TAG]),
    "UntagResource": lambda kms, key: kms.untag_resource(KeyId=key, TagKeys=["a"]),
    "UpdateKeyDescription": lambda kms, key: kms.update_key_description(KeyId=key, Description="x"),
}


@pytest.fixture
def shared(cloud: KeyCloud, kms: Any, key: str) -> str:
    """The key, whose policy gives everybody of another account everything."""
    cloud.user("carl", EVERYTHING, account=OTHER)
    statements = [{**EVERYTHING, "Principal": {"AWS": account}} for account in ("000000000000", OTHER)]
    kms.put_key_policy(KeyId=key, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    cloud.principal = cloud.directory.user(OTHER, "carl")
    return key


@pytest.mark.parametrize("name", OWN_ACCOUNT_ONLY)
def test_only_the_keys_own_account_manages_it(cloud: KeyCloud, shared: str, name: str) -> None:
    with refused(
        f"AccessDeniedException: User: .*user/carl is not authorized to perform: kms:{name} on resource: "
    ):
        OWN_ACCOUNT_ONLY[name](cloud.client("kms", account=OTHER), shared)


def test_another_account_uses_the_key_and_its_grants(cloud: KeyCloud, shared: str) -> None:
    kms = cloud.client("kms", account=OTHER)
    blob = kms.encrypt(KeyId=shared, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    assert kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=shared)["KeyId"] == shared
    assert kms.generate_data_key(KeyId=shared, KeySpec="AES_256")["KeyId"] == shared
    assert kms.describe_key(KeyId=shared)["KeyMetadata"]["AWSAccountId"] == "000000000000"
    assert kms.get_key_rotation_status(KeyId=shared)["KeyRotationEnabled"] is False
    grant = kms.create_grant(KeyId=shared, GranteePrincipal=OTHER, Operations=["Decrypt"])["GrantId"]
    assert kms.list_grants(KeyId=shared)["Grants"][0]["IssuingAccount"] == f"arn:aws:iam::{OTHER}:root"
    kms.revoke_grant(KeyId=shared, GrantId=grant)


def test_another_accounts_key_has_to_be_named_by_its_arn(cloud: KeyCloud, shared: str) -> None:
    kms = cloud.client("kms", account=OTHER)
    with refused("NotFoundException"):
        kms.encrypt(KeyId=shared.rpartition("/")[2], Plaintext=b"x")


def test_an_alias_of_another_account_is_named_by_its_arn(cloud: KeyCloud, shared: str) -> None:
    theirs, cloud.principal = cloud.principal, cloud.administrator()
    cloud.client("kms").create_alias(AliasName="alias/orders", TargetKeyId=shared)
    cloud.principal = theirs
    kms = cloud.client("kms", account=OTHER)
    arn = f"{shared.rpartition(':')[0]}:alias/orders"
    assert kms.encrypt(KeyId=arn, Plaintext=b"x")["KeyId"] == shared
    with refused("NotFoundException"):
        kms.encrypt(KeyId="alias/orders", Plaintext=b"x")
    assert kms.list_aliases()["Aliases"] == []


def test_an_alias_is_moved_to_keys_of_its_own_account_only(cloud: KeyCloud, shared: str) -> None:
    kms = cloud.client("kms", account=OTHER)
    own = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=own)
    with refused("AccessDeniedException.*kms:UpdateAlias"):
        kms.update_alias(AliasName="alias/mine", TargetKeyId=shared)


@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_key_policy_names_principals_that_exist(cloud: KeyCloud, kms: Any, key: str, kind: str) -> None:
    """API Reference, PutKeyPolicy: "the principals in the key policy must exist"."""
    statements = [
        {**EVERYTHING, "Principal": {"AWS": name}}
        for name in ("000000000000", f"arn:aws:iam::000000000000:{kind}/later")
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    for call, params in ((kms.put_key_policy, {"KeyId": key}), (kms.create_key, {})):
        with refused(
            "MalformedPolicyDocumentException: Policy contains a statement with one or more invalid"
        ):
            call(Policy=document, **params)
    iam = cloud.client("iam")
    if kind == "user":
        iam.create_user(UserName="later")
    else:
        trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName="later", AssumeRolePolicyDocument=policy)
    kms.put_key_policy(KeyId=key, Policy=document)
    kms.create_key(Policy=document)


def test_what_a_policy_is_called_is_a_condition_key(cloud: KeyCloud, kms: Any, key: str) -> None:
    """API Reference, GetKeyPolicy: kms:PolicyName is `default` where the request names none."""
    for wanted, works in (("default", True), ("AWS_RAM", False)):
        condition = {"StringEquals": {"kms:PolicyName": wanted}}
        statement = {"Effect": "Allow", "Action": "kms:*KeyPolicy", "Resource": "*", "Condition": condition}
        cloud.principal = cloud.user(f"user-{wanted}", statement)
        for named in ({}, {"PolicyName": "default"}):
            if works:
                kms.put_key_policy(
                    KeyId=key, Policy=kms.get_key_policy(KeyId=key, **named)["Policy"], **named
                )
            else:
                with refused("AccessDeniedException"):
                    kms.get_key_policy(KeyId=key, **named)
        cloud.principal = cloud.administrator()
