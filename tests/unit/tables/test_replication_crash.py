"""`kill -9` at any moment: what two replicas wrote reaches both, once, and both hold the same in the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.support.streams import changes_of
from tests.support.tables import TABLE
from tests.support.writers import written_until_killed

from casemate.tables.engine import TablesEngine
from casemate.tables.reads import Reading
from casemate.tables.schema import StreamSchema, TableSchema
from casemate.tables.storage_rocksdb import RocksStorage

ROUNDS = 2


def _replica(letter: bytes) -> TableSchema:
    stream = StreamSchema(stream_id=letter * 16, view="NEW_AND_OLD_IMAGES")
    return replace(TABLE, table_id=letter * 16, stream=stream, replicated=True)


ONE, TWO = _replica(b"1"), _replica(b"2")
OTHER = {ONE.table_id: TWO, TWO.table_id: ONE}

WRITER = """
import asyncio, os, sys
from pathlib import Path
from casemate.tables.engine import TablesEngine
from casemate.tables.storage_rocksdb import RocksStorage
from casemate.tables.values import item_from_wire
from tests.unit.tables.test_replication_crash import ONE, OTHER, TWO

engine = TablesEngine(RocksStorage(Path(sys.argv[1])))
for table in (ONE, TWO):
    if not engine.changes.shards(table.stream.stream_id):
        engine.changes.open(table.stream.stream_id)

async def writer(name, table):
    number = 0
    while True:
        number += 1
        distinct = f"{sys.argv[2]}-{name}-{number}"
        item = {"p": {"S": "shared"}, "s": {"N": str(number % 5)}, "g": {"S": distinct}}
        engine.put_item(table, item_from_wire(item))
        own = {"p": {"S": name}, "s": {"N": "0"}, "n": {"N": str(int(sys.argv[2]) * 1_000_000 + number)}}
        engine.put_item(table, item_from_wire(own))
        await engine.durable()
        os.write(1, f"{name} {own['n']['N']}\\n".encode())

async def teller():
    while True:
        if (told := engine.replication.first()) is not None:
            engine.tell(told, [OTHER[told.table_id]])
        await asyncio.sleep(0)

async def main():
    await asyncio.gather(*(writer(name, table) for name, table in (("a", ONE), ("b", TWO), ("c", ONE))), teller())

asyncio.run(main())
"""


def test_replicas_agree_after_a_crash(tmp_path: Path) -> None:
    acknowledged: dict[str, int] = {}
    for number in range(ROUNDS):
        for line in written_until_killed(WRITER, tmp_path / "items", number):
            writer, last = line.split()
            acknowledged[writer] = int(last)
        engine = TablesEngine(RocksStorage(tmp_path / "items"))
        while (told := engine.replication.first()) is not None:
            engine.tell(told, [OTHER[told.table_id]])
        held = [_held(engine, table) for table in (ONE, TWO)]
        assert held[0] == held[1]
        for writer, last in acknowledged.items():
            assert int(held[0][writer, "0"]["n"]["N"]) >= last
        for table in (ONE, TWO):
            assert table.stream is not None
            told_of = [change.new for change in changes_of(engine, table)]
            assert len(told_of) == len({str(image) for image in told_of}), "nothing is told twice"
        engine.close()
    assert acknowledged.keys() == {"a", "b", "c"}


def _held(engine: TablesEngine, table: TableSchema) -> dict[tuple[str, str], dict[str, dict[str, str]]]:
    items = engine.scan(Reading(table=table)).items
    return {(item["p"]["S"], item["s"]["N"]): item for item in items}
