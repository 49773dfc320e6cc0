"""Host names of AWS services: which service and Region a name means.

Source: AWS General Reference, "AWS service endpoints": Regional (`service.region.amazonaws.com`), dual-stack
(`service.region.api.aws`), FIPS (`service-fips.region...`) and global names; the DynamoDB Developer Guide for
account-based endpoints (`account.ddb.region`), the S3 User Guide for buckets in host names.
"""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from casemate.model.regions import REGIONS

_REGIONS = frozenset(REGIONS)
_REGION_SHAPE = re.compile(r"[a-z]{2}(-[a-z]+)+-\d\Z")
_ACCOUNT = re.compile(r"\d{12}\Z")
_GLOBAL = frozenset({
    "account", "billing", "budgets", "ce", "cloudfront", "globalaccelerator", "health", "iam", "importexport",
    "organizations", "route53", "route53domains", "shield", "sts", "support", "trustedadvisor", "waf",
})  # fmt: skip
"""Services with a name without a Region."""
_WITH_RESOURCE = frozenset(
    {"s3", "s3-accesspoint", "s3-control", "s3-fips", "execute-api", "lambda-url", "iot"}
)
"""Services whose names carry a bucket, an API id and the like in front."""
_SAME_SERVICE = {
    "ddb": "dynamodb",
    "streams-dynamodb": "streams.dynamodb",
    "s3-accesspoint": "s3",
    "s3-control": "s3",
}


class ServiceName(Struct, frozen=True, kw_only=True):
    """What a host name means."""

    label: str
    """The service's part of the name as written, without a resource in front: `dynamodb-fips`, `api.ecr`, `ddb`."""
    service: str
    """The service that answers: `dynamodb`."""
    region: str
    """Empty for a global service."""
    standard: bool
    """`....region.amazonaws.com`: the form that private DNS of an interface endpoint covers."""
    dual_stack: bool = False
    """Answers over IPv6 too: `....region.api.aws`, `s3.dualstack.region.amazonaws.com`, function URLs."""


class UnknownRegionError(ValueError):
    """The name has a service name's form, and names a Region that does not exist."""


def parse_service_name(name: str) -> ServiceName | None:
    """The service a (lower-case) host name belongs to; None when it is not a service's name."""
    for suffix in (".amazonaws.com", ".api.aws", ".on.aws"):
        if name.endswith(suffix):
            found = _parse(name.removesuffix(suffix).split("."), standard=suffix == ".amazonaws.com")
            dual_stack = suffix != ".amazonaws.com" or ".dualstack." in name
            return replace(found, dual_stack=True) if found and dual_stack else found
    return None


def _parse(labels: list[str], *, standard: bool) -> ServiceName | None:
    *front, last = labels
    if last in _REGIONS:
        if front and front[-1] == "dualstack":
            front, standard = front[:-1], False
        return _regional(front, last, standard=standard) if front and all(front) else None
    if _REGION_SHAPE.match(last) and front:
        raise UnknownRegionError(last)
    if not standard:
        return None
    if last == "s3":  # the legacy global name: us-east-1 answers it
        return ServiceName(label="s3", service="s3", region="us-east-1", standard=True)
    legacy = last.removeprefix("s3-")
    if legacy in _REGIONS and last != legacy:
        return ServiceName(label="s3", service="s3", region=legacy, standard=True)
    if not front and last in _GLOBAL:
        return ServiceName(label=last, service=last, region="", standard=True)
    return None


def _regional(front: list[str], region: str, *, standard: bool) -> ServiceName | None:
    last = front[-1]
    if last == "ddb":
        label = last if len(front) == 2 and _ACCOUNT.match(front[0]) else ""
    elif last in _WITH_RESOURCE:
        label = last
    elif front[-2:] == ["dkr", "ecr"]:
        label = "dkr.ecr"
    else:
        label = ".".join(front)
    if not label:
        return None
    plain = label.removesuffix("-fips")
    return ServiceName(label=label, service=_SAME_SERVICE.get(plain, plain), region=region, standard=standard)


_PRIVATE_LABELS = {
    "ecr.api": "api.ecr",
    "ecr.dkr": "dkr.ecr",
    "sagemaker.api": "api.sagemaker",
    "sagemaker.runtime": "runtime.sagemaker",
    "kinesis-streams": "kinesis",
    "kinesis-firehose": "firehose",
    "dynamodb-streams": "streams.dynamodb",
}
"""Endpoint services whose private name is not `service.region.amazonaws.com`: `PrivateDnsName` of
DescribeVpcEndpointServices."""


def private_label(endpoint_service: str) -> str | None:
    """The label that private DNS of an interface endpoint answers; None for DynamoDB, which has no private DNS.

    DynamoDB Developer Guide, "AWS PrivateLink for DynamoDB": clients use the endpoint's own names.
    """
    if endpoint_service == "dynamodb":
        return None
    return _PRIVATE_LABELS.get(endpoint_service, endpoint_service)
