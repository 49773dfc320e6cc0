"""What AWS's pages say of tables and keys: each case is asked of a running Casemate through boto3.

`rules/*.json` has the pages and their rules in our words; docs/tables-pages.md is made of it. A rule names its `cases`,
or `tests` that are elsewhere (`file.py::test_name`), or why it is `not_held`. `cases/*.json` has the cases, whose steps
`tests.support.case_steps` explains; `page` is where the sentence stands, `observed` where the text of an answer was
seen. `$table` is a name of the case's own; `table` in a case makes that table first, with what it says (on demand, of
one key `p`, unless it says otherwise). A step has its turn until it holds when it is `eventually`; `account` and
`region` ask as another account's administrator, or in another place. Nothing is validated before it is sent.
"""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from tests.support.case_steps import check_answer, check_refusal, keep, resolved
from tests.support.instance import REGION, WORKLOAD, Instance
from tests.support.page_rules import cases_of, check_page

HERE = Path(__file__).parent
ORIGINS = ("https://docs.aws.amazon.com/",)
PATIENCE = 10.0
"""Seconds for what the page says happens later."""
AS_SENT = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
ONE_KEY: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
COUNTER = itertools.count(1)


def rows_of(folder: str) -> list[Any]:
    """The files of a folder, one behind the other."""
    return [row for path in sorted((HERE / folder).glob("*.json")) for row in json.loads(path.read_text())]


PAGES: list[dict[str, Any]] = rows_of("rules")
CASES: list[dict[str, Any]] = rows_of("cases")


class Script:
    """A case, being played."""

    def __init__(self, instance: Instance, case: dict[str, Any], clients: dict[Any, Any]) -> None:
        self.instance = instance
        self.case = case
        self.clients = clients
        self.kept: dict[str, Any] = {"table": f"table-{next(COUNTER)}"}

    def run(self) -> None:
        if "table" in self.case:
            settings: dict[str, Any] = ONE_KEY | {"TableName": "$table"} | self.case["table"]
            self._client({}, "dynamodb").create_table(**resolved(settings, self.kept))
        assert sum(map(self._played, self.case["steps"])), "a case that expects nothing cannot fail"

    def _played(self, step: dict[str, Any]) -> int:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self._play(step)
            except (AssertionError, pytest.fail.Exception):
                if not step.get("eventually") or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def _play(self, step: dict[str, Any]) -> int:
        service, _, operation = step["call"].rpartition(".")
        call = getattr(self._client(step, service or "dynamodb"), operation)
        params = resolved(step.get("with", {}), self.kept)
        if "error" in step:
            return check_refusal(step["error"], call, params, self.kept)
        answer = call(**params)
        keep(step, answer, self.kept)
        return check_answer(step, answer, self.kept)

    def _client(self, step: dict[str, Any], service: str) -> Any:
        place = (service, step.get("region", REGION), step.get("account", WORKLOAD))
        if place not in self.clients:
            self.clients[place] = self.instance.client(
                service, region=place[1], account=place[2], config=AS_SENT
            )
        return self.clients[place]


@pytest.fixture(scope="session")
def clients() -> dict[Any, Any]:
    return {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_pages(instance: Instance, case: dict[str, Any], clients: dict[Any, Any]) -> None:
    assert case["page"].startswith(ORIGINS)
    Script(instance, case, clients).run()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["page"])
def test_every_rule_is_held_by_what_exists_or_says_why_it_is_not(page: dict[str, Any]) -> None:
    check_page(page, {case["name"] for case in CASES}, ORIGINS)


def test_every_case_is_of_a_rule_and_has_a_name_of_its_own() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names))
    assert cases_of(PAGES) == set(names)
