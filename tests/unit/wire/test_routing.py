"""Which service a request is for, by each of the ways in which a request says it."""

from __future__ import annotations

import pytest

from casemate.model.errors import AwsError
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.routing import identify
from casemate.wire.service_index import INDEX_FILE, default_index, generate


def request(*, path: str = "/", query: str = "", body: bytes = b"", **headers: str) -> HttpRequest:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpRequest(method="POST", path=path, query=query, headers=Headers(pairs), body=body)


def scoped(signing_name: str, region: str = "us-east-2") -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential=AKIA/20261121/{region}/{signing_name}/aws4_request,"
        " SignedHeaders=host, Signature=00"
    )


@pytest.mark.parametrize(
    ("host", "service", "region"),
    [
        ("dynamodb.us-east-2.amazonaws.com", "dynamodb", "us-east-2"),
        ("DynamoDB.US-East-2.amazonaws.com.", "dynamodb", "us-east-2"),
        ("dynamodb.us-east-2.amazonaws.com:443", "dynamodb", "us-east-2"),
        ("dynamodb-fips.us-east-2.amazonaws.com", "dynamodb", "us-east-2"),
        ("dynamodb.us-east-2.api.aws", "dynamodb", "us-east-2"),
        ("123456789012.ddb.us-east-2.amazonaws.com", "dynamodb", "us-east-2"),
        ("123456789012.streams-ddb.us-east-2.amazonaws.com", "dynamodbstreams", "us-east-2"),
        ("streams.dynamodb.us-east-2.amazonaws.com", "dynamodbstreams", "us-east-2"),
        ("vpce-0a1b2c3d-4e5f6789.dynamodb.us-east-2.vpce.amazonaws.com", "dynamodb", "us-east-2"),
        ("vpce-0a1b2c3d-4e5f6789-us-east-2a.lambda.us-east-2.vpce.amazonaws.com", "lambda", "us-east-2"),
        ("bucket.vpce-0a1b2c3d-4e5f6789.s3.us-east-2.vpce.amazonaws.com", "s3", "us-east-2"),
        ("abcdefghijklmnop.lambda-url.us-east-2.on.aws", "lambda-url", "us-east-2"),
        ("a1b2c3d4e5.execute-api.us-east-2.amazonaws.com", "execute-api", "us-east-2"),
        ("ec2.us-east-2.amazonaws.com", "ec2", "us-east-2"),
        ("logs.ap-southeast-2.amazonaws.com", "logs", "ap-southeast-2"),
        ("monitoring.us-east-2.amazonaws.com", "cloudwatch", "us-east-2"),
        ("api.ecr.us-east-2.amazonaws.com", "ecr", "us-east-2"),
        ("iam.amazonaws.com", "iam", "us-east-1"),
        ("sts.amazonaws.com", "sts", "us-east-1"),
        ("sts.us-east-2.amazonaws.com", "sts", "us-east-2"),
        ("organizations.us-east-1.amazonaws.com", "organizations", "us-east-1"),
        ("s3.amazonaws.com", "s3", "us-east-1"),
        ("s3.us-east-2.amazonaws.com", "s3", "us-east-2"),
        ("s3.dualstack.us-east-2.amazonaws.com", "s3", "us-east-2"),
        ("my.dotted.bucket.s3.us-east-2.amazonaws.com", "s3", "us-east-2"),
        ("bucket.s3-us-west-2.amazonaws.com", "s3", "us-west-2"),
        ("bucket.s3.amazonaws.com", "s3", "us-east-1"),
        ("123456789012.s3-control.us-east-2.amazonaws.com", "s3control", "us-east-2"),
    ],
)
def test_hosts(host: str, service: str, region: str) -> None:
    target = identify(request(host=host))
    assert (target.service, target.region) == (service, region)


