"""The worked examples of AWS's documentation and the requests of its published test suite."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from casemate.model.errors import AwsError
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.sigv4 import verify

CASES = json.loads(Path(__file__).with_name("sigv4_examples.json").read_text())


def verified(case: dict[str, Any]) -> Any:
    request = HttpRequest(
        method=case["method"],
        path=case["path"],
        query=case["query"],
        headers=Headers((name, value) for name, value in case["headers"]),
        body=case["body"].encode(),
    )

    def lookup(key: str) -> Any:
        return SimpleNamespace(
            access_key_id=key, secret_access_key=case["secret"], session_token=None, expires=None, active=True
        )

    now = datetime.fromisoformat(case["now"])
    return verify(request, now=now, lookup=lookup, service=case["service"], protocol=case["protocol"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_example_verifies(case: dict[str, Any]) -> None:
    assert verified(case).scope.region == "us-east-1"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_example_with_another_secret_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(AwsError) as raised:
        verified({**case, "secret": case["secret"][:-1] + "X"})
    assert raised.value.code == "SignatureDoesNotMatch"
    assert raised.value.http_status == 403
