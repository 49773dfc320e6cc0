"""Internet gateways, egress-only ones, and peering connections: the doors of a VPC."""

from __future__ import annotations

from ipaddress import ip_network

from casemate.model.network import InterfaceKind, PeeringConnection
from casemate.reachability.destinations import is_elastic, service_of
from casemate.reachability.index import VpcIndex
from casemate.reachability.numbers import dotted, matcher
from casemate.reachability.packet import Packet
from casemate.reachability.path import Drop, Path, Stop
from casemate.reachability.routes import RouteEntry
from casemate.reachability.verdict import HopKind, ReasonCode


def pass_internet_gateway(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> Packet | Drop:
    """Out to the internet: the private source address becomes the public one, where there is one.

    VPC User Guide, "Enable internet access for a VPC using an internet gateway": the gateway does one-to-one NAT for
    resources that have a public address, and drops the rest.
    """
    gateway = entry.route.target_id
    if stop.vpc.vpc.internet_gateway_id != gateway:
        path.met(HopKind.INTERNET_GATEWAY, gateway, passed=False, matched="not attached")
        return Drop(
            reason=ReasonCode.BAD_STATE_ATTACHMENT,
            explanation=f"{gateway} is not attached to {stop.vpc.vpc.vpc_id}.",
            remedy=f"Attach {gateway} to {stop.vpc.vpc.vpc_id}.",
        )
    if packet.is_ipv6:
        drop = _not_for_the_internet(packet, gateway)
        path.met(
            HopKind.INTERNET_GATEWAY,
            gateway,
            passed=drop is None,
            matched=f"{dotted(packet.source)} is a public address",
        )
        return drop or packet
    if stop.public is None:
        path.met(
            HopKind.INTERNET_GATEWAY,
            gateway,
            passed=False,
            matched=f"{dotted(packet.source)} has no public address",
        )
        return _without_public_address(path, stop, packet, gateway)
    drop = _not_for_the_internet(packet, gateway)
    path.met(
        HopKind.INTERNET_GATEWAY,
        gateway,
        passed=drop is None,
        matched=f"{dotted(packet.source)} becomes {stop.public}",
    )
    return drop or packet.sent_from(int(stop.public))


_PRIVATE = tuple(
    matcher(ip_network(text)) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)
"""RFC 1918, and RFC 4193 for IPv6."""
_SHARED, _SHARED_MASK = matcher(ip_network("100.64.0.0/10"))
"""RFC 6598."""


def _is_private(address: int) -> bool:
    return any(address & mask == network for network, mask in _PRIVATE)


def _is_shared(address: int) -> bool:
    return address & _SHARED_MASK == _SHARED


def _not_for_the_internet(packet: Packet, gateway: str) -> Drop | None:
    """Internet gateways reject what goes to private and to shared addresses."""
    private = _is_private(packet.destination)
    if not private and not _is_shared(packet.destination):
        return None
    return Drop(
        reason=ReasonCode.IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS
        if private
        else ReasonCode.IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS,
        explanation=f"{dotted(packet.destination)} is a {'private' if private else 'shared'} address "
        f"(RFC {_standard(packet, private=private)}), to which {gateway} sends nothing.",
        remedy=f"Reach {dotted(packet.destination)} from inside its VPC, or over a peering connection.",
    )


def _standard(packet: Packet, *, private: bool) -> int:
    """The RFC that sets the address apart."""
    if not private:
        return 6598
    return 4193 if packet.is_ipv6 else 1918


def pass_egress_only_gateway(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> Packet | Drop:
    """Out to the internet over IPv6, with the source address as it is; what comes in later is an answer or is dropped.

    VPC User Guide, "Enable outbound IPv6 traffic using an egress-only internet gateway": stateful, for IPv6 only.
    """
    gateway = entry.route.target_id
    if not packet.is_ipv6:
        drop = Drop(
            reason=ReasonCode.CANNOT_ROUTE,
            explanation=f"{gateway} is an egress-only internet gateway, which carries IPv6 only; "
            f"{dotted(packet.destination)} is IPv4.",
            remedy=f"Route {entry.network} of {stop.subnet.route_table_id} to a NAT gateway.",
        )
    elif gateway not in stop.vpc.vpc.egress_only_gateways:
        drop = Drop(
            reason=ReasonCode.BAD_STATE_ATTACHMENT,
            explanation=f"{gateway} is not attached to {stop.vpc.vpc.vpc_id}.",
            remedy=f"Create an egress-only internet gateway for {stop.vpc.vpc.vpc_id} and route to it.",
        )
    else:
        drop = _not_for_the_internet(packet, gateway)
    words = f"{dotted(packet.source)} goes out" if packet.is_ipv6 else "IPv6 only"
    path.met(HopKind.EGRESS_ONLY_GATEWAY, gateway, passed=drop is None, matched=words)
    return drop or packet


def _without_public_address(path: Path, stop: Stop, packet: Packet, gateway: str) -> Drop:
    far = path.network.describe(packet.destination)
    table = stop.subnet.route_table_id
    if stop.kind is InterfaceKind.NAT_GATEWAY:
        return Drop(
            reason=ReasonCode.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS,
            explanation=f"{stop.name} is a private NAT gateway: {gateway} drops what it sends to {far}.",
            remedy=f"Use a public NAT gateway (one with an elastic IP address) in place of {stop.name}.",
        )
    service = service_of(packet.destination)
    if service is not None and service.region == stop.vpc.vpc.region:
        remedy = f"Create a gateway endpoint for {service.name} and associate it with {table}."
    elif stop.kind is InterfaceKind.LAMBDA:
        remedy = f"Move the function to a private subnet whose route table sends 0.0.0.0/0 to a NAT gateway ({table} sends it to {gateway})."
    else:
        remedy = f"Associate an elastic IP address with {stop.name}."
    cause = (
        f"{stop.name} is a Lambda interface, which never has a public address"
        if stop.kind is InterfaceKind.LAMBDA
        else f"{stop.name} has no public address"
    )
    return Drop(
        reason=ReasonCode.IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS,
        explanation=f"{cause}, so {gateway} drops its packet to {far}.",
        remedy=remedy,
    )


def receive_from_internet(path: Path, packet: Packet, vpc: VpcIndex) -> Drop | None:
    """In from the internet, to a public address of `vpc`: None when the gateway takes it."""
    gateway = vpc.vpc.internet_gateway_id
    if gateway is not None and (drop := _not_from_the_internet(packet, vpc, gateway)) is not None:
        path.met(HopKind.INTERNET_GATEWAY, gateway, passed=False, matched=f"from {dotted(packet.source)}")
        return drop
    if gateway is not None:
        path.met(HopKind.INTERNET_GATEWAY, gateway, passed=True, matched=f"to {dotted(packet.destination)}")
        return None
    if packet.is_ipv6 and vpc.vpc.egress_only_gateways:
        return _egress_only(path, packet, vpc)
    path.met(HopKind.INTERNET, dotted(packet.destination), passed=False, matched="no internet gateway")
    return Drop(
        reason=ReasonCode.BAD_STATE_ATTACHMENT,
        explanation=f"{vpc.vpc.vpc_id} has no internet gateway, so {path.network.describe(packet.destination)} "
        "cannot be reached from the internet.",
        remedy=f"Attach an internet gateway to {vpc.vpc.vpc_id} and route to it.",
    )


def _egress_only(path: Path, packet: Packet, vpc: VpcIndex) -> Drop:
    gateway = vpc.vpc.egress_only_gateways[0]
    path.met(HopKind.EGRESS_ONLY_GATEWAY, gateway, passed=False, matched=f"from {dotted(packet.source)}")
    return Drop(
        reason=ReasonCode.CM_EGRESS_ONLY,
        explanation=f"{gateway} is an egress-only internet gateway: it lets no connection in from "
        f"{dotted(packet.source)}.",
        remedy=f"Attach an internet gateway to {vpc.vpc.vpc_id} and route ::/0 to it.",
    )


def _not_from_the_internet(packet: Packet, vpc: VpcIndex, gateway: str) -> Drop | None:
    """Source addresses that nothing on the internet can have: the VPC's own, private and shared ones."""
    if vpc.contains(packet.source):
        reason, kind = ReasonCode.GATEWAY_REJECTS_SPOOFED_TRAFFIC, f"an address of {vpc.vpc.vpc_id} itself"
    elif _is_private(packet.source):
        reason, kind = (
            ReasonCode.IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_INGRESS,
            f"a private address (RFC {_standard(packet, private=True)})",
        )
    elif _is_shared(packet.source):
        reason, kind = ReasonCode.IGW_SOURCE_ADDRESS_NOT_IN_RFC6598_INGRESS, "a shared address (RFC 6598)"
    else:
        return None
    return Drop(
        reason=reason,
        explanation=f"{gateway} takes nothing from {dotted(packet.source)}, {kind}.",
        remedy="Send from a public address, or stay on private addresses inside the VPC.",
    )


def no_such_public_address(path: Path, packet: Packet) -> Drop | None:
    """A public address of AWS's pools that nothing holds; None when the address is not of a pool."""
    if not is_elastic(packet.destination):
        return None
    address = dotted(packet.destination)
    path.met(HopKind.INTERNET, address, passed=False, matched="associated with nothing")
    if packet.is_ipv6:
        return Drop(
            reason=ReasonCode.UNKNOWN_DESTINATION,
            explanation=f"No network interface has the IPv6 address {address}.",
            remedy="Use the address of an interface that exists.",
        )
    return Drop(
        reason=ReasonCode.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS,
        explanation=f"No network interface has the public address {address}.",
        remedy=f"Associate {address} with a network interface.",
    )


def pass_peering(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> VpcIndex | Drop:
    """Over a peering connection into the other VPC: only to addresses of that VPC itself.

    VPC Peering Guide, "VPC peering limitations": no transitive peering, and no edge-to-edge routing through a gateway
    endpoint, NAT gateway or internet gateway of the peer.
    """
    vpc_id = stop.vpc.vpc.vpc_id
    peering_id = entry.route.target_id
    peering, other = path.network.peering_of(peering_id, vpc_id)
    drop = _peering_state(peering_id, peering, other, vpc_id)
    if drop is None and other is not None and not other.contains(packet.destination):
        far = path.network.describe(packet.destination)
        drop = Drop(
            reason=ReasonCode.PCX_REQUIRES_ADDRESS_IN_VPC_CIDR,
            explanation=f"{peering_id} leads to {other.vpc.vpc_id} and no further: peering is not transitive, so {far} "
            f"cannot be reached through an endpoint, gateway or peering of {other.vpc.vpc_id}.",
            remedy=_way_of_its_own(stop, packet),
        )
    if drop is not None or other is None:
        path.met(HopKind.PEERING, peering_id, passed=False)
        assert drop is not None
        return drop
    path.met(HopKind.PEERING, peering_id, passed=True, matched=f"{vpc_id} to {other.vpc.vpc_id}")
    return other


def _peering_state(
    peering_id: str, peering: PeeringConnection | None, other: VpcIndex | None, vpc_id: str
) -> Drop | None:
    if peering is not None and other is not None and peering.active:
        return None
    exists = peering is not None and other is not None
    return Drop(
        reason=ReasonCode.BAD_STATE if exists else ReasonCode.BAD_STATE_ROUTE,
        explanation=f"{peering_id} is not active."
        if exists
        else f"{peering_id} does not connect {vpc_id} to a VPC.",
        remedy=f"Accept {peering_id}."
        if exists
        else f"Create a peering connection for {vpc_id} and route to it.",
    )


def _way_of_its_own(stop: Stop, packet: Packet) -> str:
    service = service_of(packet.destination)
    table = stop.subnet.route_table_id
    if service is not None and service.region == stop.vpc.vpc.region:
        return f"Create a gateway endpoint for {service.name} in {stop.vpc.vpc.vpc_id} and associate it with {table}."
    return f"Give {table} a way of its own: peer {stop.vpc.vpc.vpc_id} with the destination's VPC, or use a NAT gateway."
