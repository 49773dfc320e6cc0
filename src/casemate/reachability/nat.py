"""NAT gateways: they live in a subnet, and what they send meets that subnet's ACL and route table.

Source: VPC User Guide, "NAT gateway basics": TCP, UDP and ICMP; no security group; the ACL of its subnet applies; not
usable from the other side of a peering connection; a private one may not use an internet gateway.
"""

from __future__ import annotations

from functools import partial

from casemate.model.network import ICMP, TCP, UDP, InterfaceKind, NatGateway, TargetKind
from casemate.reachability import acls, faults
from casemate.reachability.numbers import dotted
from casemate.reachability.packet import Packet
from casemate.reachability.path import Drop, Path, Stop
from casemate.reachability.routes import RouteEntry
from casemate.reachability.verdict import HopKind, ReasonCode


def pass_nat_gateway(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> tuple[Stop, Packet] | Drop:
    """From a subnet into the NAT gateway's; what it sends on leaves from there, with its private address."""
    nat_id = entry.route.target_id
    vpc = stop.vpc
    nat = vpc.vpc.nat_gateways.get(nat_id)
    subnet = vpc.vpc.subnets.get(nat.subnet_id) if nat else None
    if nat is None or subnet is None:
        path.met(HopKind.NAT_GATEWAY, nat_id, passed=False)
        return Drop(
            reason=ReasonCode.BAD_STATE_ROUTE,
            explanation=f"{stop.subnet.route_table_id} points at {nat_id}, which does not exist.",
            remedy=f"Create a NAT gateway and route {stop.subnet.route_table_id} to it.",
        )
    path.back.append(partial(_answer_route, path, nat_id, stop, subnet.route_table_id, packet.source))
    drop = faults.zone_outage(path, vpc, subnet)
    if drop is None and subnet.subnet_id != stop.subnet.subnet_id:
        drop = acls.enter(path, vpc, subnet, packet)
    if drop is not None:
        return drop
    drop = faults.failure(vpc, nat_id) or _refusal(nat, stop, packet)
    path.met(
        HopKind.NAT_GATEWAY,
        nat_id,
        passed=drop is None,
        matched=f"{dotted(packet.source)} becomes {nat.private}",
    )
    if drop is not None:
        return drop
    onward = Stop(
        name=nat_id,
        kind=InterfaceKind.NAT_GATEWAY,
        vpc=vpc,
        subnet=subnet,
        public=nat.public,
        visited=(*stop.visited, nat_id),
    )
    return onward, packet.sent_from(int(nat.private))


def _refusal(nat: NatGateway, stop: Stop, packet: Packet) -> Drop | None:
    nat_id = nat.nat_gateway_id
    if not nat.available:
        return Drop(
            reason=ReasonCode.BAD_STATE,
            explanation=f"{nat_id} is not available.",
            remedy=f"Wait until {nat_id} is available, or recreate it.",
        )
    if packet.is_ipv6:
        return Drop(
            reason=ReasonCode.CANNOT_ROUTE,
            explanation=f"{nat_id} carries IPv4 only; {dotted(packet.destination)} is IPv6. Casemate does no NAT64.",
            remedy=f"Route {dotted(packet.destination)} to an egress-only internet gateway.",
        )
    if packet.protocol not in (TCP, UDP, ICMP):
        return Drop(
            reason=ReasonCode.PROTOCOL_RESTRICTION,
            explanation=f"{nat_id} carries TCP, UDP and ICMP; this is {packet.words}.",
            remedy="Use TCP, UDP or ICMP.",
        )
    if nat_id in stop.visited:
        return Drop(
            reason=ReasonCode.CANNOT_ROUTE,
            explanation=f"{stop.subnet.route_table_id}, the route table of {nat_id}'s own subnet, sends the packet back "
            f"to {nat_id}.",
            remedy=f"Route 0.0.0.0/0 of {stop.subnet.route_table_id} to an internet gateway.",
        )
    return None


def _answer_route(path: Path, nat_id: str, stop: Stop, route_table_id: str, client: int) -> Drop | None:
    """The NAT gateway's subnet must find its client with the local route."""
    match = stop.vpc.table(route_table_id).lookup(client)
    if (
        match.entry is not None
        and match.entry.route.target is TargetKind.LOCAL
        and not match.entry.route.blackhole
    ):
        return None
    words = match.entry.words if match.entry else f"no route to {dotted(client)}"
    path.met(
        HopKind.ROUTE_TABLE,
        route_table_id,
        passed=False,
        matched=words,
        lost=match.lost,
        rule=match.entry.route if match.entry else None,
    )
    return Drop(
        reason=ReasonCode.CM_RETURN_PATH,
        explanation=f"The answer reaches {nat_id} and is not delivered to {dotted(client)}: {words} in {route_table_id}.",
        remedy=f"Remove the route {words} from {route_table_id}.",
    )
