"""Where a request came from, as told by the listener that accepted it and the peer's address: never by a header."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from msgspec import Struct


class InternetOrigin(Struct, frozen=True, kw_only=True):
    """Arrived at a public endpoint. `aws:SourceIp` is `address`; no endpoint keys are present."""

    address: IPv4Address | IPv6Address


class EndpointOrigin(Struct, frozen=True, kw_only=True):
    """Arrived through a VPC endpoint. `aws:SourceVpc`, `aws:SourceVpce`, `aws:VpcSourceIp`; never `aws:SourceIp`."""

    vpc_id: str
    endpoint_id: str
    endpoint_account: str
    """Owner of the endpoint: `aws:VpceAccount`."""
    address: IPv4Address | IPv6Address
    """The private address of the interface the packet left from."""
    is_gateway: bool = True
    """A gateway endpoint; False: an interface endpoint. Their policies read Principal differently."""


Origin = InternetOrigin | EndpointOrigin
