"""Keys, aliases, tags, policies, rotation settings. Source: KMS API Reference, and Developer Guide "Key states"."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.key_cloud import KeyCloud, refused

ACCOUNT = "000000000000"
UNKNOWN = "11111111-2222-3333-4444-555555555555"


def test_a_key_is_described(kms: Any) -> None:
    made = kms.create_key(Description="orders", Tags=[{"TagKey": "team", "TagValue": "a"}])["KeyMetadata"]
    shown = kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]
    assert shown["Arn"] == f"arn:aws:kms:us-east-2:{ACCOUNT}:key/{made['KeyId']}"
    assert (shown["KeyState"], shown["Enabled"], shown["KeyManager"]) == ("Enabled", True, "CUSTOMER")
    assert (shown["KeySpec"], shown["KeyUsage"], shown["Origin"]) == (
        "SYMMETRIC_DEFAULT",
        "ENCRYPT_DECRYPT",
        "AWS_KMS",
    )
    assert shown["EncryptionAlgorithms"] == ["SYMMETRIC_DEFAULT"]
    assert kms.list_resource_tags(KeyId=made["KeyId"])["Tags"] == [{"TagKey": "team", "TagValue": "a"}]
    assert [one["KeyId"] for one in kms.list_keys()["Keys"]] == [made["KeyId"]]
    kms.update_key_description(KeyId=made["KeyId"], Description="new")
    assert kms.describe_key(KeyId=made["Arn"])["KeyMetadata"]["Description"] == "new"


def test_keys_come_in_pages(kms: Any) -> None:
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)}
    pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Keys"]) for page in pages] == [2, 2, 1]
    assert {one["KeyId"] for page in pages for one in page["Keys"]} == made
    with refused("InvalidMarkerException"):
        kms.list_keys(Marker="nonsense")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (UNKNOWN, f"NotFoundException.*Key 'arn:aws:kms:us-east-2:{ACCOUNT}:key/{UNKNOWN}' does not exist"),
        ("alias/none", f"NotFoundException.*Alias arn:aws:kms:us-east-2:{ACCOUNT}:alias/none is not found"),
        ("nonsense", "NotFoundException.*Invalid keyId 'nonsense'"),
        (f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{UNKNOWN}", "NotFoundException.*Invalid arn us-east-1"),
        ("arn:aws:iam::000000000000:user/ann", "InvalidArnException"),
        ("arn:nonsense", "InvalidArnException"),
    ],
)
def test_a_key_that_is_not_there(kms: Any, text: str, error: str) -> None:
    with refused(error):
        kms.describe_key(KeyId=text)


def test_disabled_keys_are_not_used(kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disable_key(KeyId=key)
    for call, params in (
        (kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
        (kms.re_encrypt, {"CiphertextBlob": blob, "DestinationKeyId": key}),
        (kms.create_grant, {"KeyId": key, "GranteePrincipal": ACCOUNT, "Operations": ["Encrypt"]}),
        (kms.enable_key_rotation, {"KeyId": key}),
        (kms.rotate_key_on_demand, {"KeyId": key}),
    ):
        with refused(f"DisabledException.*{key} is disabled"):
            call(**params)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"] is False
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_deletion_waits_can_be_cancelled_and_is_final(cloud: KeyCloud, kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key)
    for days in (6, 31):
        with refused("ValidationException"):
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=days)
    with refused("KMSInvalidStateException.*not pending deletion"):
        kms.cancel_key_deletion(KeyId=key)
    answer = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert answer["KeyState"] == "PendingDeletion"
    for call, params in (
        (kms.decrypt, {"CiphertextBlob": blob}),
        (kms.enable_key, {"KeyId": key}),
        (kms.disable_key, {"KeyId": key}),
        (kms.schedule_key_deletion, {"KeyId": key}),
        (kms.tag_resource, {"KeyId": key, "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        (kms.create_alias, {"AliasName": "alias/more", "TargetKeyId": key}),
        (kms.update_key_description, {"KeyId": key, "Description": "x"}),
    ):
        with refused(f"KMSInvalidStateException.*{key} is pending deletion"):
            call(**params)
    kms.cancel_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"
    kms.enable_key(KeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    cloud.later(days=7)
    with refused("NotFoundException"):
        kms.describe_key(KeyId=key)
    with refused("AccessDeniedException.*refers to a customer master key that does not exist"):
        kms.decrypt(CiphertextBlob=blob)
    kms.create_key()
    state = cloud.kms.service.state
    assert len(state.keys) == 1, "the material is destroyed"
    assert len(state.aliases) == 0


def test_aliases(kms: Any, key: str) -> None:
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key)
    with refused("AlreadyExistsException.*already exists"):
        kms.create_alias(AliasName="alias/orders", TargetKeyId=key)
    with refused('ValidationException: Alias must start with the prefix "alias/"'):
        kms.create_alias(AliasName="orders", TargetKeyId=key)
    with refused("ValidationException: Aliases must refer to keys"):
        kms.create_alias(AliasName="alias/more", TargetKeyId="alias/orders")
    with refused("InvalidAliasNameException"):
        kms.create_alias(AliasName="alias/aws/mine", TargetKeyId=key)
    other = kms.create_key()["KeyMetadata"]["Arn"]
    assert kms.encrypt(KeyId="alias/orders", Plaintext=b"x")["KeyId"] == key
    kms.update_alias(AliasName="alias/orders", TargetKeyId=other)
    arn = kms.list_aliases()["Aliases"][0]["AliasArn"]
    assert kms.encrypt(KeyId=arn, Plaintext=b"x")["KeyId"] == other
    assert [one["AliasName"] for one in kms.list_aliases(KeyId=other)["Aliases"]] == ["alias/orders"]
    with refused("NotFoundException.*Invalid keyId"):
        kms.disable_key(KeyId="alias/orders")
    kms.delete_alias(AliasName="alias/orders")
    with refused("NotFoundException"):
        kms.describe_key(KeyId="alias/orders")


def test_tags(kms: Any, key: str) -> None:
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": "2"}])
    kms.untag_resource(KeyId=key, TagKeys=["a"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "b", "TagValue": "2"}]
    with refused("TagException"):
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": "aws:x", "TagValue": "1"}])
    with refused("LimitExceededException"):
        kms.tag_resource(KeyId=key, Tags=[{"TagKey": f"t{n}", "TagValue": ""} for n in range(50)])


def test_the_default_policy_is_the_accounts(kms: Any, key: str) -> None:
    """Developer Guide, "Default key policy"."""
    shown = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    assert shown["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]


def test_a_policy_must_be_one(kms: Any, key: str) -> None:
    for document in ("nonsense", '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}'):
        with refused("MalformedPolicyDocumentException"):
            kms.put_key_policy(KeyId=key, Policy=document)
        with refused("MalformedPolicyDocumentException"):
            kms.create_key(Policy=document)


def test_what_a_key_policy_may_hold(kms: Any, key: str) -> None:
    """Developer Guide, "Key policy format" and "Elements in a key policy"."""
    statement = {
        "Sid": "Sids of key policies have spaces",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }

    def put(principal: str = f"arn:aws:iam::{ACCOUNT}:root", padding: str = "") -> None:
        document = {"Version": "2012-10-17", "Statement": [{**statement, "Principal": {"AWS": principal}}]}
        kms.put_key_policy(KeyId=key, Policy=json.dumps(document) + padding)

    put(padding=" \t\n\r")
    size = len(kms.get_key_policy(KeyId=key)["Policy"]) - 4
    put(padding=" " * (32_768 - size))
    with refused("LimitExceededException"):
        put(padding=" " * (32_769 - size))
    with refused("ValidationException"):
        put(padding="\u0416")
    with refused("MalformedPolicyDocumentException.*invalid principals"):
        put(f"arn:aws:iam::{ACCOUNT}:group/admins")


def test_rotation_settings(cloud: KeyCloud, kms: Any, key: str) -> None:
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    with refused("ValidationException"):
        kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=2561)
    kms.enable_key_rotation(KeyId=key)
    shown = kms.get_key_rotation_status(KeyId=key)
    assert (shown["KeyRotationEnabled"], shown["RotationPeriodInDays"]) == (True, 365)
    assert (shown["NextRotationDate"] - cloud.now).days == 365
    kms.disable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False
    hmac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    with refused("UnsupportedOperationException"):
        kms.enable_key_rotation(KeyId=hmac)


@pytest.mark.parametrize(
    "asked",
    [
        {"MultiRegion": True},
        {"Origin": "EXTERNAL"},
        {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY"},
        {"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"},
    ],
)
def test_keys_of_other_kinds_are_refused_plainly(kms: Any, asked: dict[str, Any]) -> None:
    with refused("UnsupportedOperationException.*Casemate does not implement"):
        kms.create_key(**asked)
