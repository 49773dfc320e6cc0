"""Projections: paths that fit together, and the parts of an item that they name."""

from __future__ import annotations

from typing import Any

from tests.support.naive_expressions.values import Wire, at


def overlaps(paths: list[tuple[Any, ...]]) -> set[str]:
    """Paths of which one contains the other, or that take one thing for a list and a map."""
    found: set[str] = set()
    for place, one in enumerate(paths):
        for two in paths[:place]:
            apart = [(a, b) for a, b in zip(one, two, strict=False) if a != b]
            if not apart:
                found.add("overlap")
            elif isinstance(apart[0][0], int) != isinstance(apart[0][1], int):
                found.add("conflict")
    return found


def projected(paths: list[tuple[Any, ...]], item: Wire) -> Wire:
    """The parts of an item that paths without overlaps name."""
    root: Any = {"M": {}}
    for path in paths:
        found = at(item, path)
        if found is None:
            continue
        place = root
        for step, following in zip(path, (*path[1:], None), strict=True):
            # Lists are kept by position until all is gathered.
            holder = place.setdefault("L" if isinstance(step, int) else "M", {})
            if following is None:
                holder[step] = {"whole": found}
            else:
                place = holder.setdefault(step, {})
    return _gathered(root)["M"]


def _gathered(node: Any) -> Any:
    if "whole" in node:
        return node["whole"]
    if "L" in node:
        return {"L": [_gathered(node["L"][position]) for position in sorted(node["L"])]}
    return {"M": {name: _gathered(member) for name, member in node["M"].items()}}
