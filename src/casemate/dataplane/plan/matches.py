"""How a rule's protocol, ports and peer read in nft's language. IPv4: a rule for an IPv6 range matches nothing here."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Literal

from casemate.dataplane.plan.names import safe
from casemate.model.network import (
    ALL_PROTOCOLS,
    ICMP,
    TCP,
    UDP,
    GroupRef,
    IcmpType,
    NetworkAclEntry,
    PortRange,
    PrefixListRef,
    RulePeer,
    SecurityGroupRule,
)

Side = Literal["saddr", "daddr"]
_ANYWHERE = IPv4Network("0.0.0.0/0")


def group_set(group_id: str) -> str:
    """The named set of the addresses of a security group's members."""
    return f"members_{safe(group_id)}"


def prefix_list_set(prefix_list_id: str) -> str:
    return f"list_{safe(prefix_list_id)}"


def security_group_match(rule: SecurityGroupRule) -> str | None:
    """What `rule` matches; None when no IPv4 packet can."""
    peer = _peer("daddr" if rule.egress else "saddr", rule.peer)
    if peer is None:
        return None
    return f"{peer} {_protocol(rule.protocol, rule.ports, rule.icmp)}".strip()


def acl_match(entry: NetworkAclEntry) -> str | None:
    """What `entry` matches; None when no IPv4 packet can."""
    peer = _peer("daddr" if entry.egress else "saddr", entry.cidr)
    if peer is None:
        return None
    return f"{peer} {_protocol(entry.protocol, entry.ports, entry.icmp)}".strip()


def _peer(side: Side, peer: RulePeer) -> str | None:
    match peer:
        case GroupRef():
            return f"ip {side} @{group_set(peer.group_id)}"
        case PrefixListRef():
            return f"ip {side} @{prefix_list_set(peer.prefix_list_id)}"
        case IPv4Network():
            return "" if peer == _ANYWHERE else f"ip {side} {peer}"
        case _:
            return None


def _protocol(protocol: int, ports: PortRange, icmp: IcmpType) -> str:
    if protocol == ALL_PROTOCOLS:
        return ""
    if protocol in {TCP, UDP}:
        name = "tcp" if protocol == TCP else "udp"
        if ports.first <= 0 and ports.last >= 65535:
            return f"meta l4proto {name}"
        return f"{name} dport {ports.first}" + (f"-{ports.last}" if ports.last != ports.first else "")
    if protocol == ICMP and icmp.type >= 0:
        return f"icmp type {icmp.type}" + (f" icmp code {icmp.code}" if icmp.code >= 0 else "")
    return f"meta l4proto {protocol}"
