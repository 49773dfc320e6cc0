"""rules.json: what Lambda's pages say, rule by rule; docs/lambda-pages.md is made of it."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["page"])
def test_every_rule_is_held_by_what_exists_or_says_why_it_is_not(page: dict[str, Any]) -> None:
    assert page["url"].startswith("https://docs.aws.amazon.com/lambda/")
    for rule in page["rules"]:
        assert rule["cases"], f"nothing holds the engine to: {rule['rule']}"
        gone = [name for name in rule["cases"] if name not in NAMES]
        assert not gone, f"{rule['rule']} names cases that are no more"
    assert all((ROOT / rule["by"]).is_file() for rule in page["elsewhere"])
    assert all(rule["why"] for rule in page["open"])


def test_every_case_is_of_a_rule() -> None:
    of_rules = {name for page in PAGES for rule in page["rules"] for name in rule["cases"]}
    assert of_rules == NAMES
