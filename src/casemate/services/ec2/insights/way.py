"""A verdict's hops as path components: what the packet met, with the header it came with and the one it left with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from casemate.model.network import NetworkAclEntry, Route, SecurityGroupRule
from casemate.reachability.verdict import Flow, FromInternet, Hop, HopKind
from casemate.services.ec2.insights import rules
from casemate.services.ec2.insights.components import Components


class Header(Struct, frozen=True, kw_only=True):
    """Of a packet at one point of its way."""

    source: str
    destination: str
    protocol: int
    source_port: int
    port: int

    def rendered(self) -> dict[str, Any]:
        """AnalysisPacketHeader."""
        return {
            "SourceAddresses": [f"{self.source}/32"],
            "DestinationAddresses": [f"{self.destination}/32"],
            "SourcePortRanges": [{"From": self.source_port, "To": self.source_port}],
            "DestinationPortRanges": [{"From": self.port, "To": self.port}],
            "Protocol": str(self.protocol),
        }


def first_header(components: Components, flow: Flow) -> Header:
    """As the source sends it."""
    if isinstance(flow.source, FromInternet):
        source = str(flow.source.address)
    else:
        interface = components.interface(flow.source.interface_id)
        source = str(interface.address) if interface else "0.0.0.0"  # noqa: S104 - an address of a packet
    return Header(
        source=source,
        destination=str(flow.destination),
        protocol=flow.protocol,
        source_port=flow.source_port,
        port=flow.port,
    )


class Way:
    """Walks the hops of a request and keeps the header up to date."""

    def __init__(self, components: Components, header: Header) -> None:
        self._components = components
        self.header = header
        self.found: list[dict[str, Any]] = []

    def walk(self, hops: Sequence[Hop]) -> list[dict[str, Any]]:
        """The components of a request's hops. Services and the internet are places, not components."""
        for number, hop in enumerate(hops):
            self._meet(hop, departing=number == 0)
        return self.found

    def _add(self, hop: Hop, **members: Any) -> None:
        component = self._components.of(hop.component)
        self.found.append({"SequenceNumber": len(self.found) + 1, "Component": component, **members})

    def _meet(self, hop: Hop, *, departing: bool) -> None:
        before = self.header.rendered()
        match hop.kind:
            case HopKind.SECURITY_GROUP | HopKind.NETWORK_ACL | HopKind.ROUTE_TABLE:
                self._add(hop, **ruled(hop), **self._components.placed(hop.component))
            case HopKind.INTERFACE if departing:
                self._add(hop, OutboundHeader=before, **self._attached(hop.component))
            case HopKind.INTERFACE:
                self._add(hop, InboundHeader=before, **self._attached(hop.component))
            case HopKind.NAT_GATEWAY | HopKind.INTERNET_GATEWAY | HopKind.EGRESS_ONLY_GATEWAY:
                self._translate(hop)
                headers = {"InboundHeader": before}
                if hop.passed:
                    headers["OutboundHeader"] = self.header.rendered()
                self._add(hop, **headers, **self._components.placed(hop.component))
            case HopKind.PEERING:
                self._add(hop, InboundHeader=before, **self._sides(hop.component))
            case HopKind.GATEWAY_ENDPOINT | HopKind.INTERFACE_ENDPOINT:
                self._add(hop, InboundHeader=before, **self._service(hop.component))
            case HopKind.NAME | HopKind.INTERNET | HopKind.SERVICE | HopKind.ZONE:
                pass

    def _attached(self, interface_id: str) -> dict[str, Any]:
        interface = self._components.interface(interface_id)
        members = self._components.placed(interface_id)
        if interface is not None and interface.owner:
            members["AttachedTo"] = self._components.of(interface.owner)
        return members

    def _sides(self, peering_id: str) -> dict[str, Any]:
        peering = self._components.snapshot.peerings.get(peering_id)
        if peering is None:
            return {}
        here = self._components.snapshot.vpcs.get(peering.requester_vpc)
        comes_from_requester = here is not None and self._components.subnet_holding(here, self.header.source)
        sides = (peering.requester_vpc, peering.accepter_vpc)
        source, destination = sides if comes_from_requester else sides[::-1]
        return {
            "SourceVpc": self._components.of(source),
            "DestinationVpc": self._components.of(destination),
        }

    def _service(self, endpoint_id: str) -> dict[str, Any]:
        vpc = self._components.home(endpoint_id)
        endpoint = vpc.endpoints.get(endpoint_id) if vpc else None
        members = self._components.placed(endpoint_id)
        return {**members, "ServiceName": endpoint.service_name} if endpoint else members

    def _translate(self, hop: Hop) -> None:
        """What NAT gateways and internet gateways do to addresses (`reachability.nat`, `reachability.gateways`)."""
        vpc = self._components.home(hop.component)
        if vpc is None or not hop.passed:
            return
        if hop.kind is HopKind.NAT_GATEWAY:
            nat = vpc.nat_gateways.get(hop.component)
            if nat is not None:
                self.header = replace(self.header, source=str(nat.private))
            return
        sender = self._components.holder(self.header.source, vpc)
        if sender is not None and sender.public is not None and sender.vpc_id == vpc.vpc_id:
            self.header = replace(self.header, source=str(sender.public))
            return
        receiver = self._components.holder(self.header.destination)
        if receiver is not None:
            self.header = replace(self.header, destination=str(receiver.address))


def ruled(hop: Hop) -> dict[str, Any]:
    """The rule or route that decided at a hop."""
    rule = hop.rule
    if isinstance(rule, NetworkAclEntry):
        return {"AclRule": rules.acl_rule(rule)}
    if isinstance(rule, SecurityGroupRule):
        return {"SecurityGroupRule": rules.group_rule(rule)}
    if isinstance(rule, Route):
        return {"RouteTableRoute": rules.route(rule)}
    return {}


def way_back(components: Components, hops: Sequence[Hop]) -> list[dict[str, Any]]:
    """The components that the answer meets; security groups let it pass, and are none of them."""
    return [
        {
            "SequenceNumber": number,
            "Component": components.of(hop.component),
            **ruled(hop),
            **components.placed(hop.component),
        }
        for number, hop in enumerate(hops, 1)
    ]
