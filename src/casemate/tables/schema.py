"""What the engine knows of a table: its id, its keys, its indexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

KeyType = Literal["S", "N", "B"]
StreamView = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyAttribute:
    """One attribute of a key."""

    name: str
    type: KeyType


@dataclass(frozen=True, kw_only=True, slots=True)
class KeySchema:
    """Partition attributes, then sort attributes. Tables have one and at most one; GSIs up to four of each."""

    partition: tuple[KeyAttribute, ...]
    sort: tuple[KeyAttribute, ...] = ()
    attributes: tuple[KeyAttribute, ...] = field(init=False, repr=False, compare=False)
    """All of them."""
    by_name: Mapping[str, KeyAttribute] = field(init=False, repr=False, compare=False)
    names: frozenset[str] = field(init=False, repr=False, compare=False)
    """Theirs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", self.partition + self.sort)
        object.__setattr__(self, "by_name", {attribute.name: attribute for attribute in self.attributes})
        object.__setattr__(self, "names", frozenset(self.by_name))


@dataclass(frozen=True, kw_only=True, slots=True)
class IndexSchema:
    """A secondary index."""

    name: str
    number: int
    """Its place in item keys: 1 and up, never reused within a table (0 is the table itself)."""
    key: KeySchema
    projection: Literal["ALL", "KEYS_ONLY", "INCLUDE"] = "ALL"
    included: tuple[str, ...] = ()
    """Non-key attributes of an INCLUDE projection."""
    is_global: bool = True
    is_filled: bool = True
    """False while the items that the table had before are being added: writes follow, reads are refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamSchema:
    """The stream that a table's changes go to."""

    stream_id: bytes
    """Sixteen bytes; a stream that is enabled again is another one."""
    view: StreamView


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSchema:
    """A table as the engine sees it."""

    table_id: bytes
    """Sixteen bytes, unique for ever: a table made again under an old name never sees old items."""
    name: str
    """What messages and consumed capacity call it."""
    key: KeySchema
    indexes: Mapping[str, IndexSchema] = field(default_factory=dict[str, IndexSchema])
    stream: StreamSchema | None = None
    """None: no stream is enabled, and writes pay nothing for one."""
    recoverable: bool = False
    """Point-in-time recovery is on: what writes replace is kept."""
    replicated: bool = False
    """It has replicas, which are told of what is written."""
    plain_key: tuple[str, str | None, str] | None = field(init=False, repr=False, compare=False)
    """For `quick_keys`: the name of the partition key, that of the sort key and its type; None: the first is no text."""

    is_followed: bool = field(init=False, repr=False, compare=False)
    """Whether something is written beside its items: a stream's records, what undoes writes, what replicas are told."""

    has_local_indexes: bool = field(init=False, repr=False, compare=False)
    """Whether there is one beside which items are bounded more closely."""

    indexed_names: frozenset[str] = field(init=False, repr=False, compare=False)
    """Attributes that make a difference to index entries, beside the item as a whole."""
    _held: Mapping[str, frozenset[str] | None] = field(init=False, repr=False, compare=False)
    """By index: the attributes that it holds."""

    def __post_init__(self) -> None:
        held = {name: self._projected(index) for name, index in self.indexes.items()}
        object.__setattr__(self, "_held", held)
        keys = self.key.names.union(*(index.key.names for index in self.indexes.values()))
        object.__setattr__(self, "indexed_names", keys.union(*filter(None, held.values())))
        has_local = any(not index.is_global for index in self.indexes.values())
        object.__setattr__(self, "has_local_indexes", has_local)
        followed = self.stream is not None or self.recoverable or self.replicated
        object.__setattr__(self, "is_followed", followed)
        partition, sort = self.key.partition[0], self.key.sort
        plain = (partition.name, sort[0].name, sort[0].type) if sort else (partition.name, None, "")
        object.__setattr__(self, "plain_key", plain if partition.type == "S" else None)

    def projected(self, index: IndexSchema) -> frozenset[str] | None:
        """Names of the attributes that one of its indexes holds; None for all."""
        return self._held[index.name]

    def _projected(self, index: IndexSchema) -> frozenset[str] | None:
        if index.projection == "ALL":
            return None
        return self.key.names.union(index.key.names, index.included)
