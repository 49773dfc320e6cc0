"""Gateway endpoints: a route to a service, for TCP and ping, in its own Region.

Source: AWS PrivateLink Guide, "Gateway endpoints": a route per associated table to the service's prefix list; traffic
to another Region does not match; the service sees the private address. Interface endpoints are interfaces, and are
met as such (`destinations`).
"""

from __future__ import annotations

from casemate.model.network import ICMP, TCP, EndpointKind, PrefixListRef, VpcEndpoint
from casemate.reachability import faults
from casemate.reachability.destinations import SERVICE_PORTS, arrive
from casemate.reachability.numbers import address_of, alone, matcher
from casemate.reachability.packet import ECHO_REQUEST, Packet
from casemate.reachability.path import Drop, Path, Stop
from casemate.reachability.routes import RouteEntry
from casemate.reachability.verdict import HopKind, ReasonCode


def enter_gateway_endpoint(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> Drop | None:
    """Through the endpoint to the service; None when it gets there."""
    endpoint_id = entry.route.target_id
    endpoint = stop.vpc.vpc.endpoints.get(endpoint_id)
    drop = faults.failure(stop.vpc, endpoint_id) or _refusal(path, stop, packet, entry, endpoint)
    path.met(HopKind.GATEWAY_ENDPOINT, endpoint_id, passed=drop is None, matched=entry.words)
    if drop is not None or endpoint is None:
        return drop
    path.source_seen = address_of(packet.source)
    path.via_endpoint = endpoint_id
    arrive(path, packet, HopKind.SERVICE, f"{endpoint.service}.{endpoint.service_region}", SERVICE_PORTS)
    return None


def _refusal(
    path: Path, stop: Stop, packet: Packet, entry: RouteEntry, endpoint: VpcEndpoint | None
) -> Drop | None:
    table = stop.subnet.route_table_id
    endpoint_id = entry.route.target_id
    if endpoint is None or endpoint.kind is not EndpointKind.GATEWAY:
        return Drop(
            reason=ReasonCode.BAD_STATE_ROUTE,
            explanation=f"{table} points at {endpoint_id}, which is no gateway endpoint of {stop.vpc.vpc.vpc_id}.",
            remedy=f"Create a gateway endpoint and associate it with {table}.",
        )
    if not endpoint.available:
        return Drop(
            reason=ReasonCode.BAD_STATE,
            explanation=f"{endpoint_id} is not available.",
            remedy=f"Wait until {endpoint_id} is available, or recreate it.",
        )
    if packet.protocol != TCP and not (packet.protocol == ICMP and packet.icmp_type == ECHO_REQUEST):
        return Drop(
            reason=ReasonCode.VPCE_GATEWAY_PROTOCOL_RESTRICTION,
            explanation=f"Only TCP and ICMP echo may enter the gateway endpoint {endpoint_id}; this is {packet.words}.",
            remedy="Use TCP.",
        )
    if not _carries(stop, endpoint, entry, packet.destination):
        return Drop(
            reason=ReasonCode.CANNOT_ROUTE,
            explanation=f"{path.network.describe(packet.destination)} is not in {endpoint.prefix_list_id}, the only "
            f"addresses that {endpoint_id} carries.",
            remedy=f"Route {alone(packet.destination)} to a NAT gateway instead.",
        )
    return None


def _carries(stop: Stop, endpoint: VpcEndpoint, entry: RouteEntry, address: int) -> bool:
    """Whether the address is one of the service's. The endpoint's own route, to its prefix list, proves it already."""
    destination = entry.route.destination
    if isinstance(destination, PrefixListRef) and destination.prefix_list_id == endpoint.prefix_list_id:
        return True
    listed = stop.vpc.prefix_lists.get(endpoint.prefix_list_id or "")
    return listed is not None and any(
        address & mask == network for network, mask in map(matcher, listed.cidrs)
    )
