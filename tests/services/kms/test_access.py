"""Who may use a key: its policy first, identity policies where it delegates to the account, grants.

Source: KMS Developer Guide, "Determining access to AWS KMS keys", "Key policies", "Grants", "Allowing users in other
accounts to use a KMS key", "AWS KMS condition keys".
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.identity import MANAGEMENT
from tests.support.key_cloud import SIMPLE, KeyCloud, refused

from casemate.model.principals import Principal, PrincipalKind

ACCOUNT, OTHER = "000000000000", "111111111111"
USE = {"Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"], "Resource": "*"}
ADMIN_ONLY = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/admin"},
    "Action": "kms:*",
    "Resource": "*",
}
BOOKS = {"aws:dynamodb:tableName": "Books"}


def put_policy(kms: Any, key: str, *statements: dict[str, Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    kms.put_key_policy(KeyId=key, Policy=document)


def test_identity_policies_count_where_the_key_policy_delegates(cloud: KeyCloud, kms: Any, key: str) -> None:
    ann, bob = cloud.user("ann", USE), cloud.user("bob")
    cloud.principal = ann
    kms.encrypt(KeyId=key, Plaintext=b"x")
    cloud.principal = bob
    with refused("AccessDeniedException.*no identity-based policy allows the kms:Encrypt action"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    cloud.principal = cloud.administrator()
    put_policy(kms, key, ADMIN_ONLY)
    cloud.principal = ann
    with refused("AccessDeniedException.*no resource-based policy allows the kms:Encrypt action"):
        kms.encrypt(KeyId=key, Plaintext=b"x")


def test_the_key_policy_alone_allows_whom_it_names(cloud: KeyCloud, kms: Any, key: str) -> None:
    bob = cloud.user("bob")
    put_policy(kms, key, ADMIN_ONLY, {**USE, "Principal": {"AWS": bob.arn}})
    cloud.principal = bob
    kms.encrypt(KeyId=key, Plaintext=b"x")
    with refused("AccessDeniedException"):
        kms.disable_key(KeyId=key)


def test_a_policy_must_leave_its_author_able_to_change_it(cloud: KeyCloud, kms: Any, key: str) -> None:
    """API Reference, PutKeyPolicy, BypassPolicyLockoutSafetyCheck."""
    bob = cloud.user("bob")
    document = json.dumps(
        {"Version": "2012-10-17", "Statement": [{**ADMIN_ONLY, "Principal": {"AWS": bob.arn}}]}
    )
    before = kms.get_key_policy(KeyId=key)["Policy"]
    for call, params in ((kms.put_key_policy, {"KeyId": key}), (kms.create_key, {})):
        with refused(
            "MalformedPolicyDocumentException.*not allow you to update the key policy in the future"
        ):
            call(Policy=document, **params)
    assert kms.get_key_policy(KeyId=key)["Policy"] == before
    assert len(kms.list_keys()["Keys"]) == 1, "the key that would have locked out was not made"
    kms.put_key_policy(KeyId=key, Policy=document, BypassPolicyLockoutSafetyCheck=True)
    with refused("AccessDeniedException"):
        kms.get_key_policy(KeyId=key)
    cloud.principal = bob
    assert kms.get_key_policy(KeyId=key)["Policy"] == document


def test_another_account_needs_both_sides(cloud: KeyCloud, kms: Any, key: str) -> None:
    allowed = cloud.user("carl", USE, account=OTHER)
    without = cloud.user("dora", account=OTHER)
    cloud.principal = allowed
    with refused("AccessDeniedException.*no resource-based policy allows"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    cloud.principal = cloud.administrator()
    root = f"arn:aws:iam::{OTHER}:root"
    put_policy(kms, key, ADMIN_ONLY, {**USE, "Principal": {"AWS": root}})
    cloud.principal = without
    with refused("AccessDeniedException.*no identity-based policy allows"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    cloud.principal = allowed
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_grant_allows_its_operations_under_its_constraint(cloud: KeyCloud, kms: Any, key: str) -> None:
    bob = cloud.user("bob")
    grant = kms.create_grant(
        KeyId=key,
        GranteePrincipal=bob.arn,
        Operations=["Encrypt", "Decrypt", "DescribeKey"],
        Constraints={"EncryptionContextSubset": BOOKS},
        Name="books",
    )
    cloud.principal = bob
    context = {**BOOKS, "more": "x"}
    blob = kms.encrypt(
        KeyId=key, Plaintext=b"x", EncryptionContext=context, GrantTokens=[grant["GrantToken"]]
    )["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"x"
    kms.describe_key(KeyId=key)
    for wrong in ({}, {"aws:dynamodb:tableName": "Films"}, {"AWS:dynamodb:tableName": "Books"}):
        with refused("AccessDeniedException"):
            kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=wrong)
    with refused("AccessDeniedException"):
        kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=BOOKS)
    cloud.principal = cloud.administrator()
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    cloud.principal = bob
    with refused("AccessDeniedException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)


def test_a_constraint_that_equals_takes_nothing_more(cloud: KeyCloud, kms: Any, key: str) -> None:
    bob = cloud.user("bob")
    constraints = {"EncryptionContextEquals": BOOKS}
    kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"], Constraints=constraints)
    cloud.principal = bob
    kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=BOOKS)
    with refused("AccessDeniedException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={**BOOKS, "more": "x"})


def test_an_explicit_deny_outweighs_a_grant(cloud: KeyCloud, kms: Any, key: str) -> None:
    bob = cloud.user("bob", {"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"})
    kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"])
    cloud.principal = bob
    with refused("AccessDeniedException.*explicit deny in an identity-based policy"):
        kms.encrypt(KeyId=key, Plaintext=b"x")


def test_grants_are_retired_by_whom_they_name_and_one_by_one(cloud: KeyCloud, kms: Any, key: str) -> None:
    bob, eve = cloud.user("bob"), cloud.user("eve")
    first = kms.create_grant(
        KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt", "RetireGrant"], RetiringPrincipal=eve.arn
    )
    second = kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Decrypt"])
    listed = {"KeyId": key, "GrantId": second["GrantId"]}
    for caller in (bob, eve):
        cloud.principal = caller
        with refused("AccessDeniedException.*kms:RetireGrant"):
            kms.retire_grant(**listed)
    cloud.principal = cloud.administrator()
    retirable = kms.list_retirable_grants(RetiringPrincipal=eve.arn)["Grants"]
    assert [one["GrantId"] for one in retirable] == [first["GrantId"]]
    cloud.principal = eve
    kms.retire_grant(GrantToken=first["GrantToken"])
    cloud.principal = cloud.administrator()
    assert [one["GrantId"] for one in kms.list_grants(KeyId=key)["Grants"]] == [second["GrantId"]]
    with refused("InvalidGrantTokenException"):
        kms.retire_grant(GrantToken=first["GrantToken"])
    with refused("NotFoundException"):
        kms.revoke_grant(KeyId=key, GrantId=first["GrantId"])


@pytest.mark.parametrize("constraint", ["EncryptionContextEquals", "EncryptionContextSubset"])
def test_a_grant_under_a_grant_gives_no_more(cloud: KeyCloud, kms: Any, key: str, constraint: str) -> None:
    """KMS Developer Guide, "Granting CreateGrant permission"."""
    bob, eve = cloud.user("bob"), cloud.user("eve")
    kms.create_grant(
        KeyId=key,
        GranteePrincipal=bob.arn,
        Operations=["Encrypt", "CreateGrant"],
        Constraints={constraint: BOOKS},
    )
    cloud.principal = bob
    asked = {"KeyId": key, "GranteePrincipal": eve.arn}
    for operations in (["Decrypt"], ["Encrypt", "Decrypt"], ["DescribeKey"], ["Encrypt", "RetireGrant"]):
        with refused("AccessDeniedException"):
            kms.create_grant(**asked, Operations=operations, Constraints={constraint: BOOKS})
    looser: list[dict[str, Any]] = [{}, {"Constraints": {constraint: {"other": "x"}}}]
    if constraint == "EncryptionContextEquals":
        looser.append({"Constraints": {"EncryptionContextSubset": BOOKS}})
    for more in looser:
        with refused("AccessDeniedException"):
            kms.create_grant(**asked, Operations=["Encrypt"], **more)
    kms.create_grant(**asked, Operations=["Encrypt"], Constraints={constraint: BOOKS})
    cloud.principal = eve
    kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=BOOKS)


def test_who_may_grant_need_not_have_what_they_grant(cloud: KeyCloud, kms: Any, key: str) -> None:
    """Developer Guide, "Grants in AWS KMS"."""
    bob = cloud.user("bob", {"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": "*"})
    eve = cloud.user("eve")
    cloud.principal = bob
    with refused("AccessDeniedException.*kms:Encrypt"):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    kms.create_grant(KeyId=key, GranteePrincipal=eve.arn, Operations=["Encrypt"])
    cloud.principal = eve
    kms.encrypt(KeyId=key, Plaintext=b"x")


def test_what_another_account_retires_and_names_is_not_listed(cloud: KeyCloud, kms: Any, key: str) -> None:
    """API Reference, "Cross-account use" of ListRetirableGrants and ListAliases."""
    bob = cloud.user("bob")
    kms.create_alias(AliasName="alias/secret", TargetKeyId=key)
    kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, RetiringPrincipal=bob.arn, Operations=["Decrypt"])
    cloud.principal = cloud.administrator(OTHER)
    stranger = cloud.client("kms", account=OTHER)
    with refused("AccessDeniedException.*ListRetirableGrants"):
        stranger.list_retirable_grants(RetiringPrincipal=bob.arn)
    with refused("NotFoundException"):
        stranger.list_aliases(KeyId=key)


def test_the_same_named_grant_is_made_once(kms: Any, key: str) -> None:
    """API Reference, CreateGrant, Name: "used to prevent the unintended creation of duplicate grants"."""
    asked = {"KeyId": key, "GranteePrincipal": f"arn:aws:iam::{ACCOUNT}:root", "Operations": ["Encrypt"]}
    first, again = kms.create_grant(**asked, Name="one"), kms.create_grant(**asked, Name="one")
    assert first["GrantId"] == again["GrantId"]
    # "The returned grant token is unique with every CreateGrant request"; all of them stand for the grant.
    assert first["GrantToken"] != again["GrantToken"]
    kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[first["GrantToken"], again["GrantToken"]])
    changed = (
        f"A{again['GrantToken'][1:]}" if again["GrantToken"][0] != "A" else f"B{again['GrantToken'][1:]}"
    )
    with refused("InvalidGrantTokenException"):
        kms.retire_grant(GrantToken=changed)
    assert kms.create_grant(**asked)["GrantId"] != kms.create_grant(**asked)["GrantId"]
    assert len(kms.list_grants(KeyId=key)["Grants"]) == 3


def test_grants_fit_their_key(kms: Any, key: str) -> None:
    hmac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["KeyId"]
    grantee = f"arn:aws:iam::{ACCOUNT}:root"
    with refused("ValidationException"):
        kms.create_grant(KeyId=hmac, GranteePrincipal=grantee, Operations=["Encrypt"])
    with refused("ValidationException"):
        kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Sign"])
    with refused("ValidationException.*only when creating a grant for a symmetric"):
        kms.create_grant(
            KeyId=hmac,
            GranteePrincipal=grantee,
            Operations=["GenerateMac"],
            Constraints={"EncryptionContextEquals": BOOKS},
        )
    with refused("InvalidGrantTokenException"):
        kms.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=["nonsense"])


def test_conditions_on_the_request_and_on_the_key(cloud: KeyCloud, kms: Any, key: str) -> None:
    """Developer Guide, "AWS KMS condition keys": one user for each key, allowed under that condition only."""
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key)
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "team", "TagValue": "a"}])
    fitting = {
        "kms:EncryptionContext:order": ("StringEquals", "7"),
        "kms:EncryptionContextKeys": ("ForAnyValue:StringEquals", "order"),
        "kms:RequestAlias": ("StringEquals", "alias/orders"),
        "kms:ResourceAliases": ("ForAnyValue:StringEquals", "alias/orders"),
        "kms:KeySpec": ("StringEquals", "SYMMETRIC_DEFAULT"),
        "kms:KeyUsage": ("StringEquals", "ENCRYPT_DECRYPT"),
        "kms:KeyOrigin": ("StringEquals", "AWS_KMS"),
        "kms:CallerAccount": ("StringEquals", ACCOUNT),
        "kms:MultiRegion": ("Bool", "false"),
        "kms:EncryptionAlgorithm": ("StringEquals", "SYMMETRIC_DEFAULT"),
        "aws:ResourceTag/team": ("StringEquals", "a"),
    }
    for number, (name, (operator, value)) in enumerate(fitting.items()):
        for wanted, works in ((value, True), ("true" if operator == "Bool" else "other", False)):
            condition = {operator: {name: wanted}}
            cloud.principal = cloud.user(f"user{number}{works}", {**USE, "Condition": condition})
            asked = {"KeyId": "alias/orders", "Plaintext": b"x", "EncryptionContext": {"order": "7"}}
            if works:
                kms.encrypt(**asked)
            else:
                with refused("AccessDeniedException"):
                    kms.encrypt(**asked)
            cloud.principal = cloud.administrator()


def test_conditions_on_grants(cloud: KeyCloud, kms: Any, key: str) -> None:
    """kms:GrantOperations and kms:GrantIsForAWSResource, as the guide's examples have them."""
    ann = cloud.user(
        "ann",
        {
            "Effect": "Allow",
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "Decrypt"]}},
        },
    )
    services_only = cloud.user(
        "eve",
        {
            "Effect": "Allow",
            "Action": "kms:CreateGrant",
            "Resource": "*",
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    )
    cloud.principal = ann
    kms.create_grant(KeyId=key, GranteePrincipal=ann.arn, Operations=["Encrypt"])
    with refused("AccessDeniedException"):
        kms.create_grant(KeyId=key, GranteePrincipal=ann.arn, Operations=["Encrypt", "CreateGrant"])
    cloud.principal = services_only
    with refused("AccessDeniedException"):
        kms.create_grant(KeyId=key, GranteePrincipal=ann.arn, Operations=["Encrypt"])


def test_an_alias_needs_permission_on_alias_and_key(cloud: KeyCloud, kms: Any, key: str) -> None:
    """Developer Guide, "Controlling access to aliases"."""
    on_key = {"Effect": "Allow", "Action": "kms:CreateAlias", "Resource": key}
    on_alias = {**on_key, "Resource": f"arn:aws:kms:us-east-2:{ACCOUNT}:alias/orders"}
    for name, statement in (("ann", on_key), ("bob", on_alias)):
        cloud.principal = cloud.user(name, statement)
        with refused("AccessDeniedException"):
            kms.create_alias(AliasName="alias/orders", TargetKeyId=key)
        cloud.principal = cloud.administrator()
    cloud.principal = cloud.user("eve", on_key, on_alias)
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key)


