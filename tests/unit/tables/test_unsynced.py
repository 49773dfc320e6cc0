"""Which looks wait for which sync: against a model that remembers every write."""

from __future__ import annotations

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.model.errors import AwsError
from casemate.tables import unsynced as module
from casemate.tables.group_commit import GroupCommit
from casemate.tables.unsynced import Unsynced

keys = st.binary(min_size=1, max_size=2)
steps = st.lists(
    st.tuples(st.just("write"), st.lists(keys, min_size=1, max_size=4))
    | st.tuples(st.just("look"), keys)
    | st.tuples(st.just("between"), st.tuples(keys, keys))
    | st.tuples(st.sampled_from(["begin", "end"]), st.none()),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(steps=steps)
def test_a_look_is_of_the_latest_generation_of_what_it_could_see(steps: list[tuple[str, object]]) -> None:
    held, pending, generation, under_way = Unsynced(), dict[bytes, int](), 1, list[int]()
    for step, given_ in steps:
        match step, given_:
            case "write", list(written):
                held.add([(key, None) for key in written])
                pending.update(dict.fromkeys(written, generation))
            case "look", bytes(key):
                held.look(key)
                assert held.seen == pending.get(key, 0)
            case "between", (bytes(start), bytes(end)):
                held.look_between(start, end)
                assert held.seen == max(
                    (number for key, number in pending.items() if start <= key < end), default=0
                )
            case "begin", _:
                under_way.append(held.begin_sync())
                assert under_way[-1] == generation
                generation += 1
            case _ if under_way:
                done = under_way.pop(0)
                held.end_sync(done)
                pending = {key: number for key, number in pending.items() if number > done}
            case _:
                pass
        held.seen = 0
        assert held.keys == pending


def test_of_too_many_keys_any_look_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    held = Unsynced()
    for number in range(5):
        held.add([(bytes([number]), b"")])
    held.look(b"z")
    assert held.seen == 1
    held.begin_sync()
    held.add([(b"a", b"")])
    held.end_sync(1)
    held.seen = 0
    held.look_between(b"x", b"z")
    assert held.seen == 2, "what came while the first ones were synced was too many as well"
    held.end_sync(held.begin_sync())
    assert not held.keys
    held.seen = 0
    held.look(b"a")
    assert held.seen == 0


async def test_a_look_at_a_write_that_nobody_waits_for_has_it_synced() -> None:
    syncs: list[int] = []
    commit = GroupCommit(lambda: syncs.append(1), seconds=lambda: 0.0)
    commit.wrote([(b"a", b"")])
    told: list[AwsError | None] = []
    commit.unsynced.look(b"b")
    commit.tell_seen(told.append)
    assert (told, syncs) == ([None], [])
    commit.unsynced.look(b"a")
    commit.tell_seen(told.append)
    assert told == [None]
    await asyncio.sleep(0)
    assert (told, syncs) == ([None, None], [1])
    commit.unsynced.look(b"a")
    commit.tell_seen(told.append)
    assert (told, syncs) == ([None] * 3, [1])
    commit.close()


async def test_what_a_failed_sync_left_is_never_shown() -> None:
    def fail() -> None:
        raise OSError

    commit = GroupCommit(fail, seconds=lambda: 0.0)
    commit.wrote([(b"a", b"")])
    with pytest.raises(AwsError):
        await commit.wait()
    told: list[AwsError | None] = []
    for key in (b"a", b"b", b"a"):
        commit.unsynced.look(key)
        commit.tell_seen(told.append)
    assert [one is None for one in told] == [False, True, False]
    commit.close()


async def test_who_asks_to_write_leaves_no_look_behind() -> None:
    gate = threading.Event()
    commit = GroupCommit(gate.set, seconds=lambda: 0.0)
    commit.wrote([(b"a", b"")])
    commit.unsynced.look(b"a")
    waiting = asyncio.create_task(commit.wait())
    await asyncio.sleep(0)
    told: list[AwsError | None] = []
    commit.tell_seen(told.append)
    assert told == [None]
    await waiting
    commit.close()


async def test_what_was_written_as_the_sync_failed_is_never_shown_either() -> None:
    """The thread's sync may fail between the check ahead of a write and its count."""

    def fail() -> None:
        raise OSError

    commit = GroupCommit(fail, seconds=lambda: 0.0)
    commit.wrote([(b"a", b"")])
    with pytest.raises(AwsError):
        await commit.wait()
    with pytest.raises(AwsError):
        commit.wrote([(b"b", b"")])
    told: list[AwsError | None] = []
    commit.unsynced.look(b"b")
    commit.tell_seen(told.append)
    assert told[0] is not None
    commit.close()
