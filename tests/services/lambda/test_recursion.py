"""Functions that invoke each other in circles: Lambda Developer Guide, "Use Lambda recursive loop detection ..."."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from casemate.services.lambda_ import tracing

from .conftest import LambdaCloud

ARN = "arn:aws:lambda:us-east-2:000000000000:function:"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def header(name: str, caller: str = "") -> str:
    return tracing.header(
        f"{ARN}{name}", sampled=False, now=NOW, random_bytes=lambda size: bytes(size), caller=caller
    )


def turn(cloud: LambdaCloud, client: Any, name: str, **params: Any) -> str:
    """One function invokes the next one, as its SDK does: with the header it runs under."""
    client.invoke(FunctionName=name, **params)
    _, invocation, _ = cloud.runner.invoked[-1]
    # botocore's `add_recursion_detection_header` leaves the bar out of what it does not quote.
    cloud.trace = quote(invocation.trace_id, safe="-=;:+&[]{}\"',")
    return invocation.trace_id


def test_a_function_that_invokes_itself_runs_sixteen_times(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    for _ in range(16):
        turn(cloud, client, "orders")
    with pytest.raises(ClientError) as stopped:
        client.invoke(FunctionName="orders")
    assert stopped.value.response["Error"]["Code"] == "RecursiveInvocationException"
    assert stopped.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert len(cloud.runner.invoked) == 16
    client.put_function_recursion_config(FunctionName="orders", RecursiveLoop="Allow")
    turn(cloud, client, "orders")


def test_two_functions_in_a_circle_are_stopped_too(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    cloud.create(client, FunctionName="other")
    for _ in range(16):
        turn(cloud, client, "orders")
        turn(cloud, client, "other")
    with pytest.raises(ClientError, match="RecursiveInvocationException"):
        client.invoke(FunctionName="orders")


def test_the_root_and_the_decision_stay_the_same_in_a_chain(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, TracingConfig={"Mode": "Active"})
    cloud.create(client, FunctionName="other")
    first, second = turn(cloud, client, "orders"), turn(cloud, client, "other")
    assert first.split(";")[0] == second.split(";")[0]
    assert ";Sampled=1;" in first
    assert ";Sampled=1;" in second
    assert first.split(";")[1] != second.split(";")[1]


def test_calling_others_many_times_is_no_loop(cloud: LambdaCloud, client: Any) -> None:
    """What counts is the chain that led here, not how often a function is called."""
    cloud.create(client)
    cloud.create(client, FunctionName="other")
    turn(cloud, client, "orders")
    start = cloud.trace
    for _ in range(40):
        cloud.trace = start
        turn(cloud, client, "other")


@given(st.text(max_size=200))
def test_whatever_a_caller_sends_the_header_is_one(text: str) -> None:
    made = header("orders", caller=text)
    fields = dict(part.split("=") for part in made.split(";"))
    assert list(fields) == ["Root", "Parent", "Sampled", "Lineage"]
    assert fields["Sampled"] in ("0", "1")
    assert made.isascii()
    assert made.isprintable()


def test_a_chain_is_remembered_up_to_sixty_four_functions() -> None:
    made = ""
    for number in range(100):
        made = header(f"f{number}", caller=made)
    assert len(made.split("Lineage=")[1].split("|")) == 64
