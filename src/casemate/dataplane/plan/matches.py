"""How a rule's protocol, ports and peer read in nft's language, for packets of one family."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from casemate.dataplane.plan.names import safe
from casemate.model.network import (
    ALL_PROTOCOLS,
    ICMP,
    ICMPV6,
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
Family = Literal["ip", "ip6"]
_NETWORKS: dict[Family, type[IPv4Network | IPv6Network]] = {"ip": IPv4Network, "ip6": IPv6Network}


def group_set(group_id: str) -> str:
    """The named set of the addresses of a security group's members."""
    return f"members_{safe(group_id)}"


def prefix_list_set(prefix_list_id: str) -> str:
    return f"list_{safe(prefix_list_id)}"


def security_group_match(rule: SecurityGroupRule, family: Family = "ip") -> str | None:
    """What `rule` matches; None when no packet of the family can."""
    peer = _peer(family, "daddr" if rule.egress else "saddr", rule.peer)
    if peer is None:
        return None
    return f"{peer} {_protocol(rule.protocol, rule.ports, rule.icmp)}".strip()


def acl_match(entry: NetworkAclEntry, family: Family = "ip") -> str | None:
    """What `entry` matches; None when no packet of the family can."""
    peer = _peer(family, "daddr" if entry.egress else "saddr", entry.cidr)
    if peer is None:
        return None
    return f"{peer} {_protocol(entry.protocol, entry.ports, entry.icmp)}".strip()


def _peer(family: Family, side: Side, peer: RulePeer) -> str | None:
    match peer:
        case GroupRef():
            return f"{family} {side} @{group_set(peer.group_id)}"
        case PrefixListRef():
            return f"{family} {side} @{prefix_list_set(peer.prefix_list_id)}"
        case IPv4Network() | IPv6Network():
            if not isinstance(peer, _NETWORKS[family]):
                return None
            return "" if peer.prefixlen == 0 else f"{family} {side} {peer}"


def _protocol(protocol: int, ports: PortRange, icmp: IcmpType) -> str:
    if protocol == ALL_PROTOCOLS:
        return ""
    if protocol in {TCP, UDP}:
        name = "tcp" if protocol == TCP else "udp"
        if ports.first <= 0 and ports.last >= 65535:
            return f"meta l4proto {name}"
        return f"{name} dport {ports.first}" + (f"-{ports.last}" if ports.last != ports.first else "")
    if protocol in {ICMP, ICMPV6} and icmp.type >= 0:
        name = "icmp" if protocol == ICMP else "icmpv6"
        return f"{name} type {icmp.type}" + (f" {name} code {icmp.code}" if icmp.code >= 0 else "")
    return f"meta l4proto {protocol}"
