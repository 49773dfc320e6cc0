"""Verification of AWS Signature Version 4, in headers and in presigned URLs.

Source: IAM User Guide, "AWS Signature Version 4 for API requests"; Amazon S3 API Reference, "Authenticating requests".
"""

from __future__ import annotations

import functools
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import parse_qsl

from msgspec import Struct

from casemate.model.errors import AwsError
from casemate.wire.canonical_request import canonical_headers, canonical_path, canonical_query, reencoded_path
from casemate.wire.dialects import dialect_of
from casemate.wire.sigv4_errors import Refusal, family_of, signature_error
from casemate.wire.timestamps import from_text

if TYPE_CHECKING:
    from casemate.wire.http import HttpRequest

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
EMPTY_SHA256 = sha256(b"").hexdigest()
SKEW = timedelta(minutes=5)
"""How old a signed request may be, and how far ahead its clock; S3 allows fifteen minutes."""
_S3_SKEW = timedelta(minutes=15)
_LONGEST_EXPIRY = 604_800
"""Seven days: the most that X-Amz-Expires may say."""
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})\s*"
)
_PART = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]*)")
_AMZ_DATE = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


class Signer(Protocol):
    """What verification asks of an access key; `servicekit.ports.Credential` is one."""

    @property
    def access_key_id(self) -> str: ...
    @property
    def secret_access_key(self) -> str: ...
    @property
    def session_token(self) -> str | None: ...
    @property
    def expires(self) -> datetime | None: ...
    @property
    def active(self) -> bool: ...


Lookup = Callable[[str], "Signer | None"]


class Scope(Struct, frozen=True, kw_only=True):
    """The credential scope."""

    date: str
    """`20261121`."""
    region: str
    service: str
    """The signing name."""

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


class Verified(Struct, frozen=True, kw_only=True):
    """A signature that holds."""

    access_key_id: str
    scope: Scope
    signer: Signer
    """What `lookup` gave for the key."""
    signed_at: datetime
    presigned: bool
    """Whether the signature is in the query string."""
    payload_hash: str
    """What was signed for the body: its SHA-256, UNSIGNED-PAYLOAD, or a STREAMING-... name, whose chunks carry
    signatures of their own that are not verified here."""
    signature: str
    """The seed of chunk signatures."""


class _Claim(NamedTuple):
    """A signature as the request presents it."""

    access_key_id: str
    scope: Scope
    scope_text: str
    signed: str
    signature: str
    timestamp: str
    signed_at: datetime
    token: str | None
    expires: int | None
    """Seconds, for a presigned URL."""


def is_signed(request: HttpRequest) -> bool:
    """Whether the request claims a signature at all."""
    return "authorization" in request.headers.lowered or "X-Amz-Algorithm=" in request.query


def verify(
    request: HttpRequest,
    *,
    now: datetime,
    lookup: Lookup,
    service: str | None = None,
    signing_name: str | None = None,
    protocol: str = "json",
    unsigned_payload: bool = False,
) -> Verified | None:
    """Verify the signature of a request to `service` (botocore's name); None when it is not signed.

    `signing_name` is what the scope must say; None accepts what it says. `protocol` chooses the words of errors.
    `unsigned_payload` True accepts a body that is not signed, as S3 does in any case.
    """
    if not is_signed(request):
        return None
    return _Verification(request, now, service, family_of(protocol, service)).run(
        lookup, signing_name, unsigned_payload=unsigned_payload
    )


