"""Both storages keep the port's promises."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rocksdict import Rdict

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
    values = [value for _, value in inside]
    assert list(storage.values(start, end)) == values
    assert list(storage.values(start, end, reverse=True)) == values[::-1]
    storage.clear(start, end)
    assert list(storage.scan(b"", b"\xff\xff\xff")) == sorted(
        item for item in expected.items() if item not in inside
    )


def test_a_snapshot_is_what_there_was_when_it_was_taken(storage: Storage) -> None:
    storage.write([(b"a%d" % number, b"old") for number in range(5)])
    taken = storage.snapshot(b"a1", b"a4")
    assert next(taken) == (b"a1", b"old")
    storage.write([(b"a2", b"new"), (b"a3", None), (b"a35", b"new")])
    storage.clear(b"a0", b"a9")
    # Whatever else takes memory meanwhile.
    others = [storage.snapshot(bytes([number]) * 40, b"z" * 40) for number in range(100)]
    assert list(taken) == [(b"a2", b"old"), (b"a3", b"old")]
    assert len(others) == 100


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


async def test_the_writers_of_a_turn_share_a_sync() -> None:
    synced_on: list[threading.Thread] = []
    commit = GroupCommit(lambda: synced_on.append(threading.current_thread()), seconds=lambda: 0.0)
    writers: list[asyncio.Task[None]] = []
    for _ in range(50):
        commit.wrote()
        writers.append(asyncio.create_task(commit.wait()))
    await asyncio.gather(*writers)
    assert synced_on == [threading.current_thread()]
    # Nothing new was written: nothing to wait for.
    await commit.wait()
    assert len(synced_on) == 1
    commit.close()


class _SlowDisk:
    """Syncs twice, then when told to; its clock says that each one took a second."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.synced_on: list[threading.Thread] = []
        self._now = 0.0

    def sync(self) -> None:
        if len(self.synced_on) >= 2:
            self.gate.wait(5)
        self.synced_on.append(threading.current_thread())
        self._now += 1.0

    def seconds(self) -> float:
        return self._now


async def test_a_slow_disk_is_synced_beside_the_loop_and_writers_who_wait_share_a_sync() -> None:
    disk = _SlowDisk()
    commit = GroupCommit(disk.sync, seconds=disk.seconds)
    for _ in range(2):
        commit.wrote()
        await commit.wait()
    commit.wrote()
    third = asyncio.create_task(commit.wait())
    await asyncio.sleep(0.05)
    rest: list[asyncio.Task[None]] = []
    for _ in range(50):
        commit.wrote()
        rest.append(asyncio.create_task(commit.wait()))
    await asyncio.sleep(0)
    assert not third.done()
    disk.gate.set()
    await asyncio.gather(third, *rest)
    assert len(disk.synced_on) == 4
    assert threading.current_thread() not in disk.synced_on[2:]
    commit.close()


async def test_the_thread_is_given_all_who_wrote_in_a_turn() -> None:
    disk = _SlowDisk()
    disk.gate.set()
    commit = GroupCommit(disk.sync, seconds=disk.seconds)
    for _ in range(5):
        writers: list[asyncio.Task[None]] = []
        for _ in range(20):
            commit.wrote()
            writers.append(asyncio.create_task(commit.wait()))
        await asyncio.gather(*writers)
    assert len(disk.synced_on) == 5
    assert threading.current_thread() not in disk.synced_on[2:]
    commit.close()


async def test_who_comes_while_the_thread_syncs_waits_for_a_sync_of_their_own() -> None:
    disk = _SlowDisk()
    commit = GroupCommit(disk.sync, seconds=disk.seconds)
    told: list[tuple[str, int]] = []
    for name in ("first", "second", "third"):
        commit.wrote()
        commit.tell(lambda _, name=name: told.append((name, len(disk.synced_on))))
        await asyncio.sleep(0.01)
    commit.wrote()
    last = asyncio.create_task(commit.wait())
    await asyncio.sleep(0.01)
    assert told == [("first", 1), ("second", 2)]
    disk.gate.set()
    await last
    assert [name for name, _ in told] == ["first", "second", "third"]
    assert len(disk.synced_on) == 4
    commit.close()


