"""Prices: dated data, in US dollars, on demand, first tier.

Sources. Interface endpoints: "AWS PrivateLink pricing" (aws.amazon.com/privatelink/pricing): billed for each hour "in each
Availability Zone", "each partial VPC endpoint-hour consumed is billed as a full hour", and $0.01 per GB for the first PB.
Gateway endpoints: "There is no additional charge for using gateway endpoints" (AWS PrivateLink Guide). Not read on a page of
AWS, which renders these by script, but as calculators of third parties give them in 2026: the endpoint's $0.01 per hour and
zone (awsnegotiations.com), the NAT gateway's $0.045 per hour and per GB in N. Virginia, Ohio and Oregon (cloudburn.io,
cloudpipelines.pages.dev). That a NAT gateway's partial hour is a full one is assumed alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

AS_OF = "2026-11"
NAT_GATEWAY, INTERFACE_ENDPOINT, GATEWAY_ENDPOINT = "nat-gateway", "interface-endpoint", "gateway-endpoint"


class Price(Struct, frozen=True, kw_only=True):
    """Of one kind of resource in one Region."""

    hour: Decimal
    """Of an interface endpoint: in each zone."""
    gigabyte: Decimal


def _price(hour: str, gigabyte: str) -> Price:
    return Price(hour=Decimal(hour), gigabyte=Decimal(gigabyte))


_AMERICAN = {NAT_GATEWAY: _price("0.045", "0.045"), INTERFACE_ENDPOINT: _price("0.01", "0.01")}
_PRICES: Mapping[str, Mapping[str, Price]] = {
    "us-east-1": _AMERICAN,
    "us-east-2": _AMERICAN,
    "us-west-2": _AMERICAN,
}
_FREE = _price("0", "0")


def price(kind: str, region: str) -> Price | None:
    """None: no price of that Region is on record here."""
    return _FREE if kind == GATEWAY_ENDPOINT else _PRICES.get(region, {}).get(kind)
