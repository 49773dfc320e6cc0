"""The rules for IPv6: the four stages of `plan.filters`, in a table of their own.

Simpler than those of IPv4, for nothing is translated, no endpoint has an IPv6 address, and nothing of the platform
answers over IPv6. What the doors need instead: an answer leaves by the door its request came in by, and nothing begins
at an egress-only gateway.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import collapse_addresses

from casemate.dataplane.plan.faults import FAULT_DROPS
from casemate.dataplane.plan.filters import ACL_SIDES, DROPS
from casemate.dataplane.plan.groups import group_chains, group_set_chains
from casemate.dataplane.plan.matches import acl_match, group_set, prefix_list_set
from casemate.dataplane.plan.names import EGRESS_ONLY, GATEWAY, safe
from casemate.dataplane.plan.recording import recording
from casemate.dataplane.plan.ruleset import NftChain, NftSet, Ruleset
from casemate.dataplane.plan.topology import Topology, device_of
from casemate.dataplane.plan.tracking import TRACKED_ARRIVE, TRACKED_LEAVE
from casemate.dataplane.plan.written import Written, attached
from casemate.model.network import (
    GroupRef,
    NetworkAcl,
    PrefixListRef,
)

FAMILY = "ip6"
_FROM_OUTSIDE = 0x4
"""The bit of a connection's mark that says it came in by the internet gateway. `tracking` has those below."""

_BASE_CHAINS = {
    "arrival": NftChain(
        hook="type filter hook prerouting priority -160;",
        rules=(
            "ct state invalid drop",
            # What hosts tell their link about multicast groups; a VPC routes none.
            "ip6 daddr ff00::/8 drop",
            # VPC User Guide, "Egress-only internet gateways": it lets the internet begin no connection.
            f'iifname "{EGRESS_ONLY}" ct state new counter name gateway-drops drop',
            f'iifname {{ "{GATEWAY}", "{EGRESS_ONLY}" }} ip6 saddr @vpc drop',
            f'iifname {{ "{GATEWAY}", "{EGRESS_ONLY}" }} ip6 saddr fc00::/7 drop',
            f'iifname "{GATEWAY}" ct state new ct mark set ct mark or {_FROM_OUTSIDE:#x}',
            "iifname @peerings ip6 daddr != @vpc drop",
            "iifname @unchecked accept",
            "iifname . ip6 saddr != @addresses drop",
        ),
    ),
    "sg_egress": NftChain(
        hook="type filter hook prerouting priority -150;", rules=(*TRACKED_LEAVE, "iifname vmap @sg_out")
    ),
    "acl_egress": NftChain(hook="type filter hook forward priority 0;", rules=("iifname vmap @acl_out",)),
    "acl_ingress": NftChain(hook="type filter hook forward priority 1;", rules=("oifname vmap @acl_in",)),
    "sg_ingress": NftChain(
        hook="type filter hook forward priority 2;", rules=(*TRACKED_ARRIVE, "oifname vmap @sg_in")
    ),
    "departure": NftChain(
        hook="type filter hook forward priority 3;",
        rules=(
            f'oifname {{ "{GATEWAY}", "{EGRESS_ONLY}" }} ip6 saddr != @vpc counter name gateway-drops drop',
            f'oifname "{EGRESS_ONLY}" ct direction reply drop',
            f'oifname "{GATEWAY}" ct direction reply ct mark and {_FROM_OUTSIDE:#x} == 0x0 drop',
            f"oifname @peerings ct direction reply ct mark and {_FROM_OUTSIDE:#x} != 0x0 drop",
            "oifname @unchecked accept",
            "oifname . ip6 daddr != @addresses drop",
        ),
    ),
}


def router_ruleset(topology: Topology) -> Ruleset:
    """The IPv6 table of one VPC's router."""
    here = [item for item in attached(topology) if item.dual_stack]
    chains: dict[str, NftChain] = {}
    group_sets = sorted({item.groups for item in here})
    for groups in group_sets:
        chains |= group_set_chains(topology, groups, FAMILY)
    used = sorted({group_id for groups in group_sets for group_id in groups.groups})
    for group_id in used:
        chains |= group_chains(topology.vpc.groups.get(group_id), group_id, FAMILY)
    subnets = {item.subnet_id for item in topology.attached if item.ipv6}
    for subnet_id in sorted(subnets):
        chains |= _subnet_chains(topology, subnet_id, here)
    for acl_id in sorted({topology.vpc.subnets[subnet_id].acl_id for subnet_id in subnets}):
        chains |= _acl_chains(topology.vpc.acls.get(acl_id), acl_id)
    flow_sets, flow_chains = recording(topology, FAMILY)
    fault_sets, fault_chains, fault_counters = _failures(topology)
    sets = _address_sets(topology, here) | _dispatch(here) | _named_sets(topology, used)
    return Ruleset(
        namespace=topology.router,
        family=FAMILY,
        sets=sets | flow_sets | fault_sets,
        # Base chains come last: what they look up exists by then.
        chains=flow_chains | chains | _BASE_CHAINS | fault_chains,
        counters=frozenset(DROPS) | fault_counters,
    )


