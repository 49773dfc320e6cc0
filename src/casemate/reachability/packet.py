"""A packet as filters and routes see it, and the class of traffic that a rule names."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from casemate.model.network import ALL_PORTS, ALL_PROTOCOLS, ICMP, ICMPV6, TCP, UDP, IcmpType, PortRange
from casemate.reachability.numbers import is_ipv6

ECHO_REQUEST, ECHO_REPLY = 8, 0
ECHO_REQUEST_6, ECHO_REPLY_6 = 128, 129
_ANSWERED_BY = {
    ECHO_REQUEST: ECHO_REPLY,
    ECHO_REPLY: ECHO_REQUEST,
    ECHO_REQUEST_6: ECHO_REPLY_6,
    ECHO_REPLY_6: ECHO_REQUEST_6,
}
_PROTOCOL_NAMES = {ICMP: "icmp", ICMPV6: "icmpv6", TCP: "tcp", UDP: "udp"}


class Packet(NamedTuple):
    """Addresses are integers (`numbers`), and this is a tuple: a verdict makes up to eight packets and applies masks to each."""

    source: int
    destination: int
    protocol: int
    source_port: int
    port: int
    """Destination port; meaningless for ICMP."""
    icmp_type: int = ECHO_REQUEST

    def answer(self) -> Packet:
        """What the far end sends back: the ports swapped, an echo reply for an echo request."""
        return Packet(
            source=self.destination,
            destination=self.source,
            protocol=self.protocol,
            source_port=self.port,
            port=self.source_port,
            icmp_type=_ANSWERED_BY[self.icmp_type],
        )

    def sent_from(self, address: int) -> Packet:
        """The packet with its source translated. The source port is kept: Linux keeps it when it is free, and AWS
        gives no promise other than 1024-65535.
        """
        return Packet(
            source=address,
            destination=self.destination,
            protocol=self.protocol,
            source_port=self.source_port,
            port=self.port,
            icmp_type=self.icmp_type,
        )

    def sent_to(self, address: int) -> Packet:
        """The packet with its destination translated."""
        return Packet(
            source=self.source,
            destination=address,
            protocol=self.protocol,
            source_port=self.source_port,
            port=self.port,
            icmp_type=self.icmp_type,
        )

    @property
    def is_ipv6(self) -> bool:
        """Of which family it is."""
        return is_ipv6(self.destination)

    @property
    def words(self) -> str:
        """`tcp 443`, `icmp echo request`."""
        if self.protocol in (ICMP, ICMPV6):
            asks = self.icmp_type in (ECHO_REQUEST, ECHO_REQUEST_6)
            return f"{_PROTOCOL_NAMES[self.protocol]} echo {'request' if asks else 'reply'}"
        if self.protocol in (TCP, UDP):
            return f"{_PROTOCOL_NAMES[self.protocol]} {self.port}"
        return f"protocol {self.protocol}"


class TrafficClass(Struct, frozen=True, kw_only=True):
    """The protocol, ports and ICMP type of a rule."""

    protocol: int
    ports: PortRange
    icmp: IcmpType

    def includes(self, packet: Packet) -> bool:
        """Whether the rule speaks of this packet's protocol and port. ICMP echo always has code 0."""
        protocol = self.protocol
        if protocol == ALL_PROTOCOLS:
            return True
        if protocol != packet.protocol:
            return False
        if protocol in (TCP, UDP):
            return self.ports.first <= packet.port <= self.ports.last
        if protocol in (ICMP, ICMPV6):
            return self.icmp.type in (-1, packet.icmp_type) and self.icmp.code in (-1, 0)
        return True

    @property
    def words(self) -> str:
        """`all traffic`, `tcp 443`, `tcp 1024-65535`, `icmp type 8`."""
        if self.protocol == ALL_PROTOCOLS:
            return "all traffic"
        name = _PROTOCOL_NAMES.get(self.protocol, f"protocol {self.protocol}")
        if self.protocol in (TCP, UDP):
            if self.ports == ALL_PORTS:
                return f"{name} all ports"
            if self.ports.first == self.ports.last:
                return f"{name} {self.ports.first}"
            return f"{name} {self.ports.first}-{self.ports.last}"
        if self.protocol in (ICMP, ICMPV6) and self.icmp.type != -1:
            return f"{name} type {self.icmp.type}"
        return name
