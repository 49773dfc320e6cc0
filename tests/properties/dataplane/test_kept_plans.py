"""A plan that reuses what the plans before it made is the plan made from nothing."""

from __future__ import annotations

from dataclasses import fields, replace
from random import Random

import pytest
from tests.support.kernel_differential import EVERYTHING
from tests.support.topologies import random_topology

from casemate.dataplane.diff import diff
from casemate.dataplane.plan import NetworkPlan, Planner
from casemate.model.network import NetworkSnapshot, VpcSnapshot

PARTS = [item.name for item in fields(VpcSnapshot) if item.name not in {"vpc_id", "account", "cidrs"}]
"""What of a VPC can change in its life."""


def anew(snapshot: NetworkSnapshot) -> NetworkPlan:
    return Planner().plan(snapshot)


def contents(plan: NetworkPlan) -> dict[str, object]:
    return {name: group.objects for name, group in plan.groups.items()} | {"unplannable": plan.unplannable}


@pytest.mark.parametrize("seed", range(4))
def test_a_kept_plan_is_the_plan_made_from_nothing(seed: int) -> None:
    """One part of one VPC after the other becomes that of another random network, and goes back; and empty."""
    rng, planner = Random(seed), Planner()
    first = random_topology(rng, flows=1, features=EVERYTHING).snapshot
    other = random_topology(rng, flows=1, features=EVERYTHING).snapshot
    planner.plan(first)
    for part in PARTS:
        for vpc_id, vpc in first.vpcs.items():
            theirs = getattr(other.vpcs[vpc_id], part)
            for value in (theirs, {} if isinstance(theirs, dict) else theirs):
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
    first = random_topology(Random(7), flows=1, features=EVERYTHING).snapshot
    vpc_id, vpc = next((name, vpc) for name, vpc in first.vpcs.items() if len(vpc.interfaces) > 2)
    before = planner.plan(first).groups[vpc_id]
    tight = {name: replace(group, rules=group.rules[1:]) for name, group in vpc.groups.items()}
    after = planner.plan(replace(first, vpcs={**first.vpcs, vpc_id: replace(vpc, groups=tight)})).groups[
        vpc_id
    ]
    kept = {id(each) for each in before.parts}
    (rules,) = [each for each in after.parts if id(each) not in kept and each]
    assert list(rules) == [("ruleset", f"router/{vpc_id}")]
