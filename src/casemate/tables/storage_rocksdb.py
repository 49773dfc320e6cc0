"""Items in RocksDB: `--data DIR`.

Chosen by measurement (ordered keys, atomic batches, a log that many writes sync together): see docs/decisions.
Writes go to the log with write(2), so they survive the death of the process at once; `durable` waits for its sync.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rocksdict import BlockBasedOptions, Options, Rdict, RdictIter, ReadOptions, WriteBatch

from casemate.tables.group_commit import GroupCommit, Told
from casemate.tables.storage import Change

_MEMTABLE = 16 << 20
_OLD_LOGS = 2
_BLOOM_BITS = 10
"""Per key: one look in a hundred at a table that has not the key is made in vain."""


class RocksStorage:
    """A RocksDB database of raw bytes in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        options = Options(raw_mode=True)
        options.create_if_missing(True)  # the library's own signature
        options.set_write_buffer_size(_MEMTABLE)
        options.set_keep_log_file_num(2)
        options.set_max_total_wal_size(4 * _MEMTABLE)
        # A log that is written over an old one does not grow: its sync need not wait for the file system's own log.
        options.set_recycle_log_file_num(_OLD_LOGS)
        # Whether a new item is there already need not be looked for in every table on disk.
        tables = BlockBasedOptions()
        tables.set_bloom_filter(_BLOOM_BITS, block_based=False)
        options.set_block_based_table_factory(tables)
        directory.mkdir(parents=True, exist_ok=True)
        self._db = Rdict(str(directory), options)
        self._commit = GroupCommit(self._sync)
        self._unsynced = self._commit.unsynced

    def _sync(self) -> None:
        self._db.flush_wal(sync=True)

    def get(self, key: bytes) -> bytes | None:
        if self._unsynced.keys:
            self._unsynced.look(key)
        return self._db.get(key)

    def scan(self, start: bytes, end: bytes, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        self._look_between(start, end)
        # Only the upper bound is given to the library: its set_iterate_lower_bound sets the upper one (0.3.29).
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(end)
        entries = self._db.iter(bounds)
        if reverse:
            entries.seek_to_last()
            while entries.valid() and (key := entries.key()) >= start:
                yield key, entries.value()
                entries.prev()
            entries.status()
        else:
            entries.seek(start)
            yield from _rest(entries, bounds)

    def values(self, start: bytes, end: bytes, *, reverse: bool = False) -> Iterator[bytes]:
        if reverse:
            yield from (value for _, value in self.scan(start, end, reverse=True))
            return
        self._look_between(start, end)
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(end)
        entries = self._db.iter(bounds)
        entries.seek(start)
        # None: there is no entry there.
        while (value := entries.value()) is not None:
            yield value
            entries.next()
        entries.status()

    def snapshot(self, start: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        self._look_between(start, end)
        # An iterator sees the database as it was when it was made, and it is made here, not when the first entry is asked
        # for. (The library's own snapshots forget what they are as soon as their iterators are given options: 0.3.29.)
        bounds = ReadOptions()
        bounds.set_iterate_upper_bound(end)
        entries = self._db.iter(bounds)
        entries.seek(start)
        return _rest(entries, bounds)

    def _look_between(self, start: bytes, end: bytes) -> None:
        if self._unsynced.keys:
            self._unsynced.look_between(start, end)

    def write(self, changes: Sequence[Change]) -> None:
        self._commit.check()
        self._put(changes)
        self._commit.wrote(changes)

    def _put(self, changes: Sequence[Change]) -> None:
        if len(changes) == 1 and changes[0][1] is not None:
            self._db.put(changes[0][0], changes[0][1])
            return
        batch = WriteBatch(raw_mode=True)
        for key, value in changes:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._db.write(batch)

    def clear(self, start: bytes, end: bytes) -> None:
        self._commit.check()
        self._db.delete_range(start, end)
        # None of the keys is unsynced: what is cleared (tables, streams, what is old) nobody has a name for any more.
        self._commit.wrote()

    async def durable(self) -> None:
        await self._commit.wait()

    def when_durable(self, told: Told) -> None:
        self._commit.tell(told)

    def when_seen_durable(self, told: Told) -> None:
        self._commit.tell_seen(told)

    def close(self) -> None:
        self._commit.close()
        self._db.flush_wal(sync=True)
        self._db.close()


def _rest(entries: RdictIter, _bounds: ReadOptions) -> Iterator[tuple[bytes, bytes]]:
    """What comes from here on. The bounds are the options' own memory: they must live as long as the iterator."""
    while entries.valid():
        yield entries.key(), entries.value()
        entries.next()
    entries.status()
