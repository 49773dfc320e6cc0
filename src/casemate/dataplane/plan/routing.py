"""Where the router sends a packet: one table per subnet, and `main` for what is inside the VPC."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Network

from casemate.dataplane.plan import names
from casemate.dataplane.plan.interfaces import DEFAULT
from casemate.dataplane.plan.objects import KernelObject, Route, RouteKind, RoutingRule
from casemate.dataplane.plan.subnet_tables import Family, Hop, subnet_table
from casemate.dataplane.plan.topology import Topology, device_of, is_unchecked
from casemate.model.network import InterfaceKind, NetworkInterface, TargetKind
from casemate.model.network import Route as ModelRoute

LINK_LOCAL = IPv4Network("169.254.0.0/16")


def routing(topology: Topology) -> list[KernelObject]:
    """Routes and rules of the router, those of its interfaces aside."""
    objects: list[KernelObject] = list(_main(topology))
    family = Family(
        default=DEFAULT,
        inside=(*topology.vpc.cidrs, LINK_LOCAL),
        named=topology.cidrs_of,
        hop=partial(_hop, topology),
    )
    for subnet in topology.vpc.subnets.values():
        objects.append(RoutingRule(namespace=topology.router, table=subnet.subnet_id, source=subnet.cidr))
        objects += subnet_table(topology, subnet, family)
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


def _hop(topology: Topology, route: ModelRoute) -> Hop | None:
    vpc = topology.vpc
    match route.target:
        case TargetKind.INTERNET_GATEWAY if vpc.internet_gateway_id == route.target_id:
            return Hop(device=names.GATEWAY, via=names.INTERNET_SIDE)
        case TargetKind.NAT_GATEWAY:
            gateway = vpc.nat_gateways.get(route.target_id)
            return _through(topology, gateway.interface_id if gateway else "")
        case TargetKind.NETWORK_INTERFACE:
            return _through(topology, route.target_id)
        case TargetKind.GATEWAY_ENDPOINT:
            endpoint = vpc.endpoints.get(route.target_id)
            if endpoint is None or not endpoint.available:
                return None
            return Hop(device=names.SERVICES, via=names.SERVICES_SIDE, endpoint=endpoint.endpoint_id)
        case TargetKind.PEERING:
            peer = next((peer for peer in topology.peers if peer.peering_id == route.target_id), None)
            return Hop(device=peer.device, via=names.ROUTER_SIDE) if peer else None
        case _:
            return None


def _through(topology: Topology, interface_id: str) -> Hop | None:
    """To an interface that forwards: a NAT gateway, or one whose source/destination check is off."""
    for interface in topology.attached:
        if interface.interface_id == interface_id:
            forwards = is_unchecked(interface) or interface.kind is InterfaceKind.INTERFACE
            return Hop(device=device_of(interface), via=interface.address) if forwards else None
    return None
