"""A frozen value is a `msgspec.Struct` (docs/decisions/0036): three hundred dataclasses are a third of a second of each start."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "casemate"
ELSEWHERE = ("cli/", "execution/sandbox/", "tables/", "gateway/http.py", "gateway/readmission.py")
"""Not imported by a start; run by interpreters that have no msgspec; the rest are still dataclasses, 75 and 3 of them."""
ONLY_DATACLASSES_CAN = ("cached_property", "init=False", "compare=False", "repr=False")


def test_frozen_values_are_structs() -> None:
    found = [
        f"{name}: {node.name}"
        for path in SOURCE.rglob("*.py")
        if not (name := str(path.relative_to(SOURCE))).startswith(ELSEWHERE)
        and "@dataclass(frozen=True" in (text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef) and could_be_a_struct(node)
    ]
    assert found == [], "class Name(Struct, frozen=True, kw_only=True), and msgspec.structs.replace"


def could_be_a_struct(node: ast.ClassDef) -> bool:
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    if not any("dataclass(" in decorator and "frozen=True" in decorator for decorator in decorators):
        return False
    return not any(word in ast.unparse(node) for word in ONLY_DATACLASSES_CAN)


REPLACED_DATACLASSES = {
    "execution/runtime_server.py",
    "gateway/journal.py",
    "services/dynamodb/partiql/pages.py",
    "services/dynamodb/partiql/prepared.py",
    "services/iam/linked_roles.py",
}
"""Who changes a dataclass with `dataclasses.replace`: of a struct it raises, when it is called, and no type checker says so."""


def test_structs_are_replaced_as_structs() -> None:
    found = {
        name
        for path in SOURCE.rglob("*.py")
        if not (name := str(path.relative_to(SOURCE))).startswith(ELSEWHERE)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and node.module == "dataclasses"
        and any(one.name == "replace" for one in node.names)
    }
    assert found <= REPLACED_DATACLASSES
