"""Small, plausible mistakes planted in the kernel's plan: the differential test must see each of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from casemate.dataplane.plan import filters, matches, routing
from casemate.dataplane.plan.ipv6 import filters as ipv6_filters
from casemate.dataplane.plan.ruleset import NftChain
from casemate.dataplane.plan.topology import Topology, addresses_of
from casemate.model.network import IcmpType, PortRange, VpcSnapshot

Mutant = Callable[[], contextlib.AbstractContextManager[Any]]

_acl_chains, _protocol, _members_of = filters._acl_chains, matches._protocol, Topology.members_of
_ANYTHING = IcmpType()
_IPV6 = ipv6_filters._BASE_CHAINS


def _instead(owner: Any, name: str, replacement: Any, **more: Any) -> Mutant:
    return lambda: patch.object(owner, name, replacement, **more)


def _base_chains(**rules: tuple[str, ...]) -> Mutant:
    changed = {name: replace(filters._BASE_CHAINS[name], rules=each) for name, each in rules.items()}
    return _instead(filters, "_BASE_CHAINS", {**filters._BASE_CHAINS, **changed})


def _preceded(chain: str, rule: str) -> tuple[str, ...]:
    return (rule, *filters._BASE_CHAINS[chain].rules)


def _without(chain: str, words: str) -> tuple[str, ...]:
    return tuple(rule for rule in filters._BASE_CHAINS[chain].rules if words not in rule)


def _acls(change: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Mutant:
    def changed(acl: Any, acl_id: str) -> dict[str, NftChain]:
        made = _acl_chains(acl, acl_id)
        return {name: replace(chain, rules=change(chain.rules)) for name, chain in made.items()}

    return _instead(filters, "_acl_chains", changed)


def _members_of_every_region(topology: Topology, group_id: str) -> list[IPv4Address]:
    members = [
        each for vpc in _in_reach(topology) for each in vpc.interfaces.values() if group_id in each.groups
    ]
    return [address for each in members for address in addresses_of(each)]


def _primary_members(topology: Topology, group_id: str) -> list[IPv4Address]:
    primary = {each.address for vpc in _in_reach(topology) for each in vpc.interfaces.values()}
    return [address for address in _members_of(topology, group_id) if address in primary]


def _in_reach(topology: Topology) -> tuple[VpcSnapshot, ...]:
    return (topology.vpc, *(peer.vpc for peer in topology.peers))


def _own_members(topology: Topology, group_id: str) -> list[IPv4Address]:
    return [each.address for each in topology.vpc.interfaces.values() if group_id in each.groups]


def _one_port_late(protocol: int, ports: PortRange, icmp: IcmpType) -> str:
    late = replace(ports, first=min(ports.first + 1, ports.last))
    return _protocol(protocol, late if ports.first else ports, icmp)


def _ipv6_chains(**rules: tuple[str, ...]) -> Mutant:
    changed = {name: replace(_IPV6[name], rules=each) for name, each in rules.items()}
    return _instead(ipv6_filters, "_BASE_CHAINS", {**_IPV6, **changed})


def _own_ipv6_members(topology: Topology, group_id: str) -> list[IPv6Address]:
    holders = [each for each in topology.vpc.interfaces.values() if group_id in each.groups]
    return [address for each in holders for address in each.ipv6]


def _lists_last(items: Any, *, key: Any) -> list[Any]:
    return sorted(items, key=lambda item: not key(item))


def _always_crossing(subnet: Any) -> dict[str, NftChain]:
    name, acl = f"subnet_{subnet.subnet_id}", f"acl_{subnet.acl_id}"
    return {f"{name}_{side}": NftChain(rules=(f"goto {acl}_{side}",)) for side in ("out", "in")}


KERNEL_MUTANTS: dict[str, Mutant] = {
    "network ACLs are stateful": _base_chains(
        acl_egress=_preceded("acl_egress", "ct state established accept"),
        acl_ingress=_preceded("acl_ingress", "ct state established accept"),
    ),
    "network ACLs filter inside a subnet": _instead(filters, "_subnet_chains", _always_crossing),
    "the highest ACL number is tried first": _acls(lambda rules: (*rules[-3::-1], *rules[-2:])),
    "an ACL's closing deny is forgotten": _acls(lambda rules: rules[:-2]),
    "the receiver's security groups are not asked": _base_chains(sg_ingress=()),
    "the sender's security groups are not asked": _base_chains(sg_egress=()),
    "a reference holds in every Region": _instead(Topology, "members_of", _members_of_every_region),
    "a reference forgets secondary addresses": _instead(Topology, "members_of", _primary_members),
    "a reference does not cross a peering connection": _instead(Topology, "members_of", _own_members),
    "a port range begins one port late": _instead(matches, "_protocol", _one_port_late),
    "ICMP types are not looked at": _instead(
        matches, "_protocol", lambda protocol, ports, _icmp: _protocol(protocol, ports, _ANYTHING)
    ),
    "a prefix list's route beats a static one": _instead(routing, "sorted", _lists_last, create=True),
    "peers' packets go on to other networks": _base_chains(arrival=_without("arrival", "@peerings")),
    "IPv6: network ACLs are stateful": _ipv6_chains(
        acl_egress=("ct state established accept", *_IPV6["acl_egress"].rules),
        acl_ingress=("ct state established accept", *_IPV6["acl_ingress"].rules),
    ),
    "IPv6: the receiver's security groups are not asked": _ipv6_chains(sg_ingress=()),
    "IPv6: an answer leaves by any door": _ipv6_chains(
        departure=tuple(rule for rule in _IPV6["departure"].rules if "ct direction reply" not in rule)
    ),
    "IPv6: the internet begins connections at an egress-only gateway": _ipv6_chains(
        # Either of the two rules would do: the first spares the receiver the packet.
        arrival=tuple(rule for rule in _IPV6["arrival"].rules if 'eigw0" ct state new' not in rule),
        departure=tuple(rule for rule in _IPV6["departure"].rules if 'eigw0" ct direction' not in rule),
    ),
    "IPv6: a reference does not cross a peering connection": _instead(
        Topology, "ipv6_members_of", _own_ipv6_members
    ),
}
