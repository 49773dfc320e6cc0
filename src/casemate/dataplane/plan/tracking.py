"""Which connections security groups track, and which they judge packet by packet.

Source: EC2 User Guide, "Security group connection tracking". A TCP or UDP flow that a rule admits for all addresses is
not tracked when a rule in the other direction admits all its answers too: once such a rule goes, the flow is
interrupted at once, while a tracked one lives on. Connections of Lambda's interfaces and to NAT gateways and endpoints
are always tracked.

A connection's mark says at which of its ends it is not tracked. Both ends may be interfaces of one router.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from casemate.dataplane.plan.names import SERVICES
from casemate.model.network import ALL_PORTS, ALL_PROTOCOLS, TCP, UDP, SecurityGroup, SecurityGroupRule
from casemate.model.network import PortRange as Ports

_AT_ORIGINATOR, _AT_RESPONDER = 0x1, 0x2
_ANYWHERE = IPv4Network("0.0.0.0/0")

TRACKED_LEAVE = (
    "ct state related accept",
    "ct state established ct mark 0x0 accept",
    f"ct state established ct direction original ct mark and {_AT_ORIGINATOR:#x} == 0x0 accept",
    f"ct state established ct direction reply ct mark and {_AT_RESPONDER:#x} == 0x0 accept",
)
"""What the security groups of the interface that sends a packet need not judge."""
TRACKED_ARRIVE = (
    *TRACKED_LEAVE[:2],
    f"ct state established ct direction original ct mark and {_AT_RESPONDER:#x} == 0x0 accept",
    f"ct state established ct direction reply ct mark and {_AT_ORIGINATOR:#x} == 0x0 accept",
)
"""What those of the interface that receives it need not judge."""
ALWAYS_TRACKED = (
    f'ct state new oifname "{SERVICES}" ct mark set 0x0',
    "ct state new oifname @gateways ct mark set 0x0",
)
"""What leads to an endpoint or a NAT gateway."""


def untracked(
    groups: Iterable[SecurityGroup], *, egress: bool, anywhere: IPv4Network | IPv6Network = _ANYWHERE
) -> tuple[str, ...]:
    """Rules that mark the new connections which an interface with these groups begins (`egress`) or is asked for."""
    rules = [rule for group in groups for rule in group.rules if rule.peer == anywhere]
    bit = _AT_ORIGINATOR if egress else _AT_RESPONDER
    return tuple(
        dict.fromkeys(
            f"{name} dport {ports.first}-{ports.last} ct state new ct mark set ct mark or {bit:#x}"
            for protocol, name in ((TCP, "tcp"), (UDP, "udp"))
            if any(rule.egress is not egress and _ports(rule, protocol) == ALL_PORTS for rule in rules)
            for ports in (_ports(rule, protocol) for rule in rules if rule.egress is egress)
            if ports is not None
        )
    )


def _ports(rule: SecurityGroupRule, protocol: int) -> Ports | None:
    """The ports of `protocol` that a rule admits; None: none."""
    if rule.protocol == ALL_PROTOCOLS:
        return ALL_PORTS
    if rule.protocol != protocol:
        return None
    whole = rule.ports.first <= 0 and rule.ports.last >= ALL_PORTS.last
    return ALL_PORTS if whole else rule.ports
