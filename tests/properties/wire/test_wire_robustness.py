"""Whatever bytes arrive, the answer is a parsed request or an AwsError."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.wire.test_wire_requests import http_request, operations, values

from casemate.model.errors import AwsError
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.models import ServiceModels
from casemate.wire.parser import parse
from casemate.wire.routing import identify
from casemate.wire.serializer import serialize_error
from casemate.wire.sigv4 import verify

MODELS = ServiceModels()
SERVICES = ["dynamodb", "ec2", "iam", "lambda", "s3", "cloudwatch"]
JUNK = st.sampled_from(
    [b"", b"{", b"null", b"[]", b"1e999", b"<", b"\x00", b"\xff\xff", b"=", b"&&==", b"%", b".1.2", b"\xbf\x9f", b"\xdb" * 9]
)  # fmt: skip


def refusal(step: Callable[..., Any], *args: Any, **kwargs: Any) -> AwsError | None:
    """The AwsError of a step, if it raises one; any other exception is a failure."""
    try:
        step(*args, **kwargs)
    except AwsError as error:
        return error
    return None


def mutated(request: HttpRequest, data: st.DataObject) -> HttpRequest:
    """The request with bytes of its body, and characters of its query and path, exchanged or cut out."""

    def spliced(raw: bytes) -> bytes:
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, min(len(raw), start + 4)))
        return raw[:start] + data.draw(JUNK) + raw[end:]

    part = data.draw(st.sampled_from(["body", "body", "query", "path"]))
    if part == "body":
        request.body = spliced(request.body)
    else:
        text = spliced(getattr(request, part).encode()).decode("latin-1")
        setattr(request, part, text)
    return request


@pytest.mark.parametrize("service", SERVICES)
@settings(max_examples=120, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_damaged_request_is_read_or_refused(service: str, data: st.DataObject) -> None:
    model = MODELS.get(service)
    protocol: Any = model.metadata["protocol"]
    operation = data.draw(st.sampled_from(operations(service)))
    seeded = random.Random(data.draw(st.integers(0, 1000)))
    params = {} if operation.input_shape is None else values(seeded, protocol, 0.5).of(operation.input_shape)
    request = mutated(http_request(operation, protocol, params), data)
    error = refusal(parse, request, model)
    if error is not None:
        assert 400 <= error.http_status < 500
        response = serialize_error(model, None, protocol, error, "request-1")
        assert response.status == error.http_status


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    host=st.text(max_size=40),
    authorization=st.text(max_size=60)
    | st.just("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=, Signature="),
    query=st.text(max_size=60) | st.just("X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=%FF"),
    body=st.binary(max_size=40),
)
def test_any_headers_identify_something_or_are_refused(
    host: str, authorization: str, query: str, body: bytes
) -> None:
    headers = Headers([("Host", host), ("Authorization", authorization), ("X-Amz-Date", query)])
    request = HttpRequest(method="POST", path="/", query=query, headers=headers, body=body)
    errors = [
        refusal(identify, request),
        refusal(verify, request, now=datetime.now(UTC), lookup=lambda key: None),
    ]
    assert all(error is None or 400 <= error.http_status < 500 for error in errors)
