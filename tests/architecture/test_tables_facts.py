"""docs/tables-facts.md names tests that are there."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tables-facts.md"
ROW = re.compile(r"^\| (?P<clause>[^|]+) \| (?P<held>`.*`) \|$", re.MULTILINE)


@cache
def defined(path: str) -> frozenset[str]:
    """What a file of tests defines: its functions and its names; of a table the names of its cases."""
    file = ROOT / "tests" / path
    if file.suffix == ".json":
        return frozenset(case["name"] for case in json.loads(file.read_text())["cases"])
    tree = ast.parse(file.read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return frozenset(functions | assigned)


def test_every_clause_is_held_by_tests_that_are_there() -> None:
    text = PAGE.read_text()
    rows = ROW.findall(text)
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| clause")]
    assert len(rows) == len(lines) > 45, "a row that is not of the form `| clause | `test`, `test` |`"
    missing: list[str] = []
    for _, held in rows:
        for entry in held[1:-1].split("`, `"):
            path, separator, name = entry.partition("::" if "::" in entry else "#")
            if not separator or name not in defined(path):
                missing.append(entry)
    assert missing == []
