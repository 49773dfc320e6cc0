"""Layers: published, listed, shared, used."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LambdaCloud, zipped

LAYER = "arn:aws:lambda:us-east-2:000000000000:layer"


def error_of(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def publish(client: Any, name: str = "tools", content: bytes | None = None, **params: Any) -> Any:
    archive = content or zipped("x = 1", "python/tools.py")
    return client.publish_layer_version(LayerName=name, Content={"ZipFile": archive}, **params)


def test_versions_are_numbered_and_numbers_are_not_used_again(client: Any) -> None:
    first = publish(client, Description="one", CompatibleRuntimes=["python3.12"], LicenseInfo="MIT")
    assert (first["Version"], first["LayerVersionArn"]) == (1, f"{LAYER}:tools:1")
    assert first["Content"]["CodeSize"] == len(zipped("x = 1", "python/tools.py"))
    publish(client)
    client.delete_layer_version(LayerName="tools", VersionNumber=2)
    client.delete_layer_version(LayerName="tools", VersionNumber=2)
    assert publish(client)["Version"] == 3
    listed = client.list_layer_versions(LayerName="tools")["LayerVersions"]
    assert [one["Version"] for one in listed] == [3, 1]
    shown = client.get_layer_version(LayerName="tools", VersionNumber=1)
    assert (shown["Description"], shown["LicenseInfo"]) == ("one", "MIT")
    assert client.get_layer_version_by_arn(Arn=f"{LAYER}:tools:1")["Version"] == 1
    assert error_of(lambda: client.get_layer_version(LayerName="tools", VersionNumber=2)) == (
        "ResourceNotFoundException",
        "The resource you requested does not exist.",
    )


def test_layers_are_listed_with_the_newest_version_that_suits(client: Any) -> None:
    publish(client, "b", CompatibleRuntimes=["python3.12"], CompatibleArchitectures=["x86_64"])
    publish(client, "a", CompatibleRuntimes=["python3.12"])
    publish(client, "a", CompatibleRuntimes=["nodejs22.x"])
    newest = {
        one["LayerName"]: one["LatestMatchingVersion"]["Version"] for one in client.list_layers()["Layers"]
    }
    assert newest == {"a": 2, "b": 1}
    suiting = client.list_layers(CompatibleRuntime="python3.12")["Layers"]
    assert [(one["LayerName"], one["LatestMatchingVersion"]["Version"]) for one in suiting] == [
        ("a", 1),
        ("b", 1),
    ]
    assert [one["LayerName"] for one in client.list_layers(CompatibleArchitecture="x86_64")["Layers"]] == [
        "b"
    ]


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"Content": {"S3Bucket": "bucket", "S3Key": "key"}}, "InvalidParameterValueException", "S3 Error Code: NoSuchBucket"),
        ({"Content": {}}, "InvalidParameterValueException", "source for layer content"),
        ({"Content": {"ZipFile": b"no zip"}}, "InvalidParameterValueException", "Could not unzip"),
        ({"LayerName": "a b"}, "ValidationException", "'layerName'"),
        ({"CompatibleRuntimes": ["cobol"]}, "ValidationException", "enum value set"),
        ({"LayerName": "arn:aws:lambda:us-east-2:111111111111:layer:other"}, "AccessDeniedException", "Cross-account"),
    ],
)  # fmt: skip
def test_what_publishing_refuses(client: Any, params: Any, code: str, message: str) -> None:
    found = error_of(
        lambda: client.publish_layer_version(
            **({"LayerName": "x", "Content": {"ZipFile": zipped()}} | params)
        )
    )
    assert found[0] == code
    assert message in found[1]


def test_a_function_uses_up_to_five_layers_in_order(cloud: LambdaCloud, client: Any) -> None:
    arns = [publish(client, f"l{n}", zipped(f"x = {n}"))["LayerVersionArn"] for n in range(6)]
    cloud.create(client, Layers=arns[1::-1])
    shown = client.get_function_configuration(FunctionName="orders")
    assert [one["Arn"] for one in shown["Layers"]] == arns[1::-1]
    create = next(check for check in cloud.checks if check.action == "lambda:CreateFunction")
    assert create.context["lambda:Layer"] == tuple(arns[1::-1])
    asked = [check.resource for check in cloud.checks if check.action == "lambda:GetLayerVersion"]
    assert asked == arns[1::-1]
    client.invoke(FunctionName="orders")
    assert len(set(cloud.runner.invoked[0][0].layers)) == 2
    update = client.update_function_configuration
    assert error_of(lambda: update(FunctionName="orders", Layers=arns)) == (
        "InvalidParameterValueException",
        "Cannot reference more than 5 layers.",
    )
    again = publish(client, "l0", zipped("x = 7"))["LayerVersionArn"]
    code, message = error_of(lambda: update(FunctionName="orders", Layers=[arns[0], again]))
    assert code == "InvalidParameterValueException"
    assert "Two different versions of the same layer are not allowed" in message
    code, message = error_of(lambda: update(FunctionName="orders", Layers=[f"{LAYER}:none:1"]))
    assert message == f"Layer version {LAYER}:none:1 does not exist."
    code, message = error_of(
        lambda: update(FunctionName="orders", Layers=[arns[0].replace("us-east-2", "eu-west-1")])
    )
    assert "expected to be in region us-east-2" in message
    assert "Layers" not in update(FunctionName="orders", Layers=[])


def test_a_deleted_version_stays_with_who_uses_it(cloud: LambdaCloud, client: Any) -> None:
    arn = publish(client)["LayerVersionArn"]
    cloud.create(client, Layers=[arn])
    client.delete_layer_version(LayerName="tools", VersionNumber=1)
    client.update_function_configuration(FunctionName="orders", Layers=[arn], Timeout=5)
    client.invoke(FunctionName="orders")
    assert len(cloud.runner.invoked[0][0].layers) == 1
    with pytest.raises(ClientError):
        cloud.create(client, "another", Layers=[arn])


def test_code_and_layers_share_250_mb(cloud: LambdaCloud, client: Any) -> None:
    half = 131 * 1024 * 1024
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        info = zipfile.ZipInfo("big")
        info.external_attr = 0o644 << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(info, "w") as file:
            block = bytes(1 << 20)
            for _ in range(half >> 20):
                file.write(block)
    arns = [publish(client, name, buffer.getvalue())["LayerVersionArn"] for name in ("a", "b")]
    code, message = error_of(lambda: cloud.create(client, Layers=arns))
    assert code == "InvalidParameterValueException"
    assert message.startswith(
        "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes."
    )


def test_a_version_is_shared_by_a_policy_of_its_own(cloud: LambdaCloud, client: Any) -> None:
    arn = publish(client)["LayerVersionArn"]
    lookup = cloud.slice.service.resource_policies
    assert lookup is not None
    assert lookup(arn) is None
    named = {"LayerName": "tools", "VersionNumber": 1}
    given = client.add_layer_version_permission(
        **named,
        StatementId="org",
        Action="lambda:GetLayerVersion",
        Principal="*",
        OrganizationId="o-abcdefghij",
    )
    assert json.loads(given["Statement"])["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}
    }
    client.add_layer_version_permission(
        **named, StatementId="one", Action="lambda:GetLayerVersion", Principal="111111111111",
        RevisionId=given["RevisionId"],
    )  # fmt: skip
    policy = client.get_layer_version_policy(**named)
    statements = json.loads(policy["Policy"])["Statement"]
    assert [one["Principal"] for one in statements] == ["*", {"AWS": "arn:aws:iam::111111111111:root"}]
    assert lookup(arn) is not None
    add = client.add_layer_version_permission
    arguments = {**named, "Action": "lambda:GetLayerVersion", "Principal": "*"}
    assert error_of(lambda: add(**arguments, StatementId="one"))[0] == "ResourceConflictException"
    assert (
        error_of(lambda: add(**arguments, StatementId="x", RevisionId="old"))[0]
        == "PreconditionFailedException"
    )
    client.remove_layer_version_permission(**named, StatementId="one")
    client.remove_layer_version_permission(**named, StatementId="org")
    assert error_of(lambda: client.get_layer_version_policy(**named))[0] == "ResourceNotFoundException"
    assert error_of(lambda: client.remove_layer_version_permission(**named, StatementId="org"))[0] == (
        "ResourceNotFoundException"
    )
