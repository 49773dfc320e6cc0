"""What lies at a public address: an AWS service, a pool of AWS's public addresses, the internet, or nothing."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from casemate.model.network import ICMP, ICMPV6, TCP, UDP, InterfaceKind, NetworkInterface
from casemate.model.regions import (
    LAMBDA_PUBLIC_POOL,
    OTHER_SERVICES,
    REGIONS,
    SERVICE_PREFIX_LISTS,
    SERVICES_IPV6,
    VPC_IPV6_POOL,
    ServicePrefixList,
    public_pool,
)
from casemate.reachability import faults
from casemate.reachability.numbers import address_of, dotted, matcher
from casemate.reachability.packet import Packet
from casemate.reachability.path import Drop, Path
from casemate.reachability.verdict import HopKind, ReasonCode

if TYPE_CHECKING:
    from casemate.reachability.index import VpcIndex

SERVICE_PORTS = {TCP: (443, 80)}
"""AWS services take HTTPS and HTTP: the endpoints table of the AWS General Reference."""
INTERNET_PORTS = {TCP: (443, 80, 53), UDP: (53,)}
"""What a host of the modelled internet answers: web and DNS."""
RESOLVER_PORTS = {TCP: (53,), UDP: (53,)}
METADATA_PORTS = {TCP: (80,)}

_UNROUTED = tuple(
    matcher(network)
    for network in map(
        ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
            "::/8", "fc00::/7", "fe80::/10", "ff00::/8",
        ),
    )
)  # fmt: skip
"""RFC 6890 (::/8 holds the NAT64 prefix of RFC 6052): never forwarded on the internet. The documentation ranges are not among them: they stand in for public
hosts here."""


def _by_length() -> tuple[tuple[int, dict[int, ServicePrefixList]], ...]:
    found: dict[int, dict[int, ServicePrefixList]] = {}
    for listed in SERVICE_PREFIX_LISTS.values():
        for network in listed.cidrs:
            first, mask = matcher(network)
            found.setdefault(mask, {})[first] = listed
    return tuple(sorted(found.items(), reverse=True))


_SERVICES = _by_length()
_POOLS = frozenset(matcher(public_pool(region))[0] for region in REGIONS)
_POOL_MASK = matcher(public_pool(REGIONS[0]))[1]
_LAMBDA_POOL, _LAMBDA_MASK = matcher(LAMBDA_PUBLIC_POOL)
_VPC_POOL, _VPC_MASK = matcher(VPC_IPV6_POOL)
_OTHER_SERVICES = tuple(map(matcher, (OTHER_SERVICES, SERVICES_IPV6)))


def is_unrouted(address: int) -> bool:
    """Whether the internet has no way to such an address."""
    return any(address & mask == network for network, mask in _UNROUTED)


def is_elastic(address: int) -> bool:
    """Whether the address is of a pool: a Region's elastic and auto-assigned ones, Lambda's own network's, VPCs' IPv6."""
    return (
        address & _POOL_MASK in _POOLS
        or address & _LAMBDA_MASK == _LAMBDA_POOL
        or address & _VPC_MASK == _VPC_POOL
    )


def service_of(address: int) -> ServicePrefixList | None:
    """The AWS-managed prefix list that holds the address."""
    for mask, networks in _SERVICES:
        found = networks.get(address & mask)
        if found is not None:
            return found
    return None


def arrive_public(path: Path, packet: Packet) -> None:
    """The packet is on the internet, at an address that no interface has: a service or some host."""
    path.source_seen = address_of(packet.source)
    service = service_of(packet.destination)
    if service is not None:
        arrive(path, packet, HopKind.SERVICE, f"{service.service}.{service.region}", SERVICE_PORTS)
    elif any(packet.destination & mask == network for network, mask in _OTHER_SERVICES):
        arrive(path, packet, HopKind.SERVICE, dotted(packet.destination), SERVICE_PORTS)
    else:
        arrive(path, packet, HopKind.INTERNET, dotted(packet.destination), INTERNET_PORTS)


def arrive(
    path: Path, packet: Packet, kind: HopKind, component: str, ports: dict[int, tuple[int, ...]]
) -> None:
    """The packet is at its destination, which answers on some ports, and pings; elsewhere it refuses."""
    answers = packet.protocol in (ICMP, ICMPV6) or packet.port in ports.get(packet.protocol, ())
    path.met(kind, component, passed=answers, matched=f"{packet.words} from {dotted(packet.source)}")
    if not answers:
        known = ", ".join(str(port) for port in ports.get(packet.protocol, ())) or "no port of that protocol"
        path.closed = Drop(
            reason=ReasonCode.CM_PORT_CLOSED,
            explanation=f"{component} is reached and refuses {packet.words}: nothing listens there.",
            remedy=f"Use a port that {component} answers on ({known}).",
        )


def arrive_at_interface(
    path: Path, vpc: VpcIndex, interface: NetworkInterface, packet: Packet
) -> Drop | None:
    """The packet is at an interface of a VPC and past its filters."""
    path.source_seen = address_of(packet.source)
    path.destination_interface = interface.interface_id
    if interface.kind is not InterfaceKind.VPC_ENDPOINT:
        path.met(
            HopKind.INTERFACE,
            interface.interface_id,
            passed=True,
            matched=f"{packet.words} from {dotted(packet.source)}",
        )
        return None
    endpoint = vpc.endpoint_of.get(interface.interface_id)
    name = endpoint.endpoint_id if endpoint else interface.interface_id
    drop = faults.failure(vpc, name)
    if drop is None and endpoint is not None and not endpoint.available:
        drop = Drop(
            reason=ReasonCode.BAD_STATE,
            explanation=f"{name} is not available yet, so its interface {interface.interface_id} answers nothing.",
            remedy=f"Wait until {name} is available, or recreate it.",
        )
    elif drop is None and packet.protocol != TCP:
        # Unchecked against a primary source: AWS's APIs are HTTP, and their endpoints do not answer ping.
        drop = Drop(
            reason=ReasonCode.PROTOCOL_RESTRICTION,
            explanation=f"{name} takes TCP only, and this is {packet.words}.",
            remedy="Use TCP; an interface endpoint does not answer ping.",
        )
    path.met(HopKind.INTERFACE_ENDPOINT, name, passed=drop is None, matched=f"at {interface.interface_id}")
    if drop is None:
        path.via_endpoint = endpoint.endpoint_id if endpoint else None
        service = f"{endpoint.service}.{endpoint.service_region}" if endpoint else interface.interface_id
        arrive(path, packet, HopKind.SERVICE, service, SERVICE_PORTS)
    else:
        path.source_seen = path.destination_interface = None
    return drop
