"""The router's rules: four separate stages, and what a packet meets before and after them.

1. security groups of the sender (prerouting -150), 2. network ACL of the sender's subnet (forward 0), 3. network ACL
of the receiver's subnet (forward 1), 4. security groups of the receiver (forward 2). Each stage is a base chain of its
own, because `accept` in one falls to the next: one stage can never speak for another. Security groups skip what
belongs to a connection they track (`tracking`); network ACLs never look at tracking. The ACL stages are at the forward hook, where
both devices are known: traffic between two interfaces of one subnet does not cross the subnet's boundary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, collapse_addresses

from casemate.dataplane.plan.faults import faults
from casemate.dataplane.plan.groups import group_chains, group_set_chains
from casemate.dataplane.plan.matches import acl_match, group_set, prefix_list_set
from casemate.dataplane.plan.metering import metering
from casemate.dataplane.plan.names import GATEWAY, SERVICES, safe
from casemate.dataplane.plan.recording import (
    REFUSED_BY_ACL_OUT,
    REFUSED_IN,
    recording,
)
from casemate.dataplane.plan.ruleset import NftChain, NftSet, Ruleset
from casemate.dataplane.plan.topology import Topology
from casemate.dataplane.plan.tracking import ALWAYS_TRACKED, TRACKED_ARRIVE, TRACKED_LEAVE
from casemate.dataplane.plan.written import Written, attached, endpoints
from casemate.model.network import (
    GroupRef,
    NetworkAcl,
    PrefixListRef,
    RulePeer,
    Subnet,
)

DROPS = ("sg-egress-drops", "acl-egress-drops", "acl-ingress-drops", "sg-ingress-drops", "gateway-drops")
ACL_SIDES = (
    (True, "out", f"counter name acl-egress-drops goto {REFUSED_BY_ACL_OUT}"),
    (False, "in", f"counter name acl-ingress-drops goto {REFUSED_IN}"),
)
"""(egress, suffix of the chain, what becomes of a packet that is denied)."""


def router_ruleset(topology: Topology) -> Ruleset:
    """The whole table of one VPC's router."""
    recall, vpc = topology.memory.recall, topology.vpc
    here, behind = attached(topology), endpoints(topology)
    peers = tuple(peer.device for peer in topology.peers)
    sets = recall(
        "addresses",
        (here, behind, peers, topology.public, vpc.cidrs),
        lambda: _address_sets(topology, here, behind),
    )
    sets = sets | recall("dispatch", (here, behind), lambda: _dispatch(here, behind))
    group_sets = sorted({item.groups for item in (*here, *behind) if not item.is_gateway})
    used = sorted({group_id for groups in group_sets for group_id in groups.groups})
    sets |= _members(topology, used)
    sets |= _prefix_lists(topology, used)
    chains: dict[str, NftChain] = {}
    for groups in group_sets:
        chains |= group_set_chains(topology, groups)
    for group_id in used:
        chains |= group_chains(vpc.groups.get(group_id), group_id)
    subnets = _used_subnets(topology)
    sets |= recall("subnets", (here, behind), lambda: _subnet_devices(here, behind))
    for subnet in subnets:
        chains |= _subnet_chains(subnet)
    for acl_id in sorted({subnet.acl_id for subnet in subnets}):
        chains |= _acl_chains(vpc.acls.get(acl_id), acl_id)
    counting, endpoint_ids = _endpoint_chains(topology)
    flow_sets, flow_chains = recording(topology)
    sets |= flow_sets
    chains |= flow_chains
    metered_sets, metered_chains, meters = metering(topology)
    sets = metered_sets | sets
    chains |= metered_chains
    fault_sets, fault_chains, fault_counters = faults(topology)
    sets |= fault_sets
    # Base chains come last: what they look up exists by then.
    chains |= counting | _BASE_CHAINS | fault_chains
    return Ruleset(
        namespace=topology.router,
        sets=sets,
        chains=chains,
        counters=frozenset(DROPS) | frozenset(endpoint_ids) | meters | fault_counters,
    )


_PRIVATE = "10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16"
"""RFC 1918 and RFC 6598."""

