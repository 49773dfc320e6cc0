"""What AWS answers to a request whose signature it does not accept: one table by family of protocols.

Sources, by column:
- json (DynamoDB, KMS, Organizations, ...): DynamoDB Developer Guide, "Error handling with DynamoDB" (IncompleteSignature-
  Exception, MissingAuthenticationTokenException, UnrecognizedClientException, all 400); DynamoDB API Reference, "Common
  Errors"; the texts are the front end's own as SDKs print them.
- rest (Lambda, ...): the same names with status 403; Lambda API Reference, "Common Errors".
- query (IAM, STS, CloudFormation): IAM API Reference and STS API Reference, "Common Errors": IncompleteSignature 400,
  InvalidClientTokenId 403, MissingAuthenticationToken 403, RequestExpired 400; IAM User Guide, "Troubleshoot SigV4
  signing errors" (SignatureDoesNotMatch 403 also for a signature that is expired or not yet current, with the texts).
- ec2: EC2 API Reference, "Error codes": AuthFailure, RequestExpired, MissingAuthenticationToken, IncompleteSignature; users
  see AuthFailure 401 for an unknown key, a wrong secret (aws/aws-sdk-java-v2#2981, aws/aws-cli#1948) and a clock that
  drifts (FoxxMD/laravel-elasticbeanstalk-cron#15), and RequestExpired for a session that has ended.
- s3: Amazon S3 API Reference, "List of error codes": InvalidAccessKeyId 403, SignatureDoesNotMatch 403,
  RequestTimeTooSkewed 403, ExpiredToken 400, InvalidToken 400, AuthorizationHeaderMalformed 400, AccessDenied 403.
"""

from __future__ import annotations

from enum import Enum

from casemate.model.errors import AwsError


class Refusal(Enum):
    """Why a signature is not accepted."""

    MISSING = "missing"
    """The request is not signed at all, and the operation wants it to be."""
    INCOMPLETE = "incomplete"
    """A part of the signature is missing or malformed."""
    UNKNOWN_KEY = "unknown key"
    """No such access key, or it is not active."""
    WRONG_TOKEN = "wrong token"  # noqa: S105 - a reason, not a password
    """The session token is missing, or is not the one of the access key."""
    EXPIRED_TOKEN = "expired token"  # noqa: S105
    """The session has ended."""
    MISMATCH = "mismatch"
    """The signature is not that of this request with this key; or the scope is wrong."""
    EXPIRED = "expired"
    """The request was signed too long ago, or its presigned URL has expired."""
    NOT_YET_CURRENT = "not yet current"
    """The request was signed in the future."""
    WRONG_PAYLOAD = "wrong payload"
    """The body is not the one whose hash was signed."""


_MISSING = "Request is missing Authentication Token"
_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key"
    " and signing method. Consult the service documentation for details."
)
_S3_MISMATCH = "The request signature we calculated does not match the signature you provided. Check your key and signing method."
_EC2_INVALID = "AWS was not able to validate the provided access credentials"

