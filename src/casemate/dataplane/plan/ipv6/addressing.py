"""The IPv6 of one VPC: of its interfaces, of its router, and of its doors to the internet and to peers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, IPv6Network

from casemate.dataplane.plan import names
from casemate.dataplane.plan.interfaces import hub_ruleset
from casemate.dataplane.plan.ipv6.filters import router_ruleset
from casemate.dataplane.plan.ipv6.routing import routing
from casemate.dataplane.plan.objects import (
    LOCAL,
    LOOPBACK,
    MAIN,
    Address,
    DualStack,
    KernelObject,
    Link,
    LinkEnd,
    Neighbour,
    Part,
    Route,
    RouteKind,
    RoutingRule,
    part,
)
from casemate.dataplane.plan.routing import forwarding
from casemate.dataplane.plan.topology import Topology, device_of, inside_of, is_unchecked
from casemate.model.network import InterfaceKind, NetworkInterface, Subnet

EVERYWHERE = IPv6Network("::/0")


def ipv6_parts(topology: Topology) -> list[Part]:
    """Everything IPv6 needs in one VPC; nothing when it has no IPv6 block."""
    recall, vpc = topology.memory.recall, topology.vpc
    if not vpc.ipv6_cidrs:
        return []
    dual = [item for item in topology.attached if item.ipv6]
    # The interfaces of one instance share a loopback device.
    inside = tuple(dict.fromkeys(inside_of(item)[0] for item in dual))
    peers = tuple((peer.peering_id, peer.vpc.ipv6_cidrs) for peer in topology.peers)
    parts = [
        recall("ipv6/loopbacks", inside, lambda: part(_loopbacks(topology, inside))),
        recall(
            "ipv6/doors",
            (vpc.ipv6_cidrs, vpc.internet_gateway_id, vpc.egress_only_gateways),
            lambda: part(_doors(topology)),
        ),
        recall(
            "ipv6/routing",
            (forwarding(topology), vpc.subnets, vpc.route_tables, vpc.ipv6_cidrs, vpc.internet_gateway_id,
             vpc.egress_only_gateways, topology.prefix_lists, peers),
            lambda: part(routing(topology)),
        ),
        part([router_ruleset(topology)]),
    ]  # fmt: skip
    for item in dual:
        given = (item, topology.subnet_of(item))
        # What is made is made before the name is bound anew.
        name = ("ipv6", item.interface_id)
        parts.append(recall(name, given, lambda given=given: part(_interface(*given))))
    return parts


def _loopbacks(topology: Topology, inside: Iterable[str]) -> Iterator[KernelObject]:
    yield DualStack(namespace=topology.router, device=LOOPBACK, forwards=True)
    for namespace in inside:
        yield DualStack(namespace=namespace, device=LOOPBACK)


def _interface(interface: NetworkInterface, subnet: Subnet) -> Iterator[KernelObject]:
    router = names.router(interface.vpc_id)
    inside, end = inside_of(interface)
    device, mac = device_of(interface), names.mac(interface.interface_id)
    hub = interface.kind is InterfaceKind.LAMBDA
    table = interface.interface_id if interface.host else MAIN
    yield DualStack(namespace=inside, device=end, forwards=hub)
    yield DualStack(namespace=router, device=device, forwards=True)
    yield Neighbour(namespace=inside, device=end, address=names.ROUTER_SIDE_6, mac=names.ROUTER_MAC)
    yield _towards(inside, end, EVERYWHERE, names.ROUTER_SIDE_6, table)
    for address in interface.ipv6:
        alone = IPv6Network(address)
        yield Address(namespace=inside, device=end, address=address)
        yield Neighbour(namespace=router, device=device, address=address, mac=mac)
        yield Route(namespace=router, destination=alone, kind=RouteKind.UNICAST, device=device)
        if interface.host:
            yield RoutingRule(namespace=inside, table=table, source=alone)
    if is_unchecked(interface):
        yield RoutingRule(namespace=router, table=subnet.subnet_id, device=device, ipv6=True)
        yield RoutingRule(namespace=router, table=MAIN, device=device, ipv6=True)
    if hub:
        yield hub_ruleset(inside, interface.ipv6[0])


def _doors(topology: Topology) -> Iterator[KernelObject]:
    """Links to the internet, and the way from there to the VPC's blocks."""
    vpc, outside = topology.vpc, ""
    if vpc.egress_only_gateways:
        outside = names.device("x", vpc.vpc_id)
        yield Link(
            near=LinkEnd(namespace=topology.router, device=names.EGRESS_ONLY, mac=names.ROUTER_MAC),
            far=LinkEnd(namespace=names.INTERNET_NAMESPACE, device=outside, mac=names.INTERNET_MAC),
        )
        yield from _to_the_internet(topology, names.EGRESS_ONLY, outside)
    if vpc.internet_gateway_id:
        outside = names.device("v", vpc.vpc_id)
        yield from _to_the_internet(topology, names.GATEWAY, outside)
    if outside:
        # Where there are both, what comes from the internet comes in by the internet gateway.
        for cidr in vpc.ipv6_cidrs:
            yield _towards(names.INTERNET_NAMESPACE, outside, cidr, names.ROUTER_SIDE_6, LOCAL)


def peering_objects(device: str, routers: tuple[str, str]) -> Iterator[KernelObject]:
    """Both ends of a peering connection between two VPCs with IPv6 blocks."""
    for router in routers:
        yield DualStack(namespace=router, device=device, forwards=True)
        yield Neighbour(namespace=router, device=device, address=names.ROUTER_SIDE_6, mac=names.ROUTER_MAC)


def _to_the_internet(topology: Topology, device: str, outside: str) -> Iterator[KernelObject]:
    inside = names.INTERNET_NAMESPACE
    yield DualStack(namespace=topology.router, device=device, forwards=True)
    yield DualStack(namespace=inside, device=outside, forwards=True)
    yield Neighbour(
        namespace=topology.router, device=device, address=names.INTERNET_SIDE_6, mac=names.INTERNET_MAC
    )
    yield Neighbour(namespace=inside, device=outside, address=names.ROUTER_SIDE_6, mac=names.ROUTER_MAC)


def _towards(
    namespace: str, device: str, destination: IPv6Network, via: IPv6Address, table: str = MAIN
) -> Route:
    return Route(
        namespace=namespace,
        table=table,
        destination=destination,
        kind=RouteKind.UNICAST,
        device=device,
        via=via,
    )
