"""Internet gateways, egress-only internet gateways and NAT gateways."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from casemate.services.ec2.records.base import Record


class InternetGateway(Record, frozen=True, kw_only=True):
    vpc_id: str = ""
    """Empty while detached."""


class EgressOnlyGateway(Record, frozen=True, kw_only=True):
    vpc_id: str


class NatAddress(Struct, frozen=True, kw_only=True):
    """One of a NAT gateway's addresses; the first is the primary one."""

    interface_id: str
    private_ip: str
    public_ip: str = ""
    allocation_id: str = ""
    association_id: str = ""


class NatGateway(Record, frozen=True, kw_only=True):
    vpc_id: str
    subnet_id: str
    connectivity: str = "public"
    state: str = "available"
    """available, failed or deleted: Casemate passes through pending and deleting at once."""
    addresses: tuple[NatAddress, ...] = ()
    created: datetime
    deleted: datetime | None = None
    failure_code: str = ""
    failure_message: str = ""
