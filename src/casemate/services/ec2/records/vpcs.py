"""VPCs and DHCP option sets."""

from __future__ import annotations

from msgspec import Struct

from casemate.services.ec2.records.base import Record


class CidrAssociation(Struct, frozen=True, kw_only=True):
    """A CIDR block of a VPC or (IPv6) of a subnet."""

    association_id: str
    cidr: str
    state: str = "associated"


class Vpc(Record, frozen=True, kw_only=True):
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


class DhcpOptions(Record, frozen=True, kw_only=True):
    options: dict[str, list[str]]
    """`domain-name-servers` to its values, in the order given."""
