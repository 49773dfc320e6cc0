"""Requests DynamoDB refuses, by tests/conformance/tables/requests.json: past botocore's own validation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.direct import DirectCloud

CASES = json.loads((Path(__file__).parents[2] / "conformance/tables/requests.json").read_text())["cases"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_refused(cloud: DirectCloud, case: dict[str, Any]) -> None:
    _, answer = cloud._call("dynamodb", case["operation"], case["params"], "000000000000", "us-east-2")
    assert case["source"]
    assert answer["Error"] == {"Code": case["code"], "Message": case["message"]}
