"""Archives within a request, and all of them within the account's storage. Sources: Lambda quotas; the observed texts."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.execution import package
from casemate.services.lambda_ import code_storage

from .conftest import LambdaCloud, zipped


def refused(call: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    return (
        response["ResponseMetadata"]["HTTPStatusCode"],
        response["Error"]["Code"],
        response["Error"]["Message"],
    )


def test_a_request_that_is_too_long_is_413_and_names_its_operation(
    cloud: LambdaCloud, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert code_storage.REQUEST_BYTES == 70_167_211
    monkeypatch.setattr(code_storage, "REQUEST_BYTES", 4000)
    cloud.create(client)
    archive = b"x" * 3001
    layer = {"LayerName": "l", "Content": {"ZipFile": archive}}
    for operation, call in (
        ("CreateFunction", lambda: cloud.create(client, "other", Code={"ZipFile": archive})),
        ("UpdateFunctionCode", lambda: client.update_function_code(FunctionName="orders", ZipFile=archive)),
        ("PublishLayerVersion", lambda: client.publish_layer_version(**layer)),
    ):
        assert refused(call) == (
            413,
            "RequestEntityTooLargeException",
            f"Request must be smaller than 4000 bytes for the {operation} operation",
        )


def test_an_archive_of_more_than_50_mb_is_refused(
    cloud: LambdaCloud, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert package.ZIPPED_LIMIT == 52_428_800
    monkeypatch.setattr(package, "ZIPPED_LIMIT", 10)
    assert refused(lambda: cloud.create(client)) == (
        400,
        "InvalidParameterValueException",
        "Zipped size must be smaller than 10 bytes",
    )


def test_functions_versions_and_layers_share_the_storage(
    cloud: LambdaCloud, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = zipped()
    layer = zipped("x = 1\n" * 100, "python/x.py")
    cloud.create(client)
    client.publish_version(FunctionName="orders")
    client.publish_layer_version(LayerName="l", Content={"ZipFile": layer})
    settings = client.get_account_settings()
    taken = 2 * len(code) + len(layer)
    assert (settings["AccountLimit"]["TotalCodeSize"], settings["AccountUsage"]["TotalCodeSize"]) == (
        80_530_636_800,
        taken,
    )
    monkeypatch.setattr(code_storage, "TOTAL_BYTES", taken)
    full = (400, "CodeStorageExceededException", "Code storage limit exceeded.")
    assert refused(lambda: cloud.create(client, "other")) == full
    publish = client.publish_layer_version
    assert refused(lambda: publish(LayerName="l", Content={"ZipFile": layer})) == full
    client.update_function_code(FunctionName="orders", ZipFile=code)  # it takes the place of as much
    client.update_function_configuration(FunctionName="orders", Timeout=9)
    assert refused(lambda: client.publish_version(FunctionName="orders")) == full
    client.delete_layer_version(LayerName="l", VersionNumber=1)
    client.publish_version(FunctionName="orders")
