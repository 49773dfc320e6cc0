"""Tables with KMS keys. Source: DynamoDB Developer Guide, "DynamoDB encryption at rest: How it works", "usage notes"."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support.key_cloud import SIMPLE, KeyCloud, refused

from casemate.services.dynamodb.building import Builder
from casemate.services.dynamodb.table_keys import CACHED_SECONDS

TABLES = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
DECRYPT = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
ITEM = {"id": {"S": "1"}}
DENIED = "AccessDeniedException: KMS key access denied error: .*not authorized to perform: kms:Decrypt on resource: "
CONTEXT = {"aws:dynamodb:tableName": "orders", "aws:dynamodb:subscriberId": "000000000000"}


@pytest.fixture
def cloud() -> Iterator[KeyCloud]:
    made = KeyCloud()
    yield made
    made.engine.close()
    made.store.close()


@pytest.fixture
def key(cloud: KeyCloud) -> str:
    return cloud.client("kms").create_key()["KeyMetadata"]["Arn"]


def with_key(key: str | None) -> dict[str, Any]:
    named = {} if key is None else {"KMSMasterKeyId": key}
    return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", **named}}


@pytest.fixture
def tables(cloud: KeyCloud, key: str) -> Any:
    """A client; there is a table `orders` with the key, and item 1 in it."""
    client = cloud.client("dynamodb")
    client.create_table(TableName="orders", **SIMPLE, **with_key(key))
    client.put_item(TableName="orders", Item=ITEM)
    return client


def encryption(client: Any) -> dict[str, Any]:
    return client.describe_table(TableName="orders")["Table"]["SSEDescription"]


def test_a_key_is_described_by_its_arn_however_it_was_named(cloud: KeyCloud, key: str) -> None:
    cloud.client("kms").create_alias(AliasName="alias/orders", TargetKeyId=key)
    client = cloud.client("dynamodb")
    for number, name in enumerate((key, key.rpartition("/")[2], "alias/orders")):
        made = client.create_table(TableName=f"table{number}", **SIMPLE, **with_key(name))
        shown = made["TableDescription"]["SSEDescription"]
        assert shown == {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": key}


def test_the_table_has_a_grant_on_its_key_until_it_is_deleted(cloud: KeyCloud, key: str, tables: Any) -> None:
    (grant,) = cloud.client("kms").list_grants(KeyId=key)["Grants"]
    assert grant["GranteePrincipal"] == "dynamodb.us-east-2.amazonaws.com"
    assert grant["Constraints"] == {"EncryptionContextSubset": CONTEXT}
    tables.delete_table(TableName="orders")
    assert cloud.client("kms").list_grants(KeyId=key)["Grants"] == []


CALLS: list[Callable[[Any], Any]] = [
    lambda client: client.get_item(TableName="orders", Key=ITEM),
    lambda client: client.put_item(TableName="orders", Item=ITEM),
    lambda client: client.update_item(TableName="orders", Key=ITEM),
    lambda client: client.delete_item(TableName="orders", Key=ITEM),
    lambda client: client.scan(TableName="orders"),
    lambda client: client.query(
        TableName="orders", KeyConditionExpression="id = :i", ExpressionAttributeValues={":i": {"S": "1"}}
    ),
    lambda client: client.batch_get_item(RequestItems={"orders": {"Keys": [ITEM]}}),
    lambda client: client.batch_write_item(RequestItems={"orders": [{"PutRequest": {"Item": ITEM}}]}),
    lambda client: client.transact_get_items(TransactItems=[{"Get": {"TableName": "orders", "Key": ITEM}}]),
    lambda client: client.transact_write_items(
        TransactItems=[{"Put": {"TableName": "orders", "Item": ITEM}}]
    ),
]


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_without_use_of_the_key_no_item_is_reached(
    cloud: KeyCloud, tables: Any, key: str, number: int
) -> None:
    cloud.principal = cloud.user("ann", TABLES)
    with refused(DENIED + key + ".*because no identity-based policy allows the kms:Decrypt action"):
        CALLS[number](tables)
    tables.describe_table(TableName="orders")
    cloud.principal = cloud.user("bob", TABLES, DECRYPT)
    CALLS[number](tables)


def test_the_key_sees_the_service_and_the_table(cloud: KeyCloud, tables: Any) -> None:
    """kms:ViaService, kms:EncryptionContext, aws:CalledVia, aws:ViaAWSService are there, in the request to KMS alone."""
    condition = {
        "StringEquals": {
            "kms:ViaService": "dynamodb.us-east-2.amazonaws.com",
            "kms:CallerAccount": "000000000000",
            "kms:EncryptionContext:aws:dynamodb:tableName": "orders",
            "aws:CalledViaFirst": "dynamodb.amazonaws.com",
            "aws:CalledViaLast": "dynamodb.amazonaws.com",
        },
        "ForAnyValue:StringEquals": {"aws:CalledVia": "dynamodb.amazonaws.com"},
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": list(CONTEXT)},
        "Bool": {"aws:ViaAWSService": "true", "aws:MultiFactorAuthPresent": "false"},
        "Null": {"aws:SourceVpc": "true", "aws:SourceVpce": "true", "aws:VpcSourceIp": "true"},
    }
    cloud.principal = cloud.user("ann", TABLES, {**DECRYPT, "Condition": condition})
    tables.get_item(TableName="orders", Key=ITEM)
    (decision,) = [one for one in cloud.decisions if one.principal.endswith("user/ann")]
    assert (decision.action, decision.allowed) == ("kms:Decrypt", True)
    direct = {**TABLES, "Condition": {"Bool": {"aws:ViaAWSService": "false"}}}
    cloud.principal = cloud.user("bob", direct, DECRYPT)
    tables.get_item(TableName="orders", Key=ITEM)
    cloud.principal = cloud.user(
        "eve", TABLES, {**DECRYPT, "Condition": {"Bool": {"aws:ViaAWSService": "false"}}}
    )
    with refused(DENIED):
        tables.get_item(TableName="orders", Key=ITEM)


def test_a_key_policy_for_dynamodb_only(cloud: KeyCloud, tables: Any, key: str) -> None:
    """Developer Guide, "DynamoDB encryption at rest", customer managed key policy: use by way of DynamoDB alone."""
    kms = cloud.client("kms")
    ann = cloud.user("ann", TABLES)
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:user/admin"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": ann.arn},
            "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:CreateGrant"],
            "Resource": "*",
            "Condition": {"StringLike": {"kms:ViaService": "dynamodb.*.amazonaws.com"}},
        },
    ]
    kms.put_key_policy(KeyId=key, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    cloud.principal = ann
    tables.get_item(TableName="orders", Key=ITEM)
    with refused("AccessDeniedException.*kms:Encrypt"):
        kms.encrypt(KeyId=key, Plaintext=b"x")


def test_an_answer_of_kms_holds_for_five_minutes(cloud: KeyCloud, tables: Any, key: str) -> None:
    """Developer Guide, "Table key caching"; each caller has its own."""
    kms = cloud.client("kms")
    ann = cloud.user("ann", TABLES, DECRYPT)
    cloud.principal = ann
    tables.get_item(TableName="orders", Key=ITEM)
    cloud.principal = cloud.administrator()
    kms.disable_key(KeyId=key)
    cloud.principal = ann
    cloud.later(seconds=CACHED_SECONDS - 1)
    tables.get_item(TableName="orders", Key=ITEM)
    cloud.later(seconds=1)
    with refused(f"ValidationException: KMS key disabled error: .*DisabledException: {key} is disabled"):
        tables.get_item(TableName="orders", Key=ITEM)
    cloud.principal = cloud.administrator()
    kms.enable_key(KeyId=key)
    cloud.principal = ann
    tables.get_item(TableName="orders", Key=ITEM)
    cloud.principal = cloud.user("bob", TABLES)
    with refused(DENIED):
        tables.get_item(TableName="orders", Key=ITEM)


def test_a_table_whose_key_cannot_be_used_says_so(cloud: KeyCloud, tables: Any, key: str) -> None:
    kms = cloud.client("kms")

    def shown() -> tuple[str, bool]:
        table = tables.describe_table(TableName="orders")["Table"]
        return table["TableStatus"], "InaccessibleEncryptionDateTime" in table["SSEDescription"]

    inaccessible = ("INACCESSIBLE_ENCRYPTION_CREDENTIALS", True)
    assert shown() == ("ACTIVE", False)
    kms.disable_key(KeyId=key)
    assert shown() == inaccessible
    assert encryption(tables)["InaccessibleEncryptionDateTime"] == cloud.now
    kms.enable_key(KeyId=key)
    assert shown() == ("ACTIVE", False)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    cloud.later(seconds=CACHED_SECONDS)
    assert shown() == inaccessible
    with refused(
        f"ValidationException: KMS validation error: .*KMSInvalidStateException: {key} is pending deletion"
    ):
        tables.get_item(TableName="orders", Key=ITEM)
    cloud.later(days=7)
    assert shown() == inaccessible
    with refused("ValidationException: KMS validation error: .*NotFoundException: Key '.*' does not exist"):
        tables.get_item(TableName="orders", Key=ITEM)


def test_a_revoked_grant_makes_the_table_inaccessible(cloud: KeyCloud, tables: Any, key: str) -> None:
    kms = cloud.client("kms")
    (grant,) = kms.list_grants(KeyId=key)["Grants"]
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    shown = tables.describe_table(TableName="orders")["Table"]
    assert shown["TableStatus"] == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"


def test_keys_that_cannot_be_used_leave_no_table(cloud: KeyCloud, key: str) -> None:
    """The texts were recorded on AWS by aws-controllers-k8s's DynamoDB controller (CreateTable and UpdateTable alike)."""
    kms, client = cloud.client("kms"), cloud.client("dynamodb")
    hmac = kms.create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    disabled, pending = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    kms.disable_key(KeyId=disabled)
    kms.schedule_key_deletion(KeyId=pending)
    client.create_table(TableName="plain", **SIMPLE)
    for named, error in (
        (
            disabled,
            f"ValidationException: KMS key disabled error: com.amazonaws.services.kms.model.DisabledException: {disabled} is disabled. ",
        ),
        (
            pending,
            f"ValidationException: KMS validation error: .*KMSInvalidStateException: {pending} is pending deletion. ",
        ),
        (
            "alias/none",
            "ValidationException: KMS validation error: .*NotFoundException: Alias .*:alias/none is not found. ",
        ),
        (
            key.replace("us-east-2", "us-east-1"),
            "ValidationException: KMS validation error: .*NotFoundException: Invalid arn us-east-1 ",
        ),
        (
            hmac,
            "InternalServerError: KMS internal error: .*EncryptionContext is supported only when creating a grant",
        ),
    ):
        with refused(error):
            client.create_table(TableName="orders", **SIMPLE, **with_key(named))
        with refused(error):
            client.update_table(TableName="plain", **with_key(named))
    assert client.list_tables()["TableNames"] == ["plain"]
    assert "SSEDescription" not in client.describe_table(TableName="plain")["Table"]


