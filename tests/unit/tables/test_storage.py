"""Both storages keep the port's promises."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casemate.model.errors import AwsError
from casemate.tables.group_commit import GroupCommit
from casemate.tables.storage import Change, Storage
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.storage_rocksdb import RocksStorage

keys = st.binary(min_size=1, max_size=2)
writes = st.lists(st.tuples(keys, st.none() | st.binary(max_size=3)), max_size=25)


@pytest.fixture(params=["memory", "rocksdb"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    made: Storage = MemoryStorage() if request.param == "memory" else RocksStorage(tmp_path / "items")
    yield made
    made.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(writes, keys, keys)
def test_an_ordered_map(storage: Storage, changes: list[Change], one: bytes, two: bytes) -> None:
    storage.clear(b"", b"\xff\xff\xff")
    storage.write(changes)
    expected = {key: value for key, value in dict(changes).items() if value is not None}
    for key, _ in changes:
        assert storage.get(key) == expected.get(key)
    start, end = sorted((one, two))
    inside = sorted((key, value) for key, value in expected.items() if start <= key < end)
    assert list(storage.scan(start, end)) == inside
    assert list(storage.scan(start, end, reverse=True)) == inside[::-1]
    storage.clear(start, end)
    assert list(storage.scan(b"", b"\xff\xff\xff")) == sorted(
        item for item in expected.items() if item not in inside
    )


def test_many_keys_stay_in_order(storage: Storage) -> None:
    names = [f"{number * 7919 % 10000:05d}".encode() for number in range(10000)]
    for name in names:
        storage.write([(name, name)])
    for name in names[::3]:
        storage.write([(name, None)])
    left = sorted(set(names) - set(names[::3]))
    assert [key for key, _ in storage.scan(b"0", b"9")] == [key for key in left if key < b"9"]
    assert [key for key, _ in storage.scan(b"02", b"021", reverse=True)] == [
        key for key in reversed(left) if b"02" <= key < b"021"
    ]


def test_a_closed_database_opens_with_what_it_held(tmp_path: Path) -> None:
    first = RocksStorage(tmp_path)
    first.write([(b"a", b"1"), (b"b", b"2")])
    first.write([(b"a", None)])
    first.close()
    second = RocksStorage(tmp_path)
    assert list(second.scan(b"a", b"z")) == [(b"b", b"2")]
    second.close()


async def test_writers_who_wait_together_share_a_sync() -> None:
    syncs = 0
    gate = threading.Event()

    def sync() -> None:
        nonlocal syncs
        gate.wait(5)
        syncs += 1

    commit = GroupCommit(sync)
    commit.wrote()
    first = asyncio.create_task(commit.wait())
    await asyncio.sleep(0.05)
    rest: list[asyncio.Task[None]] = []
    for _ in range(50):
        commit.wrote()
        rest.append(asyncio.create_task(commit.wait()))
    await asyncio.sleep(0)
    assert not first.done()
    gate.set()
    await asyncio.gather(first, *rest)
    assert syncs == 2
    # Nothing new was written: nothing to wait for.
    await commit.wait()
    assert syncs == 2
    commit.close()


async def test_a_failed_sync_is_told_to_all_who_wait_and_to_all_who_come() -> None:
    def sync() -> None:
        raise OSError("disk full")

    commit = GroupCommit(sync)
    commit.wrote()
    with pytest.raises(AwsError, match="InternalServerError"):
        await commit.wait()
    with pytest.raises(AwsError, match="InternalServerError"):
        commit.wrote()
    commit.close()