@pytest.mark.parametrize(
    ("signing_name", "headers", "path", "service"),
    [
        ("dynamodb", {"x_amz_target": "DynamoDB_20120810.GetItem"}, "/", "dynamodb"),
        ("dynamodb", {"x_amz_target": "DynamoDBStreams_20120810.GetRecords"}, "/", "dynamodbstreams"),
        ("dynamodb", {}, "/", "dynamodb"),
        ("lambda", {}, "/2015-03-31/functions", "lambda"),
        ("monitoring", {}, "/service/GraniteServiceVersion20100801/operation/ListMetrics", "cloudwatch"),
        ("execute-api", {}, "/prod/@connections/abc", "apigatewaymanagementapi"),
        ("states", {"x_amz_target": "AWSStepFunctions.ListStateMachines"}, "/", "stepfunctions"),
        ("events", {"x_amz_target": "AWSEvents.PutRule"}, "/", "events"),
        ("rds", {}, "/", "rds"),
        ("s3", {}, "/bucket/key", "s3"),
        ("s3", {}, "/v20180820/tags/arn", "s3control"),
        ("apigateway", {}, "/v2/apis", "apigatewayv2"),
        ("apigateway", {}, "/restapis", "apigateway"),
        ("elasticloadbalancing", {}, "/", "elb"),
        ("es", {}, "/2021-01-01/domain", "opensearch"),
        ("email", {"host": "email.us-east-2.amazonaws.com"}, "/", "ses"),
    ],
)
def test_credential_scopes(signing_name: str, headers: dict[str, str], path: str, service: str) -> None:
    target = identify(
        request(path=path, **{"host": "127.0.0.1:4566", **headers}, authorization=scoped(signing_name))
    )
    assert (target.service, target.region) == (service, "us-east-2")


def test_a_version_tells_query_services_of_one_name_apart() -> None:
    form = "application/x-www-form-urlencoded; charset=utf-8"
    body = b"Action=DescribeLoadBalancers&Version=2015-12-01"
    found = identify(request(body=body, content_type=form, authorization=scoped("elasticloadbalancing")))
    assert found.service == "elbv2"


def test_the_scope_of_a_presigned_url() -> None:
    found = identify(
        request(query="X-Amz-Credential=AKIA%2F20261121%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=x")
    )
    assert (found.service, found.region) == ("s3", "eu-west-1")


def test_the_scope_wins_over_a_host_of_casemate_and_gives_the_region() -> None:
    found = identify(request(host="localhost:4566", authorization=scoped("iam", "us-east-1")))
    assert (found.service, found.region) == ("iam", "us-east-1")


def test_a_function_url_is_one_whatever_it_is_signed_for() -> None:
    found = identify(request(host="abc.lambda-url.us-east-2.on.aws", authorization=scoped("lambda")))
    assert found.service == "lambda-url"


def test_unsigned_requests_by_target_and_by_version() -> None:
    assert identify(request(x_amz_target="DynamoDB_20120810.ListTables")).service == "dynamodb"
    form = "application/x-www-form-urlencoded"
    body = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=x"
    assert identify(request(body=body, content_type=form)).service == "sts"
    assert identify(request(query="Action=ListUsers&Version=2010-05-08")).service == "iam"


def test_nothing_says_it() -> None:
    with pytest.raises(AwsError) as raised:
        identify(request(host="127.0.0.1:4566"))
    assert (raised.value.code, raised.value.http_status) == ("MissingAuthenticationToken", 403)
    with pytest.raises(AwsError) as raised:
        identify(request(host="127.0.0.1:4566", authorization=scoped("no-such-service")))
    assert raised.value.code == "UnrecognizedClientException"


@pytest.mark.parametrize("host", ["", "[::1]:4566", "....", "a" * 5000, "-.amazonaws.com", "s3.", "\x00"])
def test_strange_hosts_are_nobodys(host: str) -> None:
    with pytest.raises(AwsError):
        identify(request(host=host))


def test_the_index_is_that_of_the_installed_botocore() -> None:
    assert INDEX_FILE.read_bytes() == generate(), "run: python -m casemate.wire.service_index"
    assert default_index().entries["dynamodb"].target_prefix == "DynamoDB_20120810"


def test_a_credential_scope_without_end_is_read_once() -> None:
    """Each `Credential=` was tried up to the end of the header: six seconds for what one header may hold."""
    headers = Headers([("Host", "localhost"), ("Authorization", "Credential=" * 200_000)])
    with pytest.raises(AwsError):
        identify(HttpRequest(method="POST", path="/", headers=headers))
