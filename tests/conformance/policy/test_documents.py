"""What each type of policy document must look like, and what AWS says of one that does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.policy import cases

from casemate.policy.decision import PolicyType
from casemate.policy.errors import MalformedPolicy
from casemate.policy.parser import parse_policy


@pytest.mark.parametrize("case", cases("documents.json"), ids=lambda case: case["name"])
def test_document(case: dict[str, Any]) -> None:
    given, expected = case["given"], case["expected"]
    kind = PolicyType[given["kind"]]

    def parse() -> object:
        return parse_policy(
            given["document"],
            kind=kind,
            label=given.get("label", "test"),
            managed=given.get("managed", False),
        )

    if "accepted" in expected:
        parse()
        return
    with pytest.raises(MalformedPolicy) as caught:
        parse()
    assert caught.value.message == expected["message"]
    assert caught.value.detail