def _failures(topology: Topology) -> tuple[dict[str, NftSet], dict[str, NftChain], set[str]]:
    """As `plan.faults`: nothing in a VPC in which everything works."""
    failed = [
        f'"{device_of(item)}"'
        for item in topology.attached
        if item.ipv6 and topology.vpc.failure_of(topology.subnet_of(item).zone_id)
    ]
    if not failed:
        return {}, {}, set()
    dropped = f"@failed counter name {FAULT_DROPS} drop"
    chain = NftChain(
        hook="type filter hook forward priority -10;", rules=(f"iifname {dropped}", f"oifname {dropped}")
    )
    return (
        {"failed": _set("type ifname;", failed)},
        {"failures": chain},
        {FAULT_DROPS},
    )


def _set(declaration: str, elements: Iterable[object] = ()) -> NftSet:
    return NftSet(declaration=declaration, elements={str(element): None for element in elements})


def _address_sets(topology: Topology, here: list[Written]) -> dict[str, NftSet]:
    peerings = [f'"{peer.device}"' for peer in topology.peers]
    doors = [f'"{GATEWAY}"', f'"{EGRESS_ONLY}"', *peerings]
    return {
        "addresses": _set("type ifname . ipv6_addr;", (pair for item in here for pair in item.pairs_6)),
        "unchecked": _set("type ifname;", (*doors, *(item.device for item in here if item.unchecked))),
        "peerings": _set("type ifname;", peerings),
        "vpc": _set("type ipv6_addr; flags interval;", collapse_addresses(topology.vpc.ipv6_cidrs)),
    }


def _dispatch(here: list[Written]) -> dict[str, NftSet]:
    """Maps from a device to the chain that judges it."""
    maps: dict[str, NftSet] = {}
    for suffix in ("out", "in"):
        groups: dict[str, str | None] = {item.device: f"goto {item.chain}_{suffix}" for item in here}
        acls: dict[str, str | None] = {item.device: f"goto {item.subnet}_{suffix}" for item in here}
        maps[f"sg_{suffix}"] = NftSet(declaration="type ifname : verdict;", elements=groups)
        maps[f"acl_{suffix}"] = NftSet(declaration="type ifname : verdict;", elements=acls)
    return maps


def _named_sets(topology: Topology, used: list[str]) -> dict[str, NftSet]:
    """What rules of security groups name: the addresses of groups' members, and the ranges of prefix lists."""
    groups = [topology.vpc.groups[group_id] for group_id in used if group_id in topology.vpc.groups]
    peers = [rule.peer for group in groups for rule in group.rules]
    sets: dict[str, NftSet] = {}
    for peer in peers:
        if isinstance(peer, GroupRef):
            members = topology.ipv6_members_of(peer.group_id)
            sets[group_set(peer.group_id)] = _set("type ipv6_addr;", members)
        elif isinstance(peer, PrefixListRef):
            ranges = collapse_addresses(topology.ipv6_cidrs_of(peer.prefix_list_id))
            sets[prefix_list_set(peer.prefix_list_id)] = _set("type ipv6_addr; flags interval;", ranges)
    return sets


def _subnet_chains(topology: Topology, subnet_id: str, here: list[Written]) -> dict[str, NftChain]:
    """To the subnet's network ACL, except for what stays inside the subnet."""
    name, acl = f"subnet_{safe(subnet_id)}", f"acl_{safe(topology.vpc.subnets[subnet_id].acl_id)}"
    devices = ", ".join(sorted(item.device for item in here if item.subnet == name))
    return {
        f"{name}_out": NftChain(rules=(f"oifname {{ {devices} }} accept", f"goto {acl}_out")),
        f"{name}_in": NftChain(rules=(f"iifname {{ {devices} }} accept", f"goto {acl}_in")),
    }


def _acl_chains(acl: NetworkAcl | None, acl_id: str) -> dict[str, NftChain]:
    """Entries in their order; the first match decides; what matches none is denied."""
    chains: dict[str, NftChain] = {}
    for egress, suffix, refusal in ACL_SIDES:
        rules: list[str] = []
        for entry in sorted(acl.entries if acl else (), key=lambda item: item.number):
            match = acl_match(entry, FAMILY) if entry.egress is egress else None
            if match is not None:
                rules.append(f"{match} {'accept' if entry.allow else refusal}".strip())
        chains[f"acl_{safe(acl_id)}_{suffix}"] = NftChain(rules=(*rules, refusal))
    return chains
