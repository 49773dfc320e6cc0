"""`reach`: one packet through the snapshot, and its answer back. The specification of Casemate's network.

A request from an interface meets, in this order: the security groups of its interface (egress), the network ACL of its
subnet (outbound) unless it stays in the subnet, the route table, whatever the route leads to, the network ACL of the
destination's subnet (inbound), the security groups of its interface (ingress). The answer meets the ACLs again and the
destination's route table; security groups let it pass.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from casemate.model.network import (
    ICMP,
    ICMPV6,
    InterfaceKind,
    NetworkInterface,
    NetworkSnapshot,
    Subnet,
    TargetKind,
)
from casemate.model.regions import LAMBDA_PUBLIC_POOL
from casemate.reachability import acls, faults, security_groups
from casemate.reachability.destinations import (
    RESOLVER_PORTS,
    arrive,
    arrive_at_interface,
    arrive_public,
    is_unrouted,
    service_of,
)
from casemate.reachability.endpoints import enter_gateway_endpoint
from casemate.reachability.gateways import (
    no_such_public_address,
    pass_egress_only_gateway,
    pass_internet_gateway,
    pass_peering,
    receive_from_internet,
)
from casemate.reachability.index import LINK_LOCAL_RESOLVER, VpcIndex, network_index
from casemate.reachability.link_local import is_link_local, link_services
from casemate.reachability.nat import pass_nat_gateway
from casemate.reachability.numbers import dotted, matcher, number
from casemate.reachability.packet import ECHO_REQUEST, ECHO_REQUEST_6, Packet
from casemate.reachability.path import Drop, Path, Stop
from casemate.reachability.routes import RouteEntry
from casemate.reachability.verdict import Flow, FromInterface, HopKind, ReasonCode, Verdict


def reach(snapshot: NetworkSnapshot, flow: Flow) -> Verdict:
    """What becomes of `flow` in `snapshot`. Total: any snapshot, however malformed, gets a verdict."""
    path = Path(network_index(snapshot))
    drop = _depart(path, flow)
    if drop is None:
        drop = path.walk_back()
    return path.verdict(drop)


def _depart(path: Path, flow: Flow) -> Drop | None:
    source = flow.source
    if not isinstance(source, FromInterface):
        packet = _packet(flow, number(source.address))
        path.met(HopKind.INTERNET, str(source.address), passed=True)
        if packet.destination == LINK_LOCAL_RESOLVER and source.address in LAMBDA_PUBLIC_POOL:
            path.source_seen = source.address
            arrive(path, packet, HopKind.SERVICE, "resolver of Lambda's own network", RESOLVER_PORTS)
            return None
        return _on_the_internet(path, packet)
    vpc = path.network.home.get(source.interface_id)
    interface = vpc.vpc.interfaces.get(source.interface_id) if vpc else None
    subnet = vpc.subnet_of(interface) if vpc and interface else None
    if vpc is None or interface is None or subnet is None:
        return Drop(
            reason=ReasonCode.NO_SOURCE_OR_DESTINATION,
            explanation=f"{source.interface_id} does not exist, or its subnet does not.",
            remedy="Name an interface that exists.",
        )
    if interface.kind in (InterfaceKind.VPC_ENDPOINT, InterfaceKind.NAT_GATEWAY):
        return _begins_nothing(path, interface)
    path.sender = interface
    if flow.destination.version == 6 and not interface.ipv6:
        return _no_ipv6(path, interface, flow, subnet)
    own = interface.ipv6[0] if flow.destination.version == 6 else interface.address
    packet = _packet(flow, number(own))
    path.met(HopKind.INTERFACE, interface.interface_id, passed=True, matched=f"from {own}")
    if vpc.by_address.get(packet.destination) is interface:
        return arrive_at_interface(path, vpc, interface, packet)  # never leaves the machine, meets no filter
    drop = faults.zone_outage(path, vpc, subnet)
    if drop is not None:
        return drop
    if packet.destination in vpc.resolvers or is_link_local(packet.destination):
        return link_services(path, vpc, interface, packet)
    drop = security_groups.check_egress(path, vpc, interface, packet)
    if drop is not None:
        return drop
    stop = Stop(
        name=interface.interface_id,
        kind=interface.kind,
        vpc=vpc,
        subnet=subnet,
        public=vpc.public_address(interface),
    )
    return _leave(path, stop, packet)


def _no_ipv6(path: Path, interface: NetworkInterface, flow: Flow, subnet: Subnet) -> Drop:
    """Its system has no address to send from: it says so at once (ENETUNREACH), where a drop would be silent."""
    name = interface.interface_id
    path.met(HopKind.INTERFACE, name, passed=False, matched="no IPv6 address")
    remedy = (
        f"Assign an IPv6 address to {name}."
        if subnet.ipv6_cidr is not None
        else f"Associate an IPv6 CIDR block with {subnet.subnet_id}, and assign an IPv6 address to {name}."
    )
    return Drop(
        reason=ReasonCode.CM_NO_IPV6_ADDRESS,
        explanation=f"{name} has no IPv6 address, so nothing behind it can send to {flow.destination}.",
        remedy=remedy,
    )


def _begins_nothing(path: Path, interface: NetworkInterface) -> Drop:
    """Endpoints answer, NAT gateways pass on: neither begins a connection of its own."""
    owner = interface.owner or interface.interface_id
    path.met(HopKind.INTERFACE, interface.interface_id, passed=False, matched=f"of {owner}")
    if interface.kind is InterfaceKind.VPC_ENDPOINT:
        return Drop(
            reason=ReasonCode.VPCE_INTRA_VPC_TRAFFIC,
            explanation=f"{interface.interface_id} belongs to the VPC endpoint {owner}, which begins no connection.",
            remedy="Ask about the way from a client to the endpoint.",
        )
    return Drop(
        reason=ReasonCode.NO_PATH,
        explanation=f"{interface.interface_id} belongs to the NAT gateway {owner}, which sends for its clients only.",
        remedy="Ask about the way from a client of the NAT gateway.",
    )


def _packet(flow: Flow, source: int) -> Packet:
    six = flow.destination.version == 6
    return Packet(
        source=source,
        destination=number(flow.destination),
        protocol=ICMPV6 if six and flow.protocol == ICMP else flow.protocol,
        source_port=flow.source_port,
        port=flow.port,
        icmp_type=ECHO_REQUEST_6 if six else ECHO_REQUEST,
    )


def _leave(path: Path, stop: Stop, packet: Packet) -> Drop | None:
    """Out of an interface, or of a NAT gateway, by the route table of its subnet."""
    match = stop.vpc.table(stop.subnet.route_table_id).lookup(packet.destination)
    entry = match.entry
    if entry is None or not _stays(stop, packet, entry):
        drop = acls.leave(path, stop.vpc, stop.subnet, packet)
        if drop is not None:
            return drop
    if entry is not None and not match.lost:
        path.hops.append(entry.passes)
    else:
        path.met(
            HopKind.ROUTE_TABLE,
            stop.subnet.route_table_id,
            passed=entry is not None and not entry.route.blackhole,
            matched=entry.words if entry else f"no route to {dotted(packet.destination)}",
            lost=match.lost,
            rule=entry.route if entry else None,
        )
    if entry is None:
        return _no_route(path, stop, packet)
    if entry.route.blackhole:
        return Drop(
            reason=ReasonCode.BAD_STATE_ROUTE,
            explanation=f"{stop.subnet.route_table_id} matches {path.network.describe(packet.destination)} with "
            f"{entry.words}: its target is gone or not available, and the packet is dropped silently.",
            remedy=f"Replace or delete the route {entry.words} of {stop.subnet.route_table_id}.",
        )
    return _FOLLOW[entry.route.target](path, stop, packet, entry)


def _stays(stop: Stop, packet: Packet, entry: RouteEntry) -> bool:
    """Whether the next thing the packet meets is in the subnet it comes from: its ACL is not met on the way there.

    VPC User Guide, "Network ACL basics": rules are evaluated when traffic enters and leaves the subnet, not as it is
    routed within it. So a client in the NAT gateway's own subnet meets the ACL once, when the gateway sends on.
    """
    target = entry.route.target_id
    match entry.route.target:
        case TargetKind.LOCAL:
            return _in_subnet(stop.subnet, packet.destination)
        case TargetKind.NAT_GATEWAY:
            nat = stop.vpc.vpc.nat_gateways.get(target)
            return nat is not None and nat.subnet_id == stop.subnet.subnet_id
        case TargetKind.NETWORK_INTERFACE:
            interface = stop.vpc.vpc.interfaces.get(target)
            return interface is not None and interface.subnet_id == stop.subnet.subnet_id
        case _:
            return False


def _in_subnet(subnet: Subnet, address: int) -> bool:
    for cidr in (subnet.cidr, subnet.ipv6_cidr):
        if cidr is not None:
            network, mask = matcher(cidr)
            if address & mask == network:
                return True
    return False


def _no_route(path: Path, stop: Stop, packet: Packet) -> Drop:
    table = stop.subnet.route_table_id
    service = service_of(packet.destination)
    if is_unrouted(packet.destination):
        remedy = f"Add to {table} a route to the VPC that holds {dotted(packet.destination)} (a peering connection)."
    elif service is not None and service.region == stop.vpc.vpc.region:
        remedy = f"Create a gateway endpoint for {service.name} and associate it with {table}."
        for endpoint_id in sorted(stop.vpc.vpc.endpoints):
            if stop.vpc.vpc.endpoints[endpoint_id].prefix_list_id == service.prefix_list_id:
                remedy = f"Associate {endpoint_id} with {table}."
                break
    elif packet.is_ipv6:
        remedy = f"Add to {table} a route ::/0 to an egress-only internet gateway."
    else:
        remedy = f"Add to {table} a route 0.0.0.0/0 to a NAT gateway in a public subnet."
        if service is not None:
            remedy += f" No gateway endpoint of {stop.vpc.vpc.region} serves {service.region}."
    return Drop(
        reason=ReasonCode.NO_ROUTE_TO_DESTINATION,
        explanation=f"{table}, the route table of {stop.subnet.subnet_id}, has no route to "
        f"{path.network.describe(packet.destination)}.",
        remedy=remedy,
    )


# ---- What a route leads to -------------------------------------------------------------------------------------------


def _local(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> Drop | None:
    assert entry.route.target is TargetKind.LOCAL
    same = stop.subnet if _in_subnet(stop.subnet, packet.destination) else None
    return _deliver(path, stop.vpc, packet, same_subnet=same, answer_by=(TargetKind.LOCAL, "local"))


def _internet_gateway(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> Drop | None:
    translated = pass_internet_gateway(path, stop, packet, entry)
    return translated if isinstance(translated, Drop) else _on_the_internet(path, translated)


def _nat_gateway(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> Drop | None:
    onward = pass_nat_gateway(path, stop, packet, entry)
    return onward if isinstance(onward, Drop) else _leave(path, *onward)


def _peering(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> Drop | None:
    other = pass_peering(path, stop, packet, entry)
    if isinstance(other, Drop):
        return other
    return _deliver(
        path, other, packet, same_subnet=None, answer_by=(TargetKind.PEERING, entry.route.target_id)
    )


def _appliance(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> Drop | None:
    """A route to an interface: that of a firewall or a NAT instance."""
    target = entry.route.target_id
    interface = stop.vpc.vpc.interfaces.get(target)
    if interface is None:
        drop = Drop(
            reason=ReasonCode.BAD_STATE_ROUTE,
            explanation=f"{stop.subnet.route_table_id} points at {target}, which does not exist.",
            remedy=f"Replace or delete the route {entry.words} of {stop.subnet.route_table_id}.",
        )
    elif interface.source_dest_check:
        drop = Drop(
            reason=ReasonCode.ENI_SOURCE_DEST_CHECK_RESTRICTION,
            explanation=f"{target} drops what is not addressed to it ({dotted(packet.destination)}): its "
            "source/destination check is on.",
            remedy=f"Turn off the source/destination check of {target}.",
        )
    else:
        drop = Drop(
            reason=ReasonCode.UNSUPPORTED_COMPONENT,
            explanation=f"{target} receives the packet to {dotted(packet.destination)}; Casemate does not model "
            "appliances that forward.",
            remedy=f"Route to a NAT gateway or an endpoint instead of {target}.",
        )
    path.met(HopKind.INTERFACE, target, passed=False, matched=entry.words)
    return drop


def _egress_only_gateway(path: Path, stop: Stop, packet: Packet, entry: RouteEntry) -> Drop | None:
    onward = pass_egress_only_gateway(path, stop, packet, entry)
    return onward if isinstance(onward, Drop) else _on_the_internet(path, onward)


_FOLLOW: dict[TargetKind, Callable[[Path, Stop, Packet, RouteEntry], Drop | None]] = {
    TargetKind.LOCAL: _local,
    TargetKind.INTERNET_GATEWAY: _internet_gateway,
    TargetKind.NAT_GATEWAY: _nat_gateway,
    TargetKind.GATEWAY_ENDPOINT: enter_gateway_endpoint,
    TargetKind.NETWORK_INTERFACE: _appliance,
    TargetKind.PEERING: _peering,
    TargetKind.EGRESS_ONLY_GATEWAY: _egress_only_gateway,
}


# ---- Arriving --------------------------------------------------------------------------------------------------------


def _on_the_internet(path: Path, packet: Packet) -> Drop | None:
    """The packet is on the internet: to a public address of a VPC, a service, or some host."""
    if is_unrouted(packet.destination):
        address = dotted(packet.destination)
        path.met(HopKind.INTERNET, address, passed=False, matched="a private address")
        return Drop(
            reason=ReasonCode.NO_POSSIBLE_DESTINATION,
            explanation=f"{path.network.describe(packet.destination)} is a private address, which the internet does not "
            "carry.",
            remedy=f"Reach {address} from inside its VPC, or over a peering connection.",
        )
    held = path.network.public.get(packet.destination)
    if held is None:
        drop = no_such_public_address(path, packet)
        if drop is None:
            arrive_public(path, packet)
        return drop
    vpc, interface = held
    drop = receive_from_internet(path, packet, vpc)
    if drop is not None:
        return drop
    answer_by = (TargetKind.INTERNET_GATEWAY, vpc.vpc.internet_gateway_id or "")
    inside = packet if packet.is_ipv6 else packet.sent_to(int(interface.address))
    return _deliver(path, vpc, inside, same_subnet=None, answer_by=answer_by)


def _deliver(
    path: Path,
    vpc: VpcIndex,
    packet: Packet,
    *,
    same_subnet: Subnet | None,
    answer_by: tuple[TargetKind, str],
) -> Drop | None:
    """To an interface of `vpc`: its subnet's ACL and its security groups. `same_subnet`: it never left that subnet."""
    interface = vpc.by_address.get(packet.destination)
    subnet = vpc.subnet_of(interface) if interface else None
    if interface is None or subnet is None:
        address = dotted(packet.destination)
        path.met(HopKind.INTERFACE, address, passed=False, matched="no such interface")
        return Drop(
            reason=ReasonCode.UNKNOWN_DESTINATION,
            explanation=f"No network interface of {vpc.vpc.vpc_id} has the address {address}.",
            remedy=f"Use the address of an interface that exists in {vpc.vpc.vpc_id}.",
        )
    drop = faults.zone_outage(path, vpc, subnet)
    if drop is not None:
        return drop
    if interface.kind in (InterfaceKind.NAT_GATEWAY, InterfaceKind.LAMBDA):
        return _accepts_nothing(path, interface, packet)
    if same_subnet is None or same_subnet.subnet_id != subnet.subnet_id:
        path.back.append(partial(_answer_route, path, vpc, subnet, packet.source, answer_by))
        drop = acls.enter(path, vpc, subnet, packet)
        if drop is not None:
            return drop
    drop = security_groups.check_ingress(path, vpc, interface, packet)
    return drop or arrive_at_interface(path, vpc, interface, packet)


