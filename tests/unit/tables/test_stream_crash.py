"""`kill -9` at any moment: the stream agrees with the table, and tells of every acknowledged write."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.support.streams import changes_of, replayed
from tests.support.tables import TABLE
from tests.support.writers import written_until_killed

from casemate.tables.engine import TablesEngine
from casemate.tables.reads import Reading
from casemate.tables.schema import StreamSchema
from casemate.tables.storage_rocksdb import RocksStorage
from casemate.tables.values import item_from_wire

ROOT = Path(__file__).parents[3]
ROUNDS = 5
STREAMED = replace(TABLE, stream=StreamSchema(stream_id=b"\xff" * 16, view="NEW_AND_OLD_IMAGES"))

WRITER = """
import asyncio, os, sys
from pathlib import Path
from casemate.tables.engine import TablesEngine
from casemate.tables.storage_rocksdb import RocksStorage
from casemate.tables.values import item_from_wire
from tests.unit.tables.test_stream_crash import STREAMED

engine = TablesEngine(RocksStorage(Path(sys.argv[1])))
if not engine.changes.shards(STREAMED.stream.stream_id):
    engine.changes.open(STREAMED.stream.stream_id)

def key(name, number):
    return {"p": {"S": name}, "s": {"N": str(number % 7)}}

async def writer(name):
    number = 0
    while True:
        number += 1
        # No two puts alike: one that changes nothing is not in the stream.
        distinct = str(int(sys.argv[2]) * 1_000_000 + number)
        put = engine.plan_put(STREAMED, item_from_wire({**key(name, number), "g": {"S": "red"}, "n": {"N": distinct}}))
        delete = engine.plan_delete(STREAMED, item_from_wire(key(name, number + 3)))
        engine.commit([put, delete])
        await engine.durable()
        os.write(1, f"{sys.argv[2]}-{name} {number}\\n".encode())

async def main():
    await asyncio.gather(*(writer(name) for name in "abcdefgh"))

asyncio.run(main())
"""


def test_the_stream_agrees_with_the_table(tmp_path: Path) -> None:
    total = 0
    for number in range(ROUNDS):
        acknowledged = len(written_until_killed(WRITER, tmp_path / "items", number))
        engine = TablesEngine(RocksStorage(tmp_path / "items"))
        assert replayed(engine, STREAMED, ("p", "s")) == _held(engine)
        changes = changes_of(engine, STREAMED, page=1000)
        assert sum(change.new is not None for change in changes) >= total + acknowledged
        total = sum(change.new is not None for change in changes)
        engine.close()
    assert total > ROUNDS * 8


def _held(engine: TablesEngine) -> dict[tuple[str, str], object]:
    held: dict[tuple[str, str], object] = {}
    start = None
    while True:
        page = engine.scan(Reading(table=STREAMED, start_after=start))
        held |= {(item["p"]["S"], item["s"]["N"]): item for item in page.items}
        if page.last_key is None:
            return held
        start = item_from_wire(page.last_key)
