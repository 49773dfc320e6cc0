"""One VPC as a group of kernel objects."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from casemate.dataplane.plan import names
from casemate.dataplane.plan.faults import delays
from casemate.dataplane.plan.filters import router_ruleset
from casemate.dataplane.plan.interfaces import (
    DEFAULT,
    FORWARDS,
    QUIET,
    STRICT_TRACKING,
    interface_objects,
    local_route,
)
from casemate.dataplane.plan.ipv6 import ipv6_parts
from casemate.dataplane.plan.objects import (
    LOCAL,
    Group,
    KernelObject,
    Link,
    LinkEnd,
    Listener,
    Namespace,
    Neighbour,
    Route,
    RouteKind,
    part,
)
from casemate.dataplane.plan.routing import forwarding, routing
from casemate.dataplane.plan.topology import LINK_LOCAL_RESOLVER, Topology

ANY = IPv4Address("0.0.0.0")  # noqa: S104 - inside a namespace, where every address is local


def vpc_group(topology: Topology, *, before: Group | None = None) -> Group:
    """Everything one VPC needs in the kernel. `before`: what the same memory made last."""
    recall, vpc, cidrs = topology.memory.recall, topology.vpc, topology.vpc.cidrs
    peers = tuple((peer.peering_id, peer.cidrs) for peer in topology.peers)
    endpoints = (topology.endpoint_interfaces, cidrs, vpc.dns_support, peers)
    parts = [
        recall("services", endpoints, lambda: part([_router(topology), *_services(topology)])),
        recall(
            "gateway", (vpc.internet_gateway_id, topology.public), lambda: part(_gateway(topology))
        ),
        recall(
            "routing",
            (forwarding(topology), vpc.subnets, vpc.route_tables, vpc.nat_gateways, vpc.endpoints,
             vpc.internet_gateway_id, topology.prefix_lists, *endpoints),
            lambda: part(routing(topology)),
        ),
        part([router_ruleset(topology)]),
    ]  # fmt: skip
    for interface in topology.attached:
        given = (interface, topology.subnet_of(interface), cidrs)
        # What is made is made before the name is bound anew.
        parts.append(
            recall(interface.interface_id, given, lambda given=given: part(interface_objects(*given)))
        )
    parts.append(part(delays(topology)))
    if topology.ipv6:
        parts += ipv6_parts(topology)
    return Group.of(vpc.vpc_id, *parts, before=before)


def _router(topology: Topology) -> Namespace:
    return Namespace(name=topology.router, sysctls=FORWARDS, conntrack=STRICT_TRACKING)


def _services(topology: Topology) -> list[KernelObject]:
    """The namespace in which the resolver and every endpoint of the VPC listen.

    All of it is in the `local` table, so that every address outside the VPC counts as this namespace's own: it
    accepts connections to them, and answers and refuses from them.
    """
    inside = topology.services
    vpc = topology.vpc
    ranges = [*vpc.cidrs, *(cidr for peer in topology.peers for cidr in peer.cidrs)]
    own = [vpc.resolver, *(interface.address for interface in topology.endpoint_interfaces)]
    objects: list[KernelObject] = [
        Namespace(name=inside, sysctls=QUIET),
        *_link(
            topology.router, names.SERVICES, names.SERVICES_SIDE, inside, names.INTERFACE, names.ROUTER_SIDE
        ),
        # The way to the router comes first: once every address is local, no other would be taken for a next hop.
        _beside(inside, names.INTERFACE, names.ROUTER_SIDE),
        local_route(inside, DEFAULT, LOCAL),
        *(local_route(inside, IPv4Network(address), LOCAL) for address in own),
        *(_towards(inside, names.INTERFACE, cidr, names.ROUTER_SIDE) for cidr in ranges),
    ]
    resolvers = (vpc.resolver, LINK_LOCAL_RESOLVER) if vpc.dns_support else ()
    return objects + listeners(inside, vpc.vpc_id, resolvers)


def listeners(namespace: str, vpc_id: str | None, resolvers: tuple[IPv4Address, ...]) -> list[KernelObject]:
    """The front door in one namespace: HTTPS and HTTP on every address, DNS on the resolver's own."""
    bindings: list[tuple[str, IPv4Address, int]] = [("tcp", ANY, 443), ("tcp", ANY, 80)]
    for address in resolvers:
        bindings += [("udp", address, 53), ("tcp", address, 53)]
    return [
        Listener(
            name=f"{vpc_id or 'internet'}/{protocol}/{address}/{port}",
            namespace=namespace,
            vpc_id=vpc_id,
            protocol="tcp" if protocol == "tcp" else "udp",
            address=address,
            port=port,
        )
        for protocol, address, port in bindings
    ]


def _gateway(topology: Topology) -> list[KernelObject]:
    """The internet gateway: a link to the internet, and a way back for each public address."""
    if not topology.vpc.internet_gateway_id:
        return []
    outside = names.device("v", topology.vpc.vpc_id)
    inside = names.INTERNET_NAMESPACE
    objects = _link(
        topology.router,
        names.GATEWAY,
        names.INTERNET_SIDE,
        inside,
        outside,
        names.ROUTER_SIDE,
        names.INTERNET_MAC,
    )
    for public in topology.public.values():
        objects.append(Neighbour(namespace=inside, device=outside, address=public, mac=names.ROUTER_MAC))
        objects.append(_beside(inside, outside, public))
    return objects


def _beside(namespace: str, device: str, address: IPv4Address) -> Route:
    """`address` is at the other end of the link."""
    return Route(
        namespace=namespace,
        table=LOCAL,
        destination=IPv4Network(address),
        kind=RouteKind.UNICAST,
        device=device,
    )


def _towards(namespace: str, device: str, destination: IPv4Network, via: IPv4Address) -> Route:
    return Route(
        namespace=namespace,
        table=LOCAL,
        destination=destination,
        kind=RouteKind.UNICAST,
        device=device,
        via=via,
    )


def _link(
    near: str,
    near_device: str,
    near_hop: IPv4Address,
    far: str,
    far_device: str,
    far_hop: IPv4Address,
    far_mac: str = names.SERVICES_MAC,
) -> list[KernelObject]:
    """A link without addresses: `near_hop` is what near calls the other end, `far_hop` what far calls it."""
    return [
        Link(
            near=LinkEnd(namespace=near, device=near_device, mac=names.ROUTER_MAC),
            far=LinkEnd(namespace=far, device=far_device, mac=far_mac),
        ),
        Neighbour(namespace=near, device=near_device, address=near_hop, mac=far_mac),
        Neighbour(namespace=far, device=far_device, address=far_hop, mac=names.ROUTER_MAC),
    ]
