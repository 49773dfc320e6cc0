"""ClientRequestTokens: known for ten minutes, across processes, and gone from the disk soon after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.tables import TABLE

from casemate.tables.engine import TablesEngine
from casemate.tables.keys import successor
from casemate.tables.storage import Storage
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.storage_rocksdb import RocksStorage
from casemate.tables.token_log import Done, token_name
from casemate.tables.values import item_from_wire

NAME = token_name("000000000000", "us-east-2", "token")
DONE = Done(digest=b"what was asked", reads=(("things", 2.0),))
KEY = item_from_wire({"p": {"S": "a"}, "s": {"N": "1"}})


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("begun", [0, 1, 300, 599])
def test_a_token_is_known_for_ten_minutes(begun: int) -> None:
    clock = Clock()
    clock.now += begun
    log = TablesEngine(storage := MemoryStorage(), now=clock).tokens
    storage.write([log.entry(NAME, DONE)])
    for passed, known in ((0, True), (300, True), (600, True), (601, False), (3000, False)):
        clock.now = Clock.now + begun + passed
        assert (log.find(NAME) is not None) is known


def test_a_token_that_was_used_again_later_is_known_anew() -> None:
    clock = Clock()
    log = TablesEngine(storage := MemoryStorage(), now=clock).tokens
    storage.write([log.entry(NAME, DONE)])
    clock.now += 601
    storage.write([log.entry(NAME, Done(digest=b"another", reads=()))])
    assert (found := log.find(NAME)) is not None
    assert found.digest == b"another"


@pytest.mark.parametrize("durable", [False, True])
def test_what_is_old_leaves_the_storage(tmp_path: Path, durable: bool) -> None:
    make: Callable[[], Storage] = lambda: RocksStorage(tmp_path) if durable else MemoryStorage()  # noqa: E731
    clock, storage = Clock(), make()
    log = TablesEngine(storage, now=clock).tokens
    for number in range(50):
        storage.write([log.entry(token_name(str(number)), DONE)])
        clock.now += 200
    held = len(list(storage.scan(b"t", successor(b"t"))))
    assert held <= 6, "two spans of ten minutes, one entry each 200 seconds"
    storage.close()


def test_a_token_is_written_with_its_transaction_and_with_one_that_changes_nothing(tmp_path: Path) -> None:
    clock = Clock()
    engine = TablesEngine(storage := RocksStorage(tmp_path), now=clock)
    engine.commit([engine.plan_put(TABLE, KEY)], beside=[engine.tokens.entry(NAME, DONE)])
    other = token_name("no change")
    engine.commit([engine.plan_put(TABLE, KEY)], beside=[engine.tokens.entry(other, DONE)])
    storage.close()
    engine = TablesEngine(RocksStorage(tmp_path), now=clock)
    assert [(found and found.reads) for found in map(engine.tokens.find, (NAME, other))] == [DONE.reads] * 2
    engine.close()


def test_tokens_of_other_accounts_and_regions_are_other_tokens() -> None:
    names = {
        token_name(*parts)
        for parts in (("1", "us-east-1", "a"), ("1", "us-east-2", "a"), ("2", "us-east-1", "a"))
    }
    assert len(names) == 3
