"""Route tables."""

from __future__ import annotations

from msgspec import Struct

from casemate.services.ec2.records.base import Record


class RouteEntry(Struct, frozen=True, kw_only=True):
    """A route somebody made. Local and gateway endpoint routes are derived, not stored."""

    destination: str
    """CIDR block (IPv4 or IPv6) or prefix list id."""
    target: str
    """Parameter that named the target: GatewayId, NatGatewayId, NetworkInterfaceId, VpcPeeringConnectionId,
    EgressOnlyInternetGatewayId."""
    target_id: str


class TableAssociation(Struct, frozen=True, kw_only=True):
    association_id: str
    subnet_id: str = ""
    """Empty for the main association and for a gateway's."""
    gateway_id: str = ""
    main: bool = False


class RouteTable(Record, frozen=True, kw_only=True):
    vpc_id: str
    routes: tuple[RouteEntry, ...] = ()
    associations: tuple[TableAssociation, ...] = ()

    @property
    def is_main(self) -> bool:
        """Applies to every subnet of the VPC that has no association of its own."""
        return any(each.main for each in self.associations)
