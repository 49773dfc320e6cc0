"""Function URLs: their configuration, the event a request becomes, the response an answer becomes, CORS."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.exchanges import ADMIN

from casemate.services.lambda_.cross_origin import preflight, with_headers
from casemate.services.lambda_.records import Cors, FunctionUrl
from casemate.services.lambda_.url_events import BadAnswerError, event_of, response_of
from casemate.wire.http import Headers, HttpRequest, HttpResponse

from .conftest import LambdaCloud

ARN = "arn:aws:lambda:us-east-2:000000000000:function:orders"
URL = FunctionUrl(
    url_id="abc", account="000000000000", region="us-east-2", function="orders", auth_type="NONE",
    created="", modified="",
)  # fmt: skip


def code_of(call: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize(
    "answer",
    [
        {"statusCode": "\u00b2"},
        {"statusCode": "2" * 5000},
        {"statusCode": 100},
        {"statusCode": "101"},
        {"statusCode": 199},
        {"statusCode": 200, "headers": {"X: a\r\nSet-Cookie": "v"}},
        {"statusCode": 200, "headers": {"X\r\n\r\nHTTP/1.1 200 OK\r\nX": "v"}},
        {"statusCode": 200, "headers": {"": "v"}},
    ],
)
def test_an_answer_that_is_no_http_is_refused(answer: dict[str, Any]) -> None:
    """RFC 9110, sections 5.6.2 and 15: else a function would write what is on the connection after its response."""
    with pytest.raises(BadAnswerError):
        response_of(json.dumps(answer).encode())


def test_half_a_surrogate_pair_in_a_body_is_replaced() -> None:
    assert response_of(rb'{"statusCode": 200, "body": "\ud800"}').body == b"?"


def test_a_url_is_made_shown_changed_listed_and_deleted(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, Publish=True)
    client.create_alias(FunctionName="orders", Name="live", FunctionVersion="1")
    made = client.create_function_url_config(
        FunctionName="orders",
        AuthType="NONE",
        Cors={"AllowOrigins": ["*"], "AllowMethods": ["get"], "MaxAge": 5},
    )
    assert made["FunctionUrl"].startswith("https://")
    assert made["FunctionUrl"].endswith(".lambda-url.us-east-2.on.aws/")
    assert made["Cors"] == {"AllowOrigins": ["*"], "AllowMethods": ["GET"], "MaxAge": 5}
    assert cloud.checks[-1].context == {"lambda:FunctionUrlAuthType": "NONE", "lambda:FunctionArn": ARN}
    alias = client.create_function_url_config(FunctionName="orders", Qualifier="live", AuthType="AWS_IAM")
    assert alias["FunctionArn"] == f"{ARN}:live"
    assert alias["FunctionUrl"] != made["FunctionUrl"]
    create = client.create_function_url_config
    assert code_of(lambda: create(FunctionName="orders", AuthType="NONE")) == "ResourceConflictException"
    assert (
        code_of(lambda: create(FunctionName="orders", Qualifier="1", AuthType="NONE"))
        == "ValidationException"
    )
    assert (
        code_of(lambda: create(FunctionName="orders", Qualifier="gone", AuthType="NONE"))
        == "ResourceNotFoundException"
    )
    assert code_of(lambda: create(FunctionName="orders", AuthType="MAYBE")) == "ValidationException"
    changed = client.update_function_url_config(FunctionName="orders", InvokeMode="RESPONSE_STREAM", Cors={})
    assert (changed["AuthType"], changed["InvokeMode"]) == ("NONE", "RESPONSE_STREAM")
    assert "Cors" not in changed
    assert changed["FunctionUrl"] == made["FunctionUrl"]
    assert len(client.list_function_url_configs(FunctionName="orders")["FunctionUrlConfigs"]) == 2
    client.delete_function_url_config(FunctionName="orders")
    get = client.get_function_url_config
    assert code_of(lambda: get(FunctionName="orders")) == "ResourceNotFoundException"
    client.delete_alias(FunctionName="orders", Name="live")
    assert client.list_function_url_configs(FunctionName="orders")["FunctionUrlConfigs"] == []


def request(
    method: str = "GET", path: str = "/", query: str = "", body: bytes = b"", **headers: str
) -> HttpRequest:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpRequest(method=method, path=path, query=query, headers=Headers(pairs), body=body)


def event(given: HttpRequest, **changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "caller": None,
        "source": IPv4Address("203.0.113.9"),
        "request_id": "id",
        "trace_id": "Root=1",
        "organization_id": None,
        "now": datetime(2020, 3, 12, 19, 3, 58, tzinfo=UTC),
    }
    return event_of(given, URL, **(known | changes))


# Fields and their forms: Lambda Developer Guide, "Invoking Lambda function URLs", "Request payload format".
def test_a_request_becomes_an_event_of_version_2() -> None:
    found = event(
        request("POST", "/my/path", "parameter1=value1&parameter1=value2&parameter2=value", b"Hello",
                host="abc.lambda-url.us-east-2.on.aws", user_agent="agent", cookie="cookie1; cookie2",
                content_type="text/plain", x_mine="1,2")
    )  # fmt: skip
    headers = found.pop("headers")
    assert headers["x-mine"] == "1,2"
    assert headers["x-forwarded-for"] == "203.0.113.9"
    assert headers["x-forwarded-proto"] == "https"
    assert "cookie" not in headers
    assert found == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/my/path",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
        "cookies": ["cookie1", "cookie2"],
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc",
            "domainName": "abc.lambda-url.us-east-2.on.aws",
            "domainPrefix": "abc",
            "http": {
                "method": "POST",
                "path": "/my/path",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "agent",
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1584039838000,
        },
        "body": "Hello",
        "isBase64Encoded": False,
    }


def test_a_known_caller_is_in_the_event() -> None:
    context = event(request(), caller=ADMIN, organization_id="o-1")["requestContext"]
    assert context["accountId"] == ADMIN.account
    assert context["authorizer"]["iam"] == {
        "accessKey": ADMIN.access_key_id,
        "accountId": ADMIN.account,
        "callerId": ADMIN.user_id,
        "cognitoIdentity": None,
        "principalOrgId": "o-1",
        "userArn": ADMIN.arn,
        "userId": ADMIN.user_id,
    }


@pytest.mark.parametrize(
    ("body", "content_type", "text", "encoded"),
    [
        (b'{"a":1}', "application/json; charset=utf-8", '{"a":1}', False),
        (b"<a/>", "application/xml", "<a/>", False),
        (b"a=1", "application/x-www-form-urlencoded", "YT0x", True),
        (b"\xff\x00", "application/octet-stream", "/wA=", True),
        (b"\xff", "text/plain", "/w==", True),
        (b"x", "", "eA==", True),
    ],
)
def test_bodies_that_are_not_text_are_base64(
    body: bytes, content_type: str, text: str, encoded: bool
) -> None:
    found = event(request("POST", body=body, content_type=content_type))
    assert (found["body"], found["isBase64Encoded"]) == (text, encoded)


# Lambda Developer Guide, "Invoking Lambda function URLs", "Response payload format".
@pytest.mark.parametrize(
    ("answer", "status", "headers", "body"),
    [
        ({"message": "hi"}, 200, {"Content-Type": "application/json"}, b'{"message": "hi"}'),
        ("text", 200, {"Content-Type": "application/json"}, b'"text"'),
        (None, 200, {"Content-Type": "application/json"}, b"null"),
        ({"statusCode": 201, "body": "made"}, 201, {"Content-Type": "application/json"}, b"made"),
        ({"statusCode": "204"}, 204, {"Content-Type": "application/json"}, b""),
        ({"statusCode": 200, "headers": {"content-type": "text/html", "X-N": 5}, "body": "<p>"}, 200,
         {"content-type": "text/html", "X-N": "5"}, b"<p>"),
        ({"statusCode": 200, "isBase64Encoded": True, "body": "AAE="}, 200, {"Content-Type": "application/json"}, b"\0\1"),
        ({"statusCode": 200, "body": {"a": 1}}, 200, {"Content-Type": "application/json"}, b'{"a": 1}'),
        ({"statusCode": 200, "headers": {"X-A": "1\r\nX-B: 2"}, "body": ""}, 200,
         {"X-A": "1 X-B: 2", "Content-Type": "application/json"}, b""),
    ],
)  # fmt: skip
def test_an_answer_becomes_a_response(answer: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    response = response_of(json.dumps(answer).encode())
    assert (response.status, dict(response.headers), response.body) == (status, headers, body)


@pytest.mark.parametrize(
    "answer",
    [
        b"{no",
        b'{"statusCode": 1000}',
        b'{"statusCode": true}',
        b'{"statusCode": "ok"}',
        b'{"statusCode": 200, "headers": []}',
        b'{"statusCode": 200, "cookies": {"a": 1}}',
        b'{"statusCode": 200, "isBase64Encoded": true, "body": "!"}',
    ],
)
def test_an_answer_that_is_no_response_is_told_apart(answer: bytes) -> None:
    with pytest.raises(BadAnswerError):
        response_of(answer)


ASKED = {"origin": "https://a.example", "access_control_request_method": "POST"}


@pytest.mark.parametrize(
    ("cors", "headers"),
    [
        (Cors(allow_origins=("*",), allow_methods=("POST",), allow_headers=("x-a", "x-b"), max_age=9),
         {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "POST",
          "Access-Control-Allow-Headers": "x-a,x-b", "Access-Control-Max-Age": "9"}),
        (Cors(allow_origins=("https://a.example",), allow_credentials=True),
         {"Access-Control-Allow-Origin": "https://a.example", "Vary": "Origin", "Access-Control-Allow-Credentials": "true"}),
        (Cors(allow_origins=("https://b.example",), allow_methods=("POST",)), {}),
        (Cors(), {}),
    ],
)  # fmt: skip
def test_a_preflight_is_answered_without_the_function(cors: Cors, headers: dict[str, str]) -> None:
    response = preflight(request("OPTIONS", **ASKED), cors)
    assert response is not None
    assert (response.status, dict(response.headers)) == (200, headers)


def test_what_is_no_preflight_goes_to_the_function() -> None:
    cors = Cors(allow_origins=("*",))
    assert preflight(request("OPTIONS", **ASKED), None) is None
    assert preflight(request("OPTIONS", origin="https://a.example"), cors) is None
    assert preflight(request("POST", **ASKED), cors) is None


def test_the_urls_settings_replace_the_functions_own_headers() -> None:
    own = HttpResponse(status=200, headers=(("access-control-allow-origin", "x"), ("X-A", "1")), body=b"b")
    cors = Cors(allow_origins=("*",), expose_headers=("X-A",))
    answered = with_headers(request(origin="https://a.example"), own, cors)
    assert answered.headers == (
        ("X-A", "1"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "X-A"),
    )
    assert with_headers(request(), own, cors) is own
