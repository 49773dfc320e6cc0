"""Where the router sends an IPv6 packet: one table per subnet with an IPv6 block, and `main` for what is in the VPC."""

from __future__ import annotations

from functools import partial
from ipaddress import IPv6Network

from casemate.dataplane.plan import names
from casemate.dataplane.plan.objects import KernelObject, Route, RouteKind, RoutingRule
from casemate.dataplane.plan.subnet_tables import Family, Hop, subnet_table
from casemate.dataplane.plan.topology import Topology, device_of, is_unchecked
from casemate.model.network import InterfaceKind, TargetKind
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
    family = Family(
        default=DEFAULT,
        inside=(*topology.vpc.ipv6_cidrs, *BESIDE),
        named=topology.ipv6_cidrs_of,
        hop=partial(_hop, topology),
    )
    for subnet in topology.vpc.subnets.values():
        if subnet.ipv6_cidr is not None:
            objects.append(
                RoutingRule(namespace=topology.router, table=subnet.subnet_id, source=subnet.ipv6_cidr)
            )
            objects += subnet_table(topology, subnet, family)
    return objects


def _hop(topology: Topology, route: ModelRoute) -> Hop | None:
    vpc = topology.vpc
    match route.target:
        case TargetKind.INTERNET_GATEWAY if vpc.internet_gateway_id == route.target_id:
            return Hop(device=names.GATEWAY, via=names.INTERNET_SIDE_6)
        case TargetKind.EGRESS_ONLY_GATEWAY if route.target_id in vpc.egress_only_gateways:
            return Hop(device=names.EGRESS_ONLY, via=names.INTERNET_SIDE_6)
        case TargetKind.NETWORK_INTERFACE:
            return _through(topology, route.target_id)
        case TargetKind.PEERING:
            peer = next((each for each in topology.peers if each.peering_id == route.target_id), None)
            return Hop(device=peer.device, via=names.ROUTER_SIDE_6) if peer and peer.vpc.ipv6_cidrs else None
        case _:  # NAT gateways and gateway endpoints carry IPv4
            return None


def _through(topology: Topology, interface_id: str) -> Hop | None:
    """To an interface that forwards: one whose source/destination check is off."""
    for item in topology.attached:
        if item.interface_id == interface_id and item.kind is InterfaceKind.INTERFACE and item.ipv6:
            return Hop(device=device_of(item), via=item.ipv6[0]) if is_unchecked(item) else None
    return None
