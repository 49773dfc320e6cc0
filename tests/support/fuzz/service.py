"""The service in this process, sent hostile input.

Signatures and policies take their own share, over sockets.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import sys
import time
import traceback
from dataclasses import dataclass
from random import Random

from casemate.servicekit.store import Store
from casemate.tables.keys import index_key, index_prefix, successor
from casemate.tables.records import item_of, pack, record_size, wire_of
from casemate.tables.statistics import Holding
from casemate.tables.storage_memory import MemoryStorage
from tests.support.fuzz.mutations import Input, mutated
from tests.support.fuzz.seeds import KEY, RICH, TABLES
from tests.support.table_service import TableService

SLOW = 2.0
"""Seconds that no request may take."""
STUCK = 60
"""Seconds after which the stacks are printed and the process ends: it hangs."""
LIFE = 500
"""Requests that one set of tables sees."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """An input that was not answered as it should be."""

    what: str
    """The same for inputs that fail alike."""
    given: Input
    trace: str = ""


class FuzzedService(TableService):
    """DynamoDB and its streams, over tables made anew."""

    def __init__(self) -> None:
        super().__init__(Store(None), MemoryStorage())
        self.filled: dict[str, str] = {}
        """Values of the placeholders of seeds."""

    async def start(self) -> None:
        """Make the tables, a backup and an iterator."""
        for table in TABLES:
            await self.call("CreateTable", table)
        await self.call("PutItem", {"TableName": "things", "Item": RICH})
        await self.call(
            "PutItem", {"TableName": "things", "Item": {**KEY, "s": {"N": "2"}, "text": {"S": "x"}}}
        )
        recovery = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
        await self.call("UpdateContinuousBackups", {"TableName": "things", **recovery})
        backup = await self.call("CreateBackup", {"TableName": "things", "BackupName": "first"})
        table = (await self.call("DescribeTable", {"TableName": "things"}))["Table"]
        stream = {"StreamArn": table["LatestStreamArn"]}
        description = await self.call("DescribeStream", stream, "dynamodbstreams")
        shard = description["StreamDescription"]["Shards"][0]["ShardId"]
        where = {**stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        iterator = await self.call("GetShardIterator", where, "dynamodbstreams")
        records = await self.call("GetRecords", iterator, "dynamodbstreams")
        self.filled = {
            "@sequence": records["Records"][0]["dynamodb"]["SequenceNumber"],
            "@backup": backup["BackupDetails"]["BackupArn"],
            "@stream": table["LatestStreamArn"],
            "@shard": shard,
            "@iterator": iterator["ShardIterator"],
        }

    def check(self) -> None:
        """Whatever was sent, every index agrees with its table, every count with what there is."""
        for record in self.state.tables.values():
            table = record.schema()
            held = self._held(table.table_id, 0)
            for stored in held.values():
                assert pack(item_of(stored)) == stored, "a record is what its item packs to"
                assert record_size(stored) <= 400 * 1024
                assert wire_of(stored)
            for index in table.indexes.values():
                expected: dict[bytes, bytes] = {}
                for item in map(item_of, held.values()):
                    key, names = index_key(table, index, item), table.projected(index)
                    if key is not None:
                        expected[key] = pack(
                            {name: item[name] for name in item if not names or name in names}
                        )
                assert self._held(table.table_id, index.number) == expected, f"index {index.name}"
            for number in (0, *(index.number for index in table.indexes.values())):
                stored = self._held(table.table_id, number)
                counted = Holding(items=len(stored), size=sum(map(record_size, stored.values())))
                assert self.engine.holding(table.table_id, number) == counted

    def _held(self, table_id: bytes, number: int) -> dict[bytes, bytes]:
        prefix = index_prefix(table_id, number)
        return dict(self.storage.scan(prefix, successor(prefix)))


def fuzz(seed: str, count: int) -> tuple[list[Finding], dict[str, int], float]:
    """Send `count` requests: what went wrong, how often each error code was answered, the slowest answer's seconds of the processor."""
    return asyncio.run(_fuzz(Random(seed), count))


async def _fuzz(dice: Random, count: int) -> tuple[list[Finding], dict[str, int], float]:
    findings: list[Finding] = []
    codes: dict[str, int] = {}
    slowest = 0.0
    for begun in range(0, count, LIFE):
        service = FuzzedService()
        await service.start()
        given = Input(service="dynamodb", operation="ListTables", body=b"{}")
        for _ in range(min(LIFE, count - begun)):
            given = mutated(dice, service.filled)
            faulthandler.dump_traceback_later(STUCK, exit=True, file=sys.__stderr__)
            # Of the processor: another process may have it meanwhile. What waits for ever, STUCK ends.
            started = time.process_time()
            found, code = await _one(service, given)
            seconds = time.process_time() - started
            slowest = max(slowest, seconds)
            codes[code] = codes.get(code, 0) + 1
            if seconds > SLOW:
                findings.append(Finding(what=f"{given.operation} took {seconds:.1f} s", given=given))
            if found is not None:
                findings.append(found)
        faulthandler.cancel_dump_traceback_later()
        try:
            service.check()
        except Exception as error:
            findings.append(Finding(what=f"the tables: {error}", given=given, trace=traceback.format_exc()))
    return findings, codes, slowest


async def _one(service: FuzzedService, given: Input) -> tuple[Finding | None, str]:
    try:
        answer = await service.answer(given.operation, given.body, given.service)
        body = json.loads(answer.body)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        # Recursion ends anywhere: its place says nothing.
        place = "" if isinstance(error, RecursionError) else f" at {last.filename}:{last.lineno}"
        what = f"{type(error).__name__} in {given.operation}{place}"
        return Finding(what=what, given=given, trace=traceback.format_exc()[-4000:]), type(error).__name__
    if answer.status == 200:
        return None, "success"
    code = str(body.get("__type", "")).rpartition("#")[2]
    if 400 <= answer.status < 500 and code and not code.startswith("Internal"):
        return None, code
    return Finding(what=f"{given.operation} answers {answer.status} {code}", given=given), code
