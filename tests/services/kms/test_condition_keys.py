"""The examples of KMS Developer Guide, "AWS KMS condition keys", that test_access.py does not have.

One user for each example, who may do one thing under one condition.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.key_cloud import KeyCloud, refused

ACCOUNT = "000000000000"
GRANTEE = f"arn:aws:iam::{ACCOUNT}:user/admin"
RETIREE = f"arn:aws:iam::{ACCOUNT}:role/OrganizationAccountAccessRole"
Call = Callable[[Any, str], object]


def encrypt(**context: str) -> Call:
    return lambda kms, key: kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)


def grant(**more: Any) -> Call:
    asked = {"GranteePrincipal": GRANTEE, "Operations": ["Encrypt"], **more}
    return lambda kms, key: kms.create_grant(KeyId=key, **asked)


def constrained(kind: str) -> Call:
    return grant(Constraints={kind: {"a": "b"}})


def policy(**more: Any) -> Call:
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*"}
            ],
        }
    )
    return lambda kms, key: kms.put_key_policy(KeyId=key, Policy=document, **more)


def create(**more: Any) -> Call:
    return lambda kms, _key: kms.create_key(**more)


def reencrypt(same: bool) -> Call:
    def call(kms: Any, key: str) -> object:
        blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        others = [each["KeyArn"] for each in kms.list_keys()["Keys"] if each["KeyArn"] != key]
        return kms.re_encrypt(
            CiphertextBlob=blob, SourceKeyId=key, DestinationKeyId=key if same else others[0]
        )

    return call


BYPASS = {"BypassPolicyLockoutSafetyCheck": True}
NO_BYPASS = {"BypassPolicyLockoutSafetyCheck": False}
EXAMPLES: list[tuple[str, str, str, Any, Call, bool]] = [
    ("kms:Encrypt", "StringEquals", "kms:EncryptionContext:AppName", "ExampleApp", encrypt(AppName="ExampleApp"), True),
    ("kms:Encrypt", "StringEquals", "kms:EncryptionContext:Appname", "ExampleApp", encrypt(AppName="ExampleApp"), True),
    ("kms:Encrypt", "StringEquals", "kms:EncryptionContext:AppName", "ExampleApp", encrypt(AppName="exampleapp"), False),
    ("kms:Encrypt", "StringEquals", "kms:EncryptionContext:AppName", "ExampleApp", encrypt(), False),
    ("kms:Encrypt", "ForAnyValue:StringEquals", "kms:EncryptionContextKeys", "AppName", encrypt(AppName="1"), True),
    ("kms:Encrypt", "ForAnyValue:StringEquals", "kms:EncryptionContextKeys", "AppName", encrypt(appname="1"), False),
    ("kms:Encrypt", "ForAllValues:StringEquals", "kms:EncryptionContextKeys", ["AppName", "FilePath"],
     encrypt(AppName="1", FilePath="2"), True),
    ("kms:Encrypt", "ForAllValues:StringEquals", "kms:EncryptionContextKeys", ["AppName", "FilePath"],
     encrypt(AppName="1", Other="2"), False),
    ("kms:Encrypt", "Null", "kms:EncryptionContextKeys", False, encrypt(AppName="1"), True),
    ("kms:Encrypt", "Null", "kms:EncryptionContextKeys", False, encrypt(), False),
    ("kms:CreateGrant", "StringEquals", "kms:GrantConstraintType", "EncryptionContextEquals",
     constrained("EncryptionContextEquals"), True),
    ("kms:CreateGrant", "StringEquals", "kms:GrantConstraintType", "EncryptionContextEquals",
     constrained("EncryptionContextSubset"), False),
    ("kms:CreateGrant", "StringEquals", "kms:GrantConstraintType", "EncryptionContextEquals", grant(), False),
    ("kms:CreateGrant", "StringEquals", "kms:GranteePrincipal", GRANTEE, grant(), True),
    ("kms:CreateGrant", "StringEquals", "kms:GranteePrincipal", GRANTEE, grant(GranteePrincipal=RETIREE), False),
    ("kms:CreateGrant", "StringEquals", "kms:RetiringPrincipal", RETIREE, grant(RetiringPrincipal=RETIREE), True),
    ("kms:CreateGrant", "StringEquals", "kms:RetiringPrincipal", RETIREE, grant(), False),
    ("kms:PutKeyPolicy", "Null", "kms:BypassPolicyLockoutSafetyCheck", True, policy(), True),
    ("kms:PutKeyPolicy", "Null", "kms:BypassPolicyLockoutSafetyCheck", True, policy(**BYPASS), False),
    ("kms:CreateKey", "Bool", "kms:BypassPolicyLockoutSafetyCheck", False, create(**NO_BYPASS), True),
    ("kms:CreateKey", "Bool", "kms:BypassPolicyLockoutSafetyCheck", False, create(**BYPASS), False),
    ("kms:CreateKey", "StringEquals", "kms:KeyOrigin", "AWS_KMS", create(), True),
    ("kms:CreateKey", "StringEquals", "kms:KeyOrigin", "EXTERNAL", create(), False),
    ("kms:ReEncrypt*", "Bool", "kms:ReEncryptOnSameKey", True, reencrypt(same=True), True),
    ("kms:ReEncrypt*", "Bool", "kms:ReEncryptOnSameKey", True, reencrypt(same=False), False),
    ("kms:Encrypt", "StringEquals", "kms:CallerAccount", ACCOUNT, encrypt(), True),
    ("kms:Encrypt", "StringEquals", "kms:CallerAccount", "222222222222", encrypt(), False),
    ("kms:Encrypt", "StringEquals", "kms:ViaService", "ec2.us-east-2.amazonaws.com", encrypt(), False),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each[2]} {each[1]} {each[5]}")
def test_example(cloud: KeyCloud, kms: Any, key: str, example: tuple[str, str, str, Any, Call, bool]) -> None:
    action, operator, name, value, call, works = example
    kms.create_key()
    free = {
        "Effect": "Allow",
        "Action": [each for each in ("kms:Encrypt", "kms:ListKeys") if each != action],
        "Resource": "*",
    }
    statement = {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": {operator: {name: value}}}
    cloud.principal = cloud.user("ann", free, statement)
    if works:
        call(kms, key)
        return
    with refused("AccessDeniedException"):
        call(kms, key)
