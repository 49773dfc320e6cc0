"""Which packet a path stands for: where it starts, what it is addressed to, and where on its way the path ends."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

from msgspec import Struct

from casemate.model.network import (
    TCP,
    UDP,
    EndpointKind,
    NetworkAclEntry,
    NetworkInterface,
    SecurityGroupRule,
    VpcEndpoint,
    VpcSnapshot,
)
from casemate.model.regions import LAMBDA_PUBLIC_POOL, service_address
from casemate.reachability.verdict import Flow, FromInterface, FromInternet, ReasonCode, Source
from casemate.servicekit.ports import FunctionFacts
from casemate.services.ec2.insights.components import Components
from casemate.services.ec2.records import InsightsPath

SOMEWHERE = IPv4Address("198.51.100.10")
"""A host of the internet, when a path ends at an internet gateway or begins there without an address (RFC 5737)."""
_USUAL_PORTS = (443, 80, 22, 53, 8080)
_MOST_PORTS = 64
_EPHEMERAL = 49152
"""The source port of a client that names none."""


class NoFlowError(Exception):
    """The path stands for no packet at all."""

    def __init__(self, code: str, words: str, **members: Any) -> None:
        super().__init__(words)
        self.explanation: dict[str, Any] = {"ExplanationCode": code, **members}
        self.words = words


class Start(Struct, frozen=True, kw_only=True):
    """One place a path may start from."""

    source: Source
    vpc: VpcSnapshot | None
    """None: the internet."""
    lead: tuple[str, ...] = ()
    """Components before the first hop: an instance, a function, an internet gateway."""
    after: str = ""
    """The path begins with this component (a peering connection), whatever the packet met before."""


class End(Struct, frozen=True, kw_only=True):
    """What the packet is addressed to."""

    address: IPv4Address
    at: str = ""
    """The component at which the path ends; empty: the packet must arrive."""


class Ends:
    """Resolves the two ends of a path in one snapshot."""

    def __init__(self, components: Components, path: InsightsPath, function: FunctionFacts | None) -> None:
        self._components = components
        self._snapshot = components.snapshot
        self._path = path
        self._function = function

    def starts(self) -> list[Start]:
        """Where the path may start. A function may run behind any of its interfaces; everything else has one start."""
        source = self._path.source
        if source.startswith("arn:"):
            return self._function_starts()
        if source.startswith("igw-"):
            return [self._from_gateway(source)]
        if source.startswith("pcx-"):
            return [self._from_peering(source)]
        if source.startswith("vpce-"):
            raise NoFlowError(
                ReasonCode.NO_PATH.value,
                f"{source} answers connections and begins none.",
                VpcEndpoint=self._components.of(source),
            )
        interface = self._interface(source)
        lead = (source,) if source.startswith("i-") else ()
        return [self._from_interface(interface, lead)]

    def _from_interface(self, interface: NetworkInterface, lead: tuple[str, ...] = ()) -> Start:
        return Start(
            source=FromInterface(interface_id=interface.interface_id),
            vpc=self._snapshot.vpcs[interface.vpc_id],
            lead=lead,
        )

    def _function_starts(self) -> list[Start]:
        function = self._function
        if function is None:
            raise self._gone(self._path.source)
        lead = (function.function_arn,)
        if function.vpc_id is None:
            return [Start(source=FromInternet(address=LAMBDA_PUBLIC_POOL[10]), vpc=None, lead=lead)]
        found = [self._components.interface(each) for each in function.interface_ids]
        starts = [self._from_interface(each, lead) for each in found if each is not None]
        if not starts:
            raise self._gone(self._path.source)
        return starts

    def _from_gateway(self, gateway: str) -> Start:
        if self._components.home(gateway) is None:
            raise NoFlowError(
                ReasonCode.BAD_STATE_ATTACHMENT.value,
                f"{gateway} is not attached to a VPC.",
                InternetGateway={"Id": gateway},
            )
        given = self._path.source_ip
        address = IPv4Address(given) if given else SOMEWHERE
        return Start(source=FromInternet(address=address), vpc=None, lead=(gateway,))

    def _from_peering(self, peering_id: str) -> Start:
        peering = self._snapshot.peerings.get(peering_id)
        if peering is None:
            raise self._gone(peering_id)
        target = self._components.home(self._path.destination)
        comes_in_here = target is not None and target.vpc_id == peering.requester_vpc
        other = self._snapshot.vpcs.get(peering.accepter_vpc if comes_in_here else peering.requester_vpc)
        given = self._path.source_ip
        found = (
            self._components.holder(given, other)
            if given and other
            else min(other.interfaces.values() if other else (), key=lambda each: each.address, default=None)
        )
        if found is None:
            raise NoFlowError(
                ReasonCode.NO_SOURCE_OR_DESTINATION.value,
                f"No interface beyond {peering_id} could send the packet.",
                VpcPeeringConnection=self._components.of(peering_id),
            )
        start = self._from_interface(found)
        return Start(source=start.source, vpc=start.vpc, after=peering_id)

    def end(self, start: Start) -> End:
        """What a packet from `start` is addressed to."""
        target, given = self._path.destination, self._path.destination_ip
        if target.startswith("igw-"):
            return End(address=IPv4Address(given) if given else SOMEWHERE, at=target)
        if target.startswith("pcx-"):
            return self._beyond_peering(target, start)
        if target.startswith("vpce-"):
            return self._endpoint(target, start)
        if not target:
            return End(address=IPv4Address(given))
        interface = self._interface(target)
        if self._path.source.startswith("igw-"):
            return self._behind_gateway(interface)
        if given:
            return End(address=IPv4Address(given))
        return End(address=self._address_from(start, interface))

    def _address_from(self, start: Start, interface: NetworkInterface) -> IPv4Address:
        """The private address where the two VPCs are one or peered; else the public one, if any."""
        here = start.vpc.vpc_id if start.vpc else ""
        joined = here == interface.vpc_id or any(
            {each.requester_vpc, each.accepter_vpc} == {here, interface.vpc_id} and each.active
            for each in self._snapshot.peerings.values()
        )
        return interface.address if joined or interface.public is None else interface.public

    def _behind_gateway(self, interface: NetworkInterface) -> End:
        gateway, vpc = self._path.source, self._snapshot.vpcs[interface.vpc_id]
        members = {
            "InternetGateway": self._components.of(gateway),
            "NetworkInterface": self._components.of(interface.interface_id),
            "Vpc": self._components.of(vpc.vpc_id),
        }
        if vpc.internet_gateway_id != gateway:
            raise NoFlowError(
                "DISCONNECTED_VPCS",
                f"{gateway} is not the internet gateway of {vpc.vpc_id}, where {interface.interface_id} is.",
                **members,
            )
        if interface.public is None:
            raise NoFlowError(
                ReasonCode.IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS.value,
                f"{interface.interface_id} has no public address, so {gateway} lets nothing in to it. Associate an "
                "elastic IP address with it.",
                **members,
            )
        return End(address=interface.public)

    def _beyond_peering(self, peering_id: str, start: Start) -> End:
        peering = self._snapshot.peerings.get(peering_id)
        if peering is None:
            raise self._gone(peering_id)
        if self._path.destination_ip:
            return End(address=IPv4Address(self._path.destination_ip), at=peering_id)
        here = start.vpc.vpc_id if start.vpc else ""
        other = peering.accepter_vpc if here == peering.requester_vpc else peering.requester_vpc
        vpc = self._snapshot.vpcs.get(other)
        if vpc is None:
            raise self._gone(other)
        addresses = [each.address for each in vpc.interfaces.values()]
        return End(address=min(addresses, default=vpc.cidrs[0][10]), at=peering_id)

    def _endpoint(self, endpoint_id: str, start: Start) -> End:
        vpc = self._components.home(endpoint_id)
        endpoint = vpc.endpoints.get(endpoint_id) if vpc else None
        if vpc is None or endpoint is None:
            raise self._gone(endpoint_id)
        if endpoint.kind is EndpointKind.GATEWAY:
            given = self._path.destination_ip
            address = (
                IPv4Address(given) if given else service_address(endpoint.service, endpoint.service_region)
            )
            return End(address=address, at=endpoint_id)
        return End(address=self._nearest(vpc, endpoint, start), at=endpoint_id)

    def _nearest(self, vpc: VpcSnapshot, endpoint: VpcEndpoint, start: Start) -> IPv4Address:
        """The endpoint's interface in the source's zone, as its Regional name prefers, or its first one."""
        found = [vpc.interfaces[each] for each in endpoint.interface_ids if each in vpc.interfaces]
        if not found:
            raise NoFlowError(
                ReasonCode.NO_POSSIBLE_DESTINATION.value,
                f"{endpoint.endpoint_id} has no interface: add a subnet to it.",
                VpcEndpoint=self._components.of(endpoint.endpoint_id),
            )
        zone = ""
        if start.vpc is not None and isinstance(start.source, FromInterface):
            mine = start.vpc.interfaces[start.source.interface_id]
            zone = start.vpc.subnets[mine.subnet_id].zone
        near = [each for each in found if vpc.subnets[each.subnet_id].zone == zone]
        return (near or found)[0].address

    def _interface(self, resource_id: str) -> NetworkInterface:
        """Of an interface, or the first of an instance."""
        found = self._components.interface(resource_id)
        if found is not None:
            return found
        vpc = self._components.home(resource_id)
        for each in vpc.interfaces.values() if vpc else ():
            if each.owner == resource_id:
                return each
        raise self._gone(resource_id)

    def _gone(self, resource_id: str) -> NoFlowError:
        return NoFlowError(
            ReasonCode.NO_SOURCE_OR_DESTINATION.value,
            f"{resource_id} does not exist any more.",
            MissingComponent=resource_id,
        )

    def flows(self, start: Start, end: End) -> Iterator[Flow]:
        """The packets to try, the likeliest first: one for each port the path, or the network's rules, speak of."""
        filters = self._path.filter_at_source or {}
        from_ports: dict[str, int] = filters.get("SourcePortRange") or {"FromPort": _EPHEMERAL}
        source_port = from_ports["FromPort"] or _EPHEMERAL
        protocol = TCP if self._path.protocol == "tcp" else UDP
        for port in self._ports(protocol, filters.get("DestinationPortRange")):
            yield Flow(
                source=start.source,
                destination=end.address,
                protocol=protocol,
                port=port,
                source_port=source_port,
            )

    def _ports(self, protocol: int, within: dict[str, int] | None) -> list[int]:
        if self._path.port is not None:
            return [self._path.port]
        first, last = (within["FromPort"], within["ToPort"]) if within else (0, 65535)
        wanted = [*_USUAL_PORTS, first, *self._ruled_ports(protocol)]
        return [port for port in dict.fromkeys(wanted) if first <= port <= last][:_MOST_PORTS]

    def _ruled_ports(self, protocol: int) -> Iterator[int]:
        for vpc in self._snapshot.vpcs.values():
            rules: list[SecurityGroupRule | NetworkAclEntry] = []
            for group in vpc.groups.values():
                rules += group.rules
            for acl in vpc.acls.values():
                rules += acl.entries
            yield from (rule.ports.first for rule in rules if rule.protocol == protocol)
