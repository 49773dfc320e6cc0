"""Functions: made, shown, changed, deleted; refused in AWS's words."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.servicekit.store import Store

from .conftest import ROLE, LambdaCloud, zipped

ARN = "arn:aws:lambda:us-east-2:000000000000:function:orders"


def error_of(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    found = caught.value.response["Error"]
    return found["Code"], found["Message"]


def test_a_new_function_is_pending_and_then_active(cloud: LambdaCloud, client: Any) -> None:
    created = cloud.create(client, Environment={"Variables": {"TABLE": "t"}}, Tags={"team": "x"})
    code = zipped()
    assert created["FunctionArn"] == ARN
    assert created["State"] == "Pending"
    assert created["StateReasonCode"] == "Creating"
    assert created["CodeSha256"] == b64encode(sha256(code).digest()).decode()
    assert created["CodeSize"] == len(code)
    assert (created["Timeout"], created["MemorySize"], created["Version"]) == (3, 128, "$LATEST")
    shown = client.get_function(FunctionName="orders")
    assert shown["Configuration"]["State"] == "Active"
    assert shown["Configuration"]["LastUpdateStatus"] == "Successful"
    assert shown["Configuration"]["Environment"] == {"Variables": {"TABLE": "t"}}
    assert shown["Tags"] == {"team": "x"}
    assert shown["Code"]["RepositoryType"] == "S3"


@pytest.mark.parametrize(
    "name",
    ["orders", ARN, "000000000000:function:orders", "000000000000:orders", "function:orders", f"{ARN}:$LATEST", "orders:$LATEST"],
)  # fmt: skip
def test_every_form_of_the_name_finds_it(cloud: LambdaCloud, client: Any, name: str) -> None:
    cloud.create(client)
    assert client.get_function_configuration(FunctionName=name)["FunctionName"] == "orders"


def test_what_does_not_exist_is_named_by_its_arn(client: Any) -> None:
    assert error_of(lambda: client.get_function(FunctionName="nope")) == (
        "ResourceNotFoundException",
        "Function not found: arn:aws:lambda:us-east-2:000000000000:function:nope",
    )
    code, message = error_of(lambda: client.get_function(FunctionName=ARN.replace("us-east-2", "eu-west-1")))
    assert code == "ResourceNotFoundException"
    assert message == "Functions from 'eu-west-1' are not reachable in this region ('us-east-2')"


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"Timeout": 901}, "ValidationException", "1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"),
        ({"MemorySize": 10241}, "ValidationException", "less than or equal to 10240"),
        ({"EphemeralStorage": {"Size": 10241}}, "ValidationException", "ephemeralStorage.size"),
        ({"Role": "orders"}, "ValidationException", "Value 'orders' at 'role' failed to satisfy constraint"),
        ({"Role": "arn:aws:iam::000000000000:role/untrusting"}, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."),
        ({"Role": "arn:aws:iam::222222222222:role/x"}, "AccessDeniedException", "Cross-account pass role is not allowed."),
        ({"Runtime": "ruby3.4"}, "InvalidParameterValueException", "Casemate does not run ruby3.4."),
        ({"Runtime": "cobol"}, "InvalidParameterValueException", "Value cobol at 'runtime' failed to satisfy constraint"),
        ({"Handler": "a b"}, "ValidationException", "'handler'"),
        ({"Code": {}}, "InvalidParameterValueException", "Please provide a source for function code."),
        ({"Code": {"ZipFile": b"not a zip"}}, "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again."),
        ({"Code": {"ZipFile": b"PK\x05\x06" + bytes(18)}}, "InvalidParameterValueException", "Uploaded file must be a non-empty zip"),
        ({"Code": {"S3Bucket": "bucket", "S3Key": "k"}}, "InvalidParameterValueException", "S3 Error Code: NoSuchBucket"),
        ({"Layers": ["arn:aws:lambda:us-east-2:000000000000:layer:l:1"]}, "InvalidParameterValueException", "Layer version arn:aws:lambda:us-east-2:000000000000:layer:l:1 does not exist."),
        ({"PackageType": "Image"}, "InvalidParameterValueException", "container images"),
        ({"Environment": {"Variables": {"AWS_REGION": "x", "_HANDLER": "y"}}}, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION, _HANDLER"),
        ({"Environment": {"Variables": {"A1": "x" * 4096}}}, "InvalidParameterValueException", "exceeded the 4KB limit"),
        ({"Environment": {"Variables": {"1A": "x"}}}, "ValidationException", "Map keys must satisfy constraint"),
        ({"FunctionName": "a b"}, "ValidationException", "functionName"),
        ({"FunctionName": "x" * 65}, "ValidationException", "functionName"),
    ],
)  # fmt: skip
def test_what_create_refuses(cloud: LambdaCloud, client: Any, params: Any, code: str, message: str) -> None:
    found = error_of(lambda: cloud.create(client, **params))
    assert found[0] == code
    assert message in found[1]
    assert client.list_functions()["Functions"] == []


def test_a_name_is_taken_once(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    assert error_of(lambda: cloud.create(client)) == (
        "ResourceConflictException",
        "Function already exist: orders",
    )


def test_passing_the_role_is_asked_with_the_service_it_is_passed_to(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, VpcConfig={"SubnetIds": ["subnet-a1"], "SecurityGroupIds": ["sg-1"]})
    create, pass_role = cloud.checks[:2]
    assert (create.action, create.resource) == ("lambda:CreateFunction", ARN)
    assert create.context == {
        "lambda:VpcIds": "vpc-a",
        "lambda:SubnetIds": ("subnet-a1",),
        "lambda:SecurityGroupIds": ("sg-1",),
    }
    assert (pass_role.action, pass_role.resource) == ("iam:PassRole", ROLE)
    assert pass_role.context["iam:PassedToService"] == "lambda.amazonaws.com"


def test_updates_keep_what_is_not_given_and_end_old_environments(cloud: LambdaCloud, client: Any) -> None:
    first = cloud.create(client, Description="old")
    updated = client.update_function_configuration(FunctionName="orders", Timeout=10)
    assert (updated["Timeout"], updated["Description"]) == (10, "old")
    assert updated["LastUpdateStatus"] == "InProgress"
    assert updated["RevisionId"] != first["RevisionId"]
    new = client.update_function_code(FunctionName="orders", ZipFile=zipped("x = 1"))
    assert new["CodeSha256"] != first["CodeSha256"]
    assert cloud.runner.retired == [(ARN, "$LATEST"), (ARN, "$LATEST")]
    assert client.get_function_configuration(FunctionName="orders")["LastUpdateStatus"] == "Successful"


def test_an_update_of_another_revision_is_refused(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    for call in (
        lambda: client.update_function_configuration(FunctionName="orders", Timeout=5, RevisionId="other"),
        lambda: client.update_function_code(FunctionName="orders", ZipFile=zipped("x"), RevisionId="other"),
    ):
        assert error_of(call)[0] == "PreconditionFailedException"


def test_versions_are_copies_and_publishing_twice_gives_the_same(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    one = client.publish_version(FunctionName="orders", Description="first")
    again = client.publish_version(FunctionName="orders")
    assert (one["Version"], again["Version"]) == ("1", "1")
    assert one["FunctionArn"] == f"{ARN}:1"
    client.update_function_configuration(FunctionName="orders", Timeout=9)
    two = client.publish_version(FunctionName="orders")
    assert two["Version"] == "2"
    listed = client.list_versions_by_function(FunctionName="orders")["Versions"]
    assert [(v["Version"], v["Timeout"]) for v in listed] == [("$LATEST", 9), ("1", 3), ("2", 9)]
    assert listed[0]["FunctionArn"] == f"{ARN}:$LATEST"
    assert error_of(lambda: client.get_function(FunctionName="orders", Qualifier="7")) == (
        "ResourceNotFoundException",
        f"Function not found: {ARN}:7",
    )


def test_aliases_point_at_versions(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, Publish=True)
    alias = client.create_alias(FunctionName="orders", Name="live", FunctionVersion="1")
    assert alias["AliasArn"] == f"{ARN}:live"
    assert client.get_function_configuration(FunctionName="orders:live")["Version"] == "1"
    code, _ = error_of(lambda: client.delete_function(FunctionName="orders", Qualifier="1"))
    assert code == "ResourceConflictException"
    client.update_alias(FunctionName="orders", Name="live", FunctionVersion="$LATEST")
    client.delete_function(FunctionName="orders", Qualifier="1")
    assert [a["Name"] for a in client.list_aliases(FunctionName="orders")["Aliases"]] == ["live"]
    client.delete_alias(FunctionName="orders", Name="live")
    assert error_of(lambda: client.get_alias(FunctionName="orders", Name="live")) == (
        "ResourceNotFoundException",
        f"Cannot find alias arn: {ARN}:live",
    )


def test_deleting_deletes_everything_of_it(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, Publish=True)
    client.create_alias(FunctionName="orders", Name="live", FunctionVersion="1")
    client.delete_function(FunctionName="orders")
    assert client.list_functions(FunctionVersion="ALL")["Functions"] == []
    assert error_of(lambda: client.delete_function(FunctionName="orders"))[0] == "ResourceNotFoundException"
    assert cloud.runner.retired == [(ARN, None)]
    cloud.create(client)
    assert client.list_aliases(FunctionName="orders")["Aliases"] == []


def test_numbers_of_versions_are_not_used_again_by_a_function_of_the_same_name(
    cloud: LambdaCloud, client: Any
) -> None:
    """Lambda Developer Guide, "Manage Lambda function versions"."""
    cloud.create(client, Publish=True)
    client.delete_function(FunctionName="orders")
    assert cloud.create(client, Publish=True)["Version"] == "2"
    assert cloud.create(client, "other", Publish=True)["Version"] == "1"


def test_lists_come_in_pages(cloud: LambdaCloud, client: Any) -> None:
    for number in range(3):
        cloud.create(client, f"f{number}")
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 2})
    names = [[f["FunctionName"] for f in page["Functions"]] for page in pages]
    assert names == [["f0", "f1"], ["f2"]]


def test_tags_concurrency_and_account(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    client.tag_resource(Resource=ARN, Tags={"a": "1", "b": "2"})
    client.untag_resource(Resource=ARN, TagKeys=["a"])
    assert client.list_tags(Resource=ARN)["Tags"] == {"b": "2"}
    client.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=900)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    code, message = error_of(
        lambda: client.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=901)
    )
    assert code == "InvalidParameterValueException"
    assert "below its minimum value of [100]" in message
    client.delete_function_concurrency(FunctionName="orders")
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="orders")
    assert "CodeSigningConfigArn" not in client.get_function_code_signing_config(FunctionName="orders")


def test_functions_survive_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "state.sqlite")
    cloud = LambdaCloud(tmp_path / "code", store)
    client = cloud.client("lambda")
    vpc = {"SubnetIds": ["subnet-a1"], "SecurityGroupIds": ["sg-1"]}
    cloud.create(client, Environment={"Variables": {"A1": "b"}}, VpcConfig=vpc, Publish=True)
    client.add_permission(
        FunctionName="orders", StatementId="s", Action="lambda:InvokeFunction", Principal="222222222222"
    )
    before = client.get_function_configuration(FunctionName="orders")
    store.close()
    again = LambdaCloud(tmp_path / "code", Store(tmp_path / "state.sqlite"))
    assert again.client("lambda").get_function_configuration(FunctionName="orders") == before
    assert again.slice.service.resource_policies is not None
    assert again.slice.service.resource_policies(ARN) is not None
    again.store.close()
