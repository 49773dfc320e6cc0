"""Input that does not fit: each protocol's answer, with AWS's code, status and words."""

from __future__ import annotations

from typing import Any

import pytest

from casemate.model.errors import AwsError
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.models import ServiceModels
from casemate.wire.parser import parse

MODELS = ServiceModels()


def json_request(operation: str, body: str | bytes, *, target: str = "DynamoDB_20120810") -> HttpRequest:
    raw = body if isinstance(body, bytes) else body.encode()
    return HttpRequest(
        method="POST", path="/", headers=Headers([("X-Amz-Target", f"{target}.{operation}")]), body=raw
    )


def form(body: str) -> HttpRequest:
    return HttpRequest(method="POST", path="/", headers=Headers(), body=body.encode())


def rest(method: str, path: str, *, query: str = "", body: bytes = b"", **headers: str) -> HttpRequest:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpRequest(method=method, path=path, query=query, headers=Headers(pairs), body=body)


def refused(request: HttpRequest, service: str) -> tuple[str, int, str]:
    with pytest.raises(AwsError) as raised:
        parse(request, MODELS.get(service))
    return raised.value.code, raised.value.http_status, raised.value.message


def read(request: HttpRequest, service: str) -> dict[str, Any]:
    return parse(request, MODELS.get(service)).params


@pytest.mark.parametrize(
    ("request_", "service", "code", "status", "message"),
    [
        (json_request("Nope", "{}"), "dynamodb", "UnknownOperationException", 400, ""),
        (json_request("", "{}"), "dynamodb", "UnknownOperationException", 400, ""),
        (form("Action=Nope&Version=2010-05-08"), "iam", "InvalidAction", 400, "Could not find operation Nope for version 2010-05-08"),
        (form("Action=Nope&Version=2016-11-15"), "ec2", "InvalidAction", 400, "The action Nope is not valid for this web service."),
        (form("Version=2016-11-15"), "ec2", "MissingAction", 400, "The request must contain the parameter Action"),
        (rest("GET", "/2015-03-31/nope"), "lambda", "UnknownOperationException", 404, ""),
        (rest("PATCH", "/2015-03-31/functions"), "lambda", "UnknownOperationException", 404, ""),
        (rest("PATCH", "/bucket"), "s3", "MethodNotAllowed", 405, "The specified method is not allowed against this resource."),
        (rest("POST", "/service/x/operation/Nope", smithy_protocol="rpc-v2-cbor"), "cloudwatch", "UnknownOperationException", 400, ""),
    ],
)  # fmt: skip
def test_unknown_operations(
    request_: HttpRequest, service: str, code: str, status: int, message: str
) -> None:
    assert refused(request_, service) == (code, status, message)


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[",
        '{"a":}',
        "nope",
        "{'a': 1}",
        '{"TableName": NaN}',
        "\ud800".encode("utf-8", "surrogatepass"),
        b"\xff",
        "[" * 100_000,
        '{"a":' * 100_000,
        '"\\ud800"',
    ],
)
def test_bodies_that_are_no_json(body: str | bytes) -> None:
    assert refused(json_request("ListTables", body), "dynamodb")[:2] == ("SerializationException", 400)


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("GetItem", "[]", "Unrecognized collection type class"),
        ("GetItem", '"x"', "Unexpected value type in payload"),
        ("GetItem", '{"TableName": 23}', "NUMBER_VALUE cannot be converted to String"),
        ("GetItem", '{"TableName": 2.5}', "DECIMAL_VALUE cannot be converted to String"),
        ("GetItem", '{"TableName": true}', "TRUE_VALUE cannot be converted to String"),
        ("GetItem", '{"TableName": []}', "Unrecognized collection type class java.lang.String"),
        ("GetItem", '{"TableName": {}}', "Start of structure or map found where not expected."),
        ("GetItem", '{"ConsistentRead": "true"}', "STRING_VALUE cannot be converted to Boolean"),
        ("GetItem", '{"ConsistentRead": 1}', "NUMBER_VALUE cannot be converted to Boolean"),
        ("GetItem", '{"Key": []}', "Unrecognized collection type java.util.Map"),
        ("GetItem", '{"Key": "x"}', "Unexpected field type"),
        ("GetItem", '{"AttributesToGet": "x"}', "Unexpected field type"),
        ("GetItem", '{"AttributesToGet": {}}', "Start of structure or map found where not expected."),
        ("GetItem", '{"AttributesToGet": ["a", null]}', "NULL_VALUE is not allowed in a list"),
        ("ListTables", '{"Limit": "3"}', "STRING_VALUE cannot be converted to Integer"),
        ("ListTables", '{"Limit": false}', "FALSE_VALUE cannot be converted to Integer"),
        ("ListTables", '{"Limit": 2147483648}', "Numeric value (2147483648) out of range of integer (-2147483648 - 2147483647)"),
        ("PutItem", '{"Item": {"a": {"B": "AAA"}}}', "Base64 encoded length is expected a multiple of 4 bytes but found: 3"),
        ("PutItem", '{"Item": {"a": {"B": "=AAA"}}}', "Invalid last non-final Base64 character detected"),
        ("PutItem", '{"Item": {"a": {"B": true}}}', "TRUE_VALUE cannot be converted to Blob"),
    ],
)  # fmt: skip
def test_json_of_the_wrong_type(operation: str, body: str, message: str) -> None:
    assert refused(json_request(operation, body), "dynamodb") == ("SerializationException", 400, message)


