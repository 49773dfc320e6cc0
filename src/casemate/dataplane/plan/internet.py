"""The internet, and the functions outside any VPC.

By default every public address is answered on this machine, by the front door. With the machine's own network let in
(`--internet host`) the front door is handed, on a socket of its own, each TCP connection to an address that is not
AWS's, and makes it itself: no packet of a VPC is ever routed into the host's network, and nothing is changed there.
"""

from __future__ import annotations

from ipaddress import IPv4Network, collapse_addresses

from casemate.dataplane.plan import names
from casemate.dataplane.plan.interfaces import DEFAULT, FORWARDS, STRICT_TRACKING, hub_ruleset, local_route
from casemate.dataplane.plan.ipv6 import internet_objects
from casemate.dataplane.plan.objects import (
    LOCAL,
    Address,
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
from casemate.dataplane.plan.ruleset import NftChain, NftSet, Ruleset
from casemate.dataplane.plan.topology import LINK_LOCAL_RESOLVER
from casemate.dataplane.plan.vpc import ANY, listeners
from casemate.model.regions import LAMBDA_PUBLIC_POOL, REGIONS, SERVICE_PREFIX_LISTS, public_pool

GROUP = "internet"
PUBLIC_HUB_ADDRESS = LAMBDA_PUBLIC_POOL[10]
"""What DynamoDB's public endpoint sees of a function outside any VPC."""
RELAY_PORT = 9
"""Where the front door takes connections that go on into the host's network; nothing connects to it as such (discard)."""
_OTHER_SERVICES = IPv4Network("52.95.0.0/16")
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
_MULTICAST = IPv4Network("224.0.0.0/3")
"""Multicast and reserved."""


def internet_group(*, host: bool = False, ipv6: bool = True) -> Group:
    """A namespace that has every public address, and the hub of functions outside any VPC.

    `host`: what is not AWS's leads into the machine's own network. `ipv6`: this machine's kernel has it.
    """
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
        *(_relay(inside) if host else ()),
        *(internet_objects(host=host) if ipv6 else ()),
    ]
    return Group.of(GROUP, part(objects))


def _relay(inside: str) -> list[KernelObject]:
    """TCP to the rest of the world goes to the relay's socket; UDP and ICMP to it are lost."""
    services = {cidr for listed in SERVICE_PREFIX_LISTS.values() for cidr in listed.cidrs}
    here = collapse_addresses([*services, _OTHER_SERVICES, *_UNROUTED, _MULTICAST])
    rules = (
        "ip daddr @here accept",
        f"meta l4proto tcp tproxy to :{RELAY_PORT} accept",
        "drop",
    )
    return [
        Ruleset(
            namespace=inside,
            sets={
                "here": NftSet(
                    declaration="type ipv4_addr; flags interval;",
                    elements={str(cidr): None for cidr in here},
                )
            },
            # lo: what sockets of this namespace begin is not a VPC's.
            chains={
                "relay": NftChain(
                    hook="type filter hook prerouting priority -150;", rules=('iifname "lo" accept', *rules)
                )
            },
        ),
        Listener(
            name="internet/relay",
            namespace=inside,
            vpc_id=None,
            protocol="tcp",
            address=ANY,
            port=RELAY_PORT,
        ),
    ]
