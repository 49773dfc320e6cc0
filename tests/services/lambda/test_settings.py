"""Settings beside code and size: logging, tracing, keys, runtime management, recursion, signing, the context of policies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LambdaCloud

ARN = "arn:aws:lambda:us-east-2:000000000000:function:orders"


def error_of(call: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-2:000000000000:dead"}}, "Casemate has neither SQS nor SNS"),
        ({"DeadLetterConfig": {"TargetArn": "arn:aws:lambda:us-east-2:000000000000:function:x"}}, "is not an SQS queue or an SNS topic"),
        ({"FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:us-east-2:000000000000:access-point/fsap-01234567890123456", "LocalMountPath": "/mnt/x"}]}, "file systems"),
        ({"ImageConfig": {"Command": ["x"]}}, "container images"),
        ({"DurableConfig": {"ExecutionTimeout": 60}}, "durable functions"),
        ({"KMSKeyArn": "arn:aws:s3:::bucket"}, "must be the ARN of a KMS key"),
        ({"LoggingConfig": {"LogFormat": "Text", "ApplicationLogLevel": "DEBUG"}}, "you must set LogFormat to JSON"),
        ({"TracingConfig": {"Mode": "Active"}}, "does not have permissions to call PutTraceSegments on XRAY"),
    ],
)  # fmt: skip
def test_what_a_configuration_refuses(cloud: LambdaCloud, client: Any, params: Any, message: str) -> None:
    cloud.denied = {"xray:PutTraceSegments"}
    code, said = error_of(lambda: cloud.create(client, **params))
    assert code == "InvalidParameterValueException"
    assert message in said
    cloud.create(client)
    assert (
        message in error_of(lambda: client.update_function_configuration(FunctionName="orders", **params))[1]
    )


def test_what_it_takes(cloud: LambdaCloud, client: Any) -> None:
    key = "arn:aws:kms:us-east-2:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    cloud.create(
        client,
        DeadLetterConfig={"TargetArn": ""},
        SnapStart={"ApplyOn": "None"},
        KMSKeyArn=key,
        TracingConfig={"Mode": "Active"},
        LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN", "LogGroup": "/mine"},
        Architectures=["arm64"],
        EphemeralStorage={"Size": 1024},
    )
    shown = client.get_function_configuration(FunctionName="orders")
    assert shown["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "WARN",
        "LogGroup": "/mine",
    }
    assert (shown["KMSKeyArn"], shown["TracingConfig"], shown["Architectures"]) == (
        key,
        {"Mode": "Active"},
        ["arm64"],
    )
    client.invoke(FunctionName="orders")
    function, invocation, _ = cloud.runner.invoked[0]
    assert (function.log_format, function.application_log_level, function.system_log_level) == (
        "JSON",
        "INFO",
        "WARN",
    )
    assert function.log_group == "/mine"
    assert ";Sampled=1;" in invocation.trace_id
    assert client.update_function_configuration(FunctionName="orders", LoggingConfig={"LogFormat": "Text"})[
        "LoggingConfig"
    ] == {"LogFormat": "Text", "LogGroup": "/aws/lambda/orders"}


def test_runtime_management_pins_the_one_version_there_is(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    version = client.get_function_configuration(FunctionName="orders")["RuntimeVersionConfig"][
        "RuntimeVersionArn"
    ]
    assert client.get_runtime_management_config(FunctionName="orders")["UpdateRuntimeOn"] == "Auto"
    put = client.put_runtime_management_config
    assert (
        put(FunctionName="orders", UpdateRuntimeOn="Manual", RuntimeVersionArn=version)["RuntimeVersionArn"]
        == version
    )
    shown = client.get_runtime_management_config(FunctionName="orders")
    assert (shown["UpdateRuntimeOn"], shown["RuntimeVersionArn"]) == ("Manual", version)
    other = version[:-1] + ("0" if version[-1] != "0" else "1")
    for params in (
        {"UpdateRuntimeOn": "Manual"},
        {"UpdateRuntimeOn": "Auto", "RuntimeVersionArn": version},
        {"UpdateRuntimeOn": "Manual", "RuntimeVersionArn": other},
    ):
        code, _ = error_of(lambda params=params: put(FunctionName="orders", **params))
        assert code == "InvalidParameterValueException"
    assert error_of(lambda: put(FunctionName="orders", UpdateRuntimeOn="Never"))[0] == "ValidationException"


def test_no_function_is_signed(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client)
    assert "CodeSigningConfigArn" not in client.get_function_code_signing_config(FunctionName="orders")
    assert client.list_code_signing_configs()["CodeSigningConfigs"] == []
    arn = "arn:aws:lambda:us-east-2:000000000000:code-signing-config:csc-0123456789abcdef0"
    for call in (client.get_code_signing_config, client.list_functions_by_code_signing_config):
        assert error_of(lambda call=call: call(CodeSigningConfigArn=arn))[0] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("params", "condition"),
    [
        ({"Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::b", "SourceAccount": "111111111111"},
         {"StringEquals": {"AWS:SourceAccount": "111111111111"}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"}}),
        ({"Principal": "*", "PrincipalOrgID": "o-abcdefghij"}, {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}),
        ({"Principal": "alexa-appkit.amazon.com", "EventSourceToken": "amzn1.ask"},
         {"StringEquals": {"lambda:EventSourceToken": "amzn1.ask"}}),
        ({"Principal": "*", "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
         {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}),
        ({"Principal": "*", "InvokedViaFunctionUrl": True}, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}),
    ],
)  # fmt: skip
def test_permissions_take_every_condition(
    cloud: LambdaCloud, client: Any, params: Any, condition: Any
) -> None:
    cloud.create(client)
    given = client.add_permission(
        **({"FunctionName": "orders", "StatementId": "s", "Action": "lambda:InvokeFunction"} | params)
    )
    assert json.loads(given["Statement"])["Condition"] == condition
    asked = cloud.checks[-1]
    assert asked.context["lambda:Principal"] == params["Principal"]
    assert asked.context.get("lambda:FunctionUrlAuthType") == params.get("FunctionUrlAuthType")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"Principal": "nobody"},
            "The provided principal was invalid. Please check the principal and try again.",
        ),
        ({"Principal": "arn:aws:s3:::bucket"}, "The provided principal was invalid."),
        (
            {"FunctionUrlAuthType": "NONE"},
            "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action",
        ),
        (
            {"InvokedViaFunctionUrl": True, "Action": "lambda:GetFunction"},
            "InvokedViaFunctionUrl is only supported",
        ),
        ({"Qualifier": "$LATEST"}, "We currently do not support adding policies for $LATEST."),
    ],
)
def test_permissions_that_cannot_be(cloud: LambdaCloud, client: Any, params: Any, message: str) -> None:
    cloud.create(client)
    arguments = {
        "FunctionName": "orders",
        "StatementId": "s",
        "Action": "lambda:InvokeFunction",
        "Principal": "*",
    }
    code, said = error_of(lambda: client.add_permission(**(arguments | params)))
    assert code == "InvalidParameterValueException"
    assert message in said


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (lambda c: c.create_alias(FunctionName="orders", Name="1", FunctionVersion="$LATEST"), "'name'"),
        (lambda c: c.put_function_concurrency(FunctionName="a b", ReservedConcurrentExecutions=1), "'functionName'"),
        (lambda c: c.invoke(FunctionName="orders", LogType="Some"), "'logType'"),
        (lambda c: c.update_function_configuration(FunctionName="orders", LoggingConfig={"LogGroup": "a b"}), "'loggingConfig.logGroup'"),
        (lambda c: c.update_function_configuration(FunctionName="orders", TracingConfig={"Mode": "On"}), "'tracingConfig.mode'"),
    ],
)  # fmt: skip
def test_what_the_model_forbids_is_a_validation_error(
    cloud: LambdaCloud, client: Any, call: Any, path: str
) -> None:
    cloud.create(client)
    code, message = error_of(lambda: call(client))
    assert code == "ValidationException"
    assert path in message
