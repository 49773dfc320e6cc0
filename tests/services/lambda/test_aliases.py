"""Aliases with weights, and provisioned concurrency."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.execution.failures import InitError, InitFailure
from casemate.execution.function import Failure

from .conftest import LambdaCloud

ARN = "arn:aws:lambda:us-east-2:000000000000:function:orders"


def error_of(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.fixture
def two(cloud: LambdaCloud, client: Any) -> Any:
    """A function with versions 1 and 2."""
    cloud.create(client, Publish=True)
    client.update_function_configuration(FunctionName="orders", Timeout=9)
    client.publish_version(FunctionName="orders")
    return client


def test_an_alias_splits_invocations_by_weight(cloud: LambdaCloud, two: Any) -> None:
    routing = {"AdditionalVersionWeights": {"2": 0.25}}
    made = two.create_alias(FunctionName="orders", Name="live", FunctionVersion="1", RoutingConfig=routing)
    assert made["RoutingConfig"] == routing
    versions: list[str] = []
    for drawn in (0, 2**53 // 4 - 1, 2**53 // 4, 2**53 - 1):
        number = drawn  # every number that this invocation draws
        cloud.random_bytes = lambda size, number=number: number.to_bytes(max(size, 8), "big")[-size:]  # type: ignore[method-assign] # the test draws
        versions.append(two.invoke(FunctionName="orders", Qualifier="live")["ExecutedVersion"])
    assert versions == ["2", "2", "1", "1"]
    code, message = error_of(lambda: two.delete_function(FunctionName="orders", Qualifier="2"))
    assert code == "ResourceConflictException"
    assert "live" in message
    assert "RoutingConfig" not in two.update_alias(
        FunctionName="orders", Name="live", RoutingConfig={"AdditionalVersionWeights": {}}
    )


@pytest.mark.parametrize(
    ("version", "weights", "message"),
    [
        ("1", {"2": 0.1, "3": 0.1}, "Number of items in AdditionalVersionWeights cannot be greater than 1"),
        ("1", {"2": 1.1}, "less than or equal to 1.0"),
        (
            "1",
            {"1": 0.5},
            "Invalid function version 1. Function version 1 is already included in routing configuration.",
        ),
        ("$LATEST", {"2": 0.5}, "$LATEST is not supported for an alias pointing to more than 1 version"),
        ("1", {"$LATEST": 0.5}, "$LATEST is not supported for an alias pointing to more than 1 version"),
        ("1", {"9": 0.5}, f"Function not found: {ARN}:9"),
    ],
)
def test_weights_that_cannot_be(two: Any, version: str, weights: Any, message: str) -> None:
    found = error_of(
        lambda: two.create_alias(
            FunctionName="orders", Name="live", FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )
    )  # fmt: skip
    assert message in found[1]
    assert two.list_aliases(FunctionName="orders")["Aliases"] == []


def test_an_update_cannot_make_both_versions_the_same(two: Any) -> None:
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    two.create_alias(FunctionName="orders", Name="live", FunctionVersion="1", RoutingConfig=routing)
    assert error_of(lambda: two.update_alias(FunctionName="orders", Name="live", FunctionVersion="2")) == (
        "InvalidParameterValueException",
        "Invalid function version 2. Function version 2 is already included in routing configuration.",
    )


def test_both_versions_have_one_role(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, Publish=True)
    client.update_function_configuration(FunctionName="orders", Role="arn:aws:iam::000000000000:role/other")
    client.publish_version(FunctionName="orders")
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    _, message = error_of(
        lambda: client.create_alias(
            FunctionName="orders", Name="live", FunctionVersion="1", RoutingConfig=routing
        )
    )
    assert message == "Both versions of an alias must have the same execution role."


def test_a_version_has_one_configuration_of_provisioned_concurrency(two: Any) -> None:
    """Lambda Developer Guide, "Managing Lambda provisioned concurrency"."""

    def put(qualifier: str) -> Any:
        return two.put_provisioned_concurrency_config(
            FunctionName="orders", Qualifier=qualifier, ProvisionedConcurrentExecutions=1
        )

    for name, version in (("one", "1"), ("other", "1"), ("second", "2"), ("newest", "$LATEST")):
        two.create_alias(FunctionName="orders", Name=name, FunctionVersion=version)
    put("one")
    put("one")
    put("second")
    for qualifier in ("other", "1"):
        assert error_of(lambda qualifier=qualifier: put(qualifier))[0] == "ResourceConflictException"
    assert "unpublished function versions" in error_of(lambda: put("newest"))[1]
    two.delete_provisioned_concurrency_config(FunctionName="orders", Qualifier="one")
    put("1")
    assert error_of(lambda: put("one"))[0] == "ResourceConflictException"


def reconcile(cloud: LambdaCloud) -> None:
    asyncio.run(cloud.slice.provisioner.reconcile())


def test_provisioned_concurrency_is_made_true_and_reported(cloud: LambdaCloud, two: Any) -> None:
    named = {"FunctionName": "orders", "Qualifier": "1"}
    put = two.put_provisioned_concurrency_config(**named, ProvisionedConcurrentExecutions=3)
    assert (put["Status"], put["AllocatedProvisionedConcurrentExecutions"]) == ("IN_PROGRESS", 0)
    reconcile(cloud)
    shown = two.get_provisioned_concurrency_config(**named)
    assert (shown["Status"], shown["AvailableProvisionedConcurrentExecutions"]) == ("READY", 3)
    assert cloud.runner.warmed == [(ARN, "1", 3)]
    limits = two.get_account_settings()["AccountLimit"]
    assert limits["UnreservedConcurrentExecutions"] == 997
    listed = two.list_provisioned_concurrency_configs(FunctionName="orders")["ProvisionedConcurrencyConfigs"]
    assert [one["FunctionArn"] for one in listed] == [f"{ARN}:1"]
    two.delete_provisioned_concurrency_config(**named)
    reconcile(cloud)
    assert cloud.runner.warmed[-1] == (ARN, "1", 0)
    assert error_of(lambda: two.get_provisioned_concurrency_config(**named)) == (
        "ProvisionedConcurrencyConfigNotFoundException",
        "No Provisioned Concurrency Config found for this function",
    )


def test_provisioned_concurrency_follows_its_alias(cloud: LambdaCloud, two: Any) -> None:
    two.create_alias(FunctionName="orders", Name="live", FunctionVersion="1")
    two.put_provisioned_concurrency_config(
        FunctionName="orders", Qualifier="live", ProvisionedConcurrentExecutions=2
    )
    reconcile(cloud)
    two.update_alias(FunctionName="orders", Name="live", FunctionVersion="2")
    reconcile(cloud)
    assert sorted(cloud.runner.warmed[1:]) == [(ARN, "1", 0), (ARN, "2", 2)]


def test_a_version_that_cannot_start_fails_and_is_not_tried_for_ever(cloud: LambdaCloud, two: Any) -> None:
    named = {"FunctionName": "orders", "Qualifier": "1"}
    cloud.runner.warm_failure = InitError(
        InitFailure(failure=Failure.EXIT, error_type="Runtime.ExitError", message="it exited")
    )
    two.put_provisioned_concurrency_config(**named, ProvisionedConcurrentExecutions=1)
    reconcile(cloud)
    shown = two.get_provisioned_concurrency_config(**named)
    assert (shown["Status"], shown["StatusReason"]) == ("FAILED", "FUNCTION_ERROR_INIT_FAILURE: it exited")
    cloud.runner.warm_failure = None
    two.put_provisioned_concurrency_config(**named, ProvisionedConcurrentExecutions=1)
    reconcile(cloud)
    assert two.get_provisioned_concurrency_config(**named)["Status"] == "READY"


def test_what_provisioned_concurrency_refuses(cloud: LambdaCloud, two: Any) -> None:
    put = two.put_provisioned_concurrency_config
    latest = {"FunctionName": "orders", "Qualifier": "$LATEST"}
    assert (
        "unpublished function versions"
        in error_of(lambda: put(**latest, ProvisionedConcurrentExecutions=1))[1]
    )
    named = {"FunctionName": "orders", "Qualifier": "1"}
    assert (
        "below its minimum value of [100]"
        in error_of(lambda: put(**named, ProvisionedConcurrentExecutions=901))[1]
    )
    two.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=5)
    assert (
        "reservedConcurrentExecution" in error_of(lambda: put(**named, ProvisionedConcurrentExecutions=6))[1]
    )
    put(**named, ProvisionedConcurrentExecutions=5)
    reserve = two.put_function_concurrency
    code, message = error_of(lambda: reserve(FunctionName="orders", ReservedConcurrentExecutions=4))
    assert (code, "less than the function's provisioned concurrency, 5" in message) == (
        "InvalidParameterValueException",
        True,
    )
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    two.create_alias(FunctionName="orders", Name="live", FunctionVersion="1", RoutingConfig=routing)
    live = {"FunctionName": "orders", "Qualifier": "live", "ProvisionedConcurrentExecutions": 1}
    assert error_of(lambda: put(**live)) == (
        "InvalidParameterValueException",
        "Alias with weights can not be used with Provisioned Concurrency",
    )
    del cloud


@pytest.mark.parametrize(
    ("weight", "first", "second"),
    [(0.0, 4, 0), (0.1, 3, 1), (0.5, 2, 2), (0.9, 1, 3), (1.0, 0, 4)],
)
def test_provisioned_concurrency_goes_to_an_aliass_versions_by_weight(
    cloud: LambdaCloud, two: Any, weight: float, first: int, second: int
) -> None:
    two.create_alias(FunctionName="orders", Name="live", FunctionVersion="1")
    named = {"FunctionName": "orders", "Qualifier": "live"}
    two.put_provisioned_concurrency_config(**named, ProvisionedConcurrentExecutions=4)
    routing = {"AdditionalVersionWeights": {"2": weight}}
    two.update_alias(FunctionName="orders", Name="live", RoutingConfig=routing)
    reconcile(cloud)
    assert {version: count for _, version, count in cloud.runner.warmed if count} == {
        version: count for version, count in (("1", first), ("2", second)) if count
    }
    shown = two.get_provisioned_concurrency_config(**named)
    assert (shown["Status"], shown["AllocatedProvisionedConcurrentExecutions"]) == ("READY", 4)


def test_an_invocation_is_told_what_it_may_take_of_each_kind_of_concurrency(
    cloud: LambdaCloud, two: Any
) -> None:
    limits: list[dict[str, Any]] = []
    original = cloud.runner.invoke

    async def invoke(function: Any, invocation: Any, host: Any, **given: Any) -> Any:
        limits.append(given)
        return await original(function, invocation, host, **given)

    cloud.runner.invoke = invoke  # type: ignore[method-assign] # the test listens
    named = {"FunctionName": "orders", "Qualifier": "1"}
    two.put_provisioned_concurrency_config(**named, ProvisionedConcurrentExecutions=5)
    two.invoke(**named)
    two.invoke(FunctionName="orders")
    two.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=5)
    two.invoke(**named)
    two.invoke(FunctionName="orders")
    assert limits == [
        {"reserved": None, "unreserved_limit": 995, "provisioned": 5},
        {"reserved": None, "unreserved_limit": 995, "provisioned": 0},
        {"reserved": 0, "unreserved_limit": 995, "provisioned": 5},
        {"reserved": 0, "unreserved_limit": 995, "provisioned": 0},
    ]
