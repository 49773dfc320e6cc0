"""Where the router sends a packet: one table per subnet, and `main` for what is inside the VPC."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from casemate.dataplane.plan import names
from casemate.dataplane.plan.interfaces import DEFAULT
from casemate.dataplane.plan.objects import KernelObject, Route, RouteKind, RoutingRule
from casemate.dataplane.plan.topology import Topology, device_of, is_unchecked
from casemate.model.network import InterfaceKind, NetworkInterface, PrefixListRef, Subnet, TargetKind
from casemate.model.network import Route as ModelRoute

LINK_LOCAL = IPv4Network("169.254.0.0/16")


def routing(topology: Topology) -> list[KernelObject]:
    """Routes and rules of the router, those of its interfaces aside."""
    objects: list[KernelObject] = list(_main(topology))
    for subnet in topology.vpc.subnets.values():
        objects.append(RoutingRule(namespace=topology.router, table=subnet.subnet_id, source=subnet.cidr))
        objects += _subnet_table(topology, subnet)
    return objects


def forwarding(topology: Topology) -> tuple[NetworkInterface, ...]:
    """The interfaces that a route leads to: of all that are attached, routing depends on these alone."""
    targets = {gateway.interface_id for gateway in topology.vpc.nat_gateways.values()}
    targets |= {route.target_id for table in topology.vpc.route_tables.values() for route in table.routes}
    return tuple(item for item in topology.attached if item.interface_id in targets)


def _main(topology: Topology) -> list[Route]:
    """What is inside the VPC; everything else is dropped in silence."""
    blackholes = [DEFAULT, LINK_LOCAL, *topology.vpc.cidrs]
    routes = [
        Route(namespace=topology.router, destination=destination, kind=RouteKind.BLACKHOLE)
        for destination in blackholes
    ]
    resolvers = topology.platform if topology.vpc.dns_support else topology.platform[2:]
    answering = [*resolvers, *(interface.address for interface in topology.endpoint_interfaces)]
    return routes + [_to_services(topology, IPv4Network(address), table="main") for address in answering]


def _to_services(topology: Topology, destination: IPv4Network, *, table: str) -> Route:
    return Route(
        namespace=topology.router,
        table=table,
        destination=destination,
        kind=RouteKind.UNICAST,
        device=names.SERVICES,
        via=names.SERVICES_SIDE,
    )


def _subnet_table(topology: Topology, subnet: Subnet) -> list[Route]:
    """The subnet's effective route table. The longest prefix wins by itself; ties are settled here."""
    chosen = {DEFAULT: _blackhole(topology, subnet, DEFAULT)}
    table = topology.vpc.route_tables.get(subnet.route_table_id)
    if table is not None:
        # Ties: a static route beats a prefix list's (VPC User Guide, "Route priority"), so it is written last.
        for route in sorted(table.routes, key=lambda item: not isinstance(item.destination, PrefixListRef)):
            for destination in _destinations(topology, route):
                chosen[destination] = _route(topology, subnet, route, destination)
    for local in (*topology.vpc.cidrs, LINK_LOCAL):
        chosen[local] = Route(
            namespace=topology.router, table=subnet.subnet_id, destination=local, kind=RouteKind.THROW
        )
    return list(chosen.values())


def _blackhole(topology: Topology, subnet: Subnet, destination: IPv4Network) -> Route:
    return Route(
        namespace=topology.router, table=subnet.subnet_id, destination=destination, kind=RouteKind.BLACKHOLE
    )


def _destinations(topology: Topology, route: ModelRoute) -> tuple[IPv4Network, ...]:
    if route.target is TargetKind.LOCAL:
        return ()
    if isinstance(route.destination, PrefixListRef):
        return topology.cidrs_of(route.destination.prefix_list_id)
    return (route.destination,) if isinstance(route.destination, IPv4Network) else ()


def _route(topology: Topology, subnet: Subnet, route: ModelRoute, destination: IPv4Network) -> Route:
    """One row of the table for one destination; a target that cannot carry it is a blackhole."""
    dropped = _blackhole(topology, subnet, destination)
    if route.blackhole:
        return dropped
    match route.target:
        case TargetKind.INTERNET_GATEWAY if topology.vpc.internet_gateway_id == route.target_id:
            hop = (names.GATEWAY, names.INTERNET_SIDE)
        case TargetKind.NAT_GATEWAY:
            gateway = topology.vpc.nat_gateways.get(route.target_id)
            hop = _through(topology, gateway.interface_id if gateway else "")
        case TargetKind.NETWORK_INTERFACE:
            hop = _through(topology, route.target_id)
        case TargetKind.GATEWAY_ENDPOINT:
            return _endpoint_route(topology, subnet, route, destination) or dropped
        case TargetKind.PEERING:
            peer = next((peer for peer in topology.peers if peer.peering_id == route.target_id), None)
            hop = (peer.device, names.ROUTER_SIDE) if peer else None
        case _:
            hop = None
    if hop is None:
        return dropped
    device, via = hop
    return Route(
        namespace=topology.router,
        table=subnet.subnet_id,
        destination=destination,
        kind=RouteKind.UNICAST,
        device=device,
        via=via,
    )


def _through(topology: Topology, interface_id: str) -> tuple[str, IPv4Address] | None:
    """The hop to an interface that forwards: a NAT gateway, or one whose source/destination check is off."""
    for interface in topology.attached:
        if interface.interface_id == interface_id:
            forwards = is_unchecked(interface) or interface.kind is InterfaceKind.INTERFACE
            return (device_of(interface), interface.address) if forwards else None
    return None


def _endpoint_route(
    topology: Topology, subnet: Subnet, route: ModelRoute, destination: IPv4Network
) -> Route | None:
    endpoint = topology.vpc.endpoints.get(route.target_id)
    if endpoint is None or not endpoint.available:
        return None
    return Route(
        namespace=topology.router,
        table=subnet.subnet_id,
        destination=destination,
        kind=RouteKind.UNICAST,
        device=names.SERVICES,
        via=names.SERVICES_SIDE,
        endpoint=endpoint.endpoint_id,
        sources=subnet.cidr,
    )
