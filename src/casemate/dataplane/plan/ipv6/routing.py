"""Where the router sends an IPv6 packet: one table per subnet with an IPv6 block, and `main` for what is in the VPC."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from casemate.dataplane.plan import names
from casemate.dataplane.plan.objects import KernelObject, Route, RouteKind, RoutingRule
from casemate.dataplane.plan.topology import Topology, device_of, is_unchecked
from casemate.model.network import InterfaceKind, PrefixListRef, Subnet, TargetKind
from casemate.model.network import Route as ModelRoute

DEFAULT = IPv6Network("::/0")
BESIDE = (IPv6Network("fd00:ec2::/32"), IPv6Network("fe80::/10"))
"""No route of a VPC leads there: the platform's own addresses, where nothing answers here, and link-local ones."""


def routing(topology: Topology) -> list[KernelObject]:
    """Routes and rules of the router, those of its interfaces aside."""
    objects: list[KernelObject] = [
        Route(namespace=topology.router, destination=destination, kind=RouteKind.BLACKHOLE)
        for destination in (DEFAULT, *BESIDE, *topology.vpc.ipv6_cidrs)
    ]
    for subnet in topology.vpc.subnets.values():
        if subnet.ipv6_cidr is not None:
            objects.append(
                RoutingRule(namespace=topology.router, table=subnet.subnet_id, source=subnet.ipv6_cidr)
            )
            objects += _subnet_table(topology, subnet)
    return objects


def _subnet_table(topology: Topology, subnet: Subnet) -> list[Route]:
    """The subnet's effective route table. The longest prefix wins by itself; ties are settled here."""
    chosen = {DEFAULT: _blackhole(topology, subnet, DEFAULT)}
    table = topology.vpc.route_tables.get(subnet.route_table_id)
    # Ties: a static route beats a prefix list's (VPC User Guide, "Route priority"), so it is written last.
    rows = (
        sorted(table.routes, key=lambda item: not isinstance(item.destination, PrefixListRef))
        if table
        else ()
    )
    for route in rows:
        for destination in _destinations(topology, route):
            chosen[destination] = _route(topology, subnet, route, destination)
    for local in (*topology.vpc.ipv6_cidrs, *BESIDE):
        chosen[local] = Route(
            namespace=topology.router, table=subnet.subnet_id, destination=local, kind=RouteKind.THROW
        )
    return list(chosen.values())


def _blackhole(topology: Topology, subnet: Subnet, destination: IPv6Network) -> Route:
    return Route(
        namespace=topology.router, table=subnet.subnet_id, destination=destination, kind=RouteKind.BLACKHOLE
    )


def _destinations(topology: Topology, route: ModelRoute) -> tuple[IPv6Network, ...]:
    if route.target is TargetKind.LOCAL:
        return ()
    if isinstance(route.destination, PrefixListRef):
        return topology.ipv6_cidrs_of(route.destination.prefix_list_id)
    return (route.destination,) if isinstance(route.destination, IPv6Network) else ()


def _route(topology: Topology, subnet: Subnet, route: ModelRoute, destination: IPv6Network) -> Route:
    """One row of the table for one destination; a target that cannot carry it is a blackhole."""
    hop = None if route.blackhole else _hop(topology, route)
    if hop is None:
        return _blackhole(topology, subnet, destination)
    device, via = hop
    return Route(
        namespace=topology.router,
        table=subnet.subnet_id,
        destination=destination,
        kind=RouteKind.UNICAST,
        device=device,
        via=via,
    )


def _hop(topology: Topology, route: ModelRoute) -> tuple[str, IPv6Address | None] | None:
    vpc = topology.vpc
    match route.target:
        case TargetKind.INTERNET_GATEWAY if vpc.internet_gateway_id == route.target_id:
            return names.GATEWAY, names.INTERNET_SIDE_6
        case TargetKind.EGRESS_ONLY_GATEWAY if route.target_id in vpc.egress_only_gateways:
            return names.EGRESS_ONLY, names.INTERNET_SIDE_6
        case TargetKind.NETWORK_INTERFACE:
            return _through(topology, route.target_id)
        case TargetKind.PEERING:
            peer = next((each for each in topology.peers if each.peering_id == route.target_id), None)
            return (peer.device, names.ROUTER_SIDE_6) if peer and peer.vpc.ipv6_cidrs else None
        case _:  # NAT gateways and gateway endpoints carry IPv4
            return None


def _through(topology: Topology, interface_id: str) -> tuple[str, IPv6Address | None] | None:
    """The hop to an interface that forwards: one whose source/destination check is off."""
    for item in topology.attached:
        if item.interface_id == interface_id and item.kind is InterfaceKind.INTERFACE and item.ipv6:
            return (device_of(item), item.ipv6[0]) if is_unchecked(item) else None
    return None
