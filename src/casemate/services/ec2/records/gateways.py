"""Internet gateways, egress-only internet gateways and NAT gateways."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from casemate.services.ec2.records.base import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class InternetGateway(Record):
    vpc_id: str = ""
    """Empty while detached."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EgressOnlyGateway(Record):
    vpc_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NatAddress:
    """One of a NAT gateway's addresses; the first is the primary one."""

    interface_id: str
    private_ip: str
    public_ip: str = ""
    allocation_id: str = ""
    association_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NatGateway(Record):
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
