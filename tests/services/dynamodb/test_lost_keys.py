"""Tables whose key cannot be used for long.

Source: DynamoDB Developer Guide, "DynamoDB encryption at rest usage notes"; API Reference, SSEDescription, ArchivalSummary,
TableDescription (`TableStatus`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.support.key_cloud import SIMPLE, KeyCloud, refused

from casemate.services.dynamodb.housekeeping import Housekeeper

ITEM = {"id": {"S": "1"}}


@pytest.fixture
def cloud() -> Iterator[KeyCloud]:
    made = KeyCloud()
    yield made
    made.engine.close()
    made.store.close()


@pytest.fixture
def key(cloud: KeyCloud) -> str:
    return cloud.client("kms").create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def tables(cloud: KeyCloud, key: str) -> Any:
    client = cloud.client("dynamodb")
    client.create_table(TableName="orders", **SIMPLE, **with_key(key))
    client.put_item(TableName="orders", Item=ITEM)
    return client


@pytest.fixture
def keeper(cloud: KeyCloud) -> Housekeeper:
    return Housekeeper(cloud.services["dynamodb"].state, cloud.store, clock=lambda: cloud.now)


def with_key(key: str) -> dict[str, Any]:
    return {"SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key}}


def look(keeper: Housekeeper) -> None:
    asyncio.run(keeper.keys.look())


def status(tables: Any) -> str:
    return tables.describe_table(TableName="orders")["Table"]["TableStatus"]


def lose_by_disabling(kms: Any, key: str) -> None:
    kms.disable_key(KeyId=key)


def lose_by_revoking(kms: Any, key: str) -> None:
    kms.revoke_grant(KeyId=key, GrantId=kms.list_grants(KeyId=key)["Grants"][0]["GrantId"])


@pytest.mark.parametrize("lose", [lose_by_disabling, lose_by_revoking])
def test_after_seven_days_without_its_key_a_table_is_archived_to_a_backup(
    cloud: KeyCloud, tables: Any, key: str, keeper: Housekeeper, lose: Any
) -> None:
    kms = cloud.client("kms")
    cloud.later(days=30)
    lose(kms, key)
    look(keeper)
    cloud.later(days=7)
    look(keeper)
    assert status(tables) == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    assert tables.list_backups()["BackupSummaries"] == []
    cloud.later(seconds=1)
    look(keeper)
    shown = tables.describe_table(TableName="orders")["Table"]
    assert shown["TableStatus"] == "ARCHIVED"
    (backup,) = tables.list_backups()["BackupSummaries"]
    assert shown["ArchivalSummary"] == {
        "ArchivalDateTime": cloud.now,
        "ArchivalReason": "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
        "ArchivalBackupArn": backup["BackupArn"],
    }
    assert (backup["TableName"], backup["BackupType"], backup["BackupStatus"]) == (
        "orders",
        "USER",
        "AVAILABLE",
    )
    look(keeper)
    assert len(tables.list_backups()["BackupSummaries"]) == 1


def test_an_archived_table_stays_so_and_its_backup_is_restored_with_the_key(
    cloud: KeyCloud, tables: Any, key: str, keeper: Housekeeper
) -> None:
    kms = cloud.client("kms")
    kms.disable_key(KeyId=key)
    look(keeper)
    cloud.later(days=7, seconds=1)
    look(keeper)
    summary = tables.describe_table(TableName="orders")["Table"]["ArchivalSummary"]
    restoring = {"TargetTableName": "again", "BackupArn": summary["ArchivalBackupArn"]}
    with refused("ValidationException: KMS key disabled error"):
        tables.restore_table_from_backup(**restoring)
    kms.enable_key(KeyId=key)
    look(keeper)
    assert status(tables) == "ARCHIVED"
    with refused("ResourceNotFoundException"):
        tables.get_item(TableName="orders", Key=ITEM)
    with refused("ResourceInUseException"):
        tables.update_table(TableName="orders", SSESpecification={"Enabled": False})
    tables.restore_table_from_backup(**restoring)
    assert tables.get_item(TableName="again", Key=ITEM)["Item"] == ITEM
    # "If you wish to restore this backup to the same table name, you will need to delete the original table."
    with refused("TableAlreadyExistsException"):
        tables.restore_table_from_backup(**{**restoring, "TargetTableName": "orders"})
    tables.delete_table(TableName="orders")
    tables.restore_table_from_backup(**{**restoring, "TargetTableName": "orders"})
    assert tables.get_item(TableName="orders", Key=ITEM)["Item"] == ITEM


def test_a_key_that_is_back_in_time_begins_anew(
    cloud: KeyCloud, tables: Any, key: str, keeper: Housekeeper
) -> None:
    kms = cloud.client("kms")
    for _ in range(2):
        kms.disable_key(KeyId=key)
        look(keeper)
        cloud.later(days=6)
        look(keeper)
        kms.enable_key(KeyId=key)
        look(keeper)
    assert status(tables) == "ACTIVE"
    assert tables.get_item(TableName="orders", Key=ITEM)["Item"] == ITEM


def test_items_expire_for_thirty_minutes_more(
    cloud: KeyCloud, tables: Any, key: str, keeper: Housekeeper
) -> None:
    tables.update_time_to_live(
        TableName="orders", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"}
    )
    for name, minutes in (("early", 20), ("late", 40)):
        until = str(int((cloud.now + timedelta(minutes=minutes)).timestamp()))
        tables.put_item(TableName="orders", Item={"id": {"S": name}, "until": {"N": until}})
    cloud.client("kms").disable_key(KeyId=key)
    look(keeper)

    def expired_after(minutes: int) -> int:
        cloud.later(minutes=minutes)
        before = tables.describe_table(TableName="orders")["Table"]["ItemCount"]
        asyncio.run(keeper.expire_items())
        return before - tables.describe_table(TableName="orders")["Table"]["ItemCount"]

    assert expired_after(25) == 1
    assert expired_after(25) == 0
    cloud.client("kms").enable_key(KeyId=key)
    look(keeper)
    assert expired_after(0) == 1


def test_a_backup_is_restored_with_the_key_it_was_made_under(cloud: KeyCloud, tables: Any, key: str) -> None:
    """Usage notes: "any existing on-demand backups remain encrypted with the customer managed key that was used"."""
    kms = cloud.client("kms")
    backup = tables.create_backup(TableName="orders", BackupName="before")["BackupDetails"]["BackupArn"]
    other = kms.create_key()["KeyMetadata"]["Arn"]
    tables.update_table(TableName="orders", **with_key(other))
    described = tables.describe_backup(BackupArn=backup)["BackupDescription"]["SourceTableFeatureDetails"]
    assert described["SSEDescription"]["KMSMasterKeyArn"] == key
    kms.disable_key(KeyId=key)
    cloud.later(minutes=5)
    restoring = {"TargetTableName": "again", "BackupArn": backup}
    for override in ({}, {"SSESpecificationOverride": {"Enabled": False}}):
        with refused("ValidationException: KMS key disabled error"):
            tables.restore_table_from_backup(**restoring, **override)
    kms.enable_key(KeyId=key)
    tables.restore_table_from_backup(**restoring, SSESpecificationOverride={"Enabled": False})
    assert "SSEDescription" not in tables.describe_table(TableName="again")["Table"]
    assert tables.get_item(TableName="again", Key=ITEM)["Item"] == ITEM


def _while_the_first_is_archived(cloud: KeyCloud, keeper: Housekeeper, operation: str, **params: Any) -> None:
    """A look during which, after its first turn, somebody calls an operation."""
    service = cloud.services["dynamodb" if "Table" in operation or "Tag" in operation else "kms"]

    async def main() -> None:
        looking = asyncio.ensure_future(keeper.keys.look())
        await asyncio.sleep(0)
        ctx, handler = cloud.context(service), service.operations.by_name[operation].handler
        if service.operations.by_name[operation].runs_async:
            await handler(ctx, params)
        else:
            with cloud.store.transaction():
                handler(ctx, params)
        assert not looking.done()
        await looking

    asyncio.run(main())


def _lost_for_a_week(cloud: KeyCloud, keeper: Housekeeper, key: str) -> None:
    cloud.client("kms").disable_key(KeyId=key)
    look(keeper)
    cloud.later(days=7, seconds=1)


def test_a_table_that_is_deleted_while_another_one_is_archived_stays_deleted(
    cloud: KeyCloud, tables: Any, key: str, keeper: Housekeeper
) -> None:
    other = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    tables.create_table(TableName="later", **SIMPLE, **with_key(other))
    _lost_for_a_week(cloud, keeper, key)
    cloud.client("kms").disable_key(KeyId=other)
    _while_the_first_is_archived(cloud, keeper, "DeleteTable", TableName="later")
    assert status(tables) == "ARCHIVED"
    assert tables.list_tables()["TableNames"] == ["orders"]


def test_an_archival_that_is_overtaken_leaves_no_copy_behind(
    cloud: KeyCloud, tables: Any, key: str, keeper: Housekeeper
) -> None:
    arn = tables.describe_table(TableName="orders")["Table"]["TableArn"]
    _lost_for_a_week(cloud, keeper, key)
    tags = [{"Key": "a", "Value": "b"}]
    _while_the_first_is_archived(cloud, keeper, "TagResource", ResourceArn=arn, Tags=tags)
    assert status(tables) == "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    assert list(cloud.storage.scan(b"b", b"c")) == []
    assert tables.list_tags_of_resource(ResourceArn=arn)["Tags"] == tags


def test_a_table_whose_key_is_back_while_it_is_archived_is_not(
    cloud: KeyCloud, tables: Any, key: str, keeper: Housekeeper
) -> None:
    _lost_for_a_week(cloud, keeper, key)
    _while_the_first_is_archived(cloud, keeper, "EnableKey", KeyId=key)
    look(keeper)
    assert status(tables) == "ACTIVE"
    assert tables.get_item(TableName="orders", Key=ITEM)["Item"] == ITEM
