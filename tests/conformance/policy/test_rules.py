"""rules/: what AWS's pages say, rule by rule, and what holds Casemate to each; docs/policy-sources.md is made of it.

A row names cases of the tables here (`cases`), tests where the rule is a service's and not the engine's (`tests`, as
`path::function`), or says why the rule is not held (`not_held`). `read` says how much of the page was read, and of when.
"""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.support.policy import TABLES

ROOT = Path(__file__).parents[3]
RULES = TABLES / "rules"
PAGES: list[dict[str, Any]] = [
    page for path in sorted(RULES.glob("*.json")) for page in json.loads(path.read_text())
]
NAMES = {
    case["name"]
    for path in (*TABLES.glob("*.json"), TABLES / "data_perimeter" / "cases.json")
    for case in json.loads(path.read_text())
}
HOLDING = {"cases", "tests", "not_held"}


@cache
def functions(path: str) -> frozenset[str]:
    """The functions that a file defines."""
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["page"])
def test_every_rule_is_held_by_what_exists(page: dict[str, Any]) -> None:
    assert page["url"].startswith("https://docs.aws.amazon.com/")
    assert page["read"]
    for row in page["rules"]:
        assert row.keys() - {"rule"} <= HOLDING, row
        assert any(row.get(kind) for kind in HOLDING), f"nothing holds Casemate to: {row['rule']}"
        gone = [name for name in row.get("cases", []) if name not in NAMES]
        assert not gone, f"{row['rule']} names cases that are no more"
        for test in row.get("tests", []):
            path, _, function = test.partition("::")
            assert function.startswith("test_"), f"{row['rule']} names no test: {test}"
            assert function in functions(path), f"{row['rule']} names a test that is no more: {test}"


def test_no_page_and_no_rule_of_a_page_is_listed_twice() -> None:
    listed = [(page["url"], row["rule"]) for page in PAGES for row in page["rules"]]
    assert len(listed) == len(set(listed))
    assert len(PAGES) == len({page["url"] for page in PAGES})


def test_names_of_cases_are_unique() -> None:
    """A row names a case by its name alone."""
    tables = [*TABLES.glob("*.json"), TABLES / "data_perimeter" / "cases.json"]
    assert len(NAMES) == sum(len(json.loads(path.read_text())) for path in tables)
