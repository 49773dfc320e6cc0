"""What the parts of a VPC's plan are made from: the snapshot of it, sorted by what each thing means for the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from msgspec import Struct

from casemate.dataplane.plan import names
from casemate.dataplane.plan.memory import Memory
from casemate.model.network import (
    EndpointKind,
    InterfaceKind,
    NetworkInterface,
    PrefixList,
    PrefixListRef,
    Subnet,
    TargetKind,
    VpcSnapshot,
)

METADATA = IPv4Address("169.254.169.254")
LINK_LOCAL_RESOLVER = IPv4Address("169.254.169.253")
WORKLOADS = frozenset({InterfaceKind.LAMBDA, InterfaceKind.INTERFACE})


class Peer(Struct, frozen=True, kw_only=True):
    """The other end of an active peering connection whose two VPCs are both in the kernel."""

    peering_id: str
    vpc: VpcSnapshot

    @property
    def cidrs(self) -> tuple[IPv4Network, ...]:
        return self.vpc.cidrs

    @property
    def device(self) -> str:
        return names.device("p", self.peering_id)


def has_workload(vpc: VpcSnapshot) -> bool:
    """Whether anything in the VPC could send a packet."""
    return any(interface.kind in WORKLOADS for interface in vpc.interfaces.values())


def has_endpoint(vpc: VpcSnapshot) -> bool:
    """Whether anything in the VPC could answer one of another VPC, though nothing in it sends."""
    return any(interface.kind is InterfaceKind.VPC_ENDPOINT for interface in vpc.interfaces.values())


@dataclass(frozen=True, kw_only=True)
class Topology:
    """One VPC, its peers and the prefix lists its rules and routes name."""

    vpc: VpcSnapshot
    prefix_lists: Mapping[str, PrefixList]
    peers: tuple[Peer, ...] = ()
    ipv6: bool = True
    """False: this machine's kernel has none."""
    memory: Memory = field(default_factory=Memory)
    """What the last plan of this VPC was made of."""

    @cached_property
    def router(self) -> str:
        return names.router(self.vpc.vpc_id)

    @cached_property
    def services(self) -> str:
        return names.services(self.vpc.vpc_id)

    @cached_property
    def attached(self) -> tuple[NetworkInterface, ...]:
        """Interfaces with a namespace: workloads, and NAT gateways that are available."""
        gateways = {gateway.interface_id for gateway in self.vpc.nat_gateways.values() if gateway.available}
        return tuple(
            interface
            for interface in self.vpc.interfaces.values()
            if interface.subnet_id in self.vpc.subnets
            and (interface.kind in WORKLOADS or interface.interface_id in gateways)
        )

    @cached_property
    def endpoint_interfaces(self) -> tuple[NetworkInterface, ...]:
        """Interfaces of interface endpoints that answer."""
        wanted = {
            interface_id
            for endpoint in self.vpc.endpoints.values()
            if endpoint.kind is EndpointKind.INTERFACE and endpoint.available
            for interface_id in endpoint.interface_ids
        }
        return tuple(
            interface
            for interface in self.vpc.interfaces.values()
            if interface.interface_id in wanted and interface.subnet_id in self.vpc.subnets
        )

    @cached_property
    def endpoint_routes(self) -> tuple[tuple[Subnet, str, str], ...]:
        """(subnet, gateway endpoint, prefix list) for each route to a gateway endpoint that a subnet follows."""
        found: list[tuple[Subnet, str, str]] = []
        for subnet in self.vpc.subnets.values():
            table = self.vpc.route_tables.get(subnet.route_table_id)
            found += [
                (subnet, route.target_id, route.destination.prefix_list_id)
                for route in (table.routes if table else ())
                if route.target is TargetKind.GATEWAY_ENDPOINT
                and isinstance(route.destination, PrefixListRef)
            ]
        return tuple(found)

    @cached_property
    def public(self) -> Mapping[IPv4Address, IPv4Address]:
        """Private -> public address, for what the internet gateway translates. Never a Lambda interface's."""
        found = {
            interface.address: interface.public
            for interface in self.attached
            if interface.public is not None and interface.kind is not InterfaceKind.LAMBDA
        }
        for gateway in self.vpc.nat_gateways.values():
            if gateway.available and gateway.public is not None:
                found[gateway.private] = gateway.public
        return found

    @cached_property
    def platform(self) -> tuple[IPv4Address, ...]:
        """Addresses that security groups and network ACLs never filter (VPC User Guide, "Control traffic")."""
        return (self.vpc.resolver, LINK_LOCAL_RESOLVER, METADATA)

    def subnet_of(self, interface: NetworkInterface) -> Subnet:
        return self.vpc.subnets[interface.subnet_id]

    def members_of(self, group_id: str) -> list[IPv4Address]:
        """The private addresses of a security group's members, here or in a peered VPC of the same Region.

        Source: VPC Peering Guide, "Update your security groups to reference peer security groups".
        """
        peers = (peer.vpc for peer in self.peers if peer.vpc.region == self.vpc.region)
        vpcs = (self.vpc, *peers)
        return [
            address
            for vpc in vpcs
            for interface in vpc.interfaces.values()
            if group_id in interface.groups
            for address in addresses_of(interface)
        ]

    def cidrs_of(self, prefix_list_id: str) -> tuple[IPv4Network, ...]:
        """The IPv4 ranges of a prefix list; none when it is unknown."""
        found = self.prefix_lists.get(prefix_list_id)
        return tuple(cidr for cidr in found.cidrs if isinstance(cidr, IPv4Network)) if found else ()

    def ipv6_members_of(self, group_id: str) -> list[IPv6Address]:
        """The IPv6 addresses of a security group's members, as `members_of`."""
        peers = (peer.vpc for peer in self.peers if peer.vpc.region == self.vpc.region)
        return [
            address
            for vpc in (self.vpc, *peers)
            for interface in vpc.interfaces.values()
            if group_id in interface.groups
            for address in interface.ipv6
        ]

    def ipv6_cidrs_of(self, prefix_list_id: str) -> tuple[IPv6Network, ...]:
        """The IPv6 ranges of a prefix list; none when it is unknown."""
        found = self.prefix_lists.get(prefix_list_id)
        return tuple(cidr for cidr in found.cidrs if isinstance(cidr, IPv6Network)) if found else ()


def addresses_of(interface: NetworkInterface) -> tuple[IPv4Address, ...]:
    """Every private address, the primary first."""
    return (interface.address, *(address for address in interface.secondary if address != interface.address))


def device_of(interface: NetworkInterface) -> str:
    """The router's device towards the interface.

    INVARIANT: a link whose far end is elsewhere has another name. A link that changed would make the whole VPC anew,
    and take the ground from under the machines in it; one that comes while another goes does not.
    """
    if not interface.host:
        return names.device("e", interface.interface_id)
    place = f"{interface.interface_id}/{interface.host}/{interface.device_index}"
    return names.device("a", place)


def inside_of(interface: NetworkInterface) -> tuple[str, str]:
    """The namespace and the device of the interface itself."""
    inside = names.interface_namespace(names.safe(interface.host or interface.interface_id))
    end = names.further_device(interface.device_index) if interface.host else names.INTERFACE
    return inside, end


def is_unchecked(interface: NetworkInterface) -> bool:
    """Whether it may send and receive packets of any address: appliances and NAT gateways."""
    return interface.kind is InterfaceKind.NAT_GATEWAY or (
        interface.kind is InterfaceKind.INTERFACE and not interface.source_dest_check
    )
