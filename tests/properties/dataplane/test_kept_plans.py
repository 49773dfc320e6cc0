"""A plan that reuses what the plans before it made is the plan made from nothing."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.kernel_differential import DUAL_STACK
from tests.support.topologies import random_topology

from casemate.dataplane.diff import diff
from casemate.dataplane.plan import NetworkPlan, Planner
from casemate.model.faults import Fault, FaultKind
from casemate.model.network import NetworkSnapshot, VpcSnapshot

PARTS = [name for name in VpcSnapshot.__struct_fields__ if name not in {"vpc_id", "account"}]
"""What of a VPC can change in its life."""
FURTHER, FURTHER_6 = IPv4Network("10.77.0.0/16"), IPv6Network("2600:1f00:77:100::/56")
"""Blocks that a VPC gets besides those it has; its first of IPv4 stays with it."""


def anew(snapshot: NetworkSnapshot) -> NetworkPlan:
    return Planner().plan(snapshot)


def contents(plan: NetworkPlan) -> dict[str, object]:
    return {name: group.objects for name, group in plan.groups.items()} | {"unplannable": plan.unplannable}


def random_network(rng: Random) -> NetworkSnapshot:
    """With IPv6, peering, faults and endpoints; in each VPC two NAT gateways, a slow subnet, and a flow log."""
    snapshot = random_topology(rng, flows=1, features=DUAL_STACK).snapshot
    return replace(snapshot, vpcs={name: _furnished(rng, vpc) for name, vpc in snapshot.vpcs.items()})


def _furnished(rng: Random, vpc: VpcSnapshot) -> VpcSnapshot:
    (gateway,) = vpc.nat_gateways.values()
    interface = vpc.interfaces[gateway.interface_id]
    address = interface.address + 100
    beside = replace(interface, interface_id=f"{interface.interface_id}-two", address=address, public=None)
    second = replace(
        gateway,
        nat_gateway_id=f"{gateway.nat_gateway_id}-two",
        interface_id=beside.interface_id,
        private=address,
        public=None,
    )
    slow = Fault(
        fault_id="fault-slow",
        kind=FaultKind.LATENCY,
        target=rng.choice(sorted(vpc.subnets)),
        milliseconds=rng.randint(1, 9),
    )
    return replace(
        vpc,
        interfaces={**vpc.interfaces, beside.interface_id: beside},
        nat_gateways={**vpc.nat_gateways, second.nat_gateway_id: second},
        faults=(*vpc.faults, slow),
        logged_interfaces=tuple(
            sorted(rng.sample(sorted(vpc.interfaces), rng.randint(0, len(vpc.interfaces))))
        ),
    )


def _others(mine: Any, theirs: Any) -> Iterator[Any]:
    """What a part of a VPC may become: another network's; and its opposite, or, where it has members, none, each the
    next one, one missing, one another network's.
    """
    if isinstance(mine, dict):
        # First, out of what it was: the same members by other names.
        values = list(mine.values())
        yield dict(zip(mine, [*values[1:], *values[:1]], strict=True))
    yield theirs
    if isinstance(mine, dict):
        yield {}
        for key, value in list(mine.items())[:1]:
            yield {name: each for name, each in mine.items() if name != key}
            if key in theirs and theirs[key] != value:
                yield {**mine, key: theirs[key]}
    elif isinstance(mine, bool):
        yield not mine
    elif isinstance(mine, tuple) and FURTHER not in theirs:
        yield ()


@pytest.mark.parametrize("seed", range(2))
def test_a_kept_plan_is_the_plan_made_from_nothing(seed: int) -> None:
    """One part of one VPC after the other, and one member of it, becomes that of another random network."""
    rng, planner = Random(seed), Planner()
    first, other = random_network(rng), random_network(rng)
    planner.plan(first)
    for part in PARTS:
        for vpc_id, vpc in first.vpcs.items():
            theirs = getattr(other.vpcs[vpc_id], part)
            if part == "cidrs":
                theirs = (*vpc.cidrs, FURTHER)
            elif part == "ipv6_cidrs":
                theirs = (*vpc.ipv6_cidrs, FURTHER_6)
            elif part == "internet_gateway_id" and vpc.internet_gateway_id == theirs:
                theirs = None
            for value in _others(getattr(vpc, part), theirs):
                snapshot = replace(first, vpcs={**first.vpcs, vpc_id: replace(vpc, **{part: value})})
                assert contents(planner.plan(snapshot)) == contents(anew(snapshot)), f"{part} of {vpc_id}"
    for changed in (
        replace(first, peerings=other.peerings),
        replace(first, prefix_lists={}),
        other,
        first,
    ):
        assert contents(planner.plan(changed)) == contents(anew(changed))
    assert not diff(anew(first), anew(first)), "equal plans made apart differ in nothing"


def test_what_does_not_change_is_the_same_object() -> None:
    planner = Planner()
    first = random_topology(Random(7), flows=1, features=DUAL_STACK).snapshot
    vpc_id, vpc = next((name, vpc) for name, vpc in first.vpcs.items() if len(vpc.interfaces) > 2)
    before = planner.plan(first).groups[vpc_id]
    tight = {name: replace(group, rules=group.rules[1:]) for name, group in vpc.groups.items()}
    after = planner.plan(replace(first, vpcs={**first.vpcs, vpc_id: replace(vpc, groups=tight)})).groups[
        vpc_id
    ]
    kept = {id(each) for each in before.parts}
    made = [list(each) for each in after.parts if id(each) not in kept and each]
    assert made == [[("ruleset", f"router/{vpc_id}")], [("ruleset", f"router/{vpc_id}", "ip6")]]
