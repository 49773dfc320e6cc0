"""A process that dies before or after any single write of any change of many steps: the next one finds nothing amiss."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.table_service import Refusal, TableService

from casemate.servicekit.store import Store
from casemate.services.dynamodb.building import Builder
from casemate.services.dynamodb.global_tables.replicator import Replicator
from casemate.tables.keys import successor
from casemate.tables.reads import Reading
from casemate.tables.storage import Change
from casemate.tables.storage_memory import MemoryStorage

ITEMS = 3
KEY = {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
TYPES = [{"AttributeName": name, "AttributeType": "S"} for name in ("p", "g")]
INDEX = {
    "IndexName": "global",
    "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
RECOVERY = "PointInTimeRecoverySpecification"
ON, OFF = {RECOVERY: {"PointInTimeRecoveryEnabled": True}}, {RECOVERY: {"PointInTimeRecoveryEnabled": False}}
NAMED = {"TableName": "table"}
REPLICA = {"RegionName": "eu-west-1"}
TTL = {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "e"}}


class Death(BaseException):
    """Of the process: nothing is written from here on."""


@dataclass
class Fate:
    """When it comes."""

    left: int | None = None
    is_written: bool = False
    """Whether the last write is still done."""
    has_come: bool = False

    def meet(self, write: Callable[[], Any]) -> Any:
        if self.left is None:
            return write()
        self.left -= 1
        if self.left > 0:
            return write()
        if self.left == 0 and self.is_written:
            write()
        self.has_come = True
        raise Death


class MortalStorage(MemoryStorage):
    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def write(self, changes: Sequence[Change]) -> None:
        self._fate.meet(lambda: MemoryStorage.write(self, changes))

    def clear(self, start: bytes, end: bytes) -> None:
        keys = [(key, None) for key, _ in self.scan(start, end)]
        self._fate.meet(lambda: MemoryStorage.write(self, keys))


class MortalStore(Store):
    def __init__(self, path: Path, fate: Fate) -> None:
        super().__init__(path)
        self._fate = fate

    def _commit(self) -> frozenset[str]:
        return self._fate.meet(lambda: Store._commit(self))


@dataclass
class Life:
    service: TableService
    moment: float = 0
    backup: str = ""


_Change = Callable[[Life], Awaitable[Any]]


def _call(operation: str, **params: Any) -> _Change:
    return lambda life: life.service.call(operation, {**NAMED, **params})


async def _restore(life: Life) -> None:
    given = {"TargetTableName": "again", "BackupArn": life.backup}
    await life.service.call("RestoreTableFromBackup", given)


async def _restore_past(life: Life) -> None:
    given = {"SourceTableName": "table", "TargetTableName": "again", "RestoreDateTime": life.moment}
    await life.service.call("RestoreTableToPointInTime", given)


async def _delete_backup(life: Life) -> None:
    await life.service.call("DeleteBackup", {"BackupArn": life.backup})


async def _expire(life: Life) -> None:
    await life.service.housekeeper().expire_items()


async def _trim(life: Life) -> None:
    life.service.now += timedelta(days=36)
    await life.service.housekeeper().trim_streams()
    await life.service.housekeeper().trim_recovery()


async def _transact(life: Life) -> None:
    items = [{"p": {"S": f"new {number}"}, "g": {"S": "new"}} for number in range(3)]
    actions = [{"Put": {**NAMED, "Item": item}} for item in items]
    await life.service.call("TransactWriteItems", {"TransactItems": actions, "ClientRequestToken": "one"})


CHANGES: dict[str, tuple[set[str], _Change]] = {
    "CreateTable": (set(), lambda life: life.service.call("CreateTable", _table("other", indexed=True) | STREAM)),
    "DeleteTable": ({"stream"}, _call("DeleteTable")),
    "DeleteTable with recovery": ({"stream", "recovery"}, _call("DeleteTable")),
    "a replica goes": ({"recovery", "replica"}, _call("UpdateTable", ReplicaUpdates=[{"Delete": REPLICA}])),
    "a replica comes": ({"stream"}, _call("UpdateTable", ReplicaUpdates=[{"Create": REPLICA}])),
    "an index comes": (
        {"bare"},
        _call("UpdateTable", AttributeDefinitions=TYPES, GlobalSecondaryIndexUpdates=[{"Create": INDEX}]),
    ),
    "an index goes": (
        set(),
        _call("UpdateTable", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "global"}}]),
    ),
    "a stream begins": (set(), _call("UpdateTable", **STREAM)),
    "a stream ends": ({"stream"}, _call("UpdateTable", StreamSpecification={"StreamEnabled": False})),
    "CreateBackup": (set(), _call("CreateBackup", BackupName="two")),
    "DeleteBackup": (set(), _delete_backup),
    "RestoreTableFromBackup": (set(), _restore),
    "RestoreTableToPointInTime": ({"recovery"}, _restore_past),
    "recovery ends": ({"recovery"}, _call("UpdateContinuousBackups", **OFF)),
    "items expire": ({"recovery", "replica", "expiry"}, _expire),
    "a transaction": ({"recovery", "replica"}, _transact),
    "a month passes": ({"stream", "recovery"}, _trim),
}  # fmt: skip


def _table(name: str, *, indexed: bool) -> dict[str, Any]:
    if not indexed:
        return {"TableName": name, **KEY, "AttributeDefinitions": TYPES[:1]}
    return {"TableName": name, **KEY, "AttributeDefinitions": TYPES, "GlobalSecondaryIndexes": [INDEX]}


async def _begun(service: TableService, traits: set[str]) -> Life:
    stream = STREAM if "stream" in traits else {}
    await service.call("CreateTable", _table("table", indexed="bare" not in traits) | stream)
    if "recovery" in traits:
        await service.call("UpdateContinuousBackups", NAMED | ON)
    if "replica" in traits:
        await service.call("UpdateTable", NAMED | {"ReplicaUpdates": [{"Create": REPLICA}]})
    if "expiry" in traits:
        await service.call("UpdateTimeToLive", NAMED | TTL)
    await _put(service, ITEMS, "old")
    arn = (await service.call("CreateBackup", NAMED | {"BackupName": "one"}))["BackupDetails"]["BackupArn"]
    service.now += timedelta(seconds=5)
    moment = int(service.now.timestamp())
    service.now += timedelta(seconds=5)
    await _put(service, ITEMS // 2, "new")
    return Life(service, moment=moment, backup=arn)


async def _put(service: TableService, items: int, color: str) -> None:
    for number in range(items):
        item = {"p": {"S": str(number)}, "g": {"S": color}, "e": {"N": "1700000000"}}
        await service.call("PutItem", NAMED | {"Item": item})


async def _settle(service: TableService) -> None:
    await Builder(service.state, service.store).build()
    while Replicator(service.state, service.store).tell_some():
        """Everything is told."""


def _check(service: TableService) -> None:
    _check_owned(service)
    engine, state = service.engine, service.state
    for record in state.tables.values():
        assert not record.deleting
        assert not record.is_being_created
        found = state.find(record.ref)
        assert found is not None
        items = _items(service, found.schema)
        for index in found.schema.indexes.values():
            assert index.is_filled
            held = engine.scan(Reading(table=found.schema, index=index)).items
            assert {item["p"]["S"] for item in held} == items.keys()
        others = state.others(record)
        assert bool(others) == (record.replica is not None), "no table is the only one of a global table"
        for other in others:
            there = state.find(other.ref)
            assert there is not None
            assert _items(service, there.schema) == items
        if record.stream is not None and record.stream.enabled:
            assert engine.changes.shards(bytes.fromhex(record.stream.stream_id))[-1].closed is None
    for stream in state.streams.values():
        shards = engine.changes.shards(stream.id_bytes)
        assert stream.disabled is None or not shards or shards[-1].closed is not None
    for backup in state.backups.values():
        prefix = b"b" + backup.id_bytes
        assert len(list(service.storage.scan(prefix, successor(prefix)))) == backup.items


def _items(service: TableService, schema: Any) -> dict[str, Any]:
    return {item["p"]["S"]: item for item in service.engine.scan(Reading(table=schema)).items}


def _check_owned(service: TableService) -> None:
    """Nothing is there that belongs to nobody."""
    state = service.state
    tables = {record.id_bytes: record for record in state.tables.values()}
    owners = {
        b"u": {name for name, record in tables.items() if record.recovery_since is not None},
        b"g": set(tables),
        b"s": {stream.id_bytes for stream in state.streams.values()},
        b"b": {backup.id_bytes for backup in state.backups.values()},
    }
    for key, _ in service.storage.scan(b"a", b"z"):
        kind, owner = key[:1], key[1:17]
        if kind == b"i":
            numbers = {0, *(index.number for index in tables[owner].indexes)}
            assert int.from_bytes(key[17:19], "big") in numbers
        elif kind in owners:
            assert owner in owners[kind], key


async def _died(path: Path, change: str, left: int, *, is_written: bool) -> bool:
    """Whether it died on the way, which it does not when there are no more writes than that."""
    traits, go = CHANGES[change]
    fate = Fate()
    first, second = MortalStore(path, fate), None
    try:
        life = await _begun(TableService(first, MortalStorage(fate)), traits)
        fate.left, fate.is_written = left, is_written
        try:
            await go(life)
            await _settle(life.service)
        except Death:
            """Nothing of the process is left."""
        fate.left = None
        life.service.store = second = Store(path)
        life.service.reopen()
        await _settle(life.service)
        _check(life.service)
        with suppress(Refusal):  # it may have been done already
            await go(life)
        await _settle(life.service)
        _check(life.service)
    finally:
        first.close()
        if second is not None:
            second.close()
    return fate.has_come


@pytest.mark.parametrize("change", CHANGES)
def test_a_death_at_any_write_leaves_nothing_amiss(tmp_path: Path, change: str) -> None:
    async def main() -> int:
        for left in range(1, 100):
            for is_written in (False, True):
                path = tmp_path / f"{left} {is_written}.db"
                if not await _died(path, change, left, is_written=is_written):
                    return left
        raise AssertionError("it never ends")

    assert asyncio.run(main()) > 1, "there was a write at which it died"
