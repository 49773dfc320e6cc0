"""Which service of which Region a request is for.

In the order in which clients are explicit about it: a host that only one kind of thing has (function URLs, APIs), the
credential scope of the signature, X-Amz-Target, the host, and for unsigned query requests their Version.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from msgspec import Struct

from casemate.model.errors import AwsError
from casemate.wire.s3_addressing import bucket_of_host
from casemate.wire.service_index import ServiceIndex, default_index

if TYPE_CHECKING:
    from casemate.wire.http import HttpRequest

LAMBDA_URL = "lambda-url"
"""Not a service of botocore: the function URL that the host names."""
EXECUTE_API = "execute-api"
"""Not a service of botocore: the API Gateway API that the host names."""

_REGION = r"(?P<region>[a-z]{2}(?:-[a-z]+)+-\d)"
_SUFFIX = r"(?:amazonaws\.com(?:\.cn)?|api\.aws|localhost)"
# Lambda Developer Guide, "Invoking Lambda function URLs": https://<url-id>.lambda-url.<region>.on.aws
_FUNCTION_URL = re.compile(rf"[a-z0-9-]+\.lambda-url\.{_REGION}\.(?:on\.aws|localhost)")
# API Gateway Developer Guide, "Invoke REST APIs": https://<api-id>.execute-api.<region>.amazonaws.com/<stage>
_API = re.compile(rf"[a-z0-9-]+\.execute-api\.{_REGION}\.{_SUFFIX}")
# AWS PrivateLink Guide, "Access an AWS service using an interface VPC endpoint": vpce-<id>-<random>[-<az>].<service>...
_INTERFACE_ENDPOINT = re.compile(
    rf"(?:[^.]+\.)?vpce-[a-z0-9-]+\.(?P<prefix>[a-z0-9.-]+?)\.{_REGION}\.vpce\.amazonaws\.com"
)
# DynamoDB Developer Guide, "Account-based endpoints": https://<account-id>.ddb.<region>.amazonaws.com
_ACCOUNT_ENDPOINT = re.compile(
    rf"\d{{12}}\.(?P<prefix>(?:streams-|search-)?ddb)(?:-fips)?\.{_REGION}\.{_SUFFIX}"
)
_REGIONAL = re.compile(rf"(?P<prefix>[a-z0-9.-]+?)(?:-fips)?(?:\.dualstack)?[.]{_REGION}\.{_SUFFIX}")
_GLOBAL = re.compile(rf"(?P<prefix>[a-z0-9.-]+)\.{_SUFFIX}")
_S3_REGION = re.compile(rf"(?:^|\.)s3[.-](?:dualstack\.)?{_REGION}\.")

_CREDENTIAL = re.compile(r"Credential=[^/,=\s]+/\d{8}/([^/,\s]*)/([^/,\s]+)/aws4_request")
_PREFIXES = {
    # Endpoint prefixes that are in no model's metadata; from the endpoint rule sets that botocore ships.
    "ddb": "dynamodb",
    "search-ddb": "dynamodb",
    "search-dynamodb": "dynamodb",
    "streams-ddb": "dynamodbstreams",
    "streams-dynamodb": "dynamodbstreams",
    "streams.dynamodb-fips": "dynamodbstreams",
    "ecr": "ecr",
}
_FIRST_CHOICE = {
    # Signing names and endpoint prefixes that several services share and none of them bears.
    "email": "ses",
    "execute-api": "apigatewaymanagementapi",
    "cassandra": "keyspaces",
    "aws-marketplace": "meteringmarketplace",
    "lex": "lexv2-runtime",
    "kinesisvideo": "kinesisvideo",
    "timestream": "timestream-write",
}
_PATHS = (
    # Services that share a signing name and are told apart by the version in their paths; from their models.
    ("apigateway", "/v2/", "apigatewayv2"),
    ("s3", "/v20180820/", "s3control"),
    ("ses", "/v2/email/", "sesv2"),
    ("es", "/2021-01-01/", "opensearch"),
)
_GLOBAL_REGION = "us-east-1"
"""Where the services without Regions sign and answer: IAM, Organizations, Route 53, CloudFront."""


class Target(Struct, frozen=True, kw_only=True):
    """Where a request goes."""

    service: str
    """botocore's name, or LAMBDA_URL or EXECUTE_API."""
    region: str | None
    """None when nothing in the request says it."""


def identify(request: HttpRequest, index: ServiceIndex | None = None) -> Target:
    """The service and Region of a request.

    AwsError MissingAuthenticationToken when it is unsigned and nothing else identifies it, UnrecognizedClientException
    when it is signed for a service that does not exist.
    """
    index = index or default_index()
    host = request.headers.lowered.get("host", "").lower().rpartition("@")[2]
    host = re.sub(r":\d+$", "", host).rstrip(".")
    for pattern, name in ((_FUNCTION_URL, LAMBDA_URL), (_API, EXECUTE_API)):
        if name in host and (match := pattern.fullmatch(host)):
            return Target(service=name, region=match["region"])
    scope = _scope(request)
    if scope is not None:
        region, signing_name = scope
        service = _of_signing_name(request, host, signing_name, index)
        if service is not None:
            return Target(service=service, region=region or None)
    service, region = _unsigned(request, host, index)
    if service is not None:
        return Target(service=service, region=scope[0] if scope else region)
    if scope is not None:
        raise AwsError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", http_status=403)


