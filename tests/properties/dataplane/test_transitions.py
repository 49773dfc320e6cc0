"""INVARIANT of `diff`: between two operations no packet gets through that neither plan lets through.

The router's state is simulated: its routes, and which rules (the old or the new ones) are in force. Then, after every
operation: silence; or the old way under the old rules; or the new way under the new ones.
"""

from __future__ import annotations

from ipaddress import IPv4Address
from random import Random

import pytest
from msgspec.structs import replace
from tests.support.kernel_differential import EVERYTHING
from tests.support.topologies import random_topology

from casemate.dataplane import operations as ops
from casemate.dataplane.diff import GroupChange, diff
from casemate.dataplane.plan import NetworkPlan, Planner
from casemate.dataplane.plan.objects import Group, Key, Route, RouteKind, part
from casemate.model.network import IPv4Network

Way = tuple[RouteKind, str | None, IPv4Address | None] | None
SILENT = (None, (RouteKind.BLACKHOLE, None, None))


class Router:
    """Routes and rules of one namespace, as the operations leave them."""

    def __init__(self, group: Group, namespace: str) -> None:
        self.namespace = namespace
        self.routes: dict[Key, Route] = {
            key: item
            for key, item in group.objects.items()
            if isinstance(item, Route) and item.namespace == namespace
        }
        self.new_rules = False

    def perform(self, step: ops.Operation) -> None:
        match step:
            case ops.Install(namespace=self.namespace, objects=objects):
                self.routes |= {item.key: item for item in objects if isinstance(item, Route)}
            case ops.Withdraw(namespace=self.namespace, objects=objects):
                for item in objects:
                    self.routes.pop(item.key, None)
            case ops.Rules(namespace=self.namespace):
                self.new_rules = True
            case _:
                pass

    def way(self, table: str, address: IPv4Address) -> Way:
        matching = [
            route for route in self.routes.values() if route.table == table and address in route.destination
        ]
        if not matching:
            return None
        best = max(matching, key=lambda route: route.destination.prefixlen)
        return (best.kind, best.device, best.via)


def probes(*groups: Group) -> set[tuple[str, IPv4Address]]:
    """(table, address): an address inside, and one just outside, of every destination of every table."""
    routes = [item for group in groups for item in group.objects.values() if isinstance(item, Route)]
    routes = [item for item in routes if item.namespace.startswith("router/")]
    tables = {item.table for item in routes}
    found: set[IPv4Address] = set()
    for route in routes:
        base = int(route.destination.network_address)
        size = route.destination.num_addresses
        found |= {IPv4Address(base + size // 2), IPv4Address((base + size) % 2**32)}
    return {(table, address) for table in tables for address in found}


def check(before: Group, after: Group, change: GroupChange) -> int:
    namespace = f"router/{after.name}"
    old, new, now = Router(before, namespace), Router(after, namespace), Router(before, namespace)
    rules_change = before.objects["ruleset", namespace] != after.objects["ruleset", namespace]
    places = [
        (table, address, old.way(table, address), new.way(table, address))
        for table, address in probes(before, after)
    ]
    for step in (*change.structure, *change.contents):
        now.perform(step)
        for table, address, was, will_be in places:
            way = now.way(table, address)
            if way in SILENT:
                continue
            allowed = {was, will_be} if not rules_change else {will_be if now.new_rules else was}
            assert way in allowed, f"{step}\n{table} {address}: {way}, not {allowed}"
    assert now.routes == new.routes
    return len(places)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_is_open_in_between(seed: int) -> None:
    rng, planner, checked = Random(seed), Planner(), 0
    snapshot = random_topology(rng, flows=1, features=EVERYTHING).snapshot
    plan = planner.plan(snapshot)
    for _ in range(6):
        other = random_topology(rng, flows=1, features=EVERYTHING).snapshot
        # The same subnets, interfaces and groups; other tables, rules and gateways.
        vpcs = {
            vpc_id: replace(
                vpc,
                route_tables=other.vpcs[vpc_id].route_tables,
                groups=rng.choice((vpc, other.vpcs[vpc_id])).groups,
                endpoints=other.vpcs[vpc_id].endpoints,
            )
            for vpc_id, vpc in snapshot.vpcs.items()
        }
        snapshot = replace(snapshot, vpcs=vpcs)
        desired = planner.plan(snapshot)
        for change in diff(plan, desired):
            if change.group in vpcs:
                checked += check(plan.groups[change.group], desired.groups[change.group], change)
        plan = desired
    assert checked > 100


def test_the_simulation_sees_a_wrong_order() -> None:
    """A diff that deleted a blackhole before it tightened the rules would be caught."""
    rng, planner = Random(1), Planner()
    snapshot = random_topology(rng, flows=1).snapshot
    vpc = snapshot.vpcs["vpc-a"]
    before = planner.plan(snapshot).groups["vpc-a"]
    tight = {group_id: replace(group, rules=()) for group_id, group in vpc.groups.items()}
    after = planner.plan(replace(snapshot, vpcs={"vpc-a": replace(vpc, groups=tight)})).groups["vpc-a"]
    hole = Route(
        namespace="router/vpc-a", table=next(iter(vpc.subnets)), destination=IPv4Network("8.8.8.8/32"), kind=RouteKind.BLACKHOLE
    )  # fmt: skip
    open_way = replace(hole, kind=RouteKind.UNICAST, device="igw0")
    before = Group.of("vpc-a", *before.parts, part([hole]))
    after = Group.of("vpc-a", *after.parts, part([open_way]))
    wrong = GroupChange(
        group="vpc-a",
        contents=(
            ops.Install(namespace="router/vpc-a", objects=(open_way,)),
            ops.Rules(namespace="router/vpc-a", text=""),
        ),
    )
    with pytest.raises(AssertionError, match=r"8\.8\.8\.8"):
        check(before, after, wrong)
    (right,) = diff(NetworkPlan(groups={"vpc-a": before}), NetworkPlan(groups={"vpc-a": after}))
    assert check(before, after, right) > 0
