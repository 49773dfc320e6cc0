"""Names of kernel objects: made from AWS's ids alone, so that the same thing has the same name in every plan."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address

ROUTER_MAC = "0a:00:00:00:00:01"
"""Of every router's end of a link."""
SERVICES_MAC = "0a:00:00:00:00:02"
INTERNET_MAC = "0a:00:00:00:00:03"

SERVICES = "svc0"
"""The router's device towards the VPC's resolver and endpoints."""
GATEWAY = "igw0"
"""The router's device towards the internet gateway."""
EGRESS_ONLY = "eigw0"
"""Its device towards the egress-only internet gateway."""
INTERFACE = "eth0"
"""The device inside an interface's namespace."""


def further_device(index: int) -> str:
    """The device of an instance's interface beside its primary one, named as Linux distributions do."""
    return f"eth{index}"


INTERNET_NAMESPACE = "internet"
PUBLIC_HUB_NAMESPACE = "lambda-public"

ROUTER_SIDE = IPv4Address("169.254.0.1")
SERVICES_SIDE = IPv4Address("169.254.0.2")
INTERNET_SIDE = IPv4Address("169.254.0.6")
"""Next hops on links that have no addresses; only their permanent neighbours know them."""
ROUTER_SIDE_6 = IPv6Address("fe80::1")
INTERNET_SIDE_6 = IPv6Address("fe80::6")
"""The same for IPv6."""

_KEPT = 16384
"""Names are made anew with every plan of a VPC, for each of its interfaces several times."""
_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,79}")


@lru_cache(maxsize=_KEPT)
def safe(identifier: str) -> str:
    """`identifier`, fit for a name in nft's language; ValueError when it is not one of AWS's."""
    if not _SAFE.fullmatch(identifier):
        raise ValueError(f"not a resource id: {identifier!r}")
    return identifier


def router(vpc_id: str) -> str:
    return f"router/{vpc_id}"


def services(vpc_id: str) -> str:
    return f"svc/{vpc_id}"


def interface_namespace(interface_id: str) -> str:
    return f"eni/{interface_id}"


@lru_cache(maxsize=_KEPT)
def device(prefix: str, identifier: str) -> str:
    """A device name (at most 15 characters) for an id of 21; 48 bits of SHA-256 keep 500 of them apart."""
    return prefix + sha256(identifier.encode()).hexdigest()[:12]


@lru_cache(maxsize=_KEPT)
def mac(identifier: str) -> str:
    """A locally administered address."""
    digest = sha256(identifier.encode()).hexdigest()
    return "0a:" + ":".join(digest[index : index + 2] for index in range(0, 10, 2))
