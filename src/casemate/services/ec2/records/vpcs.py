"""VPCs and DHCP option sets."""

from __future__ import annotations

from dataclasses import dataclass

from casemate.services.ec2.records.base import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class CidrAssociation:
    """A CIDR block of a VPC or (IPv6) of a subnet."""

    association_id: str
    cidr: str
    state: str = "associated"


@dataclass(frozen=True, kw_only=True, slots=True)
class Vpc(Record):
    """The first IPv4 association is the primary CIDR block."""

    ipv4: tuple[CidrAssociation, ...]
    ipv6: tuple[CidrAssociation, ...] = ()
    is_default: bool = False
    tenancy: str = "default"
    dhcp_options_id: str
    """`default` when the VPC uses none (AssociateDhcpOptions with "default")."""
    dns_support: bool = True
    dns_hostnames: bool = False
    usage_metrics: bool = False

    @property
    def vpc_id(self) -> str:
        """A VPC is in itself."""
        return self.id

    @property
    def cidr(self) -> str:
        """The primary CIDR block."""
        return self.ipv4[0].cidr

    @property
    def cidrs(self) -> tuple[str, ...]:
        """Every IPv4 block."""
        return tuple(each.cidr for each in self.ipv4)


@dataclass(frozen=True, kw_only=True, slots=True)
class DhcpOptions(Record):
    options: dict[str, list[str]]
    """`domain-name-servers` to its values, in the order given."""