_BASE_CHAINS = {
    "endpoint_entry": NftChain(
        # Source: "Gateway endpoints": only TCP, and ICMP echo, may enter.
        rules=("meta l4proto tcp goto endpoint_count", "icmp type echo-request goto endpoint_count", "drop"),
    ),
    "arrival": NftChain(
        hook="type filter hook prerouting priority -160;",
        rules=(
            "ct state invalid drop",
            # Nothing on the internet has these addresses (Reachability Analyzer, IGW_SOURCE_ADDRESS_NOT_IN_RFC1918_...).
            f'iifname "{GATEWAY}" ip saddr @vpc drop',
            f'iifname "{GATEWAY}" ip saddr {{ {_PRIVATE} }} drop',
            "iifname @peerings ip daddr != @vpc drop",
            # VPC Peering Guide, "VPC peering limitations": no queries to the Amazon DNS server of the peer VPC.
            "iifname @peerings ip daddr @platform drop",
            "iifname @unchecked accept",
            "iifname . ip saddr != @addresses drop",
        ),
    ),
    "sg_egress": NftChain(
        hook="type filter hook prerouting priority -150;",
        rules=(
            "ip daddr @platform accept",
            *TRACKED_LEAVE,
            "iifname vmap @sg_out",
        ),
    ),
    "tracking": NftChain(hook="type filter hook forward priority -1;", rules=ALWAYS_TRACKED),
    "acl_egress": NftChain(
        hook="type filter hook forward priority 0;",
        rules=(
            "ip daddr @platform accept",
            f'iifname "{SERVICES}" ip saddr @platform accept',
            "iifname vmap @acl_out",
            f'iifname "{SERVICES}" ip saddr vmap @acl_out_endpoint',
        ),
    ),
    "acl_ingress": NftChain(
        hook="type filter hook forward priority 1;",
        rules=(
            "ip daddr @platform accept",
            f'iifname "{SERVICES}" ip saddr @platform accept',
            "oifname vmap @acl_in",
            f'oifname "{SERVICES}" ip daddr vmap @acl_in_endpoint',
        ),
    ),
    "sg_ingress": NftChain(
        hook="type filter hook forward priority 2;",
        rules=(
            *TRACKED_ARRIVE,
            "oifname vmap @sg_in",
            f'oifname "{SERVICES}" ip daddr vmap @sg_in_endpoint',
        ),
    ),
    "departure": NftChain(
        hook="type filter hook forward priority 3;",
        rules=(
            f'oifname "{GATEWAY}" ip saddr != @public_sources counter name gateway-drops drop',
            # The resolver listens on port 53 alone, though every address of the namespace behind takes HTTPS.
            f'oifname "{SERVICES}" ip daddr @resolvers tcp dport != 53 reject with tcp reset',
            # AWS's APIs are HTTP; their endpoints do not answer ping.
            f'oifname "{SERVICES}" ip daddr @endpoints meta l4proto != tcp drop',
            f'oifname "{SERVICES}" ip daddr != @platform ip daddr != @endpoints jump endpoint_entry',
            "oifname @unchecked accept",
            "oifname . ip daddr != @addresses drop",
        ),
    ),
    "public_in": NftChain(
        hook="type nat hook prerouting priority -100;",
        rules=(f'iifname "{GATEWAY}" dnat to ip daddr map @private_of',),
    ),
    "public_out": NftChain(
        hook="type nat hook postrouting priority 100;",
        rules=(f'oifname "{GATEWAY}" snat to ip saddr map @public_of',),
    ),
}


def _set(declaration: str, elements: Iterable[object] = ()) -> NftSet:
    return NftSet(declaration=declaration, elements={str(element): None for element in elements})


_RANGES = "type ipv4_addr; flags interval;"


def _quoted(device: str) -> str:
    return f'"{device}"'


def _address_sets(
    topology: Topology, here: tuple[Written, ...], behind: tuple[Written, ...]
) -> dict[str, NftSet]:
    unchecked = [item.device for item in here if item.unchecked]
    peerings = [_quoted(peer.device) for peer in topology.peers]
    public = topology.public
    return {
        "addresses": _set(
            "type ifname . ipv4_addr;",
            (pair for item in here for pair in item.pairs),
        ),
        "unchecked": _set("type ifname;", [_quoted(SERVICES), _quoted(GATEWAY), *peerings, *unchecked]),
        "gateways": _set(
            "type ifname;",
            (item.device for item in here if item.is_gateway),
        ),
        "peerings": _set("type ifname;", peerings),
        "platform": _set("type ipv4_addr;", topology.platform),
        "resolvers": _set("type ipv4_addr;", topology.platform[:2]),
        "endpoints": _set("type ipv4_addr;", (item.address for item in behind)),
        "vpc": _set("type ipv4_addr; flags interval;", collapse_addresses(topology.vpc.cidrs)),
        "public_sources": _set("type ipv4_addr;", public),
        "public_of": _map("type ipv4_addr : ipv4_addr;", public),
        "private_of": _map("type ipv4_addr : ipv4_addr;", {there: here for here, there in public.items()}),
    }


def _map(declaration: str, elements: Mapping[str, str] | Mapping[IPv4Address, IPv4Address]) -> NftSet:
    return NftSet(declaration=declaration, elements={str(key): str(value) for key, value in elements.items()})


def _dispatch(here: tuple[Written, ...], behind: tuple[Written, ...]) -> dict[str, NftSet]:
    """Maps from a device, or an endpoint's address, to the chain that judges it: cost does not grow with their number."""
    by_device: dict[str, dict[str, str]] = {name: {} for name in ("sg_out", "sg_in", "acl_out", "acl_in")}
    for item in here:
        if not item.is_gateway:  # a NAT gateway has no security group
            by_device["sg_out"][item.device] = f"goto {item.chain}_out"
            by_device["sg_in"][item.device] = f"goto {item.chain}_in"
        by_device["acl_out"][item.device] = f"goto {item.subnet}_out"
        by_device["acl_in"][item.device] = f"goto {item.subnet}_in"
    maps = {
        name: NftSet(declaration="type ifname : verdict;", elements=found)
        for name, found in by_device.items()
    }
    by_address = {
        "sg_in_endpoint": {item.address: f"goto {item.chain}_in" for item in behind},
        "acl_out_endpoint": {item.address: f"goto {item.subnet}_out" for item in behind},
        "acl_in_endpoint": {item.address: f"goto {item.subnet}_in" for item in behind},
    }
    return maps | {name: _map("type ipv4_addr : verdict;", elements) for name, elements in by_address.items()}


