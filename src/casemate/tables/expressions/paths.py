"""Document paths: finding what they name, telling overlaps, taking projections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, TypeAlias, cast

from casemate.tables.expressions.errors import Problems, Rank
from casemate.tables.values import Item, Value

Path: TypeAlias = tuple[str | int, ...]
"""A resolved path: a top-level attribute, then names and list positions."""


class Missing(Enum):
    """What a path gives that names nothing. Not None, which is a value (NULL)."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
Found: TypeAlias = "Value | Missing"


def find(item: Item, path: Path) -> Found:
    """The value at `path`, or MISSING."""
    value: Found = item.get(cast("str", path[0]), MISSING)
    for element in path[1:]:
        if isinstance(element, int):
            if not isinstance(value, tuple) or element >= len(value):
                return MISSING
            value = value[element]
        else:
            if not isinstance(value, dict):
                return MISSING
            value = cast("Item", value).get(element, MISSING)
    return value


def path_text(path: Sequence[str | int]) -> str:
    """As messages print a path: `[list, [0], name]`."""
    return "[" + ", ".join(f"[{element}]" if isinstance(element, int) else element for element in path) + "]"


Tree: TypeAlias = "dict[str | int, Tree]"
"""Paths by their elements; an empty tree is the end of a path."""


def check_distinct(paths: Iterable[Path], problems: Problems) -> None:
    """No path may contain another one, nor take the same thing for a list here and a map there.

    Reported is the first pair of each kind: looking at every pair of two thousand paths takes seconds.
    """
    root: Tree = {}
    earlier: list[Path] = []
    conflicting = False
    for path in paths:
        found = _grow(root, path)
        if found is Rank.OVERLAP or (found is Rank.CONFLICT and not conflicting):
            other = next(one for one in earlier if _relation(one, path) is found)
            words = "overlap" if found is Rank.OVERLAP else "conflict"
            problems.add(
                found,
                f"Two document paths {words} with each other; must remove or rewrite one of these paths; "
                f"path one: {path_text(other)}, path two: {path_text(path)}",
            )
            conflicting = True
        if found is Rank.OVERLAP:
            return
        earlier.append(path)


def _grow(root: Tree, path: Path) -> Rank | None:
    """Add a path to a tree of paths of which none contains another one; what is wrong between it and one of these."""
    found: Rank | None = None
    place, is_new = root, False
    for element in path:
        below = place.get(element)
        if below is None:
            if place and type(next(iter(place))) is not type(element):
                found = Rank.CONFLICT
            elif not place and place is not root and not is_new:
                return Rank.OVERLAP  # a path ends here
            below = place[element] = {}
            is_new = True
        place = below
    return found if is_new else Rank.OVERLAP


def _relation(one: Path, two: Path) -> Rank | None:
    """What is wrong between two paths."""
    for left, right in zip(one, two, strict=False):
        if left != right:
            return None if type(left) is type(right) else Rank.CONFLICT
    return Rank.OVERLAP


def tree_of(paths: Iterable[Path]) -> Tree:
    """The paths as one tree."""
    root: Tree = {}
    for path in paths:
        place = root
        for element in path:
            place = place.setdefault(element, {})
    return root


def project(item: Item, tree: Tree) -> dict[str, Value]:
    """The parts of `item` that the tree names. List elements keep their order and close up."""
    projected: dict[str, Value] = {}
    for name, below in tree.items():
        if name in item:
            part = _project_value(item[cast("str", name)], below)
            if part is not MISSING:
                projected[cast("str", name)] = part
    return projected


def _project_value(value: Value, tree: Tree) -> Found:
    if not tree:
        return value
    if isinstance(value, tuple):
        positions = sorted(
            position for position in tree if isinstance(position, int) and position < len(value)
        )
        parts = [_project_value(value[position], tree[position]) for position in positions]
        kept = tuple(part for part in parts if part is not MISSING)
        return kept or MISSING
    if isinstance(value, dict):
        return project(cast("Item", value), tree) or MISSING
    return MISSING
