"""What an account may have in a Region. Sources: those that `services.dynamodb.quotas` names."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.services.dynamodb import quotas

KEY: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}


def units(read: int, write: int) -> dict[str, int]:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


def refused(message: str) -> Any:
    return pytest.raises(ClientError, match=f"LimitExceededException.*{message}")


def test_tables_are_counted_by_account_and_region(
    cloud: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "TABLES", 2)
    for name in ("one", "two"):
        client.create_table(TableName=name, **KEY, BillingMode="PAY_PER_REQUEST")
    backup = client.create_backup(TableName="one", BackupName="first")["BackupDetails"]["BackupArn"]
    with refused("There is a limit of 2 tables per subscriber"):
        client.create_table(TableName="three", **KEY, BillingMode="PAY_PER_REQUEST")
    with refused("There is a limit of 2 tables per subscriber"):
        client.restore_table_from_backup(TargetTableName="three", BackupArn=backup)
    for other in ({"region": "eu-west-1"}, {"account": "222222222222"}):
        cloud.client("dynamodb", **other).create_table(TableName="one", **KEY, BillingMode="PAY_PER_REQUEST")
    client.delete_table(TableName="two")
    client.create_table(TableName="three", **KEY, BillingMode="PAY_PER_REQUEST")


def test_the_units_of_an_account_are_summed_over_its_tables(client: Any) -> None:
    for name in ("one", "two"):
        client.create_table(TableName=name, **KEY, ProvisionedThroughput=units(39_000, 1))
    with refused(
        "This request would have caused the ReadCapacityUnits limit to be exceeded for the account in us-east-2. Current "
        "ReadCapacityUnits reserved by the account: 78000. Limit: 80000. Requested: 2001."
    ):
        client.create_table(TableName="three", **KEY, ProvisionedThroughput=units(2_001, 1))
    client.create_table(TableName="three", **KEY, ProvisionedThroughput=units(2_000, 1))
    with refused("Requested: 2001."):
        client.update_table(TableName="three", ProvisionedThroughput=units(2_001, 1))
    client.update_table(TableName="three", ProvisionedThroughput=units(1_999, 5))


def test_what_is_above_a_quota_already_may_stay_or_be_lowered(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of tables from before there were quotas."""
    for name in ("many", "more"):
        client.create_table(TableName=name, **KEY, ProvisionedThroughput=units(30_000, 10))
    client.create_table(
        TableName="warm",
        **KEY,
        BillingMode="PAY_PER_REQUEST",
        WarmThroughput={"ReadUnitsPerSecond": 30_000, "WriteUnitsPerSecond": 5_000},
    )
    monkeypatch.setattr(quotas, "TABLE_UNITS", 20_000)
    monkeypatch.setattr(quotas, "ACCOUNT_UNITS", 20_000)
    for name in ("many", "warm"):
        client.update_table(TableName=name, DeletionProtectionEnabled=True)
    with refused("The requested ReadCapacityUnits, 30001, is above the per table maximum"):
        client.update_table(TableName="many", ProvisionedThroughput=units(30_001, 10))
    client.update_table(TableName="many", ProvisionedThroughput=units(25_000, 10))
    client.update_table(TableName="more", BillingMode="PAY_PER_REQUEST")
    with refused("Requested ReadUnitsPerSecond for WarmThroughput for table exceeds"):
        client.update_table(TableName="warm", WarmThroughput={"ReadUnitsPerSecond": 30_001})
