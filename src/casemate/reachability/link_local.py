"""Beside every interface: the resolver and the metadata service, at link-local addresses."""

from __future__ import annotations

from ipaddress import ip_network

from casemate.model.network import InterfaceKind, NetworkInterface
from casemate.reachability.destinations import METADATA_PORTS, RESOLVER_PORTS, arrive
from casemate.reachability.index import METADATA, VpcIndex
from casemate.reachability.numbers import address_of, dotted, matcher
from casemate.reachability.packet import Packet
from casemate.reachability.path import Drop, Path
from casemate.reachability.verdict import HopKind, ReasonCode

_LINK_LOCAL = tuple(map(matcher, map(ip_network, ("169.254.0.0/16", "fd00:ec2::/32", "fe80::/10"))))
"""fd00:ec2::/32 is where instances find the resolver and the metadata service over IPv6. Nothing answers there here."""


def is_link_local(address: int) -> bool:
    """Whether no route leads there, and no filter."""
    return any(address & mask == network for network, mask in _LINK_LOCAL)


def link_services(path: Path, vpc: VpcIndex, interface: NetworkInterface, packet: Packet) -> Drop | None:
    """The resolver and the metadata service: beside the interface, exempt from security groups, ACLs and routes.

    VPC User Guide, "Network ACLs": they do not filter traffic to the Amazon DNS server, instance metadata, ...
    """
    vpc_id = vpc.vpc.vpc_id
    if packet.destination in vpc.resolvers:
        if vpc.vpc.dns_support:
            path.source_seen = address_of(packet.source)
            arrive(path, packet, HopKind.SERVICE, f"resolver of {vpc_id}", RESOLVER_PORTS)
            return None
        path.met(HopKind.SERVICE, f"resolver of {vpc_id}", passed=False, matched="enableDnsSupport is off")
        return Drop(
            reason=ReasonCode.CM_NAME_NOT_RESOLVED,
            explanation=f"The resolver of {vpc_id} does not answer: enableDnsSupport is off.",
            remedy=f"Set enableDnsSupport of {vpc_id} to true.",
        )
    if packet.destination == METADATA and interface.kind is InterfaceKind.INTERFACE:
        path.source_seen = address_of(packet.source)
        arrive(path, packet, HopKind.SERVICE, "instance metadata", METADATA_PORTS)
        return None
    return Drop(
        reason=ReasonCode.UNKNOWN_DESTINATION,
        explanation=f"{dotted(packet.destination)} is a link-local address where nothing answers {interface.interface_id}.",
        remedy="Use the address of an interface, or 169.254.169.253 for DNS.",
    )
