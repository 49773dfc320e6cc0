"""`kill -9` at any moment: what was acknowledged is there, indexes agree with items, counts are counted again."""

from __future__ import annotations

from pathlib import Path

from tests.support.tables import GLOBAL, TABLE
from tests.support.writers import written_until_killed

from casemate.tables.engine import TablesEngine
from casemate.tables.reads import Reading, all_at_once
from casemate.tables.storage_rocksdb import RocksStorage
from casemate.tables.values import item_from_wire

ROOT = Path(__file__).parents[3]
ROUNDS = 10

WRITER = """
import asyncio, os, sys
from pathlib import Path
from casemate.tables.engine import TablesEngine
from casemate.tables.storage_rocksdb import RocksStorage
from casemate.tables.values import item_from_wire
from tests.support.tables import TABLE

engine = TablesEngine(RocksStorage(Path(sys.argv[1])))
round_ = sys.argv[2]

async def writer(name):
    number = 0
    while True:
        number += 1
        item = {"p": {"S": f"{round_}-{name}"}, "s": {"N": str(number)}, "g": {"S": "red"}, "h": {"N": str(number)}}
        engine.put_item(TABLE, item_from_wire(item))
        await engine.durable()
        os.write(1, f"{round_}-{name} {number}\\n".encode())

async def main():
    await asyncio.gather(*(writer(name) for name in range(8)))

asyncio.run(main())
"""


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    acknowledged: dict[str, int] = {}
    for number in range(ROUNDS):
        acknowledged.update(_write_until_killed(tmp_path / "items", number))
        engine = TablesEngine(RocksStorage(tmp_path / "items"))
        held = _last_numbers(engine)
        assert acknowledged.keys() <= held.keys()
        assert all(held[writer] >= last for writer, last in acknowledged.items())
        all_at_once(engine.count_steps(TABLE.table_id, [0, GLOBAL.number]))
        total = engine.holding(TABLE.table_id, 0).items
        assert total == sum(held.values()), "a writer's items are without gaps"
        assert total == engine.holding(TABLE.table_id, GLOBAL.number).items
        engine.close()
    assert sum(acknowledged.values()) > ROUNDS * 8


def _write_until_killed(directory: Path, number: int) -> dict[str, int]:
    lines = written_until_killed(WRITER, directory, number)
    return {writer: int(last) for writer, last in (line.split() for line in lines)}


def _last_numbers(engine: TablesEngine) -> dict[str, int]:
    last: dict[str, int] = {}
    start = None
    while True:
        page = engine.scan(Reading(table=TABLE, start_after=start))
        for item in page.items:
            writer, number = item["p"]["S"], int(item["s"]["N"])
            last[writer] = max(last.get(writer, 0), number)
        if page.last_key is None:
            return last
        start = item_from_wire(page.last_key)
