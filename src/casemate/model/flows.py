"""What the data plane has seen of the flows of an interface."""

from __future__ import annotations

from msgspec import Struct

from casemate.model.network import Address


class FlowKey(Struct, frozen=True, kw_only=True):
    """One direction of a conversation at one interface, accepted or rejected there."""

    interface_id: str
    egress: bool
    """Sent by the interface; else received by it."""
    accepted: bool
    """By the security groups of the interface and the network ACL of its subnet."""
    source: Address
    destination: Address
    protocol: int
    source_port: int = 0
    """0 where the protocol has no ports."""
    destination_port: int = 0
    tcp_flags: int = 0
    """The flags of these very packets; a conversation has several counts that differ in them."""


class FlowCount(Struct, frozen=True, kw_only=True):
    """How much of it there was since the data plane began to count."""

    key: FlowKey
    packets: int
    bytes: int
    idle_seconds: float
    """Since its last packet."""