_TABLE: dict[str, dict[Refusal, tuple[str, int, str]]] = {
    "json": {
        Refusal.MISSING: ("MissingAuthenticationTokenException", 400, _MISSING),
        Refusal.INCOMPLETE: ("IncompleteSignatureException", 400, ""),
        Refusal.UNKNOWN_KEY: ("UnrecognizedClientException", 400, _INVALID),
        Refusal.WRONG_TOKEN: ("UnrecognizedClientException", 400, _INVALID),
        Refusal.EXPIRED_TOKEN: ("ExpiredTokenException", 400, _EXPIRED),
        Refusal.MISMATCH: ("InvalidSignatureException", 400, _MISMATCH),
        Refusal.EXPIRED: ("InvalidSignatureException", 400, ""),
        Refusal.NOT_YET_CURRENT: ("InvalidSignatureException", 400, ""),
        Refusal.WRONG_PAYLOAD: ("InvalidSignatureException", 400, _MISMATCH),
    },
    "query": {
        Refusal.MISSING: ("MissingAuthenticationToken", 403, _MISSING),
        Refusal.INCOMPLETE: ("IncompleteSignature", 400, ""),
        Refusal.UNKNOWN_KEY: ("InvalidClientTokenId", 403, _INVALID),
        Refusal.WRONG_TOKEN: ("InvalidClientTokenId", 403, _INVALID),
        Refusal.EXPIRED_TOKEN: ("ExpiredToken", 403, _EXPIRED),
        Refusal.MISMATCH: ("SignatureDoesNotMatch", 403, _MISMATCH),
        Refusal.EXPIRED: ("SignatureDoesNotMatch", 403, ""),
        Refusal.NOT_YET_CURRENT: ("SignatureDoesNotMatch", 403, ""),
        Refusal.WRONG_PAYLOAD: ("SignatureDoesNotMatch", 403, _MISMATCH),
    },
    "ec2": {
        Refusal.MISSING: ("MissingAuthenticationToken", 403, _MISSING),
        Refusal.INCOMPLETE: ("IncompleteSignature", 400, ""),
        Refusal.UNKNOWN_KEY: ("AuthFailure", 401, _EC2_INVALID),
        Refusal.WRONG_TOKEN: ("AuthFailure", 401, _EC2_INVALID),
        Refusal.EXPIRED_TOKEN: ("RequestExpired", 400, "Request has expired."),
        Refusal.MISMATCH: ("AuthFailure", 401, _EC2_INVALID),
        Refusal.EXPIRED: ("AuthFailure", 401, _EC2_INVALID),
        Refusal.NOT_YET_CURRENT: ("AuthFailure", 401, _EC2_INVALID),
        Refusal.WRONG_PAYLOAD: ("AuthFailure", 401, _EC2_INVALID),
    },
    "rest-xml": {
        Refusal.MISSING: ("AccessDenied", 403, "Access Denied"),
        Refusal.INCOMPLETE: ("AuthorizationHeaderMalformed", 400, ""),
        Refusal.UNKNOWN_KEY: (
            "InvalidAccessKeyId",
            403,
            "The AWS Access Key Id you provided does not exist in our records.",
        ),
        Refusal.WRONG_TOKEN: (
            "InvalidToken",
            400,
            "The provided token is malformed or otherwise invalid.",
        ),
        Refusal.EXPIRED_TOKEN: ("ExpiredToken", 400, "The provided token has expired."),
        Refusal.MISMATCH: (
            "SignatureDoesNotMatch",
            403,
            _S3_MISMATCH,
        ),
        Refusal.EXPIRED: (
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
        ),
        Refusal.NOT_YET_CURRENT: (
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
        ),
        Refusal.WRONG_PAYLOAD: (
            "XAmzContentSHA256Mismatch",
            400,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ),
    },
}
# Lambda and the other rest-json services: the names of the json services with the status of the query services.
_TABLE["rest-json"] = {refusal: (code, 403, text) for refusal, (code, _, text) in _TABLE["json"].items()}


_DETAILED = frozenset({"json", "rest-json", "query"})
"""Families that say what is wrong with a scope or with the set of signed headers."""


def signature_error(family: str, refusal: Refusal, detail: str = "") -> AwsError:
    """The error of a refusal; `detail` is the message where the table leaves it to the case."""
    code, status, text = _TABLE[family][refusal]
    if not text or (detail and refusal is Refusal.MISMATCH and family in _DETAILED):
        text = detail
    return AwsError(code, text, http_status=status)


def family_of(protocol: str, service: str | None) -> str:
    """The column of the table. Of the rest-xml services only S3 has its own; Route 53 and CloudFront speak as IAM."""
    if protocol == "rest-xml":
        return "rest-xml" if service in {"s3", "s3control"} else "query"
    return protocol if protocol in _TABLE else "json"
