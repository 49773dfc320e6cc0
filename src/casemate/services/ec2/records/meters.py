"""Meters: what a NAT gateway or an endpoint has used. They outlive the resource."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from casemate.services.ec2.records.base import Record


class Span(Struct, frozen=True, kw_only=True):
    """Some time with an unchanged number of billed units."""

    units: int
    started: datetime
    ended: datetime | None = None


class Meter(Record, frozen=True, kw_only=True):
    kind: str
    """nat-gateway, interface-endpoint or gateway-endpoint."""
    vpc_id: str
    service_name: str = ""
    spans: tuple[Span, ...] = ()
    bytes: int = 0
    avoidable: dict[str, int] = field(default_factory=dict[str, int])
    """NAT gateways: of these bytes, those of services that gateway endpoints carry."""
