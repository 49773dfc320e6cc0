"""The internet, and the functions outside any VPC."""

from __future__ import annotations

from ipaddress import IPv4Network

from casemate.dataplane.plan import names
from casemate.dataplane.plan.interfaces import DEFAULT, FORWARDS, STRICT_TRACKING, hub_ruleset, local_route
from casemate.dataplane.plan.objects import (
    LOCAL,
    Address,
    Group,
    KernelObject,
    Link,
    LinkEnd,
    Namespace,
    Neighbour,
    Route,
    RouteKind,
)
from casemate.dataplane.plan.topology import LINK_LOCAL_RESOLVER
from casemate.dataplane.plan.vpc import listeners
from casemate.model.regions import LAMBDA_PUBLIC_POOL, REGIONS, public_pool

GROUP = "internet"
PUBLIC_HUB_ADDRESS = LAMBDA_PUBLIC_POOL[10]
"""What DynamoDB's public endpoint sees of a function outside any VPC."""
_HUB_DEVICE = "lambda0"
_UNROUTED = (
    # RFC 1918, RFC 6598, RFC 3927: nobody on the internet has these addresses.
    *(IPv4Network(cidr) for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("169.254.0.0/16"),
    # Public addresses that are associated with nothing.
    LAMBDA_PUBLIC_POOL,
    *(public_pool(region) for region in REGIONS),
)


def internet_group() -> Group:
    """A namespace that has every public address, and the hub of functions outside any VPC."""
    inside, hub = names.INTERNET_NAMESPACE, names.PUBLIC_HUB_NAMESPACE
    blackholes = [
        Route(namespace=inside, table=LOCAL, destination=cidr, kind=RouteKind.BLACKHOLE) for cidr in _UNROUTED
    ]
    objects: list[KernelObject] = [
        Namespace(name=inside, sysctls=FORWARDS),
        local_route(inside, DEFAULT, LOCAL),
        local_route(inside, IPv4Network(LINK_LOCAL_RESOLVER), LOCAL),
        *blackholes,
        *listeners(inside, None, (LINK_LOCAL_RESOLVER,)),
        Namespace(name=hub, sysctls=FORWARDS, conntrack=STRICT_TRACKING),
        Link(
            near=LinkEnd(namespace=inside, device=_HUB_DEVICE, mac=names.INTERNET_MAC),
            far=LinkEnd(namespace=hub, device=names.INTERFACE, mac=names.SERVICES_MAC),
        ),
        Neighbour(namespace=inside, device=_HUB_DEVICE, address=PUBLIC_HUB_ADDRESS, mac=names.SERVICES_MAC),
        Neighbour(namespace=hub, device=names.INTERFACE, address=names.INTERNET_SIDE, mac=names.INTERNET_MAC),
        Address(namespace=hub, device=names.INTERFACE, address=PUBLIC_HUB_ADDRESS),
        Route(
            namespace=inside,
            table=LOCAL,
            destination=IPv4Network(PUBLIC_HUB_ADDRESS),
            kind=RouteKind.UNICAST,
            device=_HUB_DEVICE,
        ),
        Route(
            namespace=hub,
            destination=DEFAULT,
            kind=RouteKind.UNICAST,
            device=names.INTERFACE,
            via=names.INTERNET_SIDE,
        ),
        hub_ruleset(hub, PUBLIC_HUB_ADDRESS),
    ]
    return Group.of(GROUP, objects)
