"""The namespace of one interface and its link to the router: a workload, a hub of Lambda environments, a NAT gateway."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address

from casemate.dataplane.plan import names
from casemate.dataplane.plan.objects import (
    LOOPBACK,
    MAIN,
    Address,
    KernelObject,
    Link,
    LinkEnd,
    Namespace,
    Neighbour,
    Route,
    RouteKind,
    RoutingRule,
)
from casemate.dataplane.plan.ruleset import NftChain, Ruleset
from casemate.dataplane.plan.topology import addresses_of, device_of, is_unchecked
from casemate.model.network import InterfaceKind, NetworkInterface, Subnet

DEFAULT = IPv4Network("0.0.0.0/0")
QUIET = (
    ("ipv6/conf/all/disable_ipv6", "1"),
    ("ipv6/conf/default/disable_ipv6", "1"),
    # A new namespace inherits the host's values (net.core.devconf_inherit_init_net); these must not depend on it.
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
)
ENDS = (*QUIET, ("ipv4/ip_forward", "0"))
FORWARDS = (
    *QUIET,
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
)
STRICT_TRACKING = (("netfilter/nf_conntrack_tcp_loose", "0"),)
"""A packet in the middle of an unknown TCP connection is invalid: flows that were cut stay cut."""


def interface_objects(
    interface: NetworkInterface, subnet: Subnet, cidrs: tuple[IPv4Network, ...]
) -> tuple[KernelObject, ...]:
    """Everything one interface needs outside the router's rules."""
    router = names.router(interface.vpc_id)
    inside = names.interface_namespace(names.safe(interface.host or interface.interface_id))
    device, mac = device_of(interface), names.mac(interface.interface_id)
    end = names.further_device(interface.device_index) if interface.host else names.INTERFACE
    gateway = subnet.cidr[1]
    objects: list[KernelObject] = [
        Link(
            near=LinkEnd(namespace=router, device=device, mac=names.ROUTER_MAC),
            far=LinkEnd(namespace=inside, device=end, mac=mac),
        ),
        Neighbour(namespace=inside, device=end, address=gateway, mac=names.ROUTER_MAC),
        *(_beside_primary if interface.host else _alone)(interface, inside, end, gateway),
    ]
    for address in addresses_of(interface):
        alone = IPv4Network(address)
        objects += [
            Address(namespace=inside, device=end, address=address),
            Neighbour(namespace=router, device=device, address=address, mac=mac),
            Route(namespace=router, destination=alone, kind=RouteKind.UNICAST, device=device, via=address),
        ]
    if is_unchecked(interface):
        objects += [
            RoutingRule(namespace=router, table=subnet.subnet_id, device=device),
            RoutingRule(namespace=router, table=MAIN, device=device),
        ]
    if interface.kind is InterfaceKind.LAMBDA:
        objects.append(hub_ruleset(inside, interface.address))
    elif interface.kind is InterfaceKind.NAT_GATEWAY:
        objects.append(_nat_ruleset(inside, interface.address, cidrs))
    return tuple(objects)


def _alone(
    interface: NetworkInterface, inside: str, device: str, gateway: IPv4Address
) -> tuple[KernelObject, ...]:
    """A namespace of its own, out of which everything goes through it."""
    ends = interface.kind is InterfaceKind.INTERFACE
    return (
        Namespace(name=inside, sysctls=ENDS if ends else FORWARDS, conntrack=() if ends else STRICT_TRACKING),
        Route(namespace=inside, destination=DEFAULT, kind=RouteKind.UNICAST, device=device, via=gateway),
    )


def _beside_primary(
    interface: NetworkInterface, inside: str, device: str, gateway: IPv4Address
) -> tuple[KernelObject, ...]:
    """A further device in the namespace of its instance: what is sent from its addresses leaves through it.

    So Amazon Linux configures it, with a routing table and rules by source address for each further interface.
    Source: EC2 User Guide, "Configure your instance for secondary network interfaces" (amazon-ec2-net-utils).
    """
    table = interface.interface_id
    return (
        Route(
            namespace=inside,
            table=table,
            destination=DEFAULT,
            kind=RouteKind.UNICAST,
            device=device,
            via=gateway,
        ),
        *(
            RoutingRule(namespace=inside, table=table, source=IPv4Network(address))
            for address in addresses_of(interface)
        ),
    )


def hub_ruleset(namespace: str, address: IPv4Address | IPv6Address) -> Ruleset:
    """Environments leave by the interface's address; nothing comes in, and nothing goes from one to another."""
    # A function has no instance metadata; over IPv6 there is none at all.
    no_metadata = ("ip daddr 169.254.169.254 drop",) if address.version == 4 else ()
    leaves = f'iifname != "{names.INTERFACE}" oifname "{names.INTERFACE}" accept'
    return _translating(namespace, address, (*no_metadata, leaves), f'oifname "{names.INTERFACE}"')


def _nat_ruleset(namespace: str, address: IPv4Address, cidrs: tuple[IPv4Network, ...]) -> Ruleset:
    """A NAT gateway serves sources inside its VPC only and answers nobody who was not asked.

    Source: VPC User Guide, "NAT gateway basics"; Reachability Analyzer's NGW_REQUIRES_SOURCE_IN_VPC.
    """
    inside = ", ".join(str(cidr) for cidr in cidrs)
    return _translating(namespace, address, (f"ip saddr {{ {inside} }} accept",), f"ip saddr != {address}")


def _translating(
    namespace: str, address: IPv4Address | IPv6Address, begins: tuple[str, ...], translated: str
) -> Ruleset:
    """The rules of a namespace that others leave by one address: what may begin there, and what gets that address."""
    forward = ("ct state invalid drop", "ct state established,related accept", *begins)
    return Ruleset(
        namespace=namespace,
        family="ip" if address.version == 4 else "ip6",
        sets={},
        chains={
            "input": NftChain(hook="type filter hook input priority 0; policy drop;", rules=()),
            "forward": NftChain(hook="type filter hook forward priority 0; policy drop;", rules=forward),
            "source": NftChain(
                hook="type nat hook postrouting priority 100;", rules=(f"{translated} snat to {address}",)
            ),
        },
    )


def local_route(namespace: str, destination: IPv4Network, table: str) -> Route:
    """Packets to `destination` are for whoever listens in the namespace."""
    return Route(
        namespace=namespace, table=table, destination=destination, kind=RouteKind.LOCAL, device=LOOPBACK
    )
