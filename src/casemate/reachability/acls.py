"""Network ACLs: stateless, at the border of a subnet, the lowest rule number first.

Source: VPC User Guide, "Control subnet traffic with network access control lists": entries are tried from the lowest
number; the first that matches decides; rule `*` denies the rest; answers are filtered like requests. Traffic
inside one subnet crosses no border.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from casemate.model.network import ICMP, ICMPV6, TCP, UDP, NetworkAcl, NetworkAclEntry, Subnet
from casemate.reachability.numbers import alone, matcher
from casemate.reachability.packet import Packet, TrafficClass
from casemate.reachability.path import Drop, Path
from casemate.reachability.verdict import Hop, HopKind, ReasonCode

if TYPE_CHECKING:
    from casemate.reachability.index import VpcIndex

CLOSING = (32767, 32768)
"""Numbers of the denies that end each direction, of IPv4 and of IPv6: rule `*` of either."""


class AclEntry(Struct, frozen=True, kw_only=True):
    """One entry, ready to be matched."""

    number: int
    allow: bool
    traffic: TrafficClass
    network: int
    mask: int
    words: str
    entry: NetworkAclEntry
    request_passes: Hop
    answer_passes: Hop
    """The hops of what this entry allows, made once: a way through a NAT gateway meets six ACLs."""


class AclFilter(Struct, frozen=True, kw_only=True):
    """The entries of an ACL by direction, in order."""

    acl_id: str
    egress: tuple[AclEntry, ...]
    ingress: tuple[AclEntry, ...]

    def deciding(self, packet: Packet, *, egress: bool) -> AclEntry | None:
        """The first entry that matches; None: nothing matches, which denies."""
        far = packet.destination if egress else packet.source
        for entry in self.egress if egress else self.ingress:
            if far & entry.mask == entry.network and entry.traffic.includes(packet):
                return entry
        return None


def compile_acl(acl: NetworkAcl) -> AclFilter:
    """An ACL ready to be matched."""

    def side(*, egress: bool) -> tuple[AclEntry, ...]:
        chosen = sorted((e for e in acl.entries if e.egress is egress), key=lambda entry: entry.number)
        entries: list[AclEntry] = []
        for entry in chosen:
            network, mask = matcher(entry.cidr)
            traffic = TrafficClass(protocol=entry.protocol, ports=entry.ports, icmp=entry.icmp)
            number = "*" if entry.number in CLOSING else str(entry.number)
            words = (
                f"{'outbound' if egress else 'inbound'} rule {number}: {'allow' if entry.allow else 'deny'} "
                f"{traffic.words} {'to' if egress else 'from'} {entry.cidr}"
            )
            passing = Hop(
                kind=HopKind.NETWORK_ACL, component=acl.acl_id, passed=True, matched=words, rule=entry
            )
            entries.append(
                AclEntry(
                    number=entry.number,
                    allow=entry.allow,
                    traffic=traffic,
                    network=network,
                    mask=mask,
                    words=words,
                    entry=entry,
                    request_passes=passing,
                    answer_passes=replace(passing, returning=True),
                )
            )
        return tuple(entries)

    return AclFilter(acl_id=acl.acl_id, egress=side(egress=True), ingress=side(egress=False))


def leave(path: Path, vpc: VpcIndex, subnet: Subnet, packet: Packet) -> Drop | None:
    """A request leaves a subnet; its answer will enter it."""
    path.back.append(partial(_check, path, vpc, subnet, packet.answer(), egress=False))
    return _check(path, vpc, subnet, packet, egress=True)


def enter(path: Path, vpc: VpcIndex, subnet: Subnet, packet: Packet) -> Drop | None:
    """A request enters a subnet; its answer will leave it."""
    path.back.append(partial(_check, path, vpc, subnet, packet.answer(), egress=True))
    return _check(path, vpc, subnet, packet, egress=False)


def _check(path: Path, vpc: VpcIndex, subnet: Subnet, packet: Packet, *, egress: bool) -> Drop | None:
    acl = vpc.acl(subnet.acl_id)
    entry = acl.deciding(packet, egress=egress) if acl else None
    if entry is not None and entry.allow:
        path.hops.append(entry.answer_passes if path.returning else entry.request_passes)
        return None
    direction = "outbound" if egress else "inbound"
    words = entry.words if entry else f"{direction} rule *: deny all traffic"
    rule = entry.entry if entry else None
    path.met(HopKind.NETWORK_ACL, subnet.acl_id, passed=False, matched=words, rule=rule)
    return _drop(path, subnet, packet, entry, egress=egress)


def _drop(path: Path, subnet: Subnet, packet: Packet, entry: AclEntry | None, *, egress: bool) -> Drop:
    direction, preposition = ("outbound", "to") if egress else ("inbound", "from")
    far = packet.destination if egress else packet.source
    number = entry.number if entry else 32767
    name = "its closing deny (rule *)" if number in CLOSING else f"its {direction} rule {number}"
    needed = packet.words
    what = f"{packet.words} {preposition} {path.network.describe(far)}"
    if path.returning:
        what = f"the answer ({what})"
        if packet.protocol in (TCP, UDP) and packet.port >= 1024:
            # VPC User Guide, "Ephemeral ports": clients choose from 1024-65535 (NAT gateways and Lambda use all of it).
            needed = f"{'tcp' if packet.protocol == TCP else 'udp'} 1024-65535"
        elif packet.protocol in (ICMP, ICMPV6):
            needed = packet.words
    order = "" if number in CLOSING else f", with a number below {number}"
    return Drop(
        reason=ReasonCode.SUBNET_ACL_RESTRICTION,
        explanation=f"{subnet.acl_id} of {subnet.subnet_id} denies {what}: {name} decides"
        + (", and network ACLs are stateless." if path.returning else "."),
        remedy=f"Add to {subnet.acl_id} an {direction} entry{order}: allow {needed} {preposition} {alone(far)}.",
    )
