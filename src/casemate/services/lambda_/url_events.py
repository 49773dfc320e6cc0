"""HTTP requests of a function URL as events, and what functions return as HTTP responses. Pure.

Source: Lambda Developer Guide, "Invoking Lambda function URLs": request and response payloads follow the payload format
version 2.0 of API Gateway's HTTP APIs.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

from casemate.model.network import Address
from casemate.model.principals import Principal, PrincipalKind
from casemate.services.lambda_.records import FunctionUrl
from casemate.wire.http import HttpRequest, HttpResponse

_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
"""Content types whose bodies are text; everything else arrives base64-encoded.

"If the content type of the request is binary, the body is base64-encoded" ("Invoking Lambda function URLs") does not say
which are. That a form (application/x-www-form-urlencoded) counts as binary and JSON as text is what users report of AWS:
LeanerCloud/CUDly#1483 and localstack/localstack#9842 on GitHub.
"""
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 9110, section 5.6.2."""
_NOT_FORWARDED = frozenset({"connection", "transfer-encoding", "expect", "cookie"})


def event_of(
    request: HttpRequest,
    url: FunctionUrl,
    *,
    caller: Principal | None,
    source: Address,
    request_id: str,
    trace_id: str,
    organization_id: str | None,
    now: datetime,
) -> dict[str, Any]:
    """The event; `caller` None when nobody was asked who they are (AuthType NONE)."""
    path = unquote(request.path) or "/"
    headers = {name: value for name, value in request.headers.items() if name not in _NOT_FORWARDED}
    headers |= {
        "x-amzn-trace-id": trace_id,
        "x-forwarded-for": str(source),
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query,
    }
    cookies = request.headers.get("cookie")
    if cookies:
        event["cookies"] = [one.strip() for one in cookies.split(";") if one.strip()]
    event["headers"] = headers
    if request.query:
        event["queryStringParameters"] = _parameters(request.query)
    event["requestContext"] = _context(
        request, url, caller=caller, source=source, request_id=request_id, path=path, now=now,
        organization_id=organization_id,
    )  # fmt: skip
    event |= _body(request)
    return event


def _parameters(query: str) -> dict[str, str]:
    """Repeated parameters are joined by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _context(
    request: HttpRequest,
    url: FunctionUrl,
    *,
    caller: Principal | None,
    source: Address,
    request_id: str,
    organization_id: str | None,
    path: str,
    now: datetime,
) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": "anonymous" if caller is None else caller.account,
        "apiId": url.url_id,
    }
    if caller is not None and caller.kind is not PrincipalKind.ANONYMOUS:
        context["authorizer"] = {
            "iam": {
                "accessKey": caller.access_key_id,
                "accountId": caller.account,
                "callerId": caller.user_id,
                "cognitoIdentity": None,
                "principalOrgId": organization_id,
                "userArn": caller.arn,
                "userId": caller.user_id,
            }
        }
    return context | {
        "domainName": url.host,
        "domainPrefix": url.url_id,
        "http": {
            "method": request.method,
            "path": path,
            "protocol": "HTTP/1.1",
            "sourceIp": str(source),
            "userAgent": request.headers.get("user-agent"),
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": f"{now:%d/%b/%Y:%H:%M:%S} +0000",
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _body(request: HttpRequest) -> dict[str, Any]:
    if not request.body:
        return {"isBase64Encoded": False}
    content_type = (request.headers.get("content-type") or "").lower()
    if content_type.startswith(_TEXT):
        try:
            return {"body": request.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": b64encode(request.body).decode(), "isBase64Encoded": True}


class BadAnswerError(Exception):
    """The function's answer is no HTTP response."""


def response_of(payload: bytes) -> HttpResponse:
    """What a function returned, as the response; BadAnswerError when nothing can be made of it."""
    try:
        answer: Any = json.loads(payload) if payload else None
    except (ValueError, RecursionError) as error:
        raise BadAnswerError(str(error)) from error
    if not isinstance(answer, dict) or "statusCode" not in answer:
        # Inferred: status 200, application/json, and as the body what the function returned. A string keeps its quotes:
        # in the page's example "Hello, world!" has a content-length of 15.
        return _json_response(payload or b"null")
    return _formatted(cast("Mapping[str, Any]", answer))


def _json_response(body: bytes) -> HttpResponse:
    return HttpResponse(status=200, headers=(("Content-Type", "application/json"),), body=body)


def _formatted(answer: Mapping[str, Any]) -> HttpResponse:
    status = answer["statusCode"]
    if isinstance(status, str) and re.fullmatch("[0-9]{3}", status):
        status = int(status)
    # RFC 9110, section 15.2: after a status of 1xx a client waits for the response itself, which there is none of.
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        raise BadAnswerError(f"statusCode is {status!r}")
    given: Any = answer.get("headers", {})
    cookies: Any = answer.get("cookies", [])
    if not isinstance(given, Mapping) or not isinstance(cookies, list):
        raise BadAnswerError("headers must be an object and cookies a list")
    if not all(_HEADER_NAME.fullmatch(name) for name in cast("Mapping[str, Any]", given)):
        # A name with a line end in it would be a header, or a whole response, that Lambda never made.
        raise BadAnswerError("a header has a name that HTTP does not allow")
    headers = [
        (name, _one_line(value)) for name, value in cast("Mapping[str, Any]", given).items()
        if name.lower() not in ("content-length", "transfer-encoding", "connection")
    ]  # fmt: skip
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    headers += [("Set-Cookie", _one_line(cookie)) for cookie in cast("list[Any]", cookies)]
    return HttpResponse(status=status, headers=tuple(headers), body=_decoded(answer))


def _decoded(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body)
    if not answer.get("isBase64Encoded"):
        return text.encode("utf-8", "replace")  # JSON may hold half a surrogate pair
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise BadAnswerError("the body is not base64") from error


def _one_line(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return " ".join(text.splitlines()).encode("utf-8", "replace").decode("latin-1")