def test_who_makes_a_table_must_be_allowed_to_grant(cloud: KeyCloud, key: str) -> None:
    describe = {"Effect": "Allow", "Action": "kms:DescribeKey", "Resource": key}
    grant = {
        "Effect": "Allow",
        "Action": "kms:CreateGrant",
        "Resource": key,
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    client = cloud.client("dynamodb")
    for name, statements, missing in (
        ("ann", [TABLES], "kms:DescribeKey"),
        ("bob", [TABLES, describe], "kms:CreateGrant"),
    ):
        cloud.principal = cloud.user(name, *statements)
        with refused(
            f"AccessDeniedException: KMS key access denied error: .*AWSKMSException: User: .*:user/{name} is not authorized to perform: {missing} "
        ):
            client.create_table(TableName="orders", **SIMPLE, **with_key(key))
    cloud.principal = cloud.user("eve", TABLES, describe, grant)
    client.create_table(TableName="orders", **SIMPLE, **with_key(key))


def test_the_aws_managed_key_is_made_on_use_and_serves_everybody_through_dynamodb(cloud: KeyCloud) -> None:
    client, kms = cloud.client("dynamodb"), cloud.client("kms")
    made = client.create_table(TableName="orders", **SIMPLE, **with_key(None))["TableDescription"]
    arn = made["SSEDescription"]["KMSMasterKeyArn"]
    (alias,) = kms.list_aliases()["Aliases"]
    assert alias["AliasName"] == "alias/aws/dynamodb"
    assert arn.endswith(alias["TargetKeyId"])
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyManager"] == "AWS"
    other = client.create_table(TableName="more", **SIMPLE, **with_key("alias/aws/dynamodb"))
    assert other["TableDescription"]["SSEDescription"]["KMSMasterKeyArn"] == arn
    for refusal in (
        lambda: kms.encrypt(KeyId=arn, Plaintext=b"x"),
        lambda: kms.schedule_key_deletion(KeyId=arn),
        lambda: kms.put_key_policy(KeyId=arn, Policy="{}"),
        lambda: kms.create_grant(KeyId=arn, GranteePrincipal="000000000000", Operations=["Decrypt"]),
    ):
        with refused("AccessDeniedException.*no resource-based policy allows"):
            refusal()
    cloud.principal = cloud.user("ann", TABLES)
    client.put_item(TableName="orders", Item=ITEM)


def test_a_tables_key_is_changed(cloud: KeyCloud, tables: Any, key: str) -> None:
    kms = cloud.client("kms")
    other = kms.create_key()["KeyMetadata"]["Arn"]
    with refused("ValidationException.*Table is already encrypted with given KMSMasterKeyId"):
        tables.update_table(TableName="orders", **with_key(key))
    tables.update_table(TableName="orders", **with_key(other))
    assert encryption(tables)["KMSMasterKeyArn"] == other
    assert kms.list_grants(KeyId=key)["Grants"] == []
    kms.disable_key(KeyId=key)
    tables.get_item(TableName="orders", Key=ITEM)
    tables.update_table(TableName="orders", SSESpecification={"Enabled": False})
    assert "SSEDescription" not in tables.describe_table(TableName="orders")["Table"]
    assert kms.list_grants(KeyId=other)["Grants"] == []
    cloud.principal = cloud.user("ann", TABLES)
    tables.get_item(TableName="orders", Key=ITEM)


def test_a_table_changes_its_key_four_times_in_a_day_and_then_every_six_hours(
    cloud: KeyCloud, tables: Any, key: str
) -> None:
    """Sources: those that `services.dynamodb.key_changes` names."""

    def change(*, on: bool) -> None:
        given = with_key(key) if on else {"SSESpecification": {"Enabled": False}}
        tables.update_table(TableName="orders", **given)

    for on in (False, True, False, True):
        change(on=on)
        cloud.now += timedelta(minutes=1)
    with refused("LimitExceededException: .*once every 21600 seconds. Number of updates today: 4. "):
        change(on=False)
    cloud.now += timedelta(hours=6)
    change(on=False)
    with refused("LimitExceededException: .*Number of updates today: 5. "):
        change(on=True)


def test_another_account_needs_the_table_and_the_key(cloud: KeyCloud, tables: Any, key: str) -> None:
    carl = cloud.user("carl", TABLES, DECRYPT, account="111111111111")
    arn = tables.describe_table(TableName="orders")["Table"]["TableArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": carl.arn},
        "Action": "dynamodb:GetItem",
        "Resource": arn,
    }
    tables.put_resource_policy(
        ResourceArn=arn, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    cloud.principal = carl
    with refused(DENIED + ".*no resource-based policy allows the kms:Decrypt action"):
        tables.get_item(TableName=arn, Key=ITEM)
    cloud.principal = cloud.administrator()
    cloud.client("kms").create_grant(KeyId=key, GranteePrincipal=carl.arn, Operations=["Decrypt"])
    cloud.principal = carl
    assert tables.get_item(TableName=arn, Key=ITEM)["Item"] == ITEM


def test_a_replica_has_a_key_of_its_own_region(cloud: KeyCloud, tables: Any, key: str) -> None:
    """Without one that is named it is the AWS managed key there (API reference, CreateReplicationGroupMemberAction)."""
    other = cloud.client("kms", region="eu-west-1").create_key()["KeyMetadata"]["Arn"]
    for region, named in (("eu-central-1", {}), ("eu-west-1", {"KMSMasterKeyId": other})):
        tables.update_table(TableName="orders", ReplicaUpdates=[{"Create": {"RegionName": region, **named}}])
        asyncio.run(Builder(cloud.services["dynamodb"].state, cloud.store).build())
    shown = [one["KMSMasterKeyId"] for one in tables.describe_table(TableName="orders")["Table"]["Replicas"]]
    managed = cloud.client("kms", region="eu-central-1").describe_key(KeyId="alias/aws/dynamodb")
    assert shown == [managed["KeyMetadata"]["Arn"], other]
    assert encryption(tables)["KMSMasterKeyArn"] == key
    there = cloud.client("dynamodb", region="eu-west-1")
    assert there.get_item(TableName="orders", Key=ITEM)["Item"] == ITEM
    cloud.client("kms", region="eu-west-1").disable_key(KeyId=other)
    assert tables.get_item(TableName="orders", Key=ITEM)["Item"] == ITEM


def test_a_statement_of_a_batch_whose_tables_key_is_lost_fails_by_itself(cloud: KeyCloud) -> None:
    """API reference, BatchStatementError: AccessDenied."""
    kms, tables = cloud.client("kms"), cloud.client("dynamodb")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    tables.create_table(TableName="plain", **SIMPLE)
    tables.create_table(
        TableName="secret",
        **SIMPLE,
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    cloud.principal = cloud.user("writer", {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"})
    answers = tables.batch_execute_statement(
        Statements=[
            {"Statement": f"INSERT INTO {name} VALUE {{'id': '1'}}"} for name in ("plain", "secret", "plain")
        ]
    )["Responses"]
    assert [answer.get("Error", {}).get("Code") for answer in answers] == [
        None,
        "AccessDenied",
        "DuplicateItem",
    ]


def test_another_account_does_not_lock_a_table_up_with_a_key_of_its_own(cloud: KeyCloud, tables: Any) -> None:
    """Whose the AWS managed key is that a table is encrypted with: its owner's."""
    before, arn = encryption(tables), tables.describe_table(TableName="orders")["Table"]["TableArn"]
    other = "111111111111"
    stranger = cloud.administrator(other)
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": other},
        "Action": "dynamodb:UpdateTable",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    tables.put_resource_policy(ResourceArn=arn, Policy=policy)
    cloud.principal, owner = stranger, cloud.principal
    elsewhere = cloud.client("dynamodb", account=other)
    with refused("AccessDeniedException: KMS key access denied error"):
        elsewhere.update_table(TableName=arn, **with_key(None))
    elsewhere.update_table(TableName=arn, DeletionProtectionEnabled=True)
    assert cloud.client("kms", account=other).list_keys()["Keys"] == []
    cloud.principal = owner
    assert encryption(tables) == before


@pytest.mark.parametrize("override", [{"Enabled": False}, {"Enabled": True, "SSEType": "KMS"}])
def test_a_backup_of_another_region_is_opened_with_the_key_of_that_region(
    cloud: KeyCloud, tables: Any, override: dict[str, Any]
) -> None:
    backup = tables.create_backup(TableName="orders", BackupName="first")["BackupDetails"]["BackupArn"]
    cloud.later(seconds=CACHED_SECONDS)
    elsewhere = cloud.client("dynamodb", region="eu-west-1")
    elsewhere.restore_table_from_backup(
        TargetTableName="orders", BackupArn=backup, SSESpecificationOverride=override
    )
    assert elsewhere.get_item(TableName="orders", Key=ITEM)["Item"] == ITEM