class _Verification:
    """One request's; it holds what every step wants to know."""

    __slots__ = ("_family", "_headers", "_now", "_request", "_s3", "_service")

    def __init__(self, request: HttpRequest, now: datetime, service: str | None, family: str) -> None:
        self._request = request
        self._headers = request.headers.lowered
        self._now = now
        self._service = service
        self._family = family
        self._s3 = dialect_of(service).decodes_path_once

    def run(self, lookup: Lookup, signing_name: str | None, *, unsigned_payload: bool) -> Verified:
        presigned = "authorization" not in self._headers
        claim = self._claim_of_query() if presigned else self._claim_of_header()
        signer = lookup(claim.access_key_id)
        if signer is None or not signer.active:
            raise signature_error(self._family, Refusal.UNKNOWN_KEY)
        self._check_token(claim, signer)
        self._check_scope(claim, signing_name)
        self._check_signed_headers(claim)
        payload_hash = self._payload_hash(presigned=presigned, unsigned_payload=unsigned_payload or self._s3)
        self._check_signature(claim, signer, payload_hash, presigned=presigned)
        self._check_time(claim)
        if signer.expires is not None and signer.expires <= self._now:
            raise signature_error(self._family, Refusal.EXPIRED_TOKEN)
        return Verified(
            access_key_id=claim.access_key_id,
            scope=claim.scope,
            signer=signer,
            signed_at=claim.signed_at,
            presigned=presigned,
            payload_hash=payload_hash,
            signature=claim.signature,
        )

    def _claim_of_header(self) -> _Claim:
        text = self._headers["authorization"]
        match = _AUTHORIZATION.fullmatch(text)
        timestamp = self._headers.get("x-amz-date") or self._headers.get("date") or ""
        if match is not None and timestamp:
            credential, signed, signature = match.groups()
        else:
            credential, signed, signature = self._parts_of(text, has_date=bool(timestamp))
        return self._claim(
            credential, signed, signature, timestamp, self._headers.get("x-amz-security-token"), None
        )

    def _parts_of(self, text: str, *, has_date: bool) -> tuple[str, str, str]:
        """The parts of an Authorization header in any order; IncompleteSignature when one is missing."""
        if not text.startswith(ALGORITHM):
            detail = f"Unsupported authorization algorithm: {text.split(' ', maxsplit=1)[0][:40]}"
            raise signature_error(self._family, Refusal.INCOMPLETE, detail)
        found = dict(_PART.findall(text))
        problems = [
            f"Authorization header requires '{name}' parameter."
            for name in ("Credential", "Signature", "SignedHeaders")
            if not found.get(name)
        ]
        if not has_date:
            problems.append(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
            )
        if problems:
            detail = " ".join(problems) + f" Authorization={ALGORITHM}"
            raise signature_error(self._family, Refusal.INCOMPLETE, detail)
        return found["Credential"], found["SignedHeaders"], found["Signature"]

    def _claim_of_query(self) -> _Claim:
        fields = dict(parse_qsl(self._request.query, keep_blank_values=True))
        names = ("Algorithm", "Credential", "Signature", "Date", "SignedHeaders")
        missing = [name for name in names if not fields.get(f"X-Amz-{name}")]
        if missing or fields["X-Amz-Algorithm"] != ALGORITHM:
            detail = " ".join(f"AWS query-string parameters must include 'X-Amz-{name}'." for name in missing)
            raise signature_error(self._family, Refusal.INCOMPLETE, detail or "Unsupported X-Amz-Algorithm")
        expires = fields.get("X-Amz-Expires", "300" if not self._s3 else "")
        if not (
            expires.isascii() and expires.isdigit() and len(expires) < 8 and int(expires) <= _LONGEST_EXPIRY
        ):
            detail = "X-Amz-Expires must be a number of at most 604800 seconds"
            raise signature_error(self._family, Refusal.INCOMPLETE, detail)
        return self._claim(
            fields["X-Amz-Credential"],
            fields["X-Amz-SignedHeaders"],
            fields["X-Amz-Signature"],
            fields["X-Amz-Date"],
            fields.get("X-Amz-Security-Token"),
            int(expires),
        )

    def _claim(
        self,
        credential: str,
        signed: str,
        signature: str,
        timestamp: str,
        token: str | None,
        expires: int | None,
    ) -> _Claim:
        try:
            key, scope, scope_text, terminator = credential_scope(credential)
        except ValueError:
            detail = (
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term,"
                f" got '{credential}'"
            )
            raise signature_error(self._family, Refusal.INCOMPLETE, detail) from None
        if terminator != "aws4_request":
            detail = (
                f"Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'."
            )
            raise signature_error(self._family, Refusal.MISMATCH, detail)
        try:
            signed_at, stamp = moment_of(timestamp)
        except ValueError:
            detail = (
                f"Date must be in ISO-8601 'basic format'. Got '{timestamp}'."
                " See http://en.wikipedia.org/wiki/ISO_8601"
            )
            raise signature_error(self._family, Refusal.INCOMPLETE, detail) from None
        return _Claim(key, scope, scope_text, signed, signature, stamp, signed_at, token, expires)

    def _check_token(self, claim: _Claim, signer: Signer) -> None:
        expected, given = signer.session_token, claim.token
        if expected is None and given is None:
            return
        if expected is None or given is None or not hmac.compare_digest(expected.encode(), given.encode()):
            raise signature_error(self._family, Refusal.WRONG_TOKEN)

    def _check_scope(self, claim: _Claim, signing_name: str | None) -> None:
        scope = claim.scope
        if scope.date != claim.timestamp[:8]:
            detail = (
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP:"
                f" '{scope.date}' != '{claim.timestamp[:8]}', from '{claim.timestamp}'."
            )
            raise signature_error(self._family, Refusal.MISMATCH, detail)
        if signing_name is not None and scope.service != signing_name:
            detail = f"Credential should be scoped to correct service: '{signing_name}'. "
            raise signature_error(self._family, Refusal.MISMATCH, detail)

    def _check_signed_headers(self, claim: _Claim) -> None:
        """The host and every x-amz-* header that is present must be signed: otherwise they could be exchanged."""
        signed = signed_names(claim.signed)
        if "host" not in signed and ":authority" not in signed:
            detail = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
            raise signature_error(self._family, Refusal.MISMATCH, detail)
        for name in self._headers:
            # The payload's hash is part of the canonical request by itself.
            if name.startswith("x-amz-") and name not in signed and name != "x-amz-content-sha256":
                detail = f"There were headers present in the request which were not signed: {name}"
                raise signature_error(self._family, Refusal.MISMATCH, detail)

    def _payload_hash(self, *, presigned: bool, unsigned_payload: bool) -> str:
        body = self._request.body
        declared = self._headers.get("x-amz-content-sha256")
        if declared is None:
            if presigned and self._s3:
                return UNSIGNED_PAYLOAD
            return sha256(body).hexdigest() if body else EMPTY_SHA256
        if declared == UNSIGNED_PAYLOAD or declared.startswith("STREAMING-"):
            if unsigned_payload:
                return declared
        elif hmac.compare_digest(declared.encode(), sha256(body).hexdigest().encode()):
            return declared
        raise signature_error(self._family, Refusal.WRONG_PAYLOAD)

    def _check_signature(self, claim: _Claim, signer: Signer, payload_hash: str, *, presigned: bool) -> None:
        path = self._request.path
        paths = [canonical_path(path, as_sent=self._s3)]
        if self._s3 and reencoded_path(path) != paths[0]:
            paths.append(reencoded_path(path))
        try:
            headers = canonical_headers(self._headers, signed_names(claim.signed))
        except KeyError:
            raise signature_error(self._family, Refusal.MISMATCH) from None
        query = canonical_query(self._request.query, presigned=presigned)
        key = signing_key(signer.secret_access_key, claim.scope.date, claim.scope.region, claim.scope.service)
        given = claim.signature.encode("ascii", "replace")
        for canonical in paths:
            text = f"{self._request.method}\n{canonical}\n{query}\n{headers}\n{claim.signed}\n{payload_hash}"
            if hmac.compare_digest(_signature(key, claim, text), given):
                return
        raise signature_error(self._family, Refusal.MISMATCH)

    def _check_time(self, claim: _Claim) -> None:
        now, at = self._now, claim.signed_at
        skew = _S3_SKEW if self._s3 else SKEW
        if claim.expires is not None and self._s3 and now > at + timedelta(seconds=claim.expires):
            # Amazon S3 API Reference: AccessDenied "Request has expired" for presigned URLs.
            raise AwsError("AccessDenied", "Request has expired", http_status=403)
        lifetime = skew if claim.expires is None else timedelta(seconds=claim.expires)
        minutes = int(skew.total_seconds() // 60)
        if now > at + lifetime:
            limit = _stamp(now - lifetime)
            detail = f"Signature expired: {claim.timestamp} is now earlier than {limit} ({_stamp(now)} - {minutes} min.)"
            raise signature_error(self._family, Refusal.EXPIRED, detail)
        if at > now + skew:
            limit = _stamp(now + skew)
            detail = f"Signature not yet current: {claim.timestamp} is still later than {limit} ({_stamp(now)} + {minutes} min.)"
            raise signature_error(self._family, Refusal.NOT_YET_CURRENT, detail)


# The three that follow are the same for many requests: of a key during a day, of a second, of a client.
@functools.lru_cache(maxsize=1024)
def credential_scope(text: str) -> tuple[str, Scope, str, str]:
    """Access key id, scope, the scope as text, its last part; ValueError when it has not five parts."""
    key, date, region, service, terminator = text.rsplit("/", 4)
    return key, Scope(date=date, region=region, service=service), text[len(key) + 1 :], terminator


@functools.lru_cache(maxsize=64)
def moment_of(text: str) -> tuple[datetime, str]:
    """The moment of a date header, and the same as the string to sign has it; ValueError when it is no date."""
    if not _AMZ_DATE.fullmatch(text):
        moment = from_text(text)
        return moment, _stamp(moment)
    numbers = (text[:4], text[4:6], text[6:8], text[9:11], text[11:13], text[13:15])
    year, month, day, hour, minute, second = map(int, numbers)
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC), text


@functools.lru_cache(maxsize=256)
def signed_names(signed: str) -> tuple[str, ...]:
    """The names of a SignedHeaders list."""
    return tuple(signed.split(";"))


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y%m%dT%H%M%SZ")


def _signature(key: bytes, claim: _Claim, canonical_request: str) -> bytes:
    digest = sha256(canonical_request.encode("utf-8", "surrogatepass")).hexdigest()
    text = f"{ALGORITHM}\n{claim.timestamp}\n{claim.scope_text}\n{digest}"
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex().encode()


@functools.lru_cache(maxsize=1024)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key of a day, Region and service. The four HMACs of it cost more than all the rest: hence the cache."""
    key = hmac.digest(b"AWS4" + secret.encode(), date.encode(), "sha256")
    for part in (region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
