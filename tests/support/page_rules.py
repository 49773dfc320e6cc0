"""What AWS's pages say, rule by rule: each is held by cases or tests that are there, or says why it is not."""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def check_page(page: dict[str, Any], cases: Collection[str], origins: tuple[str, ...]) -> None:
    """`cases`: the names of those there are; `origins`: how the addresses of pages begin."""
    assert page["url"].startswith(origins)
    assert page["read"]
    for row in page["rules"]:
        assert [bool(row[name]) for name in ("cases", "tests", "not_held") if name in row] == [True], row
        gone = [name for name in row.get("cases", ()) if name not in cases]
        assert not gone, f"{row['rule']} names cases that are no more"
        missing = [name for name in row.get("tests", ()) if not _stands(name)]
        assert not missing, f"{row['rule']} names tests that are no more: {missing}"


def cases_of(pages: list[dict[str, Any]]) -> set[str]:
    """The cases that rules name."""
    return {name for page in pages for row in page["rules"] for name in row.get("cases", ())}


def _stands(name: str) -> bool:
    """Whether `file.py::test_name` is there; a file alone says nothing of what would fail."""
    path, _, function = name.partition("::")
    return (ROOT / path).is_file() and function in _names_in(path)


@cache
def _names_in(path: str) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
