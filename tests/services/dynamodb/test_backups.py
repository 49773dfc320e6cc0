"""Backups and point-in-time recovery. Sources: the API reference's pages of the operations, and what the code cites."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.direct import DirectCloud

KEYS = [{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "number", "KeyType": "RANGE"}]


def put(client: Any, number: int, status: str, table: str = "orders") -> None:
    item = {"customer": {"S": "ann"}, "number": {"N": str(number)}, "status": {"S": status}}
    client.put_item(TableName=table, Item=item)


def held(client: Any, table: str, index: str | None = None) -> Mapping[int, str]:
    named = {} if index is None else {"IndexName": index}
    items = client.scan(TableName=table, **named)["Items"]
    return {int(item["number"]["N"]): item["status"]["S"] for item in items}


def refused(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def back_up(client: Any, name: str = "first") -> str:
    return client.create_backup(TableName="orders", BackupName=name)["BackupDetails"]["BackupArn"]


def test_a_backup_holds_the_table_as_it_was_and_outlives_it(orders: Any) -> None:
    put(orders, 1, "open")
    arn = back_up(orders)
    put(orders, 1, "closed")
    put(orders, 2, "open")
    orders.delete_table(TableName="orders")
    described = orders.describe_backup(BackupArn=arn)["BackupDescription"]
    assert described["BackupDetails"]["BackupStatus"] == "AVAILABLE"
    assert described["SourceTableDetails"]["ItemCount"] == 1
    assert {i["IndexName"] for i in described["SourceTableFeatureDetails"]["GlobalSecondaryIndexes"]} == {
        "status-number",
        "status-all",
    }
    made = orders.restore_table_from_backup(TargetTableName="again", BackupArn=arn)["TableDescription"]
    assert made["TableStatus"] == "CREATING"
    assert made["RestoreSummary"]["RestoreInProgress"] is True
    assert held(orders, "again") == held(orders, "again", "status-all") == {1: "open"}
    table = orders.describe_table(TableName="again")["Table"]
    assert table["ItemCount"] == 1
    assert made["RestoreSummary"]["SourceBackupArn"] == arn
    assert "RestoreSummary" not in table


def test_a_restored_table_has_neither_tags_nor_stream_nor_recovery(orders: Any) -> None:
    arn = orders.describe_table(TableName="orders")["Table"]["TableArn"]
    orders.tag_resource(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}])
    stream = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    for change in ({"DeletionProtectionEnabled": True}, {"StreamSpecification": stream}):
        orders.update_table(TableName="orders", **change)
    switch(orders, on=True)
    made = orders.restore_table_from_backup(TargetTableName="again", BackupArn=back_up(orders))[
        "TableDescription"
    ]
    assert "LatestStreamArn" not in made
    assert made["DeletionProtectionEnabled"] is False
    assert orders.list_tags_of_resource(ResourceArn=made["TableArn"])["Tags"] == []
    assert recovery(orders, "again") == {"PointInTimeRecoveryStatus": "DISABLED"}


def test_a_restore_may_leave_out_indexes_and_change_capacity(orders: Any) -> None:
    put(orders, 1, "open")
    made = orders.restore_table_from_backup(
        TargetTableName="again",
        BackupArn=back_up(orders),
        BillingModeOverride="PROVISIONED",
        ProvisionedThroughputOverride={"ReadCapacityUnits": 3, "WriteCapacityUnits": 4},
        LocalSecondaryIndexOverride=[],
        GlobalSecondaryIndexOverride=[
            {
                "IndexName": "status-all",
                "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 7, "WriteCapacityUnits": 8},
            }
        ],
    )["TableDescription"]
    assert "LocalSecondaryIndexes" not in made
    assert made["ProvisionedThroughput"]["ReadCapacityUnits"] == 3
    (index,) = made["GlobalSecondaryIndexes"]
    assert index["ProvisionedThroughput"]["WriteCapacityUnits"] == 8
    assert held(orders, "again", "status-all") == {1: "open"}


def test_an_index_that_the_source_does_not_have_is_refused_and_nothing_is_made(orders: Any) -> None:
    other = {
        "IndexName": "status-all",
        "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }
    arn = back_up(orders)
    for index in (other, {**other, "IndexName": "another"}):
        with pytest.raises(ClientError) as error:
            orders.restore_table_from_backup(
                TargetTableName="again", BackupArn=arn, GlobalSecondaryIndexOverride=[index]
            )
        assert refused(error)[0] == "ValidationException"
    assert orders.list_tables()["TableNames"] == ["orders"]


def test_backups_are_listed_by_table_time_and_kind_in_pages(orders: Any, cloud: DirectCloud) -> None:
    began = cloud.now
    arns = []
    for number in range(5):
        arns.append(back_up(orders, f"number-{number}"))
        cloud.now += timedelta(minutes=1)

    def listed(**params: Any) -> list[str]:
        return [each["BackupArn"] for each in orders.list_backups(**params)["BackupSummaries"]]

    assert listed() == listed(TableName="orders") == listed(BackupType="ALL") == arns
    assert listed(TableName="nothing") == listed(BackupType="SYSTEM") == []
    second, fourth = began + timedelta(minutes=1), began + timedelta(minutes=3)
    assert listed(TimeRangeLowerBound=second, TimeRangeUpperBound=fourth) == arns[1:3]
    page = orders.list_backups(Limit=2)
    assert page["LastEvaluatedBackupArn"] == arns[1]
    assert listed(ExclusiveStartBackupArn=arns[1]) == arns[2:]
    assert "LastEvaluatedBackupArn" not in orders.list_backups(Limit=5)


def test_a_deleted_backup_is_gone(orders: Any) -> None:
    arn = back_up(orders)
    assert (
        orders.delete_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"] == "DELETED"
    )
    for call in (orders.describe_backup, orders.delete_backup):
        with pytest.raises(ClientError) as error:
            call(BackupArn=arn)
        assert refused(error) == ("BackupNotFoundException", f"Backup not found: {arn}")
    with pytest.raises(ClientError) as error:
        orders.restore_table_from_backup(TargetTableName="again", BackupArn=arn)
    assert refused(error)[0] == "BackupNotFoundException"


def test_a_restore_does_not_replace_a_table(orders: Any) -> None:
    arn = back_up(orders)
    with pytest.raises(ClientError) as error:
        orders.restore_table_from_backup(TargetTableName="orders", BackupArn=arn)
    assert refused(error) == ("TableAlreadyExistsException", "Table already exists: orders")


def test_a_table_that_is_not_there_has_an_error_of_its_own(client: Any) -> None:
    for call in (
        lambda: client.create_backup(TableName="nothing", BackupName="first"),
        lambda: client.describe_continuous_backups(TableName="nothing"),
        lambda: client.restore_table_to_point_in_time(
            SourceTableName="nothing", TargetTableName="again", UseLatestRestorableTime=True
        ),
    ):
        with pytest.raises(ClientError) as error:
            call()
        assert refused(error) == ("TableNotFoundException", "Table not found: nothing")


def test_a_restore_asks_for_the_backup_and_for_the_target(orders: Any, cloud: DirectCloud) -> None:
    arn = back_up(orders)
    cloud.checks.clear()
    orders.restore_table_from_backup(TargetTableName="again", BackupArn=arn)
    asked = {(check.action, check.resource) for check in cloud.checks}
    target = "arn:aws:dynamodb:us-east-2:000000000000:table/again"
    assert ("dynamodb:RestoreTableFromBackup", arn) in asked
    assert {("dynamodb:PutItem", target), ("dynamodb:Scan", target)} <= asked


# Point-in-time recovery.


def switch(client: Any, *, on: bool, **more: Any) -> None:
    client.update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": on, **more}
    )


def recovery(client: Any, table: str = "orders") -> Any:
    answer = client.describe_continuous_backups(TableName=table)
    return answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]


def test_a_table_goes_back_to_any_second(orders: Any, cloud: DirectCloud) -> None:
    put(orders, 1, "before")
    switch(orders, on=True)
    history = []
    for number in range(6):
        cloud.now += timedelta(seconds=10)
        put(orders, number % 3, f"at-{number}")
        if number == 4:
            cloud.now += timedelta(milliseconds=1)
            orders.delete_item(TableName="orders", Key={"customer": {"S": "ann"}, "number": {"N": "2"}})
        history.append((cloud.now, held(orders, "orders")))
    cloud.now += timedelta(seconds=10)
    for number, (moment, expected) in enumerate(history):
        for later in (1, 9):
            name = f"past-{number}-{later}"
            orders.restore_table_to_point_in_time(
                SourceTableName="orders",
                TargetTableName=name,
                RestoreDateTime=moment + timedelta(seconds=later),
            )
            assert held(orders, name) == held(orders, name, "status-all") == expected
    orders.restore_table_to_point_in_time(
        SourceTableName="orders", TargetTableName="latest", UseLatestRestorableTime=True
    )
    assert held(orders, "latest") == held(orders, "orders")


def test_transactions_and_batches_are_undone_too(orders: Any, cloud: DirectCloud) -> None:
    switch(orders, on=True)
    moment = cloud.now = cloud.now + timedelta(seconds=1)
    cloud.now += timedelta(seconds=5)
    item = {"customer": {"S": "ann"}, "status": {"S": "open"}}
    orders.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "orders", "Item": {**item, "number": {"N": str(n)}}}} for n in (1, 2)
        ]
    )
    orders.batch_write_item(
        RequestItems={"orders": [{"PutRequest": {"Item": {**item, "number": {"N": "3"}}}}]}
    )
    orders.execute_statement(
        Statement="INSERT INTO orders VALUE {'customer':'ann','number':4,'status':'open'}"
    )
    assert len(held(orders, "orders")) == 4
    orders.restore_table_to_point_in_time(
        SourceTableName="orders", TargetTableName="past", RestoreDateTime=moment
    )
    assert held(orders, "past") == {}


def test_the_window_begins_when_recovery_is_switched_on_and_never_exceeds_its_period(
    orders: Any, cloud: DirectCloud
) -> None:
    began = cloud.now
    switch(orders, on=True, RecoveryPeriodInDays=2)
    cloud.now += timedelta(hours=1)
    switch(orders, on=True, RecoveryPeriodInDays=2)
    assert recovery(orders)["EarliestRestorableDateTime"] == began
    cloud.now += timedelta(days=5)
    assert recovery(orders)["EarliestRestorableDateTime"] == cloud.now - timedelta(days=2)
    assert recovery(orders)["RecoveryPeriodInDays"] == 2
    for moment in (cloud.now - timedelta(days=3), cloud.now + timedelta(seconds=5)):
        with pytest.raises(ClientError) as error:
            orders.restore_table_to_point_in_time(
                SourceTableName="orders", TargetTableName="past", RestoreDateTime=moment
            )
        assert refused(error)[0] == "InvalidRestoreTimeException"
    switch(orders, on=False)
    switch(orders, on=True)
    assert recovery(orders)["EarliestRestorableDateTime"] == cloud.now
    assert recovery(orders)["RecoveryPeriodInDays"] == 35


def test_without_recovery_there_is_no_past(orders: Any) -> None:
    with pytest.raises(ClientError) as error:
        orders.restore_table_to_point_in_time(
            SourceTableName="orders", TargetTableName="past", UseLatestRestorableTime=True
        )
    assert refused(error) == (
        "PointInTimeRecoveryUnavailableException",
        "Point in time recovery is not enabled for table 'orders'",
    )


def test_deleting_a_table_with_recovery_leaves_a_system_backup(orders: Any, cloud: DirectCloud) -> None:
    put(orders, 1, "open")
    switch(orders, on=True)
    orders.delete_table(TableName="orders")
    (backup,) = orders.list_backups(BackupType="SYSTEM")["BackupSummaries"]
    assert backup["BackupName"] == "orders$DeletedTableBackup"
    assert backup["BackupExpiryDateTime"] == cloud.now + timedelta(days=35)
    orders.restore_table_from_backup(TargetTableName="orders", BackupArn=backup["BackupArn"])
    assert held(orders, "orders") == {1: "open"}
    cloud.now += timedelta(days=35)
    assert orders.list_backups(BackupType="ALL")["BackupSummaries"] == []
