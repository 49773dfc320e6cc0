"""rules.json: what Lambda's pages say, rule by rule; docs/lambda-pages.md is made of it."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
PAGES: list[dict[str, Any]] = json.loads((HERE / "rules.json").read_text())
NAMES = {
    case["name"]
    for path in HERE.glob("*.json")
    if path.name != "rules.json"
    for case in json.loads(path.read_text())["cases"]
}


def stands(name: str) -> bool:
    """Whether `file.py::test_name` is there; a file alone says nothing of what would fail."""
    path, _, function = name.partition("::")
    return (ROOT / path).is_file() and function in names_in(path)


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["page"])
def test_every_rule_is_held_by_what_exists_or_says_why_it_is_not(page: dict[str, Any]) -> None:
    assert page["url"].startswith(("https://docs.aws.amazon.com/lambda/", "https://github.com/aws/"))
    assert page["read"]
    for row in page["rules"]:
        assert [bool(row[name]) for name in ("cases", "tests", "not_held") if name in row] == [True], row
        gone = [name for name in row.get("cases", ()) if name not in NAMES]
        assert not gone, f"{row['rule']} names cases that are no more"
        missing = [name for name in row.get("tests", ()) if not stands(name)]
        assert not missing, f"{row['rule']} names tests that are no more: {missing}"


def test_every_case_is_of_a_rule() -> None:
    of_rules = {name for page in PAGES for row in page["rules"] for name in row.get("cases", ())}
    assert of_rules == NAMES