def _peers_of(topology: Topology, used: list[str]) -> list[RulePeer]:
    """Whom the rules of security groups in use name."""
    known = topology.vpc.groups
    return [rule.peer for group_id in used if group_id in known for rule in known[group_id].rules]


def _members(topology: Topology, used: list[str]) -> dict[str, NftSet]:
    """For each security group that a rule names: the private addresses of its members."""
    named = {peer.group_id for peer in _peers_of(topology, used) if isinstance(peer, GroupRef)}
    given = tuple(
        (vpc.region, vpc.interfaces) for vpc in (topology.vpc, *(peer.vpc for peer in topology.peers))
    )
    return {
        group_set(group_id): topology.memory.recall(
            ("members", group_id),
            given,
            # What is made is made before the name is bound anew.
            lambda group_id=group_id: _set("type ipv4_addr;", topology.members_of(group_id)),
        )
        for group_id in sorted(named)
    }


def _prefix_lists(topology: Topology, used: list[str]) -> dict[str, NftSet]:
    peers = _peers_of(topology, used)
    named = {peer.prefix_list_id for peer in peers if isinstance(peer, PrefixListRef)}
    named |= {prefix_list_id for _, _, prefix_list_id in topology.endpoint_routes}
    return {
        prefix_list_set(list_id): topology.memory.recall(
            ("list", list_id), (cidrs,), lambda cidrs=cidrs: _set(_RANGES, collapse_addresses(cidrs))
        )
        for list_id, cidrs in ((each, topology.cidrs_of(each)) for each in sorted(named))
    }


def _used_subnets(topology: Topology) -> list[Subnet]:
    used = {item.subnet_id for item in (*topology.attached, *topology.endpoint_interfaces)}
    return [topology.vpc.subnets[subnet_id] for subnet_id in sorted(used)]


def _subnet_devices(here: tuple[Written, ...], behind: tuple[Written, ...]) -> dict[str, NftSet]:
    """For each subnet: the devices of what is in it."""
    found: dict[str, list[str]] = {}
    for item in here:
        found.setdefault(item.subnet, []).append(item.device)
    for item in behind:
        found.setdefault(item.subnet, [])
    return {f"{subnet}_devices": _set("type ifname;", devices) for subnet, devices in found.items()}


def _subnet_chains(subnet: Subnet) -> dict[str, NftChain]:
    """To the subnet's network ACL, except for what stays inside the subnet."""
    name, acl = f"subnet_{safe(subnet.subnet_id)}", f"acl_{safe(subnet.acl_id)}"
    out = (
        f"oifname @{name}_devices accept",
        f'oifname "{SERVICES}" ip daddr {subnet.cidr} accept',
        f"goto {acl}_out",
    )
    back = (
        f"iifname @{name}_devices accept",
        f'iifname "{SERVICES}" ip saddr {subnet.cidr} accept',
        f"goto {acl}_in",
    )
    return {f"{name}_out": NftChain(rules=out), f"{name}_in": NftChain(rules=back)}


def _acl_chains(acl: NetworkAcl | None, acl_id: str) -> dict[str, NftChain]:
    """Entries in their order; the first match decides; what matches none is denied."""
    chains: dict[str, NftChain] = {}
    for egress, suffix, refusal in ACL_SIDES:
        rules: list[str] = []
        for entry in sorted(acl.entries if acl else (), key=lambda item: item.number):
            match = acl_match(entry) if entry.egress is egress else None
            if match is not None:
                rules.append(f"{match} {'accept' if entry.allow else refusal}".strip())
        rules.append(refusal)
        chains[f"acl_{safe(acl_id)}_{suffix}"] = NftChain(rules=tuple(rules))
    return chains


def _endpoint_chains(topology: Topology) -> tuple[dict[str, NftChain], set[str]]:
    """The chain that counts what enters each gateway endpoint, and the counters' names."""
    sources: dict[tuple[str, str], list[str]] = {}
    for subnet, endpoint_id, list_id in topology.endpoint_routes:
        sources.setdefault((endpoint_id, list_id), []).append(str(subnet.cidr))
    rules = tuple(
        f"ip saddr {{ {', '.join(cidrs)} }} ip daddr @{prefix_list_set(list_id)} counter name {safe(endpoint_id)}"
        for (endpoint_id, list_id), cidrs in sources.items()
    )
    return {"endpoint_count": NftChain(rules=rules)}, {endpoint_id for endpoint_id, _ in sources}