def _accepts_nothing(path: Path, interface: NetworkInterface, packet: Packet) -> Drop:
    """NAT gateways and functions connect to others; nobody connects to them, whatever groups and ACLs say.

    VPC User Guide, "NAT gateways"; Serverless Architectures with AWS Lambda, "Network configuration": "there is no
    direct inbound network access to your function".
    """
    address = dotted(packet.destination)
    if interface.kind is InterfaceKind.NAT_GATEWAY:
        name = interface.owner or interface.interface_id
        path.met(HopKind.NAT_GATEWAY, name, passed=False, matched="accepts no connection")
        return Drop(
            reason=ReasonCode.CM_NAT_GATEWAY_INGRESS,
            explanation=f"{address} belongs to {name}, and a NAT gateway accepts no connections.",
            remedy="Connect to the address of the interface you mean to reach.",
        )
    path.met(HopKind.INTERFACE, interface.interface_id, passed=False, matched="accepts no connection")
    return Drop(
        reason=ReasonCode.CM_LAMBDA_INGRESS,
        explanation=f"{address} belongs to {interface.interface_id} of Lambda, which blocks inbound connections.",
        remedy="Invoke the function instead of connecting to its interface.",
    )


def _answer_route(
    path: Path, vpc: VpcIndex, subnet: Subnet, client: int, answer_by: tuple[TargetKind, str]
) -> Drop | None:
    """The answer must leave by the door the request came in by."""
    match = vpc.table(subnet.route_table_id).lookup(client)
    entry = match.entry
    kind, target_id = answer_by
    passed = (
        entry is not None
        and not entry.route.blackhole
        and entry.route.target is kind
        and (kind is TargetKind.LOCAL or entry.route.target_id == target_id)
    )
    words = entry.words if entry else f"no route to {dotted(client)}"
    if passed and kind is TargetKind.LOCAL:
        return None  # says nothing: the local route is always there
    path.met(
        HopKind.ROUTE_TABLE,
        subnet.route_table_id,
        passed=passed,
        matched=words,
        lost=match.lost,
        rule=entry.route if entry else None,
    )
    if passed:
        return None
    door = "the VPC itself" if kind is TargetKind.LOCAL else target_id
    return Drop(
        reason=ReasonCode.CM_RETURN_PATH,
        explanation=f"The request came in by {door}, and {subnet.route_table_id}, the route table of {subnet.subnet_id}, "
        f"does not send the answer to {dotted(client)} back there: {words}.",
        remedy=f"Add to {subnet.route_table_id} a route that covers {dotted(client)} to {door}."
        if kind is not TargetKind.LOCAL
        else f"Remove the route {words} from {subnet.route_table_id}.",
    )
