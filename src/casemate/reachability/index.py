"""The snapshot arranged for walking: built once per snapshot, and once per VPC for as long as the VPC is the same object.

Everything beneath a VPC is compiled at its first use. Caches hold their key objects, so an id is never reused while
an entry lives, and are bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from casemate.model.network import (
    InterfaceKind,
    NetworkAcl,
    NetworkInterface,
    NetworkSnapshot,
    PeeringConnection,
    PrefixList,
    RouteTable,
    Subnet,
    VpcEndpoint,
    VpcSnapshot,
)
from casemate.reachability.acls import AclFilter, compile_acl
from casemate.reachability.destinations import service_of
from casemate.reachability.numbers import alone, dotted, matcher, number
from casemate.reachability.routes import RoutingTable
from casemate.reachability.security_groups import GroupFilter, compile_groups

LINK_LOCAL_RESOLVER = int(IPv4Address("169.254.169.253"))
METADATA = int(IPv4Address("169.254.169.254"))


class VpcIndex:
    """One VPC."""

    __slots__ = (
        "_acls", "_cidrs", "_groups", "_tables", "by_address", "endpoint_of", "members", "prefix_lists", "resolvers",
        "vpc",
    )  # fmt: skip

    def __init__(self, vpc: VpcSnapshot, prefix_lists: Mapping[str, PrefixList]) -> None:
        self.vpc = vpc
        self.prefix_lists = prefix_lists
        self._cidrs = tuple(map(matcher, (*vpc.cidrs, *vpc.ipv6_cidrs)))
        self.resolvers = {LINK_LOCAL_RESOLVER}
        if vpc.cidrs and vpc.cidrs[0].num_addresses > 2:
            self.resolvers.add(int(vpc.resolver))
        self.by_address: dict[int, NetworkInterface] = {}
        members: dict[str, set[int]] = {}
        # In order of ids, so that a snapshot with an address given twice reads the same however its maps are ordered.
        for interface_id in sorted(vpc.interfaces):
            interface = vpc.interfaces[interface_id]
            addresses = [
                number(address) for address in (interface.address, *interface.secondary, *interface.ipv6)
            ]
            for address in addresses:
                self.by_address.setdefault(address, interface)
            for group_id in interface.groups:
                members.setdefault(group_id, set()).update(addresses)
        self.members = {group_id: frozenset(addresses) for group_id, addresses in members.items()}
        self.endpoint_of: dict[str, VpcEndpoint] = {}
        for endpoint_id in sorted(vpc.endpoints):
            for interface_id in vpc.endpoints[endpoint_id].interface_ids:
                self.endpoint_of.setdefault(interface_id, vpc.endpoints[endpoint_id])
        self._tables: dict[str, RoutingTable] = {}
        self._acls: dict[str, AclFilter] = {}
        self._groups: dict[tuple[str, ...], GroupFilter] = {}

    def contains(self, address: int) -> bool:
        """Whether the address lies in a CIDR of the VPC."""
        return any(address & mask == network for network, mask in self._cidrs)

    def table(self, route_table_id: str) -> RoutingTable:
        """A route table; one that does not exist has local routes only."""
        found = self._tables.get(route_table_id)
        if found is None:
            table = self.vpc.route_tables.get(route_table_id) or RouteTable(
                route_table_id=route_table_id, vpc_id=self.vpc.vpc_id, is_main=False, routes=()
            )
            found = self._tables[route_table_id] = RoutingTable(
                table, (*self.vpc.cidrs, *self.vpc.ipv6_cidrs), self.prefix_lists
            )
        return found

    def acl(self, acl_id: str) -> AclFilter:
        """A network ACL; one that does not exist denies everything."""
        found = self._acls.get(acl_id)
        if found is None:
            acl = self.vpc.acls.get(acl_id) or NetworkAcl(
                acl_id=acl_id, vpc_id=self.vpc.vpc_id, is_default=False, entries=()
            )
            found = self._acls[acl_id] = compile_acl(acl)
        return found

    def groups(self, ids: tuple[str, ...]) -> GroupFilter:
        """The filter of an interface with those security groups."""
        found = self._groups.get(ids)
        if found is None:
            found = self._groups[ids] = compile_groups(ids, self.vpc.groups, self.prefix_lists)
        return found

    def subnet_of(self, interface: NetworkInterface) -> Subnet | None:
        """The subnet of an interface; None when the snapshot lacks it."""
        return self.vpc.subnets.get(interface.subnet_id)

    def public_address(self, interface: NetworkInterface) -> IPv4Address | None:
        """The public address the internet gateway translates to; only plain interfaces have one."""
        return interface.public if interface.kind is InterfaceKind.INTERFACE else None


class NetworkIndex:
    """All VPCs, and what lies between them."""

    __slots__ = ("_members", "home", "public", "snapshot", "vpcs")

    def __init__(self, snapshot: NetworkSnapshot) -> None:
        self.snapshot = snapshot
        self.vpcs = {
            vpc_id: vpc_index(snapshot.vpcs[vpc_id], snapshot.prefix_lists)
            for vpc_id in sorted(snapshot.vpcs)
        }
        self.home: dict[str, VpcIndex] = {}
        self.public: dict[int, tuple[VpcIndex, NetworkInterface]] = {}
        """Who has a public address: plain interfaces and NAT gateways; and whoever has an IPv6 address."""
        for index in self.vpcs.values():
            for interface in index.by_address.values():
                self.home.setdefault(interface.interface_id, index)
                if interface.public is not None and interface.kind in _PUBLIC_KINDS:
                    self.public.setdefault(int(interface.public), (index, interface))
                for address in interface.ipv6:
                    self.public.setdefault(number(address), (index, interface))
            for nat_id in sorted(index.vpc.nat_gateways):
                nat = index.vpc.nat_gateways[nat_id]
                interface = index.vpc.interfaces.get(nat.interface_id)
                if nat.public is not None and interface is not None:
                    self.public.setdefault(int(nat.public), (index, interface))
        self._members: dict[str, Mapping[str, frozenset[int]]] = {}

    def peering_of(self, peering_id: str, vpc_id: str) -> tuple[PeeringConnection | None, VpcIndex | None]:
        """The peering connection and the VPC on its other side, seen from `vpc_id`."""
        peering = self.snapshot.peerings.get(peering_id)
        if peering is None or vpc_id not in (peering.requester_vpc, peering.accepter_vpc):
            return None, None
        other = peering.accepter_vpc if peering.requester_vpc == vpc_id else peering.requester_vpc
        return peering, self.vpcs.get(other)

    def members_seen_from(self, vpc: VpcIndex) -> Mapping[str, frozenset[int]]:
        """Addresses by group: the VPC's own groups, and those of VPCs peered with it in the same Region.

        VPC Peering Guide, "Update your security groups to reference peer security groups": the peer VPC must be in
        the same Region and the connection active.
        """
        if not self.snapshot.peerings:
            return vpc.members
        known = self._members.get(vpc.vpc.vpc_id)
        if known is None:
            merged = dict(vpc.members)
            for peering_id in sorted(self.snapshot.peerings):
                peering, other = self.peering_of(peering_id, vpc.vpc.vpc_id)
                if peering and peering.active and other and other.vpc.region == vpc.vpc.region:
                    for group_id, addresses in other.members.items():
                        merged.setdefault(group_id, addresses)
            known = self._members[vpc.vpc.vpc_id] = merged
        return known

    def describe(self, address: int) -> str:
        """An address with what is known of it: `52.94.4.7 (dynamodb in us-east-2)`."""
        service = service_of(address)
        if service is not None:
            return f"{dotted(address)} ({service.service} in {service.region})"
        holders = [
            index.by_address[address].interface_id
            for index in self.vpcs.values()
            if address in index.by_address
        ]
        if len(holders) == 1:
            return f"{dotted(address)} ({holders[0]})"
        if address in self.public:
            return f"{dotted(address)} ({self.public[address][1].interface_id})"
        return dotted(address)

    def rule_peer(self, vpc: VpcIndex, address: int) -> str:
        """What a security group rule of `vpc` would best name to match `address`: prefix list, group, or CIDR."""
        service = service_of(address)
        if service is not None and service.region == vpc.vpc.region:
            return service.prefix_list_id
        interface = vpc.by_address.get(address)
        if interface is not None and interface.groups:
            return interface.groups[0]
        return alone(address)


_PUBLIC_KINDS = (InterfaceKind.INTERFACE, InterfaceKind.NAT_GATEWAY)
_VPC_CACHE_SIZE, _NETWORK_CACHE_SIZE = 1024, 64
_vpc_cache: dict[int, VpcIndex] = {}
_network_cache: dict[int, NetworkIndex] = {}


def vpc_index(vpc: VpcSnapshot, prefix_lists: Mapping[str, PrefixList]) -> VpcIndex:
    """The index of a VPC: the same one as long as the VPC is the same object and the prefix lists are equal."""
    found = _vpc_cache.get(id(vpc))
    if found is not None and found.vpc is vpc and found.prefix_lists == prefix_lists:
        return found
    _make_room(_vpc_cache, _VPC_CACHE_SIZE)
    found = _vpc_cache[id(vpc)] = VpcIndex(vpc, prefix_lists)
    return found


def network_index(snapshot: NetworkSnapshot) -> NetworkIndex:
    """The index of a snapshot: the same one as long as the snapshot is the same object."""
    found = _network_cache.get(id(snapshot))
    if found is not None and found.snapshot is snapshot:
        return found
    _make_room(_network_cache, _NETWORK_CACHE_SIZE)
    found = _network_cache[id(snapshot)] = NetworkIndex(snapshot)
    return found


def _make_room(cache: dict[int, VpcIndex] | dict[int, NetworkIndex], size: int) -> None:
    """Forget the oldest entries. The default of pop() keeps two threads that do this at once from failing."""
    while len(cache) >= size:
        cache.pop(next(iter(cache)), None)
