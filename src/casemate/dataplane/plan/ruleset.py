"""An nftables table as a value, and how it reads in nft's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

TABLE = "casemate"
_TRANSACTION_CHARACTERS = 16384
_GUARDS = "type filter hook prerouting"
_ELEMENTS = 150
"""At most so many to a command, so that commands can be spread over transactions."""


class NftSet(Struct, frozen=True, kw_only=True):
    """A named set, or (when its elements have values) a map."""

    declaration: str
    """`type ipv4_addr; flags interval;`"""
    elements: Mapping[str, str | None]
    """Key -> value; None in a set."""

    @property
    def is_map(self) -> bool:
        return " : " in self.declaration

    @property
    def is_interval(self) -> bool:
        return "interval" in self.declaration


class NftChain(Struct, frozen=True, kw_only=True):
    rules: tuple[str, ...]
    hook: str = ""
    """`type filter hook forward priority 0;` for a base chain."""

    @property
    def priority(self) -> int:
        """Of a base chain: the least is first at its hook."""
        return int(self.hook.partition(" priority ")[2].partition(";")[0])


class Ruleset(Struct, frozen=True, kw_only=True):
    """Everything nftables holds of one family in one namespace: one table, replaced or amended in one transaction."""

    namespace: str
    sets: Mapping[str, NftSet]
    chains: Mapping[str, NftChain]
    counters: frozenset[str] = frozenset()
    family: Literal["ip", "ip6"] = "ip"

    @property
    def key(self) -> tuple[object, ...]:
        return ("ruleset", self.namespace) + (() if self.family == "ip" else (self.family,))

    @property
    def table(self) -> str:
        return f"{self.family} {TABLE}"


def creation(ruleset: Ruleset) -> str:
    """The commands that make `ruleset` where there is nothing."""
    nothing = Ruleset(namespace=ruleset.namespace, sets={}, chains={}, family=ruleset.family)
    return f"add table {ruleset.table}\n" + amendment(nothing, ruleset)


def deletion(ruleset: Ruleset) -> str:
    """The command that takes all of it away."""
    return f"delete table {ruleset.table}\n"


def transactions(commands: str, *, guard: str | None, table: str = f"ip {TABLE}") -> tuple[str, ...]:
    """`commands` in transactions that a socket's buffer holds: one, unless something very large changes.

    Without privilege on the host the buffer stays at 208 kB, and a rule of 80 characters takes 500 bytes in it.
    `guard` names a base chain of `table`, with its rules, that drops everything while several transactions are under
    way; None where no packet can come yet.
    """
    parts: list[list[str]] = [[]]
    size = 0
    for line in commands.splitlines(keepends=True):
        if size + len(line) > _TRANSACTION_CHARACTERS and parts[-1]:
            parts.append([])
            size = 0
        parts[-1].append(line)
        size += len(line)
    texts = ["".join(part) for part in parts if part]
    if guard is None or len(texts) < 2:
        return tuple(texts)
    name, _, restore = guard.partition("\n")
    closed = f"insert rule {table} {name} drop\n"
    return (closed, *texts, f"flush chain {table} {name}\n{restore}")


def guard_chain(old: Ruleset, new: Ruleset) -> str | None:
    """A base chain that every packet meets: its name, then the commands that fill it.

    INVARIANT: it is there before the change, and the change does not touch it: else the first transaction would fail,
    or one of those that follow would take the guard away. `arrival` and its like, first at the first hook, never change.
    None for the namespace of one interface, whose few rules are one transaction anyway.
    """
    name = min(
        (
            name
            for name, chain in new.chains.items()
            if _GUARDS in chain.hook and old.chains.get(name) == chain
        ),
        key=lambda name: new.chains[name].priority,
        default=None,
    )
    if name is None:
        return None
    return f"{name}\n" + "".join(f"add rule {new.table} {name} {rule}\n" for rule in new.chains[name].rules)


def amendment(old: Ruleset, new: Ruleset) -> str:
    """The commands that turn `old` into `new`: one transaction, and only what differs. Empty when nothing does.

    The order lets every command refer to what exists: declarations, then contents, then removals from users to used.
    """
    table = new.table
    lines = [f"add counter {table} {name}" for name in sorted(new.counters - old.counters)]
    lines += [_declare_set(table, name, new.sets[name]) for name in new.sets if name not in old.sets]
    lines += [
        f"add chain {table} {name}" + (f" {{ {chain.hook} }}" if chain.hook else "")
        for name, chain in new.chains.items()
        if name not in old.chains
    ]
    gone = [name for name in old.chains if name not in new.chains]
    lines += [f"flush chain {table} {name}" for name in gone]
    for name, chain in new.chains.items():
        lines += _rules(table, name, old.chains.get(name), chain)
    for name, items in new.sets.items():
        lines += _elements(table, name, old.sets.get(name), items)
    gone_sets = [name for name in old.sets if name not in new.sets]
    lines += [f"flush {_noun(old.sets[name])} {table} {name}" for name in gone_sets]
    lines += [f"delete chain {table} {name}" for name in gone]
    lines += [f"delete {_noun(old.sets[name])} {table} {name}" for name in gone_sets]
    lines += [f"delete counter {table} {name}" for name in sorted(old.counters - new.counters)]
    return "".join(line + "\n" for line in lines)


def _noun(items: NftSet) -> str:
    return "map" if items.is_map else "set"


def _declare_set(table: str, name: str, items: NftSet) -> str:
    return f"add {_noun(items)} {table} {name} {{ {items.declaration} }}"


def _rules(table: str, name: str, old: NftChain | None, new: NftChain) -> list[str]:
    if old == new:
        return []
    flush = [f"flush chain {table} {name}"] if old is not None and old.rules else []
    return flush + [f"add rule {table} {name} {rule}" for rule in new.rules]


def _elements(table: str, name: str, old: NftSet | None, new: NftSet) -> list[str]:
    before: Mapping[str, str | None] = old.elements if old is not None else {}
    if before == new.elements:
        return []
    if new.is_interval:
        # Intervals may be merged or split by one change: the whole set is short, so it is written anew.
        flush = [f"flush {_noun(new)} {table} {name}"] if before else []
        return flush + _add(table, name, new.elements)
    gone = [key for key, value in before.items() if key not in new.elements or new.elements[key] != value]
    fresh = {key: value for key, value in new.elements.items() if key not in before or before[key] != value}
    return _element_commands(table, "delete", name, gone) + _add(table, name, fresh)


def _add(table: str, name: str, elements: Mapping[str, str | None]) -> list[str]:
    return _element_commands(
        table, "add", name, [key if value is None else f"{key} : {value}" for key, value in elements.items()]
    )


def _element_commands(table: str, verb: str, name: str, texts: list[str]) -> list[str]:
    groups = [texts[start : start + _ELEMENTS] for start in range(0, len(texts), _ELEMENTS)]
    return [f"{verb} element {table} {name} {{ {', '.join(group)} }}" for group in groups]