def test_a_statement_without_action_or_resource_is_taken_and_does_nothing(
    cloud: KeyCloud, kms: Any, key: str
) -> None:
    """API Reference, CreateKey and PutKeyPolicy: the call succeeds, the statement "has no effect"."""
    bob = cloud.user("bob")
    whole = {"Effect": "Allow", "Principal": {"AWS": bob.arn}, "Action": "kms:*", "Resource": "*"}
    bare = [{name: whole[name] for name in whole if name != missing} for missing in ("Action", "Resource")]
    put_policy(kms, key, ADMIN_ONLY, *bare)
    assert json.loads(kms.get_key_policy(KeyId=key)["Policy"])["Statement"][1:] == bare
    made = kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": [ADMIN_ONLY, *bare]}))
    for each in (key, made["KeyMetadata"]["Arn"]):
        cloud.principal = bob
        with refused("AccessDeniedException.*no resource-based policy allows"):
            kms.describe_key(KeyId=each)
        cloud.principal = cloud.administrator()
        put_policy(kms, each, ADMIN_ONLY, whole)
        cloud.principal = bob
        kms.describe_key(KeyId=each)


def test_a_key_policy_says_nothing_of_retiring(cloud: KeyCloud, kms: Any, key: str) -> None:
    """Developer Guide, "Retiring and revoking grants": the grant's principals and the accounts may, whatever it says."""
    bob, eve = cloud.user("bob"), cloud.user("eve", {"Effect": "Allow", "Action": "kms:*", "Resource": "*"})
    retire = {"Action": "kms:RetireGrant", "Resource": "*"}
    put_policy(
        kms,
        key,
        ADMIN_ONLY,
        {**retire, "Effect": "Allow", "Principal": {"AWS": bob.arn}},
        {**retire, "Effect": "Deny", "Principal": {"AWS": eve.arn}},
    )
    grant = kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"])
    cloud.principal = bob
    with refused("AccessDeniedException.*no identity-based policy allows the kms:RetireGrant action"):
        kms.retire_grant(KeyId=key, GrantId=grant["GrantId"])
    # The account may delegate by identity policies, although the key's policy leaves it out.
    cloud.principal = eve
    kms.retire_grant(KeyId=key, GrantId=grant["GrantId"])


