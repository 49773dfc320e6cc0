"""A table as a dictionary: what DynamoDB should answer, worked out by looking at every item.

Uses the naive evaluator and nothing of the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.support import naive_expressions as naive

Item = dict[str, Any]
Key = tuple[Any, ...]


class Refused(Exception):  # noqa: N818  # an answer, not a fault
    """The request is answered with this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


CONDITION = "ConditionalCheckFailedException"
VALIDATION = "ValidationException"


@dataclass(frozen=True, kw_only=True)
class Index:
    """A secondary index: its key attributes with their types, and what it holds beside keys (None: everything)."""

    key: tuple[tuple[str, str], ...]
    held: frozenset[str] | None = None

    def holds(self, item: Item) -> bool:
        return all(name in item and naive.kind(item[name]) == code for name, code in self.key)

    def is_violated_by(self, item: Item) -> bool:
        return any(name in item and naive.kind(item[name]) != code for name, code in self.key)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A stream record."""

    key: Key
    old: Item | None
    new: Item | None
    expired: bool


def sorted_by(name: str) -> Callable[[Item], Any]:
    return lambda item: naive.rank(item[name])


def same(one: Item | None, two: Item | None) -> bool:
    """Equal items; sets have no order and numbers many forms."""
    if one is None or two is None:
        return one is two
    return naive.alike({"M": one}, {"M": two})


def same_items(found: list[Item], expected: list[Item]) -> bool:
    """The same items, in whatever order."""
    left = list(expected)
    for item in found:
        match = next((other for other in left if same(item, other)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


@dataclass(kw_only=True)
class ModelTable:
    """Items by key, and all that hangs on them."""

    key: tuple[str, ...]
    indexes: dict[str, Index] = field(default_factory=dict[str, Index])
    items: dict[Key, Item] = field(default_factory=dict[Key, Item])
    changes: list[Change] | None = None
    """What the stream should tell; None: there is no stream."""
    ttl: str | None = None
    tags: dict[str, str] = field(default_factory=dict[str, str])
    past: list[tuple[float, dict[Key, Item]]] = field(default_factory=list[tuple[float, dict[Key, Item]]])
    """States at moments of the past that can be restored."""
    backups: dict[str, dict[Key, Item]] = field(default_factory=dict[str, dict[Key, Item]])
    """By ARN."""

    def key_of(self, item: Item) -> Key:
        return tuple(naive.rank(item[name]) for name in self.key)

    def keys_in(self, item: Item) -> Item:
        return {name: item[name] for name in self.key}

    def at(self, key: Item) -> Item | None:
        return self.items.get(self.key_of(key))

    # What a write would make of an item: (the new item, None for none), or Refused.

    def after_put(self, item: Item, condition: Any = None) -> Item | None:
        # What no item may be is refused before the condition is asked.
        self.checked(item)
        self.check(condition, self.at(item))
        return item

    def after_delete(self, key: Item, condition: Any = None) -> Item | None:
        self.check(condition, self.at(key))
        return None

    def after_update(self, key: Item, actions: list[Any], condition: Any = None) -> Item | None:
        old = self.at(key)
        self.check(condition, old)
        if old is None and actions and all(action[0] in ("remove", "delete") for action in actions):
            return None
        new, _ = naive.updated(actions, key if old is None else old)
        if new is None:
            raise Refused(VALIDATION)
        return self.checked(new)

    def check(self, condition: Any, item: Item | None) -> None:
        if condition is not None and not naive.holds(condition, item or {}):
            raise Refused(CONDITION)

    def checked(self, item: Item) -> Item:
        if any(index.is_violated_by(item) for index in self.indexes.values()):
            raise Refused(VALIDATION)
        return item

    def store(self, key: Item, new: Item | None, *, expired: bool = False) -> None:
        """Make it so; a stream record, unless nothing changes."""
        place = self.key_of(key)
        old = self.items.get(place)
        if self.changes is not None and not same(old, new):
            self.changes.append(Change(key=place, old=old, new=new, expired=expired))
        if new is None:
            self.items.pop(place, None)
        else:
            self.items[place] = new

    def expire(self, now: float) -> None:
        """Numbers of seconds that lie in the past, five years at most."""
        if self.ttl is None:
            return
        oldest = Fraction(now) - 5 * 365 * 24 * 3600
        for item in list(self.items.values()):
            at = item.get(self.ttl, {}).get("N")
            if at is not None and oldest <= Fraction(at) < Fraction(now):
                self.store(item, None, expired=True)

    # Reading.

    def entries(self, index: str | None) -> list[Item]:
        """The items of the table or an index, as it holds them."""
        if index is None:
            return list(self.items.values())
        one = self.indexes[index]
        return [self.held(one, item) for item in self.items.values() if one.holds(item)]

    def held(self, index: Index, item: Item) -> Item:
        if index.held is None:
            return item
        names = {*self.key, *(name for name, _ in index.key), *index.held}
        return {name: value for name, value in item.items() if name in names}

    def remember(self, now: float) -> None:
        self.past.append((now, dict(self.items)))
