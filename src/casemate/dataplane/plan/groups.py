"""Chains of security groups, alike in the tables of both families."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from casemate.dataplane.plan.matches import Family, security_group_match
from casemate.dataplane.plan.names import safe
from casemate.dataplane.plan.recording import REFUSED_BY_GROUPS_OUT, REFUSED_IN
from casemate.dataplane.plan.ruleset import NftChain
from casemate.dataplane.plan.topology import Topology
from casemate.dataplane.plan.tracking import untracked
from casemate.dataplane.plan.written import GroupSet
from casemate.model.network import SecurityGroup

_ANYWHERE: dict[Family, IPv4Network | IPv6Network] = {
    "ip": IPv4Network("0.0.0.0/0"),
    "ip6": IPv6Network("::/0"),
}


def group_set_chains(topology: Topology, groups: GroupSet, family: Family = "ip") -> dict[str, NftChain]:
    """What judges the interfaces of one set of groups, both ways."""
    known = [topology.vpc.groups[group] for group in groups.groups if group in topology.vpc.groups]
    chains: dict[str, NftChain] = {}
    for suffix, egress in (("out", True), ("in", False)):
        marks = () if groups.always_tracked else untracked(known, egress=egress, anywhere=_ANYWHERE[family])
        judged = (f"jump group_{safe(group)}_{suffix}" for group in groups.groups)
        refused = (
            f"counter name sg-egress-drops goto {REFUSED_BY_GROUPS_OUT}"
            if egress
            else f"counter name sg-ingress-drops goto {REFUSED_IN}"
        )
        chains[f"{groups.chain}_{suffix}"] = NftChain(rules=(*marks, *judged, refused))
    return chains


def group_chains(group: SecurityGroup | None, group_id: str, family: Family = "ip") -> dict[str, NftChain]:
    """What one group accepts, both ways."""
    rules: dict[bool, list[str]] = {True: [], False: []}
    for rule in group.rules if group else ():
        match = security_group_match(rule, family)
        if match is not None:
            rules[rule.egress].append(f"{match} accept".strip())
    return {
        f"group_{safe(group_id)}_out": NftChain(rules=tuple(dict.fromkeys(rules[True]))),
        f"group_{safe(group_id)}_in": NftChain(rules=tuple(dict.fromkeys(rules[False]))),
    }
