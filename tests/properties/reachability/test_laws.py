"""Laws that hold in every network: checked on random ones, each from its own seed, so that a failure can be repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from random import Random
from typing import TypeVar

import pytest
from msgspec.structs import replace
from tests.support.topologies import Features, Topology, random_topology

from casemate.model.network import (
    ALL_PROTOCOLS,
    ICMP,
    TCP,
    UDP,
    NetworkSnapshot,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    TargetKind,
    VpcSnapshot,
)
from casemate.reachability.names import NameStatus, resolve
from casemate.reachability.verdict import (
    Flow,
    FromInterface,
    FromInternet,
    HopKind,
    Outcome,
    ReasonCode,
    Verdict,
)
from casemate.reachability.walk import reach

EVERYTHING = Features(peering=True, private_nat=True, public_targets=True, inbound=True)
SEEDS = range(40)
V = TypeVar("V")


def topology(seed: int, flows: int = 25) -> Topology:
    return random_topology(Random(seed), flows=flows, features=EVERYTHING)


def with_vpcs(snapshot: NetworkSnapshot, change: dict[str, VpcSnapshot]) -> NetworkSnapshot:
    return replace(snapshot, vpcs={**snapshot.vpcs, **change})


def open_rule(*, egress: bool) -> SecurityGroupRule:
    return SecurityGroupRule(
        rule_id="sgr-open", egress=egress, protocol=ALL_PROTOCOLS, peer=IPv4Network("0.0.0.0/0")
    )


def opened(snapshot: NetworkSnapshot) -> NetworkSnapshot:
    """Every security group with one more rule in both directions, which admits everything."""
    vpcs: dict[str, VpcSnapshot] = {}
    for vpc_id, vpc in snapshot.vpcs.items():
        groups: dict[str, SecurityGroup] = {
            group_id: replace(group, rules=(*group.rules, open_rule(egress=True), open_rule(egress=False)))
            for group_id, group in vpc.groups.items()
        }
        vpcs[vpc_id] = replace(vpc, groups=groups)
    return with_vpcs(snapshot, vpcs)


def test_random_networks_are_worth_trying() -> None:
    outcomes: Counter[Outcome] = Counter()
    reasons: set[ReasonCode | None] = set()
    for seed in SEEDS:
        made = topology(seed)
        for flow in made.flows:
            verdict = reach(made.snapshot, flow)
            outcomes[verdict.outcome] += 1
            reasons.add(verdict.reason)
    total = outcomes.total()
    assert 0.15 < outcomes[Outcome.REACHED] / total < 0.7, outcomes
    assert len(reasons) >= 12, reasons


def test_the_generator_repeats_itself() -> None:
    assert topology(3) == topology(3)
    assert topology(3) != topology(4)


@pytest.mark.parametrize("seed", SEEDS)
def test_more_security_group_rules_never_unreach(seed: int) -> None:
    made = topology(seed)
    wide = opened(made.snapshot)
    for flow in made.flows:
        before, after = reach(made.snapshot, flow), reach(wide, flow)
        if before.outcome is not Outcome.DROPPED:
            assert after.outcome is before.outcome, (flow, after)
        assert after.reason not in (ReasonCode.ENI_SG_RULES_MISMATCH, ReasonCode.SG_HAS_NO_RULES)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_more_rule_never_unreaches(seed: int) -> None:
    made = topology(seed)
    rng = Random(seed)
    vpc = rng.choice(list(made.snapshot.vpcs.values()))
    group = rng.choice(list(vpc.groups.values()))
    other = rng.choice([rule for g in vpc.groups.values() for rule in g.rules] or [open_rule(egress=True)])
    more = replace(group, rules=(other, *group.rules))
    changed = with_vpcs(
        made.snapshot, {vpc.vpc_id: replace(vpc, groups={**vpc.groups, group.group_id: more})}
    )
    for flow in made.flows:
        if reach(made.snapshot, flow).outcome is Outcome.REACHED:
            assert reach(changed, flow).outcome is Outcome.REACHED, flow


@pytest.mark.parametrize("seed", SEEDS)
def test_without_rules_nothing_leaves(seed: int) -> None:
    made = topology(seed)
    vpcs = {
        vpc_id: replace(vpc, groups={k: replace(group, rules=()) for k, group in vpc.groups.items()})
        for vpc_id, vpc in made.snapshot.vpcs.items()
    }
    closed = with_vpcs(made.snapshot, vpcs)
    resolvers = {vpc.resolver for vpc in closed.vpcs.values()}
    for flow in made.flows:
        if flow.destination not in resolvers:
            assert reach(closed, flow).outcome is Outcome.DROPPED


@pytest.mark.parametrize("seed", SEEDS)
def test_without_routes_only_the_vpc_is_reached(seed: int) -> None:
    """Removing the routes that carried a flow drops it; what stayed inside the VPC does not notice."""
    made = topology(seed)
    vpcs: dict[str, VpcSnapshot] = {}
    for vpc_id, vpc in made.snapshot.vpcs.items():
        tables: dict[str, RouteTable] = {
            table_id: replace(table, routes=tuple(r for r in table.routes if r.target is TargetKind.LOCAL))
            for table_id, table in vpc.route_tables.items()
        }
        vpcs[vpc_id] = replace(vpc, route_tables=tables)
    bare = with_vpcs(made.snapshot, vpcs)
    for flow in made.flows:
        if not isinstance(flow.source, FromInterface):
            continue
        before, after = reach(made.snapshot, flow), reach(bare, flow)
        home = next(v for v in made.snapshot.vpcs.values() if flow.source.interface_id in v.interfaces)
        if any(flow.destination in cidr for cidr in home.cidrs):
            assert (after.outcome, after.reason, after.explanation) == (
                before.outcome,
                before.reason,
                before.explanation,
            )
        else:
            assert after.outcome is Outcome.DROPPED
            if before.outcome is Outcome.REACHED:
                assert after.reason is ReasonCode.NO_ROUTE_TO_DESTINATION


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_maps_and_rules_does_not_matter(seed: int) -> None:
    made = topology(seed)
    rng = Random(seed)

    def shuffled(mapping: Mapping[str, V]) -> dict[str, V]:
        items = list(mapping.items())
        rng.shuffle(items)
        return dict(items)

    def reordered(vpc: VpcSnapshot) -> VpcSnapshot:
        tables = {
            table_id: replace(table, routes=tuple(rng.sample(table.routes, len(table.routes))))
            for table_id, table in vpc.route_tables.items()
        }
        return replace(
            vpc,
            subnets=shuffled(vpc.subnets),
            route_tables=shuffled(tables),
            acls=shuffled(vpc.acls),
            groups=shuffled(vpc.groups),
            interfaces=shuffled(vpc.interfaces),
            nat_gateways=shuffled(vpc.nat_gateways),
            endpoints=shuffled(vpc.endpoints),
        )

    other = replace(
        made.snapshot,
        vpcs=shuffled({vpc_id: reordered(vpc) for vpc_id, vpc in made.snapshot.vpcs.items()}),
        prefix_lists=shuffled(made.snapshot.prefix_lists),
        peerings=shuffled(made.snapshot.peerings),
    )
    for flow in made.flows:
        assert reach(other, flow) == reach(made.snapshot, flow)


@pytest.mark.parametrize("seed", SEEDS)
def test_verdicts_keep_their_promises(seed: int) -> None:
    made = topology(seed)
    for flow in made.flows:
        verdict = reach(made.snapshot, flow)
        assert verdict == reach(made.snapshot, flow)
        _promises(verdict)


def _promises(verdict: Verdict) -> None:
    reached = verdict.outcome is Outcome.REACHED
    assert (verdict.reason is None) == reached
    assert bool(verdict.explanation) is bool(verdict.remedy) is (not reached)
    assert "\n" not in verdict.explanation
    stops = [hop for hop in verdict.hops if not hop.passed]
    assert not (reached and stops)
    if verdict.outcome is not Outcome.DROPPED or any(hop.returning for hop in verdict.hops):
        assert verdict.source_seen is not None
    if verdict.via_endpoint is not None:
        kinds = {hop.kind for hop in verdict.hops if hop.component == verdict.via_endpoint}
        assert kinds & {HopKind.GATEWAY_ENDPOINT, HopKind.INTERFACE_ENDPOINT}


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_networks_get_a_verdict(seed: int) -> None:
    """Total: parts of the snapshot are torn out at random, and every flow still gets its verdict."""
    rng = Random(seed)
    made = topology(seed)

    def torn(mapping: Mapping[str, V]) -> dict[str, V]:
        return {key: value for key, value in mapping.items() if rng.random() < 0.6}

    vpcs = {
        vpc_id: replace(
            vpc,
            internet_gateway_id=rng.choice([None, vpc.internet_gateway_id]),
            subnets=torn(vpc.subnets),
            route_tables=torn(vpc.route_tables),
            acls=torn(vpc.acls),
            groups=torn(vpc.groups),
            interfaces=torn(vpc.interfaces),
            nat_gateways=torn(vpc.nat_gateways),
            endpoints=torn(vpc.endpoints),
            cidrs=rng.choice([(), vpc.cidrs, (IPv4Network("10.0.0.0/32"),)]),
        )
        for vpc_id, vpc in torn(made.snapshot.vpcs).items()
    }
    broken = NetworkSnapshot(
        generation=2,
        vpcs=vpcs,
        prefix_lists=torn(made.snapshot.prefix_lists),
        peerings=torn(made.snapshot.peerings),
    )
    sources = [flow.source for flow in made.flows]
    flows = [
        *made.flows,
        *(
            Flow(
                source=rng.choice([*sources, FromInternet(address=IPv4Address(rng.getrandbits(32)))]),
                destination=IPv4Address(rng.getrandbits(32)),
                protocol=rng.choice([TCP, UDP, ICMP, 47]),
                port=rng.randrange(65536),
            )
            for _ in range(10)
        ),
    ]
    for flow in flows:
        _promises(reach(broken, flow))
    for name in ("dynamodb.us-east-2.amazonaws.com", "ip-10-0-1-5.us-east-2.compute.internal", "x.example"):
        for vpc_id in (None, "vpc-a"):
            answer = resolve(broken, vpc_id, name)
            assert bool(answer.addresses) is (answer.status is NameStatus.NOERROR)


@pytest.mark.parametrize("seed", range(200))
def test_any_text_may_be_asked_of_dns(seed: int) -> None:
    rng = Random(seed)
    snapshot = topology(seed % 7, flows=1).snapshot
    pieces = [
        "vpce-akms", ".", "..", "amazonaws.com", ".vpce.amazonaws.com", "us-east-2", "s3", "ddb", "-fips", "dynamodb",
        "é", " ", "\x00", "api.aws", "xn--", "*", "ip-300-1-1-1", ".us-east-2.compute.internal", "compute-1",
    ]  # fmt: skip
    name = "".join(rng.choice(pieces) for _ in range(rng.randint(0, 8)))
    answer = resolve(snapshot, rng.choice([None, "vpc-a", "vpc-b"]), name)
    assert bool(answer.addresses) is (answer.status is NameStatus.NOERROR)
