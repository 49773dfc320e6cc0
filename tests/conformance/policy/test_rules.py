"""rules.json: what AWS's pages say, rule by rule; docs/policy-sources.md is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.policy import TABLES, cases

PAGES: list[dict[str, Any]] = json.loads((TABLES / "rules.json").read_text())
NAMES = {
    case["name"]
    for path in sorted(TABLES.glob("*.json"))
    if path.name != "rules.json"
    for case in cases(path.name)
}

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["page"])
def test_every_rule_has_cases_that_exist(page: dict[str, Any]) -> None:
    assert page["url"].startswith("https://docs.aws.amazon.com/")
    for rule in page["rules"]:
        assert rule["cases"], f"nothing holds the engine to: {rule['rule']}"
        gone = [name for name in rule["cases"] if name not in NAMES]
        assert not gone, f"{rule['rule']} names cases that are no more"
    assert all(rule["why"] for rule in page.get("open", []))
    assert all((ROOT / rule["by"]).is_file() for rule in page.get("elsewhere", []))
