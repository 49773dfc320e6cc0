"""What botocore signs, ours verifies; and no byte of it can be exchanged."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from casemate.model.errors import AwsError
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.sigv4 import verify

KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKENS = st.sampled_from([None, "IQoJb3JpZ2luX2VjE+/=="])
SAFE_PATHS = st.lists(st.text(alphabet="aB9-_.~ é%/:$+@", max_size=8), max_size=4).map("/".join)
VALUES = st.text(alphabet="aB9-_.~ é%/:$+&=;", max_size=12)


def signed(
    *, service: str, path: str, params: dict[str, str], headers: dict[str, str], body: bytes, token: str | None,
    presigned: bool,
) -> HttpRequest:  # fmt: skip
    is_s3 = service == "s3"
    credentials = Credentials(KEY, SECRET, token)
    request = AWSRequest("POST", f"http://localhost:4566/{quote(path, safe='/~')}", headers, body, params)
    if presigned:
        signer: Any = (S3SigV4QueryAuth if is_s3 else SigV4QueryAuth)(credentials, service, "us-east-2", 60)
        request.data = b""
        body = b""
    else:
        signer = (S3SigV4Auth if is_s3 else SigV4Auth)(credentials, service, "us-east-2")
    signer.add_auth(request)
    prepared = request.prepare()
    url = urlsplit(prepared.url)
    pairs = [(k, v.decode() if isinstance(v, bytes) else str(v)) for k, v in prepared.headers.items()]
    return HttpRequest(
        method="POST",
        path=url.path,
        query=url.query,
        headers=Headers([*pairs, ("Host", "localhost:4566")]),
        body=body,
    )


def verified(request: HttpRequest, service: str, token: str | None = None) -> Any:
    signer = SimpleNamespace(
        access_key_id=KEY, secret_access_key=SECRET, session_token=token, expires=None, active=True
    )
    return verify(
        request,
        now=datetime.now(UTC),
        lookup=lambda key: signer if key == KEY else None,
        service=service,
        signing_name=service,
        protocol="rest-xml" if service == "s3" else "json",
    )


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    service=st.sampled_from(["lambda", "dynamodb", "s3"]),
    path=SAFE_PATHS,
    params=st.dictionaries(VALUES.filter(bool), VALUES, max_size=3),
    header=st.text(alphabet="ab  ,;=\t", max_size=8).map(str.strip),
    body=st.binary(max_size=40),
    token=TOKENS,
    presigned=st.booleans(),
)
def test_what_botocore_signs_verifies(
    service: str,
    path: str,
    params: dict[str, str],
    header: str,
    body: bytes,
    token: str | None,
    presigned: bool,
) -> None:
    request = signed(
        service=service, path=path, params=params, headers={"X-Amz-Meta-A": header}, body=body, token=token,
        presigned=presigned,
    )  # fmt: skip
    result = verified(request, service, token)
    assert result.access_key_id == KEY
    assert str(result.scope).endswith(f"/us-east-2/{service}/aws4_request")
    assert result.presigned is presigned


def tampered(request: HttpRequest) -> list[tuple[str, HttpRequest]]:
    """The request with one byte of what is signed changed, once for each byte."""

    def with_(**changes: Any) -> HttpRequest:
        parts = {name: getattr(request, name) for name in ("method", "path", "query", "headers", "body")}
        return HttpRequest(**{**parts, **changes})

    found: list[tuple[str, HttpRequest]] = [("method", with_(method="PUT"))]
    for name in ("path", "query"):
        text = getattr(request, name)
        for position, char in enumerate(text):
            changed = text[:position] + ("b" if char != "b" else "c") + text[position + 1 :]
            if unquote(changed) == unquote(text):
                continue  # %3b for %3B: not another request
            found.append((f"{name}[{position}]", with_(**{name: changed})))
    for position in range(len(request.body)):
        body = bytearray(request.body)
        body[position] ^= 1
        found.append((f"body[{position}]", with_(body=bytes(body))))
    authorization = request.headers.get("authorization", "")
    for header, value in request.headers.items():
        if (
            header != "authorization"
            and header not in authorization.partition("SignedHeaders=")[2]
            and authorization
        ):
            continue
        for position, char in enumerate(value):
            if char == " ":
                continue
            changed = value[:position] + ("b" if char != "b" else "c") + value[position + 1 :]
            headers = Headers([(n, changed if n == header else v) for n, v in request.headers.items()])
            found.append((f"{header}[{position}]", with_(headers=headers)))
    return found


@pytest.mark.parametrize("presigned", [False, True])
@pytest.mark.parametrize("service", ["lambda", "s3"])
def test_no_single_byte_can_be_exchanged(service: str, presigned: bool) -> None:
    request = signed(
        service=service, path="2015-03-31/functions/orders", params={"Qualifier": "live"},
        headers={"X-Amz-Client-Context": "abc"}, body=b'{"order": 1}', token="token", presigned=presigned,
    )  # fmt: skip
    assert verified(request, service, "token") is not None
    unsigned = {"content-length"} if presigned else set()
    for what, changed in tampered(request):
        if what.partition("[")[0] in unsigned:
            continue
        # Not even claiming a signature is as good as being refused: the gateway treats it as anonymous.
        assert not is_accepted(changed, service), f"{what} was accepted: {changed.query}"


def is_accepted(request: HttpRequest, service: str) -> bool:
    try:
        return verified(request, service, "token") is not None
    except AwsError:
        return False
