"""The case tables of event source mappings. A case's name is its failure message; its source says who says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from casemate.services.lambda_.event_sources.patterns import InvalidPatternError, parse_pattern
from casemate.services.lambda_.event_sources.responses import first_failure

HERE = Path(__file__).parent
PATTERNS: dict[str, Any] = json.loads((HERE / "filter_patterns.json").read_text())
RESPONSES: list[dict[str, Any]] = json.loads((HERE / "batch_responses.json").read_text())
SEQUENCES = ["100", "200", "300", "400"]


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in cases]


@pytest.mark.parametrize("case", named(PATTERNS["cases"]))
def test_filter_patterns(case: dict[str, Any]) -> None:
    assert case["source"]
    pattern = parse_pattern(json.dumps(case["pattern"]))
    assert pattern.matches(PATTERNS["events"][case["event"]]) is case["expected"]


@pytest.mark.parametrize("case", named(PATTERNS["invalid"]))
def test_texts_that_are_no_patterns(case: dict[str, Any]) -> None:
    assert case["source"]
    with pytest.raises(InvalidPatternError):
        parse_pattern(case["text"])


@pytest.mark.parametrize("case", named(RESPONSES))
def test_batch_responses(case: dict[str, Any]) -> None:
    assert case["source"]
    found = first_failure(
        SEQUENCES,
        case["answer"].encode(),
        failed=case.get("failed", False),
        reports_failures=case.get("reports", True),
    )
    assert found == case["expected"]
