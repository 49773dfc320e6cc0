"""Refusals: each with the code, the status and the words of its family of protocols."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest

from casemate.model.errors import AwsError
from casemate.wire.canonical_request import canonical_headers, canonical_path, canonical_query
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.sigv4 import (
    UNSIGNED_PAYLOAD,
    Verified,
    _Claim,
    _signature,
    credential_scope,
    signing_key,
    verify,
)
from casemate.wire.sigv4_errors import Refusal, family_of, signature_error

NOW = datetime(2026, 11, 21, 9, 26, 7, tzinfo=UTC)
SECRET = "secret"


def sign(
    *, service: str = "dynamodb", at: datetime = NOW, body: bytes = b"{}", extra: tuple[tuple[str, str], ...] = (),
    unsigned: tuple[tuple[str, str], ...] = (), payload: str | None = None, scope_date: str | None = None,
    terminator: str = "aws4_request", key: str = "AKIAIOSFODNN7EXAMPLE",
) -> HttpRequest:  # fmt: skip
    """A signer of its own, so that its mistakes can be made on purpose."""
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    fields = Headers([("Host", "localhost"), ("X-Amz-Date", stamp), *extra])
    names = tuple(sorted(fields))
    credential = f"{key}/{scope_date or stamp[:8]}/us-east-2/{service}/{terminator}"
    _, scope, text, _ = credential_scope(credential)
    canonical = "\n".join(
        [
            "POST",
            "/",
            "",
            canonical_headers(fields.lowered, names),
            ";".join(names),
            payload or sha256(body).hexdigest(),
        ]
    )
    claim = _Claim(key, scope, text, ";".join(names), "", stamp, at, None, None)
    signature = _signature(
        signing_key(SECRET, scope.date, scope.region, scope.service), claim, canonical
    ).decode()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    pairs = [*fields.items(), *unsigned, ("Authorization", authorization)]
    return HttpRequest(method="POST", path="/", headers=Headers(pairs), body=body)


def check(
    request: HttpRequest, *, protocol: str = "json", service: str = "dynamodb", **signer: Any
) -> Verified | None:
    known = {
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": SECRET,
        "session_token": None,
        "expires": None,
        "active": True,
    }
    credential = SimpleNamespace(**{**known, **signer})
    return verify(
        request,
        now=NOW,
        lookup=lambda key: credential if key == credential.access_key_id else None,
        service=service,
        signing_name=service,
        protocol=protocol,
    )


def refused(request: HttpRequest, **arguments: Any) -> AwsError:
    with pytest.raises(AwsError) as raised:
        check(request, **arguments)
    return raised.value


def test_a_signed_request_verifies_and_gives_the_signer_back() -> None:
    result = check(sign())
    assert result is not None
    assert result.signer.secret_access_key == SECRET
    assert result.signed_at == NOW
    assert str(result.scope) == "20261121/us-east-2/dynamodb/aws4_request"


def test_an_unsigned_request_is_not_an_error() -> None:
    assert check(HttpRequest(method="POST", path="/", headers=Headers())) is None


@pytest.mark.parametrize(
    ("protocol", "service", "code", "status"),
    [
        ("json", "dynamodb", "UnrecognizedClientException", 400),
        ("smithy-rpc-v2-cbor", "cloudwatch", "UnrecognizedClientException", 400),
        ("rest-json", "lambda", "UnrecognizedClientException", 403),
        ("query", "iam", "InvalidClientTokenId", 403),
        ("ec2", "ec2", "AuthFailure", 401),
        ("rest-xml", "s3", "InvalidAccessKeyId", 403),
        ("rest-xml", "route53", "InvalidClientTokenId", 403),
    ],
)
def test_unknown_and_inactive_keys(protocol: str, service: str, code: str, status: int) -> None:
    for signer in ({"access_key_id": "AKIAOTHER"}, {"active": False}):
        error = refused(sign(service=service), protocol=protocol, service=service, **signer)
        assert (error.code, error.http_status) == (code, status)


@pytest.mark.parametrize(
    ("protocol", "service", "code", "status"),
    [
        ("json", "dynamodb", "InvalidSignatureException", 400),
        ("rest-json", "lambda", "InvalidSignatureException", 403),
        ("query", "iam", "SignatureDoesNotMatch", 403),
        ("ec2", "ec2", "AuthFailure", 401),
        ("rest-xml", "s3", "SignatureDoesNotMatch", 403),
    ],
)
def test_wrong_secret(protocol: str, service: str, code: str, status: int) -> None:
    error = refused(sign(service=service), protocol=protocol, service=service, secret_access_key="other")
    assert (error.code, error.http_status) == (code, status)


def test_a_signature_lives_five_minutes() -> None:
    assert check(sign(at=NOW - timedelta(minutes=5))) is not None
    assert check(sign(at=NOW + timedelta(minutes=5))) is not None
    old = refused(sign(at=NOW - timedelta(minutes=5, seconds=1)))
    assert old.code == "InvalidSignatureException"
    assert old.message == (
        "Signature expired: 20261121T092106Z is now earlier than 20261121T092107Z (20261121T092607Z - 5 min.)"
    )
    early = refused(sign(at=NOW + timedelta(minutes=5, seconds=1)))
    assert early.message == (
        "Signature not yet current: 20261121T093108Z is still later than 20261121T093107Z"
        " (20261121T092607Z + 5 min.)"
    )


def test_s3_allows_fifteen_minutes() -> None:
    assert (
        check(sign(service="s3", at=NOW - timedelta(minutes=15)), service="s3", protocol="rest-xml")
        is not None
    )
    error = refused(sign(service="s3", at=NOW - timedelta(minutes=16)), service="s3", protocol="rest-xml")
    assert (error.code, error.http_status) == ("RequestTimeTooSkewed", 403)


def test_session_tokens() -> None:
    with_token = sign(extra=(("X-Amz-Security-Token", "token"),))
    assert check(with_token, session_token="token") is not None
    for request, expected in ((with_token, "other"), (with_token, None), (sign(), "token")):
        error = refused(request, session_token=expected)
        assert error.code == "UnrecognizedClientException"
        assert error.message == "The security token included in the request is invalid."


@pytest.mark.parametrize(
    ("protocol", "service", "code", "status"),
    [
        ("json", "dynamodb", "ExpiredTokenException", 400),
        ("rest-json", "lambda", "ExpiredTokenException", 403),
        ("query", "sts", "ExpiredToken", 403),
        ("ec2", "ec2", "RequestExpired", 400),
        ("rest-xml", "s3", "ExpiredToken", 400),
    ],
)
def test_expired_sessions(protocol: str, service: str, code: str, status: int) -> None:
    request = sign(service=service, extra=(("X-Amz-Security-Token", "token"),))
    error = refused(request, protocol=protocol, service=service, session_token="token", expires=NOW)
    assert (error.code, error.http_status) == (code, status)
    later = NOW + timedelta(seconds=1)
    assert (
        check(request, protocol=protocol, service=service, session_token="token", expires=later) is not None
    )


def test_the_end_of_a_session_is_told_only_to_who_holds_its_key() -> None:
    request = sign(extra=(("X-Amz-Security-Token", "token"),))
    error = refused(request, session_token="token", expires=NOW, secret_access_key="other")
    assert error.code == "InvalidSignatureException"


def test_headers_that_are_not_signed_are_refused() -> None:
    error = refused(sign(unsigned=(("X-Amz-Target", "DynamoDB_20120810.DeleteTable"),)))
    assert error.code == "InvalidSignatureException"
    assert "not signed: x-amz-target" in error.message
    assert check(sign(unsigned=(("User-Agent", "anything"),))) is not None


def test_scopes_must_be_of_the_service_the_day_and_the_terminator() -> None:
    assert refused(sign(service="iam"), service="dynamodb").message == (
        "Credential should be scoped to correct service: 'dynamodb'. "
    )
    assert "'20261120' != '20261121'" in refused(sign(scope_date="20261120")).message
    assert "valid terminator: 'aws4_request'" in refused(sign(terminator="aws5_request")).message


def test_payload_hash_must_be_that_of_the_body() -> None:
    other = sha256(b"other").hexdigest()
    error = refused(sign(extra=(("X-Amz-Content-SHA256", other),), payload=other))
    assert error.code == "InvalidSignatureException"
    s3 = sign(service="s3", extra=(("X-Amz-Content-SHA256", other),), payload=other)
    assert refused(s3, service="s3", protocol="rest-xml").code == "XAmzContentSHA256Mismatch"


def test_only_s3_takes_unsigned_payloads_by_itself() -> None:
    extra = (("X-Amz-Content-SHA256", UNSIGNED_PAYLOAD),)
    assert refused(sign(extra=extra, payload=UNSIGNED_PAYLOAD)).code == "InvalidSignatureException"
    s3 = sign(service="s3", extra=extra, payload=UNSIGNED_PAYLOAD)
    result = check(s3, service="s3", protocol="rest-xml")
    assert result is not None
    assert result.payload_hash == UNSIGNED_PAYLOAD


@pytest.mark.parametrize(
    ("authorization", "missing"),
    [
        (
            "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00",
            "Authorization header requires 'Credential' parameter.",
        ),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, Signature=00", "'SignedHeaders' parameter."),
        ("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host", "'Signature' parameter."),
        (
            "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00",
            "exactly 5 slash-delimited elements",
        ),
        ("AWS4-ECDSA-P256-SHA256 Credential=a", "Unsupported authorization algorithm"),
        ("Basic dXNlcjpwYXNz", "Unsupported authorization algorithm: Basic"),
        ("", "Unsupported authorization algorithm"),
    ],
)
def test_incomplete_signatures(authorization: str, missing: str) -> None:
    headers = Headers([("Host", "h"), ("X-Amz-Date", "20261121T092607Z"), ("Authorization", authorization)])
    error = refused(HttpRequest(method="POST", path="/", headers=headers))
    assert (error.code, error.http_status) == ("IncompleteSignatureException", 400)
    assert missing in error.message


def test_a_date_is_needed_and_must_be_one() -> None:
    authorization = (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=00",
    )
    for headers in (
        [authorization],
        [authorization, ("X-Amz-Date", "yesterday")],
        [authorization, ("Date", "20269921T000000Z")],
    ):
        error = refused(HttpRequest(method="POST", path="/", headers=Headers(headers)))
        assert error.code == "IncompleteSignatureException"


def test_presigned_urls_need_all_their_parameters() -> None:
    error = refused(
        HttpRequest(method="GET", path="/", query="X-Amz-Algorithm=AWS4-HMAC-SHA256", headers=Headers())
    )
    assert "must include 'X-Amz-Credential'" in error.message


@pytest.mark.parametrize("expires", ["604801", "-1", "abc", "9" * 30, "٣"])
def test_presigned_urls_expire_within_seven_days(expires: str) -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/b/c/d/aws4_request&X-Amz-Date=20261121T092607Z"
        f"&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&X-Amz-Signature=00"
    )
    error = refused(HttpRequest(method="GET", path="/", query=query, headers=Headers()))
    assert "604800" in error.message


def test_every_family_has_every_refusal() -> None:
    for protocol in ("json", "query", "ec2", "rest-json", "rest-xml", "smithy-rpc-v2-cbor"):
        for refusal in Refusal:
            error = signature_error(
                family_of(protocol, "s3" if protocol == "rest-xml" else None), refusal, "detail"
            )
            assert error.code
            assert error.message


def test_paths_are_normalized_and_encoded_again_but_for_s3() -> None:
    assert canonical_path("", as_sent=False) == "/"
    assert canonical_path("/a/./b/../c//d/", as_sent=False) == "/a/c/d/"
    assert canonical_path("/arn%3Aaws", as_sent=False) == "/arn%253Aaws"
    assert canonical_path("/a//b/%20", as_sent=True) == "/a//b/%20"


def test_queries_are_sorted_and_encoded_once() -> None:
    assert canonical_query("b=2&a=1&a=0") == "a=0&a=1&b=2"
    assert canonical_query("acl") == "acl="
    assert canonical_query("k=a+b&x=%e4/") == "k=a%20b&x=%E4%2F"
    assert canonical_query("a=1&X-Amz-Signature=00", presigned=True) == "a=1"