def test_json_that_aws_reads_all_the_same() -> None:
    assert read(json_request("ListTables", b""), "dynamodb") == {}
    assert read(
        json_request("ListTables", '{"Limit": 3.7, "Unknown": [1], "ExclusiveStartTableName": null}'),
        "dynamodb",
    ) == {"Limit": 3}


def test_missing_members_of_the_shared_front_end() -> None:
    code, status, message = refused(json_request("PutItem", "{}"), "dynamodb")
    assert (code, status) == ("ValidationException", 400)
    assert message == (
        "2 validation errors detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null;"
        " Value null at 'item' failed to satisfy constraint: Member must not be null"
    )
    nested = '{"TableName":"t","KeySchema":[{"KeyType":"HASH"}],"AttributeDefinitions":[]}'
    assert refused(json_request("CreateTable", nested), "dynamodb")[2] == (
        "1 validation error detected: Value null at 'keySchema.1.member.attributeName' failed to satisfy constraint:"
        " Member must not be null"
    )


@pytest.mark.parametrize(
    ("request_", "service", "code", "message"),
    [
        (json_request("CreateLogGroup", "{}", target="Logs_20140328"), "logs", "InvalidParameterException", "Value null at 'logGroupName'"),
        (json_request("DescribePolicy", "{}", target="AWSOrganizationsV20161128"), "organizations", "InvalidInputException", "Value null at 'policyId'"),
        (json_request("DescribeKey", "{}", target="TrentService"), "kms", "ValidationException", "Value null at 'keyId'"),
        (form("Action=CreateUser&Version=2010-05-08"), "iam", "ValidationError", "Value null at 'userName'"),
        (form("Action=AssumeRole&Version=2011-06-15&RoleArn=x"), "sts", "ValidationError", "Value null at 'roleSessionName'"),
        (form("Action=CreateSubnet&Version=2016-11-15"), "ec2", "MissingParameter", "The request must contain the parameter VpcId"),
        (rest("POST", "/2015-03-31/functions", body=b'{"FunctionName":"f"}'), "lambda", "ValidationException", "Value null at 'role'"),
        (rest("DELETE", "/2017-03-31/tags/arn"), "lambda", "ValidationException", "Value null at 'tagKeys'"),
        (rest("PUT", "/bucket", query="versioning"), "s3", "InvalidRequest", "Missing required parameter: VersioningConfiguration"),
    ],
)  # fmt: skip
def test_missing_members_of_every_family(
    request_: HttpRequest, service: str, code: str, message: str
) -> None:
    found = refused(request_, service)
    assert found[:2] == (code, 400)
    assert message in found[2]


def test_organizations_gives_its_reason() -> None:
    with pytest.raises(AwsError) as raised:
        parse(
            json_request("DescribePolicy", "{}", target="AWSOrganizationsV20161128"),
            MODELS.get("organizations"),
        )
    assert raised.value.fields == {"Reason": "INPUT_REQUIRED"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("MaxResults=abc", "Value (abc) for parameter maxResults is invalid. 'abc' is not a valid integer."),
        (
            "MaxResults=99999999999999999999999",
            "Value (99999999999999999999999) for parameter maxResults is invalid.",
        ),
        ("MaxResults=١", "Value (١) for parameter maxResults is invalid."),
        ("DryRun=maybe", "Value (maybe) for parameter dryRun is invalid. 'maybe' is not a valid boolean."),
        (
            "Filter.1.Value.x=a",
            "Value (x) for parameter filter.1.Value is invalid. 'x' is not a valid list index.",
        ),
        ("Filter=a", "Value (a) for parameter filter is invalid."),
        ("Filter.1=a", "Value (a) for parameter filter.1 is invalid."),
    ],
)
def test_ec2_parameters_of_the_wrong_type(body: str, message: str) -> None:
    code, status, found = refused(form(f"Action=DescribeVpcs&Version=2016-11-15&{body}"), "ec2")
    assert (code, status) == ("InvalidParameterValue", 400)
    assert found.startswith(message)


