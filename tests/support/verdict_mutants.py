"""Small, plausible mistakes planted in `reachability`: the differential test must see each of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from casemate.model.network import PrefixListRef, TargetKind
from casemate.reachability import acls, index, routes, security_groups, walk
from casemate.reachability.packet import Packet
from casemate.reachability.path import Drop

Mutant = Callable[[], contextlib.AbstractContextManager[Any]]


@contextlib.contextmanager
def mistaken_verdict(mutant: Mutant) -> Iterator[None]:
    """The mistake is made inside, and nothing that was compiled without or with it crosses the border."""
    _forget()
    try:
        with mutant():
            yield
    finally:
        _forget()


def _forget() -> None:
    index._vpc_cache.clear()
    index._network_cache.clear()


def _instead(owner: Any, name: str, replacement: Any) -> Mutant:
    return lambda: patch.object(owner, name, replacement)


_lookup = routes.RoutingTable.lookup
_compile_acl = acls.compile_acl
_pass_internet_gateway, _pass_nat_gateway = walk.pass_internet_gateway, walk.pass_nat_gateway


def _leave_statefully(path: Any, vpc: Any, subnet: Any, packet: Packet) -> Drop | None:
    return acls._check(path, vpc, subnet, packet, egress=True)


def _shortest_prefix(table: routes.RoutingTable, address: int) -> routes.RouteMatch:
    found = [entry for mask, networks in table._lengths for entry in networks.get(address & mask, ())]
    return routes.RouteMatch(entry=found[-1] if found else None, lost=())


def _around_blackholes(table: routes.RoutingTable, address: int) -> routes.RouteMatch:
    match = _lookup(table, address)
    holed = match.entry is not None and match.entry.route.blackhole
    return _shortest_prefix(table, address) if holed else match


def _lists_first(entry: routes.RouteEntry) -> tuple[int, str]:
    if entry.route.target is TargetKind.LOCAL:
        return (0, "")
    return (1 if isinstance(entry.route.destination, PrefixListRef) else 2, entry.words)


def _highest_number_first(acl: Any) -> acls.AclFilter:
    made = _compile_acl(acl)
    first_to_last = {side: getattr(made, side) for side in ("egress", "ingress")}
    return replace(made, **{side: (*each[-2::-1], *each[-1:]) for side, each in first_to_last.items()})


def _admits_no_reference(rule: Any, packet: Packet, peer: int, _members: Mapping[str, Any]) -> bool:
    if rule.peer_group is not None or not rule.traffic.includes(packet):
        return False
    return any(peer & mask == network for network, mask in rule.ranges)


def _members_of_every_region(network: Any, vpc: Any) -> Mapping[str, frozenset[int]]:
    merged = dict(vpc.members)
    for peering_id in network.snapshot.peerings:
        peering, other = network.peering_of(peering_id, vpc.vpc.vpc_id)
        if peering and peering.active and other:
            merged |= other.members
    return merged


def _untranslated(path: Any, stop: Any, packet: Packet, entry: Any) -> Packet | Drop:
    passed = _pass_internet_gateway(path, stop, packet, entry)
    return passed if isinstance(passed, Drop) else packet


def _unmasked(path: Any, stop: Any, packet: Packet, entry: Any) -> Any:
    passed = _pass_nat_gateway(path, stop, packet, entry)
    return passed if isinstance(passed, Drop) else (passed[0], packet)


VERDICT_MUTANTS: dict[str, Mutant] = {
    "network ACLs are stateful": _instead(acls, "leave", _leave_statefully),
    "network ACLs filter inside a subnet": _instead(walk, "_stays", lambda *_: False),
    "the highest ACL number is tried first": _instead(index, "compile_acl", _highest_number_first),
    "security groups admit whatever comes": _instead(security_groups, "check_ingress", lambda *_: None),
    "security groups let out whatever goes": _instead(security_groups, "check_egress", lambda *_: None),
    "a rule that names a group admits nobody": _instead(
        security_groups.GroupRule, "admits", _admits_no_reference
    ),
    "a reference holds in every Region": _instead(
        index.NetworkIndex, "members_seen_from", _members_of_every_region
    ),
    "the shortest prefix wins": _instead(routes.RoutingTable, "lookup", _shortest_prefix),
    "a blackhole lets the next route have the packet": _instead(
        routes.RoutingTable, "lookup", _around_blackholes
    ),
    "a prefix list's route beats a static one": _instead(routes, "_priority", _lists_first),
    "answers find their way whatever the routes": _instead(walk, "_answer_route", lambda *_: None),
    "the internet gateway translates nothing": _instead(walk, "pass_internet_gateway", _untranslated),
    "the NAT gateway translates nothing": _instead(walk, "pass_nat_gateway", _unmasked),
}
