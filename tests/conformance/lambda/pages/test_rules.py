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
    assert page["read"]
    for row in page["rules"]:
        assert [bool(row[name]) for name in ("cases", "tests", "not_held") if name in row] == [True], row
        gone = [name for name in row.get("cases", ()) if name not in NAMES]
        assert not gone, f"{row['rule']} names cases that are no more"
        assert all((ROOT / name).is_file() for name in row.get("tests", ())), row


def test_every_case_is_of_a_rule() -> None:
    of_rules = {name for page in PAGES for row in page["rules"] for name in row.get("cases", ())}
    assert of_rules == NAMES
