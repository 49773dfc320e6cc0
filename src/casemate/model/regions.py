"""Regions, Availability Zones and the address ranges of services: dated data, not discoveries.

Region names come from botocore at the edge of the system; here are only the facts botocore does not hold.
Source of prefix-list ids and DYNAMODB ranges: AWS's published ip-ranges.json of 2026-08-22 and the VPC User Guide.
"""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from msgspec import Struct

_AZ_PREFIXES = {
    "us-east-1": "use1", "us-east-2": "use2", "us-west-1": "usw1", "us-west-2": "usw2", "af-south-1": "afs1",
    "ap-east-1": "ape1", "ap-south-1": "aps1", "ap-south-2": "aps2", "ap-southeast-1": "apse1",
    "ap-southeast-2": "apse2", "ap-southeast-3": "apse3", "ap-southeast-4": "apse4", "ap-northeast-1": "apne1",
    "ap-northeast-2": "apne2", "ap-northeast-3": "apne3", "ca-central-1": "cac1", "ca-west-1": "caw1",
    "eu-central-1": "euc1", "eu-central-2": "euc2", "eu-west-1": "euw1", "eu-west-2": "euw2", "eu-west-3": "euw3",
    "eu-south-1": "eus1", "eu-south-2": "eus2", "eu-north-1": "eun1", "il-central-1": "ilc1",
    "me-south-1": "mes1", "me-central-1": "mec1", "sa-east-1": "sae1", "mx-central-1": "mxc1",
}  # fmt: skip
_AZ_LETTERS = {"us-east-1": "abcdef", "us-west-1": "ab", "us-west-2": "abcd"}


class AvailabilityZone(Struct, frozen=True, kw_only=True):
    """`us-east-2a`, whose id is `use2-az1`."""

    name: str
    zone_id: str
    region: str


def availability_zones(region: str) -> tuple[AvailabilityZone, ...]:
    """The zones of a Region; KeyError when the Region is unknown."""
    prefix = _AZ_PREFIXES[region]
    letters = _AZ_LETTERS.get(region, "abc")
    return tuple(
        AvailabilityZone(name=region + letter, zone_id=f"{prefix}-az{number}", region=region)
        for number, letter in enumerate(letters, 1)
    )


REGIONS: tuple[str, ...] = tuple(sorted(_AZ_PREFIXES))

GLOBAL_SERVICES = {
    "account": "us-east-1", "billingconductor": "us-east-1", "budgets": "us-east-1", "ce": "us-east-1",
    "cloudfront": "us-east-1", "globalaccelerator": "us-west-2", "health": "us-east-1", "iam": "us-east-1",
    "networkmanager": "us-west-2", "notificationscontacts": "us-east-1", "organizations": "us-east-1",
    "route53": "us-east-1", "savingsplans": "us-east-1", "shield": "us-east-1", "taxsettings": "us-east-1",
    "waf": "us-east-1",
}  # fmt: skip
"""Services with a single endpoint, by botocore's name, and the Region it is in: what aws:RequestedRegion holds for their
requests, whatever Region the caller had in mind. "IAM calls are always made to the us-east-1 Region" (IAM User Guide,
aws:RequestedRegion); the list is that of botocore's endpoints.json (isRegionalized false), as of September 2026."""
"""Every Region of the model."""


class ServicePrefixList(Struct, frozen=True, kw_only=True):
    """An AWS-managed prefix list: where one service of one Region is reachable."""

    prefix_list_id: str
    name: str
    """`com.amazonaws.us-east-2.dynamodb`."""
    service: str
    region: str
    cidrs: tuple[IPv4Network, ...]