def test_ec2_refuses_parameters_it_does_not_know() -> None:
    found = refused(form("Action=DescribeVpcs&Version=2016-11-15&VpcIdd.1=vpc-1"), "ec2")
    assert found == ("UnknownParameter", 400, "The parameter VpcIdd is not recognized")
    signed = (
        "Action=DescribeVpcs&Version=2016-11-15&SignatureVersion=4&X-Amz-Date=x&Timestamp=x&AWSAccessKeyId=x"
    )
    assert read(form(signed), "ec2") == {}


def test_ec2_lists_may_have_gaps_and_come_in_any_order() -> None:
    assert read(form("Action=DescribeVpcs&VpcId.10=c&VpcId.2=b&VpcId.1=a"), "ec2") == {
        "VpcIds": ["a", "b", "c"]
    }


@pytest.mark.parametrize(
    "body",
    [
        "MaxItems=abc",
        "MaxItems=1.5",
        "MaxItems=1_0",
        "MaxItems.member.1=a",
        "PathPrefix.a=x",
    ],
)
def test_query_parameters_of_the_wrong_type(body: str) -> None:
    request = form(f"Action=ListUsers&Version=2010-05-08&{body}")
    assert refused(request, "iam")[:2] == ("MalformedInput", 400)


def test_forms_that_are_none() -> None:
    broken = "Action=ListUsers&PathPrefix=%FF"
    assert refused(form(broken), "iam")[:2] == ("MalformedQueryString", 404)
    assert refused(form(broken), "ec2")[:2] == ("InvalidQueryParameter", 400)
    assert refused(form("Action=ListUsers&" + "a." * 100 + "a=1"), "iam")[:2] == ("MalformedQueryString", 404)


def test_query_lists_and_maps() -> None:
    body = (
        "Action=SimulateCustomPolicy&PolicyInputList.member.1=p&ActionNames.member.2=b&ActionNames.member.1=a"
        "&ContextEntries.member.1.ContextKeyName=k&ContextEntries.member.1.ContextKeyValues="
    )
    assert read(form(body), "iam") == {
        "PolicyInputList": ["p"],
        "ActionNames": ["a", "b"],
        "ContextEntries": [{"ContextKeyName": "k", "ContextKeyValues": []}],
    }
    attributes = "Action=CreateTopic&Name=t&Attributes.entry.1.key=a&Attributes.entry.1.value=b"
    assert read(form(attributes), "sns") == {"Name": "t", "Attributes": {"a": "b"}}


def test_a_query_request_may_be_a_get() -> None:
    request = HttpRequest(
        method="GET", path="/", query="Action=GetCallerIdentity&Version=2011-06-15", headers=Headers()
    )
    assert parse(request, MODELS.get("sts")).operation.name == "GetCallerIdentity"


