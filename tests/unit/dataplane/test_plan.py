"""The plan: which kernel objects a snapshot means."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from msgspec.structs import replace
from tests.support.vpc_builder import ALL_OUT, DYNAMODB, VpcBuilder, entry, network, rule

from casemate.dataplane.plan import NetworkPlan, Planner
from casemate.dataplane.plan.matches import acl_match, security_group_match
from casemate.dataplane.plan.objects import Group, Link, Listener, Namespace, Route, RouteKind, RoutingRule
from casemate.dataplane.plan.ruleset import Ruleset
from casemate.model.network import (
    ICMP,
    IcmpType,
    InterfaceKind,
    IPv6Network,
    PeeringConnection,
    SecurityGroupRule,
)

PL = DYNAMODB.prefix_list_id


def small(vpc_id: str = "vpc-1", cidr: str = "10.0.0.0/16") -> VpcBuilder:
    vpc = VpcBuilder(vpc_id, cidr, igw=True).table(f"rtb-{vpc_id}", ("0.0.0.0/0", "igw"))
    vpc.subnet(f"subnet-{vpc_id}", str(next(IPv4Network(cidr).subnets(new_prefix=24))), f"rtb-{vpc_id}")
    vpc.group("sg-all", *ALL_OUT)
    return vpc.interface(f"eni-{vpc_id}", f"subnet-{vpc_id}", str(IPv4Network(cidr)[10]), "sg-all")


def plan(*vpcs: VpcBuilder, **more) -> NetworkPlan:
    return Planner().plan(network(*vpcs, **more))


def routes(group: Group, table: str) -> dict[str, Route]:
    found = [item for item in group.objects.values() if isinstance(item, Route) and item.table == table]
    return {str(item.destination): item for item in found if item.namespace.startswith("router/")}


def ruleset(group: Group, namespace: str = "router/vpc-1") -> Ruleset:
    found = group.objects["ruleset", namespace]
    assert isinstance(found, Ruleset)
    return found


def names(group: Group, kind: type) -> set[str]:
    return {item.name for item in group.objects.values() if isinstance(item, kind)}


def test_an_unchanged_vpc_keeps_its_group_object() -> None:
    planner, one, two = Planner(), small().build(), small("vpc-2").build()
    first = planner.plan(network(one, two))
    second = planner.plan(network(one, small("vpc-2").group("sg-new").build(), generation=2))
    assert second.groups["vpc-1"] is first.groups["vpc-1"]
    assert second.groups["internet"] is first.groups["internet"]
    assert second.groups["vpc-2"] is not first.groups["vpc-2"]


def test_a_vpc_without_workloads_has_no_objects() -> None:
    vpc = (
        small()
        .nat("nat-1", "subnet-vpc-1", "10.0.0.5", "18.160.0.1")
        .interface_endpoint("vpce-1", "subnet-vpc-1", "10.0.0.6")
    )
    del vpc.interfaces["eni-vpc-1"]
    assert set(plan(vpc).groups) == {"internet"}


def test_a_vpc_is_a_router_a_service_namespace_and_one_namespace_for_each_interface() -> None:
    vpc = (
        small()
        .nat("nat-1", "subnet-vpc-1", "10.0.0.5", "18.160.0.1")
        .interface_endpoint("vpce-1", "subnet-vpc-1", "10.0.0.6")
    )
    group = plan(vpc).groups["vpc-1"]
    assert names(group, Namespace) == {"router/vpc-1", "svc/vpc-1", "eni/eni-vpc-1", "eni/eni-nat-1"}
    assert len([item for item in group.objects.values() if isinstance(item, Link)]) == 4, (
        "svc, igw, interface, NAT"
    )


def test_listeners_follow_dns_support() -> None:
    assert {(i.protocol, str(i.address), i.port) for i in plan(small()).groups["vpc-1"].objects.values() if isinstance(i, Listener)} == {
        ("tcp", "0.0.0.0", 443), ("tcp", "0.0.0.0", 80),
        ("udp", "10.0.0.2", 53), ("tcp", "10.0.0.2", 53), ("udp", "169.254.169.253", 53), ("tcp", "169.254.169.253", 53),
    }  # fmt: skip
    silent = small()
    silent.vpc = replace(silent.vpc, dns_support=False)
    assert len(names(plan(silent).groups["vpc-1"], Listener)) == 2
    assert "10.0.0.2/32" not in routes(plan(silent).groups["vpc-1"], "main")


def test_each_subnet_has_its_tables_routes() -> None:
    vpc = small().table(
        "rtb-vpc-1", ("0.0.0.0/0", "igw"), ("10.9.0.0/16", "nat-none"), ("52.94.4.0/24", "igw")
    )
    vpc.gateway_endpoint("vpce-1", "rtb-vpc-1")
    table = routes(plan(vpc).groups["vpc-1"], "subnet-vpc-1")
    assert table["0.0.0.0/0"].device == "igw0"
    assert table["10.0.0.0/16"].kind is RouteKind.THROW
    assert table["10.9.0.0/16"].kind is RouteKind.BLACKHOLE, "its NAT gateway does not exist"
    assert table["52.94.4.0/24"].device == "igw0", "a static route beats the prefix list's of the same length"
    assert table["35.71.102.0/24"].endpoint == "vpce-1"
    assert table["35.71.102.0/24"].sources == IPv4Network("10.0.0.0/24")


def test_what_a_route_cannot_use_is_a_blackhole() -> None:
    vpc = small().function("eni-f", "subnet-vpc-1", "10.0.0.20", "sg-all")
    vpc.table(
        "rtb-vpc-1",
        ("0.0.0.0/0", "igw"),
        ("1.0.0.0/8", "eni-f"),
        ("2.0.0.0/8", "pcx-gone"),
        ("3.0.0.0/8", "vpce-gone"),
    )
    detached = replace(vpc.build(), internet_gateway_id=None)
    table = routes(Planner().plan(network(detached)).groups["vpc-1"], "subnet-vpc-1")
    for destination in ("0.0.0.0/0", "1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/8"):
        assert table[destination].kind is RouteKind.BLACKHOLE, destination


def test_interfaces_with_the_same_groups_share_their_chains() -> None:
    vpc = small()
    for number in range(20, 60):
        vpc.interface(f"eni-{number}", "subnet-vpc-1", f"10.0.0.{number}", "sg-all")
    one, many = ruleset(plan(small()).groups["vpc-1"]), ruleset(plan(vpc).groups["vpc-1"])
    assert set(one.chains) == set(many.chains)
    assert len(many.sets["sg_out"].elements) == 41


def test_members_of_a_named_group_are_its_interfaces_here_and_in_peered_vpcs() -> None:
    here = small().group("sg-all", rule("in", "sg-far", "443"), rule("in", "sg-all"), *ALL_OUT)
    here.interface("eni-x", "subnet-vpc-1", "10.0.0.20", "sg-all", secondary=("10.0.0.21",))
    there = (
        small("vpc-2", "10.1.0.0/16")
        .group("sg-far")
        .interface("eni-far", "subnet-vpc-2", "10.1.0.30", "sg-far")
    )
    peering = PeeringConnection(peering_id="pcx-1", requester_vpc="vpc-1", accepter_vpc="vpc-2", active=True)
    sets = ruleset(plan(here, there, peerings=(peering,)).groups["vpc-1"]).sets
    assert set(sets["members_sg-all"].elements) >= {"10.0.0.10", "10.0.0.20", "10.0.0.21"}
    assert set(sets["members_sg-far"].elements) == {"10.1.0.30"}
    alone = ruleset(plan(here, there, peerings=(replace(peering, active=False),)).groups["vpc-1"]).sets
    assert not alone["members_sg-far"].elements


def test_a_lambda_interface_never_has_a_public_address() -> None:
    vpc = small().interface(
        "eni-f", "subnet-vpc-1", "10.0.0.20", "sg-all", kind=InterfaceKind.LAMBDA, public="18.160.0.9"
    )
    assert not ruleset(plan(vpc).groups["vpc-1"]).sets["public_of"].elements


def test_an_unavailable_nat_gateway_has_no_namespace() -> None:
    vpc = small().nat("nat-1", "subnet-vpc-1", "10.0.0.5", "18.160.0.1")
    vpc.nats["nat-1"] = replace(vpc.nats["nat-1"], available=False)
    vpc.table("rtb-vpc-1", ("0.0.0.0/0", "nat-1"))
    group = plan(vpc).groups["vpc-1"]
    assert "eni/eni-nat-1" not in names(group, Namespace)
    assert routes(group, "subnet-vpc-1")["0.0.0.0/0"].kind is RouteKind.BLACKHOLE


def test_what_forwards_is_routed_by_its_own_subnet_whatever_the_source() -> None:
    group = plan(small().nat("nat-1", "subnet-vpc-1", "10.0.0.5", "18.160.0.1")).groups["vpc-1"]
    rules = sorted(
        (item.priority, item.table)
        for item in group.objects.values()
        if isinstance(item, RoutingRule) and item.device
    )
    assert rules == [(900, "subnet-vpc-1"), (901, "main")]


@pytest.mark.parametrize("hostile", ["eni-1; flush ruleset", 'a" drop', "", "sg\nx", "1abc"])
def test_an_id_that_is_none_never_reaches_nft(hostile: str) -> None:
    vpc = small()
    vpc.interfaces = {
        hostile: replace(vpc.interfaces["eni-vpc-1"], interface_id=hostile, groups=("sg-all", hostile))
    }
    found = plan(vpc, small("vpc-2"))
    assert set(found.unplannable) == {"vpc-1"}
    assert "vpc-2" in found.groups


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (rule("out", "0.0.0.0/0"), ""),
        (rule("out", "10.0.0.0/8", "443"), "ip daddr 10.0.0.0/8 tcp dport 443"),
        (rule("in", "10.0.0.0/8", "80-90", 17), "ip saddr 10.0.0.0/8 udp dport 80-90"),
        (rule("in", "sg-x", "0-65535"), "ip saddr @members_sg-x meta l4proto tcp"),
        (rule("out", PL, "443"), f"ip daddr @list_{PL} tcp dport 443"),
        (rule("in", "0.0.0.0/0", "0", ICMP), "meta l4proto 1"),
        (replace(rule("in", "0.0.0.0/0", "0", ICMP), icmp=IcmpType(type=8)), "icmp type 8"),
        (
            replace(rule("in", "0.0.0.0/0", "0", ICMP), icmp=IcmpType(type=3, code=4)),
            "icmp type 3 icmp code 4",
        ),
        (rule("in", "0.0.0.0/0", "0", 47), "meta l4proto 47"),
        (replace(rule("in", "0.0.0.0/0"), peer=IPv6Network("::/0")), None),
    ],
)
def test_security_group_rules_in_nft(given: SecurityGroupRule, expected: str | None) -> None:
    assert security_group_match(given) == expected


def test_acl_entries_keep_their_order_and_end_in_a_denial() -> None:
    vpc = small().acl("acl-open", entry(200, "out", "allow"), entry(100, "out", "deny", "1.2.3.0/24", "443"))
    chains = ruleset(plan(vpc).groups["vpc-1"]).chains
    assert chains["acl_acl-open_out"].rules == (
        "ip daddr 1.2.3.0/24 tcp dport 443 counter name acl-egress-drops goto stopped_out",
        "accept",
        "counter name acl-egress-drops goto stopped_out",
        "counter name acl-egress-drops goto stopped_out",
    )
    assert chains["acl_acl-open_in"].rules[-1].endswith("goto refused_in")
    assert chains["refused_in"].rules == ("drop",)
    assert (
        acl_match(entry(1, "in", "allow", "10.0.0.0/8", "1024-65535"))
        == "ip saddr 10.0.0.0/8 tcp dport 1024-65535"
    )


def test_every_stage_is_a_base_chain_of_its_own() -> None:
    hooks = {
        name: chain.hook
        for name, chain in ruleset(plan(small()).groups["vpc-1"]).chains.items()
        if "filter" in chain.hook
    }
    assert {name: hook.split("hook ")[1].rstrip(";") for name, hook in hooks.items()} == {
        "arrival": "prerouting priority -160", "sg_egress": "prerouting priority -150", "tracking": "forward priority -1", "acl_egress": "forward priority 0",
        "acl_ingress": "forward priority 1", "sg_ingress": "forward priority 2", "departure": "forward priority 3",
    }  # fmt: skip
    for name in ("acl_egress", "acl_ingress"):
        assert not any("ct " in text for text in ruleset(plan(small()).groups["vpc-1"]).chains[name].rules), (
            "stateless"
        )


def test_private_ranges_are_unknown_on_the_internet() -> None:
    internet = plan().groups["internet"]
    for cidr in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"):
        found = internet.objects["route", "internet", "local", IPv4Network(cidr)]
        assert isinstance(found, Route)
        assert found.kind is RouteKind.BLACKHOLE
    resolver = internet.objects["route", "internet", "local", IPv4Network(IPv4Address("169.254.169.253"))]
    assert isinstance(resolver, Route)
    assert resolver.kind is RouteKind.LOCAL
