"""Security groups: stateful, allow-only, per interface.

The answer to a packet that was let through is let through (VPC User Guide, "Control traffic to your AWS resources
using security groups"), so nothing here is met on the way back. Rules that name a group admit the private addresses
of its members, as the VPC Peering Guide says also across an active peering connection of one Region.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from casemate.model.network import (
    GroupRef,
    InterfaceKind,
    Network,
    NetworkInterface,
    PrefixList,
    PrefixListRef,
    RulePeer,
    SecurityGroup,
    SecurityGroupRule,
)
from casemate.reachability.numbers import alone, dotted, matcher
from casemate.reachability.packet import Packet, TrafficClass
from casemate.reachability.path import Drop, Path
from casemate.reachability.verdict import Hop, HopKind, ReasonCode

if TYPE_CHECKING:
    from casemate.reachability.index import VpcIndex

_NEAR_MISSES = 3


class GroupRule(Struct, frozen=True, kw_only=True):
    """One rule, ready to be matched."""

    group_id: str
    traffic: TrafficClass
    ranges: tuple[tuple[int, int], ...]
    """(network, mask) pairs of a CIDR or a prefix list."""
    peer_group: str | None
    words: str
    passes: Hop
    """The hop of what this rule admits."""

    def admits(self, packet: Packet, peer: int, members: Mapping[str, frozenset[int]]) -> bool:
        """Whether the rule lets `packet` through; `peer` is its far address, `members` those of every group in reach."""
        if not self.traffic.includes(packet):
            return False
        if self.peer_group is not None:
            return peer in members.get(self.peer_group, ())
        return any(peer & mask == network for network, mask in self.ranges)


class GroupFilter(Struct, frozen=True, kw_only=True):
    """The rules of all groups of an interface, by direction. Rules only add: their order does not matter."""

    groups: tuple[str, ...]
    egress: tuple[GroupRule, ...]
    ingress: tuple[GroupRule, ...]


def compile_groups(
    ids: Iterable[str], groups: Mapping[str, SecurityGroup], prefix_lists: Mapping[str, PrefixList]
) -> GroupFilter:
    """The filter of an interface with those groups. Groups that do not exist have no rules."""
    ids = tuple(ids)
    known = [groups[group_id] for group_id in ids if group_id in groups]
    rules = [
        (rule.egress, _compile(group.group_id, rule, prefix_lists)) for group in known for rule in group.rules
    ]
    return GroupFilter(
        groups=ids,
        egress=tuple(rule for egress, rule in rules if egress),
        ingress=tuple(rule for egress, rule in rules if not egress),
    )


def _compile(group_id: str, rule: SecurityGroupRule, prefix_lists: Mapping[str, PrefixList]) -> GroupRule:
    peer: RulePeer = rule.peer
    networks: tuple[Network, ...] = ()
    if isinstance(peer, PrefixListRef):
        listed = prefix_lists.get(peer.prefix_list_id)
        networks = listed.cidrs if listed else ()
        name = peer.prefix_list_id
    elif isinstance(peer, GroupRef):
        name = peer.group_id
    else:
        networks = (peer,)
        name = str(peer)
    traffic = TrafficClass(protocol=rule.protocol, ports=rule.ports, icmp=rule.icmp)
    direction = "egress" if rule.egress else "ingress"
    words = f"{direction} {traffic.words} {'to' if rule.egress else 'from'} {name}"
    return GroupRule(
        group_id=group_id,
        traffic=traffic,
        ranges=tuple(map(matcher, networks)),
        peer_group=peer.group_id if isinstance(peer, GroupRef) else None,
        words=words,
        passes=Hop(kind=HopKind.SECURITY_GROUP, component=group_id, passed=True, matched=words, rule=rule),
    )


def check_egress(path: Path, vpc: VpcIndex, interface: NetworkInterface, packet: Packet) -> Drop | None:
    """The groups of the interface a packet leaves from. Groups of other VPCs match behind a peering connection."""
    return _check(path, vpc, interface, packet, egress=True)


def check_ingress(path: Path, vpc: VpcIndex, interface: NetworkInterface, packet: Packet) -> Drop | None:
    """The groups of the interface a packet arrives at."""
    return _check(path, vpc, interface, packet, egress=False)


def _check(
    path: Path, vpc: VpcIndex, interface: NetworkInterface, packet: Packet, *, egress: bool
) -> Drop | None:
    if interface.kind is InterfaceKind.NAT_GATEWAY:
        return None  # "You cannot associate a security group with a NAT gateway": VPC User Guide, NAT gateway basics.
    groups = vpc.groups(interface.groups)
    rules = groups.egress if egress else groups.ingress
    peer = packet.destination if egress else packet.source
    members = path.network.members_seen_from(vpc)
    for rule in rules:
        if rule.admits(packet, peer, members):
            path.hops.append(rule.passes)
            return None
    path.met(
        HopKind.SECURITY_GROUP,
        ", ".join(interface.groups),
        passed=False,
        matched=f"no {'egress' if egress else 'ingress'} rule for {packet.words} "
        f"{'to' if egress else 'from'} {dotted(peer)}",
        lost=_near_misses(rules, packet, peer, members),
    )
    return _forgotten_reference(path, rules, packet, egress=egress) or _drop(
        path, vpc, interface, packet, egress=egress, empty=not rules
    )


def _forgotten_reference(
    path: Path, rules: tuple[GroupRule, ...], packet: Packet, *, egress: bool
) -> Drop | None:
    """The case of a rule that names the far end's own group and does not match: the way there forgets groups.

    VPC User Guide, "Security group rules": a rule that names a group admits the private addresses of its members; it
    does not match what was translated to a public address, nor what comes from another Region's VPC.
    """
    peer = packet.destination if egress else packet.source
    far = path.sender
    if egress:
        held = path.network.public.get(peer)
        far = held[1] if held else None
    if far is None:
        return None
    for rule in rules:
        if rule.peer_group in far.groups and rule.traffic.includes(packet):
            direction, preposition = ("egress", "to") if egress else ("ingress", "from")
            return Drop(
                reason=ReasonCode.SG_REFERENCES_NOT_PRESERVED,
                explanation=f"{rule.group_id} names {rule.peer_group}, the group of {far.interface_id}, and that holds "
                f"for private addresses in one Region only: this is {packet.words} {preposition} {dotted(peer)}.",
                remedy=f"Use the private address of the far end, or add to {rule.group_id} an {direction} rule: "
                f"{packet.words} {preposition} {alone(peer)}.",
            )
    return None


def _near_misses(
    rules: tuple[GroupRule, ...], packet: Packet, peer: int, members: Mapping[str, frozenset[int]]
) -> tuple[str, ...]:
    """Rules that fit the traffic but not the peer, then those that fit the peer but not the traffic."""
    traffic = [f"{r.words} ({r.group_id}): another address" for r in rules if r.traffic.includes(packet)]
    other = [
        f"{r.words} ({r.group_id}): other traffic"
        for r in rules
        if not r.traffic.includes(packet)
        and (
            peer in members.get(r.peer_group, ()) if r.peer_group else any(peer & m == n for n, m in r.ranges)
        )
    ]
    return tuple((traffic + other)[:_NEAR_MISSES])


def _drop(
    path: Path, vpc: VpcIndex, interface: NetworkInterface, packet: Packet, *, egress: bool, empty: bool
) -> Drop:
    direction, preposition = ("egress", "to") if egress else ("ingress", "from")
    peer = packet.destination if egress else packet.source
    names = ", ".join(interface.groups) or "(no group)"
    who = path.network.describe(peer)
    if empty:
        cause = f"{names} of {interface.interface_id} has no {direction} rules, so nothing "
        cause += "may leave" if egress else "may arrive"
    else:
        cause = f"no {direction} rule of {names} on {interface.interface_id} allows {packet.words} {preposition} {who}"
    first = interface.groups[0] if interface.groups else f"a security group of {interface.interface_id}"
    target = path.network.rule_peer(vpc, peer)
    return Drop(
        reason=ReasonCode.SG_HAS_NO_RULES if empty else ReasonCode.ENI_SG_RULES_MISMATCH,
        explanation=f"{cause} ({packet.words} {preposition} {who} is dropped)."
        if empty
        else f"{cause[:1].upper()}{cause[1:]}.",
        remedy=f"Add to {first} an {direction} rule: {packet.words} {preposition} {target}.",
    )