@pytest.mark.parametrize(
    ("request_", "service", "code"),
    [
        (rest("GET", "/2015-03-31/functions", query="MaxItems=abc"), "lambda", "SerializationException"),
        (rest("POST", "/2015-03-31/functions", body=b"{"), "lambda", "SerializationException"),
        (rest("POST", "/2015-03-31/functions", body=b"[]"), "lambda", "SerializationException"),
        (rest("GET", "/bucket", query="max-keys=abc"), "s3", "InvalidArgument"),
        (rest("PUT", "/bucket", query="versioning", body=b"<Versioning"), "s3", "MalformedXML"),
        (rest("PUT", "/bucket", query="versioning", body=b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "s3", "MalformedXML"),
        (rest("PUT", "/bucket", query="versioning", body=b"<a>" * 5000 + b"</a>" * 5000), "s3", "MalformedXML"),
        (rest("POST", "/service/x/operation/ListMetrics", body=b"\xff"), "cloudwatch", "SerializationException"),
        (rest("POST", "/service/x/operation/ListMetrics", body=b"\x81" * 100_000), "cloudwatch", "SerializationException"),
        (rest("POST", "/service/x/operation/ListMetrics", body=b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff"), "cloudwatch", "SerializationException"),
        (rest("POST", "/service/x/operation/ListMetrics", body=b"\xa1inamespace\x01"), "cloudwatch", None),
        (rest("POST", "/service/x/operation/ListMetrics", body=b"\xa1iNamespace\x01"), "cloudwatch", "SerializationException"),
    ],
)  # fmt: skip
def test_other_protocols_of_the_wrong_type(request_: HttpRequest, service: str, code: str | None) -> None:
    if code is None:
        assert read(request_, service) == {}
    else:
        assert refused(request_, service)[:2] == (code, 400)


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "operation"),
    [
        ("GET", "/", "", {}, "ListBuckets"),
        ("GET", "/bucket", "", {}, "ListObjects"),
        ("GET", "/bucket/", "", {}, "ListObjects"),
        ("GET", "/bucket", "list-type=2", {}, "ListObjectsV2"),
        ("GET", "/bucket", "policy", {}, "GetBucketPolicy"),
        ("GET", "/bucket", "inventory&id=a", {}, "GetBucketInventoryConfiguration"),
        ("GET", "/bucket", "inventory", {}, "ListBucketInventoryConfigurations"),
        ("GET", "/bucket/a/b//c", "", {}, "GetObject"),
        ("GET", "/bucket/key", "uploadId=u", {}, "ListParts"),
        ("PUT", "/bucket/key", "", {}, "PutObject"),
        ("PUT", "/bucket/key", "", {"x_amz_copy_source": "a/b"}, "CopyObject"),
        ("PUT", "/bucket/key", "partNumber=1&uploadId=u", {}, "UploadPart"),
        ("PUT", "/bucket/key", "partNumber=1&uploadId=u", {"x_amz_copy_source": "a/b"}, "UploadPartCopy"),
        ("DELETE", "/bucket/key", "", {}, "DeleteObject"),
        ("DELETE", "/bucket/key", "uploadId=u", {}, "AbortMultipartUpload"),
        ("POST", "/bucket/key", "uploads", {}, "CreateMultipartUpload"),
        ("GET", "/key", "", {"host": "bucket.s3.us-east-2.amazonaws.com"}, "GetObject"),
        ("GET", "/", "location", {"host": "bucket.s3.amazonaws.com"}, "GetBucketLocation"),
    ],
)
def test_operations_of_s3_are_told_apart(
    method: str, path: str, query: str, headers: dict[str, str], operation: str
) -> None:
    assert parse(rest(method, path, query=query, **headers), MODELS.get("s3")).operation.name == operation


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/2015-03-31/functions", "ListFunctions"),
        ("GET", "/2015-03-31/functions/", "ListFunctions"),
        ("GET", "/2015-03-31/functions/orders", "GetFunction"),
        ("GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-2%3A000000000000%3Afunction%3Aorders", "GetFunction"),
        ("POST", "/2015-03-31/functions/orders/invocations", "Invoke"),
        ("POST", "/2014-11-13/functions/orders/invoke-async/", "InvokeAsync"),
        ("POST", "/2014-11-13/functions/orders/invoke-async", "InvokeAsync"),
    ],
)  # fmt: skip
def test_operations_of_lambda_are_told_apart(method: str, path: str, operation: str) -> None:
    parsed = parse(rest(method, path, body=b"{}"), MODELS.get("lambda"))
    assert parsed.operation.name == operation


def test_headers_are_found_without_regard_to_case_and_joined() -> None:
    headers = Headers([("X-A", "1"), ("x-a", "2"), ("B", "3")])
    assert headers["X-a"] == "1,2"
    assert "b" in headers
    assert dict(headers) == {"x-a": "1,2", "b": "3"}


def test_models_are_those_botocore_ships() -> None:
    with pytest.raises(KeyError):
        MODELS.get("no-such-service")
    assert "dynamodb" in MODELS.names()
    assert MODELS.get("dynamodb") is MODELS.get("dynamodb")
    assert "documentation" not in vars(MODELS.get("dynamodb").shape_for("AttributeValue"))["_shape_model"]


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v20180820/mrap/instances/a/b", "GetMultiRegionAccessPoint"),
        ("/v20180820/mrap/instances/a/b/policy", "GetMultiRegionAccessPointPolicy"),
        ("/v20180820/mrap/instances/a/policystatus", "GetMultiRegionAccessPointPolicyStatus"),
    ],
)
def test_what_follows_a_greedy_label_is_more_specific_than_the_label(path: str, operation: str) -> None:
    assert (
        parse(rest("GET", path, x_amz_account_id="0" * 12), MODELS.get("s3control")).operation.name
        == operation
    )