def test_a_deny_in_an_identity_policy_keeps_from_retiring(cloud: KeyCloud, kms: Any, key: str) -> None:
    bob = cloud.user("bob", {"Effect": "Deny", "Action": "kms:RetireGrant", "Resource": "*"})
    grant = kms.create_grant(
        KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"], RetiringPrincipal=bob.arn
    )
    cloud.principal = bob
    with refused("AccessDeniedException.*explicit deny in an identity-based policy"):
        kms.retire_grant(KeyId=key, GrantId=grant["GrantId"])


def test_no_resource_control_policy_binds_retiring(cloud: KeyCloud, kms: Any, key: str) -> None:
    """Organizations User Guide, "Resources and entities not restricted by RCPs"; it binds revoking."""
    bob = cloud.user("bob")
    call = {
        "KeyId": key,
        "GranteePrincipal": bob.arn,
        "Operations": ["Encrypt"],
        "RetiringPrincipal": bob.arn,
    }
    grant = kms.create_grant(**call)
    attach_rcp(cloud, {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"})
    with refused("AccessDeniedException.*explicit deny in a resource control policy"):
        kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    cloud.principal = bob
    kms.retire_grant(KeyId=key, GrantId=grant["GrantId"])


def attach_rcp(cloud: KeyCloud, *statements: dict[str, Any], target: str = ACCOUNT) -> None:
    """An RCP on the account that owns the keys here."""
    caller, cloud.principal = cloud.principal, cloud.administrator(MANAGEMENT)
    organizations = cloud.client("organizations", account=MANAGEMENT)
    policy = organizations.create_policy(
        Name="rcp",
        Description="",
        Type="RESOURCE_CONTROL_POLICY",
        Content=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=target)
    cloud.principal = caller


@pytest.mark.parametrize(
    "name",
    [
        "dynamodb.us-east-2.amazonaws.com",
        f"arn:aws:iam::{ACCOUNT}:group/admins",
        "arn:aws:organizations::111111111111:organization/o-1",
        "somebody",
    ],
)
def test_a_grant_is_for_a_principal(kms: Any, key: str, name: str) -> None:
    """Developer Guide, "Grant concepts": no service, no group, no organization."""
    ann = f"arn:aws:iam::{ACCOUNT}:user/ann"
    for principals in (
        {"GranteePrincipal": name},
        {"GranteePrincipal": ann, "RetiringPrincipal": name},
    ):
        with refused("InvalidArnException"):
            kms.create_grant(KeyId=key, Operations=["Encrypt"], **principals)
    sessions = (
        f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
        f"arn:aws:sts::{ACCOUNT}:federated-user/f",
        ACCOUNT,
    )
    for grantee in sessions:
        kms.create_grant(KeyId=key, Operations=["Encrypt"], GranteePrincipal=grantee)


def test_a_constraint_has_its_limits(kms: Any, key: str) -> None:
    """Developer Guide, "Using grant constraints": eight pairs, values of 384 characters."""
    call = {"KeyId": key, "GranteePrincipal": ACCOUNT, "Operations": ["Decrypt"]}
    eight = {f"k{number}": "x" * 384 for number in range(8)}
    for kind in ("EncryptionContextEquals", "EncryptionContextSubset"):
        kms.create_grant(**call, Constraints={kind: eight})
        for pairs in ({**eight, "k8": "x"}, {"k": "x" * 385}):
            with refused("ValidationException"):
                kms.create_grant(**call, Constraints={kind: pairs})


def test_no_resource_control_policy_binds_an_aws_managed_key(cloud: KeyCloud, kms: Any, key: str) -> None:
    """Organizations User Guide, "Resources and entities not restricted by RCPs"."""
    cloud.client("dynamodb").create_table(TableName="orders", **SIMPLE, SSESpecification={"Enabled": True})
    attach_rcp(cloud, {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"})
    with refused("AccessDeniedException.*explicit deny in a resource control policy"):
        kms.describe_key(KeyId=key)
    assert kms.describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]["KeyManager"] == "AWS"


def test_a_resource_control_policy_binds_the_resources_of_its_account(
    cloud: KeyCloud, kms: Any, key: str
) -> None:
    """Organizations User Guide, "RCP effects on permissions": whoever asks, and nobody's keys elsewhere."""
    attach_rcp(cloud, {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"})
    arn = f"arn:aws:kms:us-east-2:{ACCOUNT}:key/{key.rsplit('/', 1)[-1]}"
    root = Principal(
        kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{ACCOUNT}:root", account=ACCOUNT, user_id=ACCOUNT
    )
    for caller in (cloud.administrator(), root, cloud.administrator(MANAGEMENT)):
        cloud.principal = caller
        with refused("AccessDeniedException.*explicit deny in a resource control policy"):
            kms.describe_key(KeyId=arn)
    # The caller's own RCPs say nothing of another account's key.
    cloud.principal = cloud.administrator(MANAGEMENT)
    theirs = cloud.client("kms", account=MANAGEMENT).create_key()["KeyMetadata"]["Arn"]
    everyone = {**USE, "Principal": {"AWS": ACCOUNT}}
    delegated = {**ADMIN_ONLY, "Principal": {"AWS": MANAGEMENT}}
    put_policy(cloud.client("kms", account=MANAGEMENT), theirs, delegated, everyone)
    cloud.principal = cloud.administrator()
    kms.describe_key(KeyId=theirs)


def test_no_resource_control_policy_binds_the_management_accounts_resources(cloud: KeyCloud) -> None:
    """Organizations User Guide, "Resources and entities not restricted by RCPs"; though it is attached to the root."""
    organizations = cloud.client("organizations", account=MANAGEMENT)
    cloud.principal = cloud.administrator(MANAGEMENT)
    root = organizations.list_roots()["Roots"][0]["Id"]
    attach_rcp(cloud, {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}, target=root)
    own = cloud.client("kms", account=MANAGEMENT)
    own.describe_key(KeyId=own.create_key()["KeyMetadata"]["KeyId"])
