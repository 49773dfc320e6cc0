"""Invoke, its three types, and the queue behind Event."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest
from botocore.exceptions import ClientError

from casemate.execution.function import Outcome

from .conftest import LambdaCloud, payload, zipped

ARN = "arn:aws:lambda:us-east-2:000000000000:function:orders"


def test_the_answer_comes_back_with_its_log(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, Timeout=7, MemorySize=256, Environment={"Variables": {"TABLE": "t"}})
    response = client.invoke(FunctionName="orders", Payload=b'{"a": 1}', LogType="Tail")
    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    assert payload(response) == {"a": 1}
    assert b64decode(response["LogResult"]) == b"START\nREPORT\n"
    assert "FunctionError" not in response
    function, invocation, _ = cloud.runner.invoked[0]
    assert (function.timeout_seconds, function.memory_mb, function.variables) == (7, 256, {"TABLE": "t"})
    assert invocation.invoked_arn == ARN
    assert function.log_group == "/aws/lambda/orders"
    assert cloud.checks[-1].action == "lambda:InvokeFunction"
    assert cloud.checks[-1].resource == ARN


def test_a_function_error_is_a_200(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    cloud.runner.answers = [Outcome(payload=b'{"errorType":"KeyError"}', failed=True)]
    response = client.invoke(FunctionName="orders")
    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    assert payload(response) == {"errorType": "KeyError"}
    assert "LogResult" not in response


def test_a_qualifier_runs_that_version_and_is_authorized_as_such(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, Publish=True)
    client.create_alias(FunctionName="orders", Name="live", FunctionVersion="1")
    response = client.invoke(FunctionName="orders", Qualifier="live")
    assert response["ExecutedVersion"] == "1"
    assert cloud.checks[-1].resource == f"{ARN}:live"
    assert cloud.runner.invoked[0][1].invoked_arn == f"{ARN}:live"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Payload": b"{nope"}, "InvalidRequestContentException"),
        ({"Payload": b"[" * 100_000}, "InvalidRequestContentException"),
        ({"Payload": b'"' + b"x" * 6_291_456 + b'"'}, "RequestEntityTooLargeException"),
        (
            {"Payload": b'"' + b"x" * 1_048_576 + b'"', "InvocationType": "Event"},
            "RequestEntityTooLargeException",
        ),
        ({"ClientContext": "!!"}, "InvalidRequestContentException"),
        ({"FunctionName": "nope"}, "ResourceNotFoundException"),
    ],
)
def test_what_invoke_refuses(cloud: LambdaCloud, client: Any, params: Any, code: str) -> None:
    cloud.create(client)
    with pytest.raises(ClientError) as caught:
        client.invoke(**({"FunctionName": "orders"} | params))
    assert caught.value.response["Error"]["Code"] == code
    assert cloud.runner.invoked == []


def test_no_payload_is_an_empty_object_and_a_dry_run_runs_nothing(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    assert client.invoke(FunctionName="orders", InvocationType="DryRun")["StatusCode"] == 204
    assert cloud.runner.invoked == []
    assert payload(client.invoke(FunctionName="orders")) == {}


def test_the_client_context_reaches_the_runtime_as_json(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    client.invoke(FunctionName="orders", ClientContext=b64encode(b'{"custom": {"a": "b"}}').decode())
    assert cloud.runner.invoked[0][1].client_context == '{"custom": {"a": "b"}}'


def test_reserved_concurrency_goes_with_every_version(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, Publish=True)
    client.put_function_concurrency(FunctionName="orders", ReservedConcurrentExecutions=2)
    client.invoke(FunctionName="orders", Qualifier="1")
    assert cloud.runner.invoked[0][2] == 2


def test_environments_get_a_session_of_the_role_that_names_the_function(
    cloud: LambdaCloud, client: Any
) -> None:
    cloud.create(client)
    cloud.runner.start_environments = True
    client.invoke(FunctionName="orders")
    role, service, source = cloud.sessions.asked[-1]
    assert role.endswith("role/orders")
    assert (service, source) == ("lambda.amazonaws.com", ARN)
    assert cloud.log.written == [("/aws/lambda/orders", "line\n")]


def test_a_role_that_may_not_log_leaves_no_log(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    cloud.denied = {"logs:PutLogEvents"}
    cloud.runner.start_environments = True
    assert client.invoke(FunctionName="orders")["StatusCode"] == 200
    assert cloud.log.written == []


def test_an_archive_that_aws_may_not_read_is_mentioned(cloud: LambdaCloud, client: Any) -> None:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "")  # zipfile's default mode is 0600
    cloud.create(client, Code={"ZipFile": buffer.getvalue()})
    cloud.create(client, "fine", Code={"ZipFile": zipped()})
    client.invoke(FunctionName="orders")
    client.invoke(FunctionName="fine")
    assert "app.py is not readable by others" in cloud.runner.invoked[0][0].notes[0]
    assert cloud.runner.invoked[1][0].notes == ()


def test_an_event_is_accepted_at_once(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    response = client.invoke(FunctionName="orders", InvocationType="Event", Payload=b'{"later": true}')
    assert response["StatusCode"] == 202