_DYNAMODB = {
    "us-east-1": ("pl-02cd2c6b", "3.218.180.0/22 35.71.68.0/22 35.71.76.0/22 52.119.224.0/21 52.119.232.0/21 52.94.0.0/22"),
    "us-east-2": ("pl-4ca54025", "35.71.102.0/24 52.94.4.0/24"),
    "us-west-1": ("pl-6ea54007", "52.94.12.0/24"),
    "us-west-2": ("pl-00a54069", "35.71.64.0/22 52.119.252.0/22 52.94.10.0/24 52.94.28.0/23"),
    "eu-west-1": ("pl-6fa54006", "35.71.72.0/22 52.119.240.0/21 52.94.24.0/23 52.94.26.0/23 52.94.5.0/24"),
}  # fmt: skip
_S3_IDS = {
    "us-east-1": "pl-63a5400a", "us-east-2": "pl-7ba54012", "us-west-1": "pl-6ba54002", "us-west-2": "pl-68a54001",
    "eu-west-1": "pl-6da54004",
}  # fmt: skip


def _stand_in_id(service: str, region: str) -> str:
    """A stable, Region-specific id where AWS's own is not on record."""
    return "pl-" + sha256(f"{service}/{region}".encode()).hexdigest()[:8]


def _stand_in_cidr(service: str, region: str) -> IPv4Network:
    """A stable /24 where AWS's own range is not on record: one per (service, Region) inside 52.80.0.0/12."""
    index = REGIONS.index(region) * 2 + ("dynamodb", "s3").index(service)
    return IPv4Network((int(IPv4Address("52.88.0.0")) + (index << 8), 24))


def _service_prefix_list(service: str, region: str) -> ServicePrefixList:
    if service == "dynamodb" and region in _DYNAMODB:
        list_id, text = _DYNAMODB[region]
        cidrs = tuple(IPv4Network(cidr) for cidr in text.split())
    else:
        list_id = _S3_IDS.get(region, "") if service == "s3" else ""
        cidrs = (_stand_in_cidr(service, region),)
    return ServicePrefixList(
        prefix_list_id=list_id or _stand_in_id(service, region),
        name=f"com.amazonaws.{region}.{service}",
        service=service,
        region=region,
        cidrs=cidrs,
    )


SERVICE_PREFIX_LISTS: dict[tuple[str, str], ServicePrefixList] = {
    (service, region): _service_prefix_list(service, region)
    for region in REGIONS
    for service in ("dynamodb", "s3")
}
"""Keyed by (service, Region): the two services that have gateway endpoints."""


OTHER_SERVICES = IPv4Network("52.95.0.0/16")
"""Where services without a prefix list are."""
SERVICES_IPV6 = IPv6Network("2600:9000::/28")
"""Where the dual-stack endpoints of services are. A stand-in inside Amazon's own 2600:9000::/28: ip-ranges.json gives no
IPv6 range to DynamoDB."""
VPC_IPV6_POOL = IPv6Network("2600:1f00::/24")
"""Where Amazon-provided blocks of VPCs come from: EC2's ranges in ip-ranges.json (2600:1f14::/35 and the like)."""


def service_address_6(service: str, region: str) -> IPv6Address:
    """The IPv6 address of a service's dual-stack endpoint: a stable one per (service, Region)."""
    digest = sha256(f"{service}/{region}".encode()).digest()
    return SERVICES_IPV6[int.from_bytes(digest[:8]) << 16 | 1]


def service_address(service: str, region: str) -> IPv4Address:
    """The public address that a service's Regional endpoint resolves to.

    Inside the service's prefix list for DynamoDB and S3; for every other service a stable address of 52.95.0.0/16,
    one per (service, Region). `region` may be empty for a global service.
    """
    known = SERVICE_PREFIX_LISTS.get((service, region))
    digest = sha256(f"{service}/{region}".encode()).digest()
    if known is not None:
        return known.cidrs[0][1 + digest[0] % 250]
    return IPv4Address((52 << 24) | (95 << 16) | (digest[0] << 8) | (1 + digest[1] % 250))


def public_pool(region: str) -> IPv4Network:
    """Where a Region's elastic and auto-assigned public addresses come from: one /20 per Region inside 18.128.0.0/9.

    Disjoint from every service range above, so that a public address never looks like an AWS service.
    """
    return IPv4Network((int(IPv4Address("18.160.0.0")) + (REGIONS.index(region) << 12), 20))


LAMBDA_PUBLIC_POOL = IPv4Network("18.156.0.0/16")
"""Source addresses of functions outside any VPC, as DynamoDB's public endpoint sees them."""
