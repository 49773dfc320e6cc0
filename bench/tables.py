"""Operations per second of the tables engine alone: no HTTP, no signature, no policy.

PYTHONPATH=src python -m bench.tables [--connections 16] [--seconds 2]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from casemate.tables.engine import TablesEngine
from casemate.tables.expressions.compiled import Compiler
from casemate.tables.expressions.placeholders import read_placeholders
from casemate.tables.reads import Reading
from casemate.tables.records import wire_of
from casemate.tables.schema import KeyAttribute, KeySchema, TableSchema
from casemate.tables.storage import Storage
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.storage_rocksdb import RocksStorage
from casemate.tables.values import item_from_wire
from casemate.tables.writes import Update

ITEMS = 20_000
TABLE = TableSchema(
    table_id=bytes(16),
    name="bench",
    key=KeySchema(partition=(KeyAttribute(name="p", type="S"),), sort=(KeyAttribute(name="s", type="N"),)),
)
BODY = {f"field{number}": {"S": "x" * 90} for number in range(10)}
Operation = Callable[[int], Awaitable[None]]


def operations(engine: TablesEngine) -> dict[str, Operation]:
    """Each takes a running number; inputs are in the API's form, as the wire gives them, outputs too."""

    turns = itertools.count()

    def key(number: int) -> dict[str, dict[str, str]]:
        return {"p": {"S": f"p{number % (ITEMS // 10)}"}, "s": {"N": str(number // (ITEMS // 10) % 10)}}

    async def put(number: int) -> None:
        engine.put_item(TABLE, item_from_wire({**key(number), **BODY, "turn": {"N": str(next(turns))}}))
        await engine.durable()

    async def get(number: int) -> None:
        record = engine.get_item(TABLE, item_from_wire(key(number)))
        assert record is not None
        wire_of(record)

    async def query(number: int) -> None:
        compiler = Compiler(read_placeholders(None, {":p": {"S": f"p{number % (ITEMS // 10)}"}}))
        terms = {term.attribute: term for term in compiler.key_condition("p = :p").terms}
        page = engine.query(Reading(table=TABLE), terms, compiler.placeholders.values)
        assert page.count == 10

    async def add(number: int) -> None:
        compiler = Compiler(read_placeholders(None, {":one": {"N": "1"}}))
        update = Update(expression=compiler.update("ADD visits :one"), values=compiler.placeholders.values)
        engine.update_item(TABLE, item_from_wire(key(number)), update)
        await engine.durable()

    return {"PutItem": put, "GetItem": get, "Query 10": query, "Update ADD": add}


async def measure(operation: Operation, connections: int, seconds: float) -> tuple[float, float, float]:
    """Operations per second, and p50 and p99 in milliseconds."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def connection(first: int) -> None:
        number = first
        while (start := time.perf_counter()) < end:
            await operation(number)
            times.append(time.perf_counter() - start)
            number += connections
            await asyncio.sleep(0)

    await asyncio.gather(*(connection(number) for number in range(connections)))
    cuts = statistics.quantiles(times, n=100)
    return len(times) / seconds, cuts[49] * 1e3, cuts[98] * 1e3


async def run(name: str, storage: Storage, connections: int, seconds: float) -> None:
    engine = TablesEngine(storage)
    offered = operations(engine)
    for number in range(ITEMS):
        engine.put_item(
            TABLE,
            item_from_wire(
                {
                    "p": {"S": f"p{number % (ITEMS // 10)}"},
                    "s": {"N": str(number // (ITEMS // 10) % 10)},
                    **BODY,
                }
            ),
        )
    for label, operation in offered.items():
        rate, median, tail = await measure(operation, connections, seconds)
        print(
            f"{name:10} {label:12} c={connections:<3} {rate:10,.0f}/s  p50 {median:7.3f} ms  p99 {tail:7.3f} ms"
        )
    engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    for connections in options.connections:
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as directory:
            asyncio.run(run("durable", RocksStorage(Path(directory)), connections, options.seconds))
        asyncio.run(run("ephemeral", MemoryStorage(), connections, options.seconds))


if __name__ == "__main__":
    main()
