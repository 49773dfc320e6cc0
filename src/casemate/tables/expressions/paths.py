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


def check_distinct(paths: Iterable[Path], problems: Problems) -> None:
    """No path may contain another one, nor take the same thing for a list here and a map there."""
    earlier: list[Path] = []
    for path in paths:
        for other in earlier:
            _check_pair(other, path, problems)
        earlier.append(path)


def _check_pair(one: Path, two: Path, problems: Problems) -> None:
    rewrite = (
        f"must remove or rewrite one of these paths; path one: {path_text(one)}, path two: {path_text(two)}"
    )
    for left, right in zip(one, two, strict=False):
        if type(left) is not type(right):
            problems.add(Rank.CONFLICT, f"Two document paths conflict with each other; {rewrite}")
            return
        if left != right:
            return
    problems.add(Rank.OVERLAP, f"Two document paths overlap with each other; {rewrite}")


Tree: TypeAlias = "dict[str | int, Tree]"
"""Paths by their elements; an empty tree is the end of a path."""


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
