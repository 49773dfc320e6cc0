"""Tables: indexes that come and go, tags, expiry, streams; backups and the past."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.support.service_machine.machine import Machine
from tests.support.service_requests import LATE, THINGS, keys
from tests.support.table_model import Index, Item, same_items


class Tables(Machine):
    @precondition(lambda self: "late" not in self.table.indexes)
    @rule()
    def add_index(self) -> None:
        self.ask("UpdateTable", LATE)
        # Items that do not fit are there: they stay out.
        self.table.indexes["late"] = Index(key=(("k", "S"),))

    @precondition(lambda self: "late" in self.table.indexes)
    @rule()
    def remove_index(self) -> None:
        self.ask("UpdateTable", {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "late"}}]})
        del self.table.indexes["late"]

    @rule(key=keys)
    def other_table_lives_and_dies(self, key: Item) -> None:
        other = {**THINGS, "TableName": "other"}
        self.call("CreateTable", other)
        self.call("PutItem", {"TableName": "other", "Item": {**key, "g": {"S": "red"}, "h": {"N": "1"}}})
        self.reopen()
        assert self.call("ListTables", {})["TableNames"] == ["other", "things"]
        assert self.call("Scan", {"TableName": "other", "IndexName": "global"})["Count"] == 1
        self.call("DeleteTable", {"TableName": "other"})
        self.call("CreateTable", other)
        assert self.call("Scan", {"TableName": "other"})["Count"] == 0
        self.call("DeleteTable", {"TableName": "other"})

    @rule(name=st.sampled_from(["team", "cost"]), value=st.sampled_from([None, "blue", "red"]))
    def tag(self, name: str, value: str | None) -> None:
        arn = {"ResourceArn": self.arn}
        if value is None:
            self.call("UntagResource", {**arn, "TagKeys": [name]})
            self.table.tags.pop(name, None)
        else:
            self.call("TagResource", {**arn, "Tags": [{"Key": name, "Value": value}]})
            self.table.tags[name] = value
        tags = self.call("ListTagsOfResource", arn)["Tags"]
        assert {one["Key"]: one["Value"] for one in tags} == self.table.tags

    @rule()
    def switch_expiry(self) -> None:
        enabled = self.table.ttl is None
        self.service.now += timedelta(hours=1)
        self.tokens.clear()
        given = {"Enabled": enabled, "AttributeName": "e"}
        self.ask("UpdateTimeToLive", {"TimeToLiveSpecification": given})
        self.table.ttl = "e" if enabled else None

    @rule()
    def expire(self) -> None:
        self._runner.run(self.service.housekeeper().expire_items())
        self.table.expire(self.service.now.timestamp())

    @precondition(lambda self: self.table.changes is None)
    @rule()
    def enable_stream(self) -> None:
        given = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        self.ask("UpdateTable", {"StreamSpecification": given})
        self.table.changes = []

    @precondition(
        lambda self: (
            self.table.changes is not None and len(self.table.items) > 2 and not self.table.replicated
        )
    )
    @rule()
    def disable_stream(self) -> None:
        self.at_the_end()
        self.ask("UpdateTable", {"StreamSpecification": {"StreamEnabled": False}})
        self.table.changes = None

    @rule(on=st.booleans())
    def switch_recovery(self, on: bool) -> None:
        self.service.now += timedelta(seconds=2)
        given = {"PointInTimeRecoveryEnabled": on}
        answer = self.ask("UpdateContinuousBackups", {"PointInTimeRecoverySpecification": given})
        status = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert status["PointInTimeRecoveryStatus"] == ("ENABLED" if on else "DISABLED")
        if not on:
            self.table.past.clear()
        elif not self.table.past:
            self.remember()

    @precondition(lambda self: self.table.past)
    @rule()
    def remember(self) -> None:
        self.service.now += timedelta(seconds=2)
        self.table.remember(self.service.now.timestamp())
        self.service.now += timedelta(seconds=2)

    @precondition(lambda self: self.table.past)
    @rule(data=st.data())
    def restore_past(self, data: st.DataObject) -> None:
        moment, expected = data.draw(st.sampled_from(self.table.past))
        members = {"SourceTableName": "things", "TargetTableName": "restored", "RestoreDateTime": moment}
        self.call("RestoreTableToPointInTime", members)
        self._check_restored(list(expected.values()))

    @rule()
    def back_up(self) -> None:
        arn = self.ask("CreateBackup", {"BackupName": "saved"})["BackupDetails"]["BackupArn"]
        self.table.backups[arn] = dict(self.table.items)

    @precondition(lambda self: self.table.backups)
    @rule(data=st.data(), delete=st.booleans())
    def restore_backup(self, data: st.DataObject, delete: bool) -> None:
        arn = data.draw(st.sampled_from(sorted(self.table.backups)))
        self.call("RestoreTableFromBackup", {"TargetTableName": "restored", "BackupArn": arn})
        self._check_restored(list(self.table.backups[arn].values()))
        if delete:
            self.call("DeleteBackup", {"BackupArn": arn})
            del self.table.backups[arn]
        listed = self.call("ListBackups", {})["BackupSummaries"]
        assert {one["BackupArn"] for one in listed} == set(self.table.backups)

    def _check_restored(self, expected: list[Item]) -> None:
        restored = {"TableName": "restored"}
        assert same_items(self.call("Scan", restored)["Items"], expected)
        held = self.call("Scan", {**restored, "IndexName": "global"})["Items"]
        index = self.table.indexes["global"]
        assert same_items(held, [self.table.held(index, item) for item in expected if index.holds(item)])
        self.call("DeleteTable", restored)
