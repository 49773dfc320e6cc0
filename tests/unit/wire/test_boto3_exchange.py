"""boto3 as it comes, handlers, endpoint rules, signing and checksums included, against the wire without a socket."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from casemate.model.errors import AwsError
from casemate.wire.http import Headers, HttpRequest, HttpResponse
from casemate.wire.models import ServiceModels
from casemate.wire.parser import ParsedRequest, parse
from casemate.wire.routing import Target, identify
from casemate.wire.serializer import serialize, serialize_error
from casemate.wire.sigv4 import Verified, verify

MODELS = ServiceModels()
KEY, SECRET, TOKEN = (
    "ASIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "IQoJb3JpZ2luX2VjE+/==",
)


class Exchange:
    """One client whose requests are answered here."""

    def __init__(self, service: str, answer: Any, **config: Any) -> None:
        self.answer = answer
        self.target: Target | None = None
        self.parsed: ParsedRequest | None = None
        self.verified: Verified | None = None
        self.client = boto3.client(
            service,
            region_name="us-east-2",
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            aws_session_token=TOKEN,
            config=Config(retries={"max_attempts": 0}, **config),
        )
        self.client.meta.events.register("before-send", self._send)

    def _send(self, request: Any, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        pairs = [(k, v.decode() if isinstance(v, bytes) else str(v)) for k, v in request.headers.items()]
        body = request.body or b""
        if hasattr(body, "read"):
            body = body.read()
        received = HttpRequest(
            method=request.method,
            path=url.path,
            query=url.query,
            headers=Headers([*pairs, ("Host", url.netloc)]),
            body=body.encode() if isinstance(body, str) else body,
        )
        response = self._respond(received)
        raw = io.BytesIO(response.body)
        raw.stream = lambda *_, **__: iter([response.body])  # type: ignore[attr-defined] - as urllib3's bodies have it
        return AWSResponse(request.url, response.status, dict(response.headers), raw)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        self.target = identify(request)
        model = MODELS.get(self.target.service)
        self.parsed = parse(request, model)
        signer = SimpleNamespace(
            access_key_id=KEY, secret_access_key=SECRET, session_token=TOKEN, expires=None, active=True
        )
        self.verified = verify(
            request,
            now=datetime.now(UTC),
            lookup=lambda key: signer if key == KEY else None,
            service=self.target.service,
            signing_name=model.signing_name,
            protocol=self.parsed.protocol,
        )
        if isinstance(self.answer, AwsError):
            return serialize_error(
                model, self.parsed.operation, self.parsed.protocol, self.answer, "request-1"
            )
        return serialize(self.parsed, self.answer, "request-1")


@pytest.mark.parametrize(
    ("service", "method", "params", "answer"),
    [
        ("dynamodb", "put_item", {"TableName": "t", "Item": {"pk": {"S": "a"}, "b": {"B": b"\x00"}}}, {}),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}}}, {"Item": {"b": {"B": b"\x00"}}}),
        ("dynamodbstreams", "list_streams", {"TableName": "orders"}, {"Streams": [{"StreamArn": "a"}]}),
        ("ec2", "describe_vpcs", {"Filters": [{"Name": "vpc-id", "Values": ["a", "b"]}]}, {"Vpcs": [{"VpcId": "a"}]}),
        ("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16", "DryRun": False}, {"Vpc": {"VpcId": "a", "IsDefault": False}}),
        ("ec2", "delete_vpc", {"VpcId": "a"}, {}),
        ("iam", "create_user", {"UserName": "u"}, {"User": {"UserName": "u", "CreateDate": datetime(2026, 1, 1, tzinfo=UTC)}}),
        ("sts", "get_caller_identity", {}, {"Account": "000000000000"}),
        ("organizations", "list_roots", {}, {"Roots": [{"Id": "r-1"}]}),
        ("kms", "encrypt", {"KeyId": "k", "Plaintext": b"\xff"}, {"CiphertextBlob": b"\x00\x01", "KeyId": "k"}),
        ("logs", "put_log_events", {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 1, "message": "m"}]}, {"nextSequenceToken": "1"}),
        ("cloudtrail", "lookup_events", {"StartTime": datetime(2026, 1, 1, tzinfo=UTC)}, {"Events": []}),
        ("cloudformation", "create_stack", {"StackName": "s", "TemplateBody": "{}\n", "Parameters": []}, {"StackId": "a"}),
        ("lambda", "list_functions", {"MaxItems": 3}, {"Functions": [{"FunctionName": "f", "Timeout": 3}]}),
        ("lambda", "create_function", {"FunctionName": "f", "Role": "arn:aws:iam::000000000000:role/r", "Code": {"ZipFile": b"PK\x00"}}, {"FunctionName": "f"}),
        ("lambda", "add_permission", {"FunctionName": "arn:aws:lambda:us-east-2:000000000000:function:f", "StatementId": "s", "Action": "a", "Principal": "p"}, {"Statement": "{}"}),
        ("secretsmanager", "get_secret_value", {"SecretId": "s"}, {"SecretBinary": b"\x00", "Name": "s"}),
        ("ssm", "get_parameter", {"Name": "/a/b"}, {"Parameter": {"Name": "/a/b", "Value": "v"}}),
        ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.5}]}, {}),
        ("s3", "create_bucket", {"Bucket": "bucket-a", "CreateBucketConfiguration": {"LocationConstraint": "us-east-2"}}, {"Location": "/bucket-a"}),
        ("s3", "list_objects_v2", {"Bucket": "bucket-a", "Prefix": "a b/"}, {"Contents": [{"Key": "a b/c", "Size": 3}], "KeyCount": 1}),
        ("s3", "head_object", {"Bucket": "bucket-a", "Key": "a b/ü"}, {"ContentLength": 3, "ETag": '"x"'}),
        ("s3", "put_object", {"Bucket": "bucket-a", "Key": "a b/ü", "Body": b"abc", "Metadata": {"k": "v"}}, {"ETag": '"x"'}),
    ],
)  # fmt: skip
def test_exchange(service: str, method: str, params: dict[str, Any], answer: dict[str, Any]) -> None:
    exchange = Exchange(service, answer)
    found = getattr(exchange.client, method)(**params)
    assert exchange.target == Target(
        service=service,
        region=exchange.client.meta.region_name if service not in {"iam", "organizations"} else "us-east-1",
    )
    assert exchange.verified is not None
    assert exchange.verified.access_key_id == KEY
    assert exchange.parsed is not None
    assert {name: exchange.parsed.params[name] for name in params if params[name] not in ([], b"abc")} == {
        name: value for name, value in params.items() if value not in ([], b"abc")
    }
    assert found["ResponseMetadata"]["RequestId"] == "request-1"
    for name, value in answer.items():
        assert found[name] == value


def test_an_invocation() -> None:
    exchange = Exchange(
        "lambda", {"StatusCode": 200, "Payload": b'{"ok": true}', "ExecutedVersion": "$LATEST"}
    )
    found = exchange.client.invoke(FunctionName="orders", Payload=b'{"id": 1}')
    assert found["Payload"].read() == b'{"ok": true}'
    assert exchange.parsed is not None
    assert exchange.parsed.params == {"FunctionName": "orders", "Payload": b'{"id": 1}'}


@pytest.mark.parametrize(
    ("service", "method", "params", "code", "status"),
    [
        ("dynamodb", "get_item", {"TableName": "t", "Key": {}}, "ResourceNotFoundException", 400),
        ("dynamodb", "get_item", {"TableName": "t", "Key": {}}, "ValidationException", 400),
        ("ec2", "describe_vpcs", {}, "InvalidVpcID.NotFound", 400),
        ("iam", "get_user", {"UserName": "u"}, "NoSuchEntity", 404),
        ("lambda", "get_function", {"FunctionName": "f"}, "ResourceNotFoundException", 404),
        ("kms", "describe_key", {"KeyId": "k"}, "NotFoundException", 400),
        ("s3", "get_object", {"Bucket": "bucket-a", "Key": "k"}, "NoSuchKey", 404),
        ("cloudwatch", "get_dashboard", {"DashboardName": "d"}, "ResourceNotFound", 404),
    ],
)
def test_errors_reach_the_user_of_the_sdk(
    service: str, method: str, params: dict[str, Any], code: str, status: int
) -> None:
    exchange = Exchange(service, AwsError(code, "It is not there", http_status=status))
    with pytest.raises(ClientError) as raised:
        getattr(exchange.client, method)(**params)
    error = raised.value.response
    assert error["Error"]["Code"] == code
    assert error["Error"]["Message"] == "It is not there"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == status
    assert error["ResponseMetadata"]["RequestId"] == "request-1"


def test_modelled_errors_are_the_exceptions_of_the_client() -> None:
    item = {"pk": {"S": "a"}}
    error = AwsError(
        "ConditionalCheckFailedException", "The conditional request failed", fields={"Item": item}
    )
    exchange = Exchange("dynamodb", error)
    with pytest.raises(exchange.client.exceptions.ConditionalCheckFailedException) as raised:
        exchange.client.put_item(TableName="t", Item=item)
    assert raised.value.response["Item"] == item
