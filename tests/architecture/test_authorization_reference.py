"""Every operation is authorized as AWS's Service Authorization Reference says.

What operations ask in the tests of their services is held against the reference where it is asked
(`tests/support/authorization_reference.py`); here is what can be seen without asking.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.authorization_reference import mistakes

from casemate.app import registries
from casemate.policy.catalogue import action
from casemate.servicekit.service import Check, Operation

REGISTRIES = registries()
SOURCE = Path(__file__).parents[2] / "src" / "casemate"


def asks_by_default(operation: Operation) -> bool:
    """Whether the operation is asked about as `service:Name` on `*`."""
    if operation.checks is None:
        return True
    own = inspect.getclosurevars(operation.checks).nonlocals
    return operation.checks.__name__ == "constrained_checks" and own["checks"] is None


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.service)
def test_operations_that_declare_nothing_have_no_resource_to_declare(registry) -> None:
    wrong: list[str] = []
    for name, operation in registry.by_name.items():
        if asks_by_default(operation):
            asked = f"{registry.iam_prefix}:{name}"
            wrong += mistakes(Check(action=asked))
            found = action(asked)
            named = [each.type.name for each in found.resources] if found else []
            wrong += [f"{asked} should name its {', '.join(named)}"] if named else []
    assert wrong == []


def actions_in_source() -> Iterator[tuple[str, str]]:
    """Every action written out in the source, as `Check(action="...")`, with where."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.keyword)
                and node.arg == "action"
                and isinstance(node.value, ast.Constant)
            ):
                text = str(node.value.value)
                if re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", text):
                    yield text, f"{path.relative_to(SOURCE)}:{node.value.lineno}"


def test_every_action_written_out_exists_in_aws_spelling() -> None:
    found = list(actions_in_source())
    assert len(found) >= 10
    wrong = [
        f"{where}: {text}" for text, where in found if (known := action(text)) is None or known.name != text
    ]
    assert wrong == []
