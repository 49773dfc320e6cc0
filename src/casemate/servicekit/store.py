"""Control-plane state: typed records, in memory, written through to SQLite, one transaction per operation.

Reading is a dictionary look-up. A write is buffered until the operation ends, then committed as one durable SQLite
transaction; an operation that raises leaves memory and disk as they were. Single-threaded: the event loop's thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import msgspec

R = TypeVar("R")
Key = tuple[str, ...]
_SEPARATOR = "\x1f"


class Collection(Generic[R]):
    """Records of one type by key; a key is a tuple of strings such as (account, region, id).

    Records are frozen structs; to change one, `put` a new one.
    """

    def __init__(self, store: Store, name: str, record_type: type[R]) -> None:
        self.name = name
        self._store = store
        self._records: dict[Key, R] = {}
        self._record_type = record_type

    @cached_property
    def _decoder(self) -> msgspec.json.Decoder[R]:
        # Made when there is something to load: a first start has nothing, and there are dozens of collections.
        return msgspec.json.Decoder(self._record_type)

    def get(self, *key: str) -> R | None:
        """The record, or None."""
        return self._records.get(key)

    def __contains__(self, key: object) -> bool:
        return key in self._records

    def __len__(self) -> int:
        return len(self._records)

    def put(self, key: Key, record: R) -> None:
        """Insert or replace. Only inside a transaction."""
        self._store.note(self, key, self._records.get(key))
        self._records[key] = record

    def delete(self, *key: str) -> R | None:
        """Remove and return the record, or None when there is none. Only inside a transaction."""
        old = self._records.get(key)
        if old is not None:
            self._store.note(self, key, old)
            del self._records[key]
        return old

    def values(self, *prefix: str) -> list[R]:
        """All records whose key begins with `prefix`, in order of insertion."""
        if not prefix:
            return list(self._records.values())
        size = len(prefix)
        return [record for key, record in self._records.items() if key[:size] == prefix]

    def items(self, *prefix: str) -> list[tuple[Key, R]]:
        """As `values`, with the keys."""
        size = len(prefix)
        return [(key, record) for key, record in self._records.items() if key[:size] == prefix]

    def restore(self, key: Key, record: R | None) -> None:
        """Put memory back as it was: for the store, when a transaction fails or when it loads."""
        if record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = record

    def encode(self, key: Key) -> bytes | None:
        """The stored form of a record; None when it is deleted."""
        record = self._records.get(key)
        return None if record is None else msgspec.json.encode(record)

    def load(self, key: Key, data: bytes) -> None:
        """Take a record from disk."""
        self._records[key] = self._decoder.decode(data)


Listener = Callable[[frozenset[str]], None]


class StoreError(Exception):
    """The state on disk is not one this version can read; the text says what is wrong with it."""


class _Transaction:
    """One operation's. A class of its own: a generator costs a reading operation three microseconds."""

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> None:
        self._store.begin()

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: object) -> None:
        self._store.end(failed=kind is not None)


_PART: AbstractContextManager[None] = nullcontext()
"""A transaction inside another one."""


class Store:
    """The durable control-plane state of one Casemate. `path` None keeps everything in memory (`--ephemeral`)."""

    def __init__(self, path: Path | None) -> None:
        try:
            self._open(path)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"{path}: {error}") from error
        self._collections: dict[str, Collection[Any]] = {}
        self._before: dict[tuple[str, Key], Any] | None = None
        self._listeners: list[Listener] = []
        self.generation = 0
        """Another number whenever records are other than they were, inside a transaction too: what was computed from
        records holds as long as this is the same."""
        row = cast("tuple[int | None]", self._db.execute("SELECT max(seq) FROM records").fetchone())
        self._seq = row[0] or 0

    def _open(self, path: Path | None) -> None:
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        # An acknowledged change survives power loss, not only a crash: one fdatasync per committed operation.
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS records (collection TEXT, key TEXT, seq INTEGER, data BLOB,"
            " PRIMARY KEY (collection, key)) WITHOUT ROWID"
        )

    def collection(self, name: str, record_type: type[R]) -> Collection[R]:
        """The collection of that name, loaded. Names are unique in the product: `ec2.vpcs`, `iam.roles`."""
        if name in self._collections:
            return self._collections[name]
        made = Collection(self, name, record_type)
        rows = self._db.execute("SELECT key, data FROM records WHERE collection = ? ORDER BY seq", (name,))
        for key, data in cast("Iterator[tuple[str, bytes]]", rows):
            try:
                made.load(tuple(key.split(_SEPARATOR)), data)
            except msgspec.DecodeError as error:
                raise StoreError(f"record {key.replace(_SEPARATOR, ' ')} of {name}: {error}") from error
        self._collections[name] = made
        return made

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` after each commit with the names of the collections that changed."""
        self._listeners.append(listener)

    def note(self, collection: Collection[Any], key: Key, before: object) -> None:
        """Remember how a record was before this transaction touched it."""
        # INVARIANT: no record changes outside a transaction.
        assert self._before is not None, f"{collection.name} changed outside a transaction"
        self._before.setdefault((collection.name, key), before)
        self.generation += 1

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, in memory and on disk. A transaction inside another one is part of it."""
        return _PART if self._before is not None else _Transaction(self)

    def begin(self) -> None:
        """For `transaction`."""
        self._before = {}

    def end(self, *, failed: bool) -> None:
        """For `transaction`."""
        if not self._before:
            self._before = None
            return
        try:
            if failed:
                self._undo()
                return
            changed = self._commit()
        except BaseException:
            self._undo()
            raise
        finally:
            self._before = None
        if changed:
            for listener in self._listeners:
                listener(changed)

    def _undo(self) -> None:
        if not self._before:
            return
        for (name, key), record in self._before.items():
            self._collections[name].restore(key, record)
        self.generation += 1

    def _commit(self) -> frozenset[str]:
        assert self._before is not None
        if not self._before:
            return frozenset()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for name, key in self._before:
                self._write(name, key, self._collections[name].encode(key))
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return frozenset(name for name, _ in self._before)

    def _write(self, name: str, key: Key, data: bytes | None) -> None:
        text = _SEPARATOR.join(key)
        if data is None:
            self._db.execute("DELETE FROM records WHERE collection = ? AND key = ?", (name, text))
            return
        self._seq += 1
        # An update keeps the record's place in the order of insertion.
        self._db.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data",
            (name, text, self._seq, data),
        )

    def close(self) -> None:
        """Close the database; the store is unusable afterwards."""
        self._db.close()
