"""The flows that a router counted (`plan.recording`), read over netlink. Layout: linux/netfilter/nf_tables.h."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from msgspec import Struct

from casemate.dataplane.kernel.netlink import (
    NFPROTO_IPV4,
    NFPROTO_IPV6,
    NetlinkError,
    NetlinkSocket,
    attribute,
    attributes,
)
from casemate.dataplane.plan.recording import (
    BARRED,
    KINDS,
    LIFETIME_SECONDS,
    RECEIVED,
    SENT,
    STOPPED,
)
from casemate.dataplane.plan.ruleset import TABLE
from casemate.model.flows import FlowCount, FlowKey
from casemate.model.network import TCP, UDP, Address

_GET_ELEMENTS = (10 << 8) | 13
_LIST_TABLE, _LIST_SET, _LIST_ELEMENTS = 1, 2, 3
_ELEMENT_KEY, _ELEMENT_EXPIRATION, _ELEMENT_EXPRESSION, _ELEMENT_EXPRESSIONS = 1, 5, 7, 11
_DATA_VALUE, _EXPRESSION_DATA, _COUNTER_BYTES, _COUNTER_PACKETS = 1, 2, 1, 2
_KEYS = {
    NFPROTO_IPV4: struct.Struct("!16s4s4s4s4s4s"),
    NFPROTO_IPV6: struct.Struct("!16s16s16s4s4s4s"),
}
"""Every part of a concatenation is padded to four bytes."""


class CountedFlow(Struct, frozen=True, kw_only=True):
    """One element of one set."""

    kind: str
    device: str
    source: Address
    destination: Address
    protocol: int
    source_port: int
    destination_port: int
    tcp_flags: int
    packets: int
    bytes: int
    idle_seconds: float


def read_flows(netlink: NetlinkSocket) -> list[CountedFlow]:
    """Every element of every set; none where nothing is recorded."""
    return [flow for family in _KEYS for flow in _flows_of(netlink, family)]


def _flows_of(netlink: NetlinkSocket, family: int) -> list[CountedFlow]:
    found: list[CountedFlow] = []
    for kind in KINDS:
        for is_tcp in (True, False):
            payload = struct.pack("=BBH", family, 0, 0)
            payload += attribute(_LIST_TABLE, TABLE.encode() + b"\0")
            payload += attribute(_LIST_SET, f"{kind}_{'tcp' if is_tcp else 'other'}".encode() + b"\0")
            try:
                answers = netlink.dump(_GET_ELEMENTS, payload)
            except NetlinkError as error:
                if error.errno == errno.ENOENT:
                    return []
                raise
            for answer in answers:
                found += _elements(kind, answer[4:], _KEYS[family], is_tcp=is_tcp)
    return found


def _elements(kind: str, payload: bytes, layout: struct.Struct, *, is_tcp: bool) -> Iterator[CountedFlow]:
    for _, element in attributes(dict(attributes(payload)).get(_LIST_ELEMENTS, b"")):
        fields = dict(attributes(element))
        key = dict(attributes(fields.get(_ELEMENT_KEY, b""))).get(_DATA_VALUE, b"")
        expression = fields.get(_ELEMENT_EXPRESSION) or _first(fields.get(_ELEMENT_EXPRESSIONS, b""))
        counter = dict(attributes(dict(attributes(expression)).get(_EXPRESSION_DATA, b"")))
        if len(key) != layout.size or _COUNTER_PACKETS not in counter:
            continue
        device, source, destination, *rest = layout.unpack(key)
        left = int.from_bytes(fields.get(_ELEMENT_EXPIRATION, b""), "big") / 1000
        first, second, third = rest
        ports = (first, second) if is_tcp else (second, third)
        protocol = TCP if is_tcp else first[0]
        has_ports = protocol in (TCP, UDP)
        yield CountedFlow(
            kind=kind,
            device=device.rstrip(b"\0").decode(),
            source=ip_address(source),
            destination=ip_address(destination),
            protocol=protocol,
            source_port=int.from_bytes(ports[0][:2], "big") if has_ports else 0,
            destination_port=int.from_bytes(ports[1][:2], "big") if has_ports else 0,
            tcp_flags=third[0] if is_tcp else 0,
            packets=int.from_bytes(counter[_COUNTER_PACKETS], "big"),
            bytes=int.from_bytes(counter[_COUNTER_BYTES], "big"),
            idle_seconds=max(0.0, LIFETIME_SECONDS - left) if left else 0.0,
        )


def _first(expressions: bytes) -> bytes:
    return next((data for _, data in attributes(expressions)), b"")


def observed(
    counted: Iterable[CountedFlow], interfaces: dict[str, str], endpoints: dict[Address, str]
) -> list[FlowCount]:
    """The flows by interface: `interfaces` by router device, `endpoints` by address behind the services' device.

    Packets that the subnet's ACL stopped had been counted as sent: they are taken off again.
    """
    sums: dict[FlowKey, tuple[int, int, float]] = {}
    for flow in counted:
        egress = flow.kind in (SENT, BARRED, STOPPED)
        own = flow.source if egress else flow.destination
        interface_id = interfaces.get(flow.device) or endpoints.get(own)
        if interface_id is None:
            continue
        if flow.kind == STOPPED:
            _add(sums, _key(flow, interface_id, egress=True, accepted=True), flow, sign=-1)
        accepted = flow.kind in (SENT, RECEIVED)
        _add(sums, _key(flow, interface_id, egress=egress, accepted=accepted), flow, sign=1)
    return [
        FlowCount(key=key, packets=packets, bytes=size, idle_seconds=idle)
        for key, (packets, size, idle) in sums.items()
        if packets > 0
    ]


def _key(flow: CountedFlow, interface_id: str, *, egress: bool, accepted: bool) -> FlowKey:
    return FlowKey(
        interface_id=interface_id,
        egress=egress,
        accepted=accepted,
        source=flow.source,
        destination=flow.destination,
        protocol=flow.protocol,
        source_port=flow.source_port,
        destination_port=flow.destination_port,
        tcp_flags=flow.tcp_flags,
    )


def _add(sums: dict[FlowKey, tuple[int, int, float]], key: FlowKey, flow: CountedFlow, *, sign: int) -> None:
    packets, size, idle = sums.get(key, (0, 0, flow.idle_seconds))
    sums[key] = (packets + sign * flow.packets, size + sign * flow.bytes, min(idle, flow.idle_seconds))
