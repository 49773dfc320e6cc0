"""Responses to the byte, where the byte is what matters."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zlib import crc32

import pytest
from msgspec import Raw

from casemate.model.errors import AwsError
from casemate.wire.http import HttpResponse
from casemate.wire.models import ServiceModels
from casemate.wire.parser import ParsedRequest
from casemate.wire.plan import UnknownMember
from casemate.wire.serializer import serialize, serialize_error
from casemate.wire.timestamps import from_epoch, from_text, to_epoch, to_http_date, to_iso

MODELS = ServiceModels()
WHEN = datetime(2026, 11, 21, 9, 26, 7, tzinfo=UTC)


def answered(service: str, operation: str, output: dict[str, Any] | None) -> HttpResponse:
    model = MODELS.get(service)
    protocol: Any = model.metadata["protocol"]
    return serialize(
        ParsedRequest(operation=model.operation_model(operation), params={}, protocol=protocol), output, "rid"
    )


def failed(service: str, operation: str | None, error: AwsError, protocol: str | None = None) -> HttpResponse:
    model = MODELS.get(service)
    found = None if operation is None else model.operation_model(operation)
    return serialize_error(model, found, protocol or str(model.metadata["protocol"]), error, "rid")


def test_dynamodb() -> None:
    response = answered("dynamodb", "GetItem", {"Item": {"a": {"B": b"abc"}}, "ConsumedCapacity": None})
    assert response.body == b'{"Item":{"a":{"B":"YWJj"}}}'
    assert response.headers == (
        ("x-amzn-RequestId", "rid"),
        ("Content-Type", "application/x-amz-json-1.0"),
        ("x-amz-crc32", str(crc32(response.body))),
    )
    assert answered("dynamodb", "PutItem", None).body == b"{}"


def test_members_that_are_none_are_left_out_at_any_depth() -> None:
    output = {"Items": [{"a": {"S": "x", "N": None}, "b": {"M": {"c": {"BOOL": None, "S": ":null"}}}}]}
    assert (
        answered("dynamodb", "Query", output).body
        == b'{"Items":[{"a":{"S":"x"},"b":{"M":{"c":{"S":":null"}}}}]}'
    )
    assert b"<cidrBlock>" not in answered("ec2", "CreateVpc", {"Vpc": {"VpcId": "v", "CidrBlock": None}}).body


@pytest.mark.parametrize("text", ["x", ":null", "x" * 5000, ":null" * 1000])
def test_what_is_encoded_already_is_copied_as_it_is(text: str) -> None:
    items = b'[{"a":{"S":"%s"}}]' % text.encode()
    key = {"a": {"S": text, "N": None}}
    response = answered("dynamodb", "Query", {"Items": Raw(items), "Count": 1, "LastEvaluatedKey": key})
    last = b'{"a":{"S":"%s"}}' % text.encode()
    assert response.body == b'{"Items":' + items + b',"Count":1,"LastEvaluatedKey":' + last + b"}"


def test_members_that_the_model_does_not_have_are_a_defect_of_the_service() -> None:
    for service, operation in (
        ("dynamodb", "GetItem"),
        ("ec2", "DescribeVpcs"),
        ("iam", "GetUser"),
        ("lambda", "GetFunction"),
    ):
        with pytest.raises(UnknownMember, match="has no member 'Itme'"):
            answered(service, operation, {"Itme": {}})


def test_ec2() -> None:
    response = answered("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": "vpc-1", "IsDefault": False}]})
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>rid</requestId>'
        b"<vpcSet><item><vpcId>vpc-1</vpcId><isDefault>false</isDefault></item></vpcSet></DescribeVpcsResponse>"
    )
    assert b"<requestId>rid</requestId><return>true</return>" in answered("ec2", "DeleteVpc", {}).body
    created = answered("ec2", "CreateNatGateway", {"NatGateway": {"CreateTime": WHEN}})
    assert b"<createTime>2026-11-21T09:26:07.000Z</createTime>" in created.body


def test_query() -> None:
    response = answered("iam", "GetUser", {"User": {"UserName": "a&b<c>", "CreateDate": WHEN}})
    assert response.body == (
        b'<GetUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetUserResult><User>'
        b"<UserName>a&amp;b&lt;c&gt;</UserName><CreateDate>2026-11-21T09:26:07Z</CreateDate></User></GetUserResult>"
        b"<ResponseMetadata><RequestId>rid</RequestId></ResponseMetadata></GetUserResponse>"
    )
    assert answered("iam", "DeleteUser", None).body == (
        b'<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        b"<ResponseMetadata><RequestId>rid</RequestId></ResponseMetadata></DeleteUserResponse>"
    )


def test_xml_carries_what_it_can() -> None:
    body = answered("iam", "GetUser", {"User": {"Path": "a\r\nb\x00\x1b\ud800"}}).body
    assert "<Path>a&#13;\nb\ufffd\ufffd\ufffd</Path>".encode() in body


def test_lambda() -> None:
    response = answered(
        "lambda", "Invoke", {"StatusCode": 202, "FunctionError": "Unhandled", "Payload": b"{}"}
    )
    assert (response.status, response.body) == (202, b"{}")
    assert ("X-Amz-Function-Error", "Unhandled") in response.headers
    deleted = answered("lambda", "RemovePermission", {})
    assert (deleted.status, deleted.body) == (204, b"")
    assert answered("lambda", "CreateFunction", {"FunctionName": "f"}).status == 201


def test_header_values_cannot_break_out_of_their_line() -> None:
    response = answered("s3", "GetObject", {"Metadata": {"k": "v\r\nSet-Cookie: x"}, "ContentType": "a\nb"})
    assert ("x-amz-meta-k", "v Set-Cookie: x") in response.headers
    assert ("Content-Type", "a b") in response.headers


@pytest.mark.parametrize(
    ("service", "code", "type_"),
    [
        (
            "dynamodb",
            "ResourceNotFoundException",
            "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        ),
        ("dynamodb", "ValidationException", "com.amazon.coral.validate#ValidationException"),
        ("dynamodb", "SerializationException", "com.amazon.coral.service#SerializationException"),
        ("dynamodb", "UnrecognizedClientException", "com.amazon.coral.service#UnrecognizedClientException"),
        ("kms", "NotFoundException", "NotFoundException"),
        ("logs", "ResourceNotFoundException", "ResourceNotFoundException"),
    ],
)
def test_the_type_of_json_errors(service: str, code: str, type_: str) -> None:
    body = failed(service, None, AwsError(code, "no")).body
    assert body.startswith(f'{{"__type":"{type_}"'.encode())
    assert b'essage":"no"' in body


def test_an_unknown_operation_has_no_message() -> None:
    body = failed("dynamodb", None, AwsError("UnknownOperationException", "")).body
    assert body == b'{"__type":"com.amazon.coral.service#UnknownOperationException"}'


def test_transactions_tell_why_they_were_cancelled() -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": {"a": {"B": b"xyz"}}}]
    error = AwsError("TransactionCanceledException", "cancelled", fields={"CancellationReasons": reasons})
    assert failed("dynamodb", "TransactWriteItems", error).body == (
        b'{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":'
        b'[{"Code":"None"},{"Code":"ConditionalCheckFailed","Item":{"a":{"B":"eHl6"}}}],"Message":"cancelled"}'
    )


def test_lambda_errors() -> None:
    response = failed("lambda", "GetFunction", AwsError("ResourceNotFoundException", "no"))
    assert response.status == 404
    assert ("x-amzn-ErrorType", "ResourceNotFoundException") in response.headers
    assert response.body == b'{"Message":"no","Type":"User"}'
    throttled = failed(
        "lambda",
        "Invoke",
        AwsError(
            "TooManyRequestsException",
            "slow",
            fields={"Reason": "CallerRateLimitExceeded", "retryAfterSeconds": "1"},
        ),
    )
    assert throttled.status == 429
    assert ("Retry-After", "1") in throttled.headers


def test_ec2_query_and_s3_errors() -> None:
    assert failed("ec2", "DescribeVpcs", AwsError("InvalidVpcID.NotFound", "no <vpc>")).body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code>'
        b"<Message>no &lt;vpc&gt;</Message></Error></Errors><RequestID>rid</RequestID></Response>"
    )
    missing = failed("iam", "GetUser", AwsError("NoSuchEntityException", "no"))
    assert missing.status == 404
    assert b"<Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no</Message></Error>" in missing.body
    s3 = failed("s3", "GetObject", AwsError("NoSuchKey", "no", http_status=404))
    assert b"\n<Error><Code>NoSuchKey</Code><Message>no</Message><RequestId>rid</RequestId>" in s3.body
    assert failed("s3", "HeadObject", AwsError("NotFound", "no", http_status=404)).body == b""


def test_faults_of_the_server() -> None:
    error = AwsError("InternalFailure", "oops", fault="server")
    assert failed("iam", "GetUser", error).status == 500
    assert b"<Type>Receiver</Type>" in failed("iam", "GetUser", error).body
    assert (
        failed("dynamodb", "GetItem", AwsError("InternalServerError", "oops", fault="server")).status == 500
    )


@pytest.mark.parametrize("protocol", ["json", "smithy-rpc-v2-cbor", "query"])
def test_former_query_services_keep_the_codes_their_clients_knew(protocol: str) -> None:
    response = failed(
        "cloudwatch", "GetDashboard", AwsError("InvalidParameterValueException", "no"), protocol
    )
    if protocol == "query":
        assert b"<Code>InvalidParameterValue</Code>" in response.body
    else:
        assert ("x-amzn-query-error", "InvalidParameterValue;Sender") in response.headers


@pytest.mark.parametrize("protocol", ["json", "smithy-rpc-v2-cbor", "rest-json", "rest-xml", "query", "ec2"])
def test_an_error_of_no_service_can_be_answered(protocol: str) -> None:
    error = AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", http_status=403)
    response = serialize_error(None, None, protocol, error, "rid")
    assert response.status == 403
    assert b"Missing" in response.body or any(value == error.code for _, value in response.headers)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21T09:26:07Z", WHEN),
        ("2026-11-21T09:26:07.000Z", WHEN),
        ("2026-11-21T10:26:07+01:00", WHEN),
        ("20261121T092607Z", WHEN),
        ("Sat, 21 Nov 2026 09:26:07 GMT", WHEN),
        ("1795253167", WHEN),
        ("2026-11-21", WHEN.replace(hour=0, minute=0, second=0)),
    ],
)
def test_timestamps(text: str, moment: datetime) -> None:
    assert from_text(text) == moment
    assert from_epoch(to_epoch(moment)) == moment
    assert from_text(to_iso(moment)) == moment
    assert from_text(to_http_date(moment)) == moment


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-01", "1e400", "2026-11-21T25:00:00Z", "9" * 400, "0001-01-01T00:00:00+10:00"],
)
def test_what_is_no_timestamp(text: str) -> None:
    with pytest.raises(ValueError):
        from_text(text)
