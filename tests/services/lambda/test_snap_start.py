"""SnapStart in the API: what can have it, the states of a version, what is refused meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.execution.failures import InitError, InitFailure
from casemate.execution.function import Failure
from casemate.model.errors import AwsError
from casemate.services.lambda_ import snap_start

from .conftest import LambdaCloud, payload

_ON = {"ApplyOn": "PublishedVersions"}


def refused(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def settle(cloud: LambdaCloud, *, seconds: float = 5) -> None:
    """Let what is pending be made."""

    async def run() -> None:
        snapshotter = cloud.slice.snapshotter
        snapshotter.start()
        told = asyncio.Event()
        snap_start.until_settled(cloud.state, lambda _: told.set())
        async with asyncio.timeout(seconds):
            await told.wait()
        snapshotter.close()

    asyncio.run(run())


def published(cloud: LambdaCloud, client: Any) -> str:
    cloud.create(client, SnapStart=_ON)
    return client.publish_version(FunctionName="orders")["Version"]


@pytest.mark.parametrize("runtime", ["python3.11", "nodejs22.x", "provided.al2023"])
def test_other_runtimes_are_refused(cloud: LambdaCloud, client: Any, runtime: str) -> None:
    code, message = refused(lambda: cloud.create(client, Runtime=runtime, SnapStart=_ON))
    assert code == "InvalidParameterValueException"
    assert message == f"{runtime} is not supported for SnapStart enabled functions."
    cloud.create(client, Runtime=runtime)
    assert "SnapStart enabled" in refused(
        lambda: client.update_function_configuration(FunctionName="orders", SnapStart=_ON)
    )[1]  # fmt: skip


def test_the_two_cannot_be_brought_together_from_either_side(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, SnapStart=_ON)
    for change in ({"Runtime": "python3.11"}, {"EphemeralStorage": {"Size": 513}}):
        said = refused(
            lambda change=change: client.update_function_configuration(FunctionName="orders", **change)
        )
        assert said[0] == "InvalidParameterValueException"
        assert said[1].endswith("not supported for SnapStart enabled functions.")
    change = {"Runtime": "python3.11", "EphemeralStorage": {"Size": 1024}, "SnapStart": {"ApplyOn": "None"}}
    changed = client.update_function_configuration(FunctionName="orders", **change)
    assert changed["SnapStart"] == {"ApplyOn": "None", "OptimizationStatus": "Off"}


def test_a_version_is_pending_until_it_is_initialized(cloud: LambdaCloud, client: Any) -> None:
    made = cloud.create(client, SnapStart=_ON)
    assert made["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}
    answer = client.publish_version(FunctionName="orders")
    assert (answer["State"], answer["StateReasonCode"]) == ("Pending", "Creating")
    assert answer["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"}
    code, message = refused(lambda: client.invoke(FunctionName="orders", Qualifier="1"))
    assert code == "SnapStartNotReadyException"
    assert message.endswith("It will be ready to invoke once your function state becomes ACTIVE.")
    assert payload(client.invoke(FunctionName="orders", Payload=b"1")) == 1, "$LATEST is an ordinary one"
    assert not cloud.runner.invoked[-1][0].snap_start
    settle(cloud)
    assert [one.version for one in cloud.runner.snapshots] == ["1"]
    known = client.get_function_configuration(FunctionName="orders", Qualifier="1")
    assert (known["State"], known["SnapStart"]["OptimizationStatus"]) == ("Active", "On")
    client.invoke(FunctionName="orders", Qualifier="1", Payload=b"1")
    assert cloud.runner.invoked[-1][0].snap_start
    assert client.publish_version(FunctionName="orders")["Version"] == "1", "nothing has changed"
    client.update_function_configuration(FunctionName="orders", SnapStart={"ApplyOn": "None"})
    assert client.publish_version(FunctionName="orders")["State"] == "Active"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure.INIT_ERROR, "FunctionError.RuntimeInitError"),
        (Failure.EXIT, "FunctionError.RuntimeInitError"),
        (Failure.TIMEOUT, "FunctionError.InitTimeout"),
        (Failure.OUT_OF_MEMORY, "FunctionError.InitResourceExhausted"),
        (Failure.EXTENSION_CRASH, "FunctionError.ExtensionInitError"),
    ],
)
def test_initialization_that_fails_is_the_versions_state(
    cloud: LambdaCloud, client: Any, failure: Failure, code: str
) -> None:
    """The codes are those of botocore's StateReasonCode."""
    cloud.runner.snapshot_failure = InitError(
        InitFailure(failure=failure, error_type="Runtime.ImportModuleError", message="")
    )
    version = published(cloud, client)
    settle(cloud)
    known = client.get_function_configuration(FunctionName="orders", Qualifier=version)
    assert (known["State"], known["StateReasonCode"]) == ("Failed", code)
    assert "Runtime.ImportModuleError" in known["StateReason"]
    said = refused(lambda: client.invoke(FunctionName="orders", Qualifier=version))
    assert said[0] == "ResourceConflictException"
    listed = client.list_functions(FunctionVersion="ALL")["Functions"]
    assert not any({"State", "StateReason", "StateReasonCode"} & one.keys() for one in listed)


def test_what_is_nobodys_fault_is_told_too(cloud: LambdaCloud, client: Any) -> None:
    cloud.runner.snapshot_failure = AwsError("ServiceException", "no more memory", http_status=500)
    version = published(cloud, client)
    settle(cloud)
    known = client.get_function_configuration(FunctionName="orders", Qualifier=version)
    assert (known["StateReasonCode"], known["StateReason"]) == ("InternalError", "no more memory")


def test_provisioned_concurrency_is_refused(cloud: LambdaCloud, client: Any) -> None:
    version = published(cloud, client)
    put = client.put_provisioned_concurrency_config
    code, _ = refused(
        lambda: put(FunctionName="orders", Qualifier=version, ProvisionedConcurrentExecutions=1)
    )
    assert code == "InvalidParameterValueException"


def test_what_was_pending_is_made_after_a_restart_and_a_deleted_version_is_let_go(
    cloud: LambdaCloud, client: Any
) -> None:
    version = published(cloud, client)

    async def delete_meanwhile() -> None:
        cloud.runner.snapshot_gate = asyncio.Event()
        cloud.slice.snapshotter.start()
        await asyncio.sleep(0)
        with cloud.state.store.transaction():
            (key,) = [one.key for one in cloud.state.functions.values() if one.version == version]
            cloud.state.functions.delete(*key)
        cloud.runner.snapshot_gate.set()
        told = asyncio.Event()
        snap_start.until_settled(cloud.state, lambda _: told.set())
        await told.wait()

    asyncio.run(delete_meanwhile())
    assert cloud.runner.retired[-1][1] == version
    code, _ = refused(lambda: client.get_function_configuration(FunctionName="orders", Qualifier=version))
    assert code == "ResourceNotFoundException"


def test_a_choice_that_there_is_not() -> None:
    with pytest.raises(AwsError) as caught:
        snap_start.applies({"ApplyOn": "Always"})
    assert caught.value.code == "ValidationException"
