"""The short verification accepts nothing that the whole one refuses, and accepts what nobody touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from casemate.model.errors import AwsError
from casemate.wire.http import Headers, HttpRequest
from casemate.wire.sigv4 import verify
from casemate.wire.sigv4_repeat import SignedPattern, holds, prefix_of, repeated

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKENS = st.sampled_from([None, "IQoJb3JpZ2luX2VjE+/=="])


def signed(body: bytes, token: str | None) -> HttpRequest:
    headers = {"X-Amz-Target": "DynamoDB_20120810.GetItem", "Content-Type": "application/x-amz-json-1.0"}
    request = AWSRequest("POST", "http://localhost:4566/", headers, body)
    SigV4Auth(Credentials(KEY, SECRET, token), "dynamodb", "us-east-2").add_auth(request)
    pairs = [(name, str(value)) for name, value in request.headers.items()]
    return HttpRequest(
        method="POST", path="/", headers=Headers([*pairs, ("Host", "localhost:4566")]), body=body
    )


def signer(token: str | None, **changes: Any) -> Any:
    members = {
        "access_key_id": KEY,
        "secret_access_key": SECRET,
        "session_token": token,
        "expires": None,
        "active": True,
    }
    return SimpleNamespace(**{**members, **changes})


@given(st.binary(max_size=50), st.binary(max_size=50), TOKENS)
def test_another_request_of_the_same_signer_is_accepted(
    first: bytes, second: bytes, token: str | None
) -> None:
    known = repeated(signed(first, token), signer(token))
    again = signed(second, token)
    assert known is not None
    assert prefix_of(again) == prefix_of(signed(first, token))
    assert holds(again, known, datetime.now(UTC))


changes = st.one_of(
    st.tuples(st.just("body"), st.binary(max_size=5)),
    st.tuples(
        st.sampled_from(
            ["x-amz-target", "x-amz-date", "x-amz-extra", "host", "content-type", "x-amz-security-token", "x-amz-content-sha256"]
        ),
        st.sampled_from(["", "x", "20261121T090000Z", "20200101T000000Z", "UNSIGNED-PAYLOAD", "localhost:4566", " localhost:4566 "]),
    ),
    st.tuples(st.just("without"), st.sampled_from(["x-amz-date", "host", "x-amz-target", "x-amz-security-token"])),
    st.tuples(st.just("signature"), st.text("0123456789abcdefG ", min_size=64, max_size=64)),
    st.tuples(st.just("time"), st.integers(-400, 400)),
)  # fmt: skip


@given(TOKENS, TOKENS, st.lists(changes, max_size=2), st.booleans(), st.sampled_from([None, -1, 3600]))
def test_what_is_accepted_the_whole_verification_accepts(
    token: str | None, expected: str | None, steps: list[tuple[str, Any]], active: bool, lifetime: int | None
) -> None:
    request, now = signed(b"{}", token), datetime.now(UTC)
    expires = None if lifetime is None else now + timedelta(seconds=lifetime)
    owner = signer(expected, active=active, expires=expires)
    known = repeated(request, owner)
    assert known is not None
    fields = dict(request.headers.lowered)
    for what, value in steps:
        if what == "body":
            request.body = value
        elif what == "time":
            now += timedelta(seconds=value)
        elif what == "without":
            fields.pop(value, None)
        elif what == "signature":
            fields["authorization"] = fields["authorization"][:-64] + value
        else:
            fields[what] = value
    request.headers = Headers(fields.items())
    if holds(request, known, now):
        try:
            verified = verify(
                request, now=now, lookup=lambda _: owner, service="dynamodb", signing_name="dynamodb"
            )
        except AwsError as error:
            raise AssertionError(f"refused: {error.message}") from error
        assert verified is not None


VARYING = ("x-amz-date", "authorization", "x-amz-target", "user-agent")
visible = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)


@given(
    TOKENS,
    st.sampled_from([None, "20200101T000000Z", "20261121T090000", "\xb2", "x"]),
    st.one_of(st.none(), visible),
    st.one_of(st.none(), st.text("0123456789abcdefG", min_size=64, max_size=64)),
    st.sampled_from([b"{}", b"{ }"]),
    st.tuples(st.booleans(), st.sampled_from([None, -1, 3600]), st.integers(-400, 400)),
)
def test_the_pattern_of_a_request_accepts_what_the_short_verification_does(
    token: str | None,
    stamp: str | None,
    target: str | None,
    signature: str | None,
    body: bytes,
    rest: tuple[bool, int | None, int],
) -> None:
    """`%` in values that stay and in those that vary among them."""
    request, now = signed(b"{}", token), datetime.now(UTC)
    request.headers = Headers([*request.headers.lowered.items(), ("user-agent", "a%b %s"), ("x", "%b")])
    active, lifetime, late = rest
    expires = None if lifetime is None else now + timedelta(seconds=lifetime)
    known = repeated(request, signer(token, active=active, expires=expires))
    assert known is not None
    pattern = SignedPattern(known, request.headers.lowered, VARYING)
    fields = dict(request.headers.lowered)
    fields["x-amz-date"] = stamp or fields["x-amz-date"]
    fields["x-amz-target"] = target or fields["x-amz-target"]
    fields["authorization"] = fields["authorization"][:-64] + (signature or fields["authorization"][-64:])
    other = HttpRequest(method="POST", path="/", headers=Headers(fields.items()), body=body)
    now += timedelta(seconds=late)
    values = [fields[name].encode("latin-1") for name in VARYING]
    values[1] = values[1][-64:]
    digest = sha256(body).hexdigest().encode()
    assert pattern.holds(values, digest, now) == holds(other, known, now)
    unchanged = None is stamp is target is signature and body == b"{}"
    lives = active and (lifetime is None or late < lifetime) and abs(late) < 299
    assert pattern.holds(values, digest, now) or not (unchanged and lives)
