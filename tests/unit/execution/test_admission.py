"""Which kind of concurrency an invocation takes, and when there is none left.

Source: Lambda Developer Guide, "Understanding Lambda function scaling", "Configuring provisioned concurrency for a
function": with as much of it as is reserved, all invocations run on it and $LATEST is throttled.
"""

from __future__ import annotations

from typing import Any

import pytest

from casemate.execution.function import FunctionVersion
from casemate.execution.pool import Admission
from casemate.model.errors import AwsError

RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT = "ConcurrentInvocationLimitExceeded"


def version(number: str, name: str = "orders") -> FunctionVersion:
    return FunctionVersion(
        arn=f"arn:aws:lambda:us-east-2:000000000000:function:{name}", name=name, version=number,
        account="000000000000", region="us-east-2", revision="1", runtime="python3.12", handler="a.b", code="c",
    )  # fmt: skip


def reason(admission: Admission, function: FunctionVersion, **limits: Any) -> str:
    with pytest.raises(AwsError) as refused:
        admission.enter(function, **limits)
    assert (refused.value.code, refused.value.http_status) == ("TooManyRequestsException", 429)
    return str(refused.value.fields["Reason"])


def test_provisioned_concurrency_is_taken_first_and_is_nobody_elses() -> None:
    admission, limits = Admission(), {"reserved": None, "unreserved_limit": 1}
    leave = [admission.enter(version("1"), **limits, provisioned=2) for _ in range(3)]
    assert reason(admission, version("1"), **limits, provisioned=2) == ACCOUNT, (
        "two provisioned, one of the account's"
    )
    assert reason(admission, version("$LATEST"), **limits) == ACCOUNT
    leave[0]()
    admission.enter(version("1"), **limits, provisioned=2)
    leave[2]()
    admission.enter(version("$LATEST", "other"), **limits)


def test_latest_is_throttled_when_all_that_is_reserved_is_provisioned() -> None:
    admission = Admission()
    limits = {"reserved": 0, "unreserved_limit": 1000}
    assert reason(admission, version("$LATEST"), **limits) == RESERVED
    admission.enter(version("1"), **limits, provisioned=1)
    assert reason(admission, version("1"), **limits, provisioned=1) == RESERVED


def test_what_is_reserved_is_for_all_versions_together() -> None:
    admission = Admission()
    limits = {"reserved": 2, "unreserved_limit": 0}
    leave = admission.enter(version("1"), **limits)
    admission.enter(version("$LATEST"), **limits)
    assert reason(admission, version("2"), **limits) == RESERVED
    leave()
    admission.enter(version("2"), **limits)
    assert reason(admission, version("1", "other"), reserved=None, unreserved_limit=0) == ACCOUNT


def test_a_reservation_counts_what_began_before_it() -> None:
    admission = Admission()
    admission.enter(version("1"), reserved=None, unreserved_limit=10)
    assert reason(admission, version("1"), reserved=1, unreserved_limit=10) == RESERVED
