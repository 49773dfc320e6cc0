"""Shards of a stream, and what a start finds of one that a crash interrupted."""

from __future__ import annotations

from casemate.tables.change_log import SHARD_SECONDS, ChangeLog
from casemate.tables.storage_memory import MemoryStorage

ID = b"\xff" * 16


def make(storage: MemoryStorage, now: list[float]) -> ChangeLog:
    return ChangeLog(storage, lambda: now[0])


def test_a_stream_has_one_open_shard_and_opening_it_again_changes_nothing() -> None:
    storage, now = MemoryStorage(), [1_800_000_000.0]
    log = make(storage, now)
    log.open(ID)
    before = log.shards(ID)
    log.open(ID)
    make(storage, now).open(ID)
    assert make(storage, now).shards(ID) == before
    assert [shard.closed for shard in before] == [None]


def test_a_stream_whose_shards_were_lost_with_the_machine_takes_records_again() -> None:
    storage, now = MemoryStorage(), [1_800_000_000.0]
    make(storage, now).open(ID)
    storage.clear(b"s", b"t")
    log = make(storage, now)
    assert log.shards(ID) == ()
    log.open(ID)
    assert len(log.shards(ID)) == 1


def test_a_roll_is_one_change_of_the_storage() -> None:
    storage, now = MemoryStorage(), [1_800_000_000.0]
    log = make(storage, now)
    log.open(ID)
    writes: list[int] = []
    plain = storage.write
    storage.write = lambda changes: (writes.append(len(changes)), plain(changes))[1]  # type: ignore[method-assign]  # counted
    now[0] += SHARD_SECONDS
    parent, child = log.shards(ID)
    assert writes == [2]
    assert parent.last is not None
    assert parent.last < child.first
    assert (parent.number, child.number) == (0, 1)


def test_a_closed_stream_rolls_no_more() -> None:
    storage, now = MemoryStorage(), [1_800_000_000.0]
    log = make(storage, now)
    log.open(ID)
    log.close(ID)
    now[0] += SHARD_SECONDS
    assert len(log.shards(ID)) == 1


def test_what_is_not_kept_is_purged() -> None:
    storage, now = MemoryStorage(), [1_800_000_000.0]
    log = make(storage, now)
    for one in (b"\x00" * 16, ID, b"a" * 16):
        log.open(one)
    log.purge({ID})
    assert {key[1:17] for key, _ in storage.scan(b"s", b"t")} == {ID}
