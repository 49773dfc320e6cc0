"""What an invocation needs of the records is worked out once, until one of them changes."""

from __future__ import annotations

from typing import Any

from .conftest import LambdaCloud


def test_a_version_is_described_once_and_anew_when_any_record_has_changed(
    cloud: LambdaCloud, client: Any
) -> None:
    cloud.create(client)
    client.invoke(FunctionName="orders")  # notes that it was invoked today
    for _ in range(2):
        client.invoke(FunctionName="orders")
    described = [function for function, _, _ in cloud.runner.invoked]
    assert described[1] is described[2]
    client.update_function_configuration(FunctionName="orders", Timeout=77)
    client.invoke(FunctionName="orders")
    assert cloud.runner.invoked[-1][0].timeout_seconds == 77


def test_the_reservation_of_one_function_binds_the_next_invocation_of_another(
    cloud: LambdaCloud, client: Any
) -> None:
    left: list[int] = []
    original = cloud.runner.invoke

    async def invoke(function: Any, invocation: Any, host: Any, **given: Any) -> Any:
        left.append(given["unreserved_limit"])
        return await original(function, invocation, host, **given)

    cloud.runner.invoke = invoke  # type: ignore[method-assign] # the test listens
    cloud.create(client)
    cloud.create(client, "another")
    client.invoke(FunctionName="orders")
    client.invoke(FunctionName="orders")
    client.put_function_concurrency(FunctionName="another", ReservedConcurrentExecutions=100)
    client.invoke(FunctionName="orders")
    client.delete_function(FunctionName="another")
    client.invoke(FunctionName="orders")
    assert left == [1000, 1000, 900, 1000]