def _scope(request: HttpRequest) -> tuple[str, str] | None:
    """Region and signing name of the credential scope, from the header or a presigned URL."""
    match = _CREDENTIAL.search(request.headers.lowered.get("authorization", ""))
    if match is not None:
        return match[1], match[2]
    if "X-Amz-Credential=" in request.query:
        credential = dict(parse_qsl(request.query)).get("X-Amz-Credential", "")
        parts = credential.split("/")
        if len(parts) == 5:
            return parts[2], parts[3]
    return None


def _of_signing_name(request: HttpRequest, host: str, name: str, index: ServiceIndex) -> str | None:
    candidates = index.signed_as(name)
    if len(candidates) <= 1:
        return candidates[0] if candidates else None
    by_target = _of_target(request, index)
    if by_target in candidates:
        return by_target
    if host:
        by_host, _ = _of_host(request, host, index)
        if by_host in candidates:
            return by_host
    by_version = [service for service in _of_version(request, index) if service in candidates]
    if len(by_version) == 1:
        return by_version[0]
    for signing_name, prefix, service in _PATHS:
        if signing_name == name and request.path.startswith(prefix):
            return service
    return _preferred(candidates, name)


def _preferred(candidates: Sequence[str], name: str) -> str:
    """Of services that share a name, the one that bears it, the one this file prefers, or the first."""
    if name in candidates:
        return name
    chosen = _FIRST_CHOICE.get(name, "")
    return chosen if chosen in candidates else candidates[0]


def _unsigned(request: HttpRequest, host: str, index: ServiceIndex) -> tuple[str | None, str | None]:
    by_target = _of_target(request, index)
    by_host, region = _of_host(request, host, index)
    if by_target is not None or by_host is not None:
        return by_target or by_host, region
    by_version = _of_version(request, index)
    if by_version:
        return by_version[0], None
    return None, None


def _of_target(request: HttpRequest, index: ServiceIndex) -> str | None:
    target = request.headers.lowered.get("x-amz-target")
    if target is None:
        # Smithy RPC v2 names the service in its path.
        match = re.match(r"/service/([^/]+)/operation/", request.path)
        target = f"{match[1]}." if match else ""
    services = index.targeted_by(target.rpartition(".")[0])
    return services[0] if services else None


def _of_version(request: HttpRequest, index: ServiceIndex) -> tuple[str, ...]:
    """Services of the query protocols with the API version of the request."""
    if request.headers.lowered.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        text = request.query + "&" + request.body[:100_000].decode("latin-1")
    else:
        text = request.query
    match = re.search(r"(?:^|&)Version=(\d{4}-\d\d-\d\d)(?:&|$)", text)
    return index.of_query_version(match[1]) if match and re.search(r"(?:^|&)Action=", text) else ()


def _of_host(request: HttpRequest, host: str, index: ServiceIndex) -> tuple[str | None, str | None]:
    """Service and Region of an AWS host name."""
    match = _INTERFACE_ENDPOINT.fullmatch(host) or _ACCOUNT_ENDPOINT.fullmatch(host)
    if match is not None:
        return _of_prefix(request, match["prefix"], index), match["region"]
    if bucket_of_host(host) is not None:
        region = _S3_REGION.search(host)
        return "s3", region["region"] if region else _GLOBAL_REGION
    match = _REGIONAL.fullmatch(host)
    if match is not None:
        service = _of_prefix(request, match["prefix"], index)
        if service is not None:
            return service, match["region"]
    if host.startswith(("s3-", "s3.")) and (region := _S3_REGION.search(host)):
        return "s3", region["region"]
    match = _GLOBAL.fullmatch(host)
    if match is not None:
        return _of_prefix(request, match["prefix"], index), _GLOBAL_REGION
    return None, None


def _of_prefix(request: HttpRequest, prefix: str, index: ServiceIndex) -> str | None:
    """The service at an endpoint prefix, or below one: `123456789012.s3-control`."""
    if prefix in _PREFIXES:
        return _PREFIXES[prefix]
    candidates = index.at_endpoint(prefix)
    if not candidates and prefix in index.entries:
        return prefix
    if not candidates and "." in prefix:
        return _of_prefix(request, prefix.partition(".")[2], index)
    if len(candidates) > 1:
        by_version = [service for service in _of_version(request, index) if service in candidates]
        return by_version[0] if len(by_version) == 1 else _preferred(candidates, prefix)
    return candidates[0] if candidates else None