async def test_a_sync_of_the_thread_that_fails_is_told_to_its_group_and_to_the_next() -> None:
    disk = _SlowDisk()

    def sync() -> None:
        disk.sync()
        if len(disk.synced_on) == 3:
            raise OSError("disk full")

    commit = GroupCommit(sync, seconds=disk.seconds)
    for _ in range(2):
        commit.wrote()
        await commit.wait()
    group: list[asyncio.Task[None]] = []
    for count in (3, 2):
        for _ in range(count):
            commit.wrote()
            group.append(asyncio.create_task(commit.wait()))
        await asyncio.sleep(0.01)
    disk.gate.set()
    # The sync of the second group may succeed: what the first one failed to write may be missing ahead of it.
    answers = await asyncio.gather(*group, return_exceptions=True)
    assert [str(answer).startswith("InternalServerError") for answer in answers] == [True] * 5
    commit.close()


@pytest.mark.parametrize("method", ["put", "write", "delete_range"])
def test_a_write_counts_once_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """The thread of a slow disk may sync at any moment: a write that counts already would be taken for durable."""
    order: list[str] = []

    class Database:
        def __init__(self, *given: Any) -> None:
            self.inner = Rdict(*given)

        def __getattr__(self, name: str) -> Any:
            order.append(name)
            return getattr(self.inner, name)

    class Commit(GroupCommit):
        def wrote(self, changes: Sequence[Change] = ()) -> None:
            order.append("wrote")
            super().wrote(changes)

    monkeypatch.setattr("casemate.tables.storage_rocksdb.Rdict", Database)
    monkeypatch.setattr("casemate.tables.storage_rocksdb.GroupCommit", Commit)
    storage = RocksStorage(tmp_path / "items")
    if method == "delete_range":
        storage.clear(b"a", b"b")
    else:
        storage.write([(b"a", b"1")] if method == "put" else [(b"a", b"1"), (b"b", None)])
    assert order == [method, "wrote"]
    storage.close()


async def test_after_a_while_a_slow_disk_is_tried_on_the_loop_again() -> None:
    disk = _SlowDisk()
    disk.gate.set()
    commit = GroupCommit(disk.sync, seconds=disk.seconds)
    for _ in range(70):
        commit.wrote()
        await commit.wait()
    here = [place for place, thread in enumerate(disk.synced_on) if thread is threading.current_thread()]
    assert here == [0, 1, 66]
    commit.close()


async def test_one_long_sync_is_not_a_slow_disk() -> None:
    synced_on: list[threading.Thread] = []
    times = iter([0.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0])  # a pair for each: long, short, long, short
    commit = GroupCommit(lambda: synced_on.append(threading.current_thread()), seconds=times.__next__)
    for _ in range(4):
        commit.wrote()
        await commit.wait()
    assert synced_on == [threading.current_thread()] * 4
    commit.close()


async def test_who_waits_when_the_storage_is_closed_is_served() -> None:
    syncs: list[int] = []
    commit = GroupCommit(lambda: syncs.append(1), seconds=lambda: 0.0)
    commit.wrote()
    waiter = asyncio.create_task(commit.wait())
    # The writer has its turn, the sync at its end does not.
    asyncio.get_running_loop().call_soon(commit.close)
    await waiter
    assert syncs == [1]


async def test_who_waits_for_the_thread_when_the_storage_is_closed_is_served() -> None:
    disk = _SlowDisk()
    disk.gate.set()
    commit = GroupCommit(disk.sync, seconds=disk.seconds)
    for _ in range(2):
        commit.wrote()
        await commit.wait()
    commit.wrote()
    given = asyncio.create_task(commit.wait())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    commit.wrote()
    waits = asyncio.create_task(commit.wait())
    await asyncio.sleep(0)
    commit.close()
    await asyncio.gather(given, waits)
    assert len(disk.synced_on) in (3, 4)  # 3: the thread was done before


async def test_one_who_cannot_be_told_does_not_keep_the_others_from_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    commit = GroupCommit(lambda: None)

    def fails(_: AwsError | None) -> None:
        raise OSError("nobody there")

    commit.wrote()
    commit.tell(fails)
    await asyncio.wait_for(commit.wait(), 1)
    assert "could not be told" in caplog.text
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
