"""What is done with a request before it is known who sent it: as good as nothing, whatever it holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.lives import ARRIVAL, HOST, Life, life

from casemate.gateway.lengths import refuse_long
from casemate.wire.http import Headers, HttpRequest, HttpResponse

NESTED = b'{"TableName":"orders","Key":{"p":' + b"[" * 300 + b"]" * 300 + b"}}"
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def running() -> Iterator[Life]:
    with life(readmits=True) as one:
        yield one


@pytest.fixture
def decoders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of decoders that were given something."""
    given: list[str] = []

    def watched(name: str) -> None:
        import casemate.wire.parser as parser

        inner: Any = getattr(parser, name)

        def decode(*arguments: Any) -> Any:
            given.append(name)
            return inner(*arguments)

        monkeypatch.setattr(parser, name, decode)

    for name in ("decoded", "decode_json", "decode_cbor", "tree_of"):
        watched(name)
    return given


def handled(one: Life, request: HttpRequest) -> HttpResponse:
    async def ask() -> HttpResponse:
        return await one.pipeline.handle(request, ARRIVAL)

    return one.runner.run(ask())


def without_signature(request: HttpRequest) -> HttpRequest:
    headers = {name: text for name, text in request.headers.items() if name != "authorization"}
    headers["host"] = "dynamodb.us-east-2.amazonaws.com"
    return HttpRequest(method="POST", path="/", headers=Headers(headers.items()), body=request.body)


def with_wrong_signature(request: HttpRequest) -> HttpRequest:
    headers = {**request.headers, "authorization": request.headers["authorization"][:-4] + "0000"}
    return HttpRequest(method="POST", path="/", headers=Headers(headers.items()), body=request.body)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (without_signature, "MissingAuthenticationTokenException"),
        (with_wrong_signature, "InvalidSignatureException"),
    ],
    ids=["unsigned", "wrongly signed"],
)
def test_input_of_nobody_is_not_read(running: Life, decoders: list[str], spoil: Any, code: str) -> None:
    response = handled(running, spoil(running.request("GetItem", {}, body=NESTED)))
    assert json.loads(response.body)["__type"].endswith(code)
    assert decoders == []


def test_input_of_somebody_is_read(running: Life, decoders: list[str]) -> None:
    response = handled(running, running.request("GetItem", {}, body=NESTED))
    assert json.loads(response.body)["__type"].endswith("SerializationException")
    assert decoders == ["decoded", "decode_json"]


def test_a_form_of_nobody_is_looked_through_for_its_action_alone(running: Life, decoders: list[str]) -> None:
    body = b"Action=ListUsers&Version=2010-05-08&a.b.c.d=1"
    headers = Headers([("Host", "iam.amazonaws.com"), ("Content-Type", "application/x-www-form-urlencoded")])
    response = handled(running, HttpRequest(method="POST", path="/", headers=headers, body=body))
    assert b"MissingAuthenticationToken" in response.body
    assert decoders == []


@pytest.mark.parametrize("spoil", [without_signature, with_wrong_signature])
def test_what_is_no_json_is_refused_as_such_whoever_sent_it(
    running: Life, decoders: list[str], spoil: Any
) -> None:
    """In that order on record: dynalite, index.js ("THEN check body, see if the JSON parses", then the headers)."""
    response = handled(running, spoil(running.request("GetItem", {}, body=NESTED[:-1])))
    assert json.loads(response.body)["__type"].endswith("SerializationException")
    assert decoders == []


def request_to(service: str, size: int) -> HttpRequest:
    scope = f"AWS4-HMAC-SHA256 Credential=AKIA/20261121/us-east-2/{service}/aws4_request, SignedHeaders=host, Signature=0"
    headers = [("Host", HOST), ("Authorization", scope)]
    if service == "dynamodb":
        headers.append(("X-Amz-Target", "DynamoDB_20120810.BatchWriteItem"))
    return HttpRequest(method="POST", path="/", headers=Headers(headers), body=bytes(size))


@pytest.mark.parametrize(
    ("service", "longest"),
    [("dynamodb", 16 * MEGABYTE), ("kms", 10 * MEGABYTE), ("iam", 10 * MEGABYTE), ("nothing", 10 * MEGABYTE)],
)
def test_a_service_takes_bodies_of_its_length(service: str, longest: int) -> None:
    assert refuse_long(request_to(service, longest)) is None
    refused = refuse_long(request_to(service, longest + 1))
    assert refused is not None
    assert (refused.status, refused.body, refused.headers) == (413, b"", ())


def test_the_largest_code_of_a_function_is_let_through() -> None:
    """A package of 50 MB, in base64 (Lambda quotas): 69,905,067 characters and what is around them."""
    assert refuse_long(request_to("lambda", 69_905_067 + 4096)) is None


def test_a_long_request_is_refused_ahead_of_its_signature(running: Life, decoders: list[str]) -> None:
    body = b'{"RequestItems":"' + bytes(16 * MEGABYTE) + b'"}'
    assert handled(running, running.request("BatchWriteItem", {}, body=body)).status == 413
    assert decoders == []
