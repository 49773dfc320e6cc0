"""rules.json: what Lambda's pages say, rule by rule; docs/lambda-pages.md is made of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.page_rules import cases_of, check_page

HERE = Path(__file__).parent
ORIGINS = ("https://docs.aws.amazon.com/lambda/", "https://github.com/aws/")
PAGES: list[dict[str, Any]] = json.loads((HERE / "rules.json").read_text())
NAMES = {
    case["name"]
    for path in HERE.glob("*.json")
    if path.name != "rules.json"
    for case in json.loads(path.read_text())["cases"]
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["page"])
def test_every_rule_is_held_by_what_exists_or_says_why_it_is_not(page: dict[str, Any]) -> None:
    check_page(page, NAMES, ORIGINS)


def test_every_case_is_of_a_rule() -> None:
    assert cases_of(PAGES) == NAMES
