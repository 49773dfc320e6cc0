"""Reading a stream of the engine from its beginning to its end."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from casemate.tables.change_record import ChangeRecord
from casemate.tables.engine import TablesEngine
from casemate.tables.schema import TableSchema


def changes_of(engine: TablesEngine, table: TableSchema, *, page: int = 3) -> list[ChangeRecord]:
    """Every record of a table's stream, shard by shard, a few at a time."""
    assert table.stream is not None
    stream_id = table.stream.stream_id
    shards = engine.changes.shards(stream_id)
    assert [shard.closed is None for shard in shards] == [False] * (len(shards) - 1) + [True]
    found: list[ChangeRecord] = []
    for shard in shards:
        position: int | None = engine.changes.trim_horizon(stream_id, shard)
        while position is not None:
            read = engine.changes.read(stream_id, shard, position, table.key, limit=page)
            assert all(position <= one.sequence for one in read.records)
            assert all(one.sequence >= shard.first for one in read.records)
            found += read.records
            if shard.last is None and not read.records:
                break
            position = read.position
    assert all(left.sequence < right.sequence for left, right in pairwise(found))
    return found


def replayed(engine: TablesEngine, table: TableSchema, names: tuple[str, ...]) -> dict[Any, Any]:
    """The table that the stream tells of. Each record's old image must be what the earlier ones left."""
    held: dict[Any, Any] = {}
    for change in changes_of(engine, table):
        key = tuple(next(iter(change.key[name].values())) for name in names)
        assert change.old == held.get(key), "the old image is the last new one"
        assert change.name == (
            "INSERT" if change.old is None else "REMOVE" if change.new is None else "MODIFY"
        )
        assert change.old != change.new, "no record of a write that changed nothing"
        if change.new is None:
            del held[key]
        else:
            held[key] = change.new
    return held
