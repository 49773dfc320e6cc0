"""The diff: the fewest operations, in an order that never opens what neither plan opens."""

from __future__ import annotations

from msgspec.structs import replace
from tests.support.vpc_builder import ALL_OUT, VpcBuilder, network, rule

from casemate.dataplane import operations as ops
from casemate.dataplane.diff import GroupChange, diff
from casemate.dataplane.plan import Planner
from casemate.dataplane.plan.objects import Neighbour, Route, RouteKind
from casemate.dataplane.plan.ruleset import (
    NftChain,
    NftSet,
    Ruleset,
    amendment,
    creation,
    guard_chain,
    transactions,
)
from casemate.model.network import NetworkSnapshot, PeeringConnection


def base() -> VpcBuilder:
    vpc = VpcBuilder(igw=True).table("rtb-1", ("0.0.0.0/0", "igw")).subnet("subnet-1", "10.0.1.0/24", "rtb-1")
    return vpc.group("sg-1", *ALL_OUT).interface("eni-1", "subnet-1", "10.0.1.10", "sg-1")


def change(
    before: VpcBuilder | NetworkSnapshot, after: VpcBuilder | NetworkSnapshot
) -> tuple[GroupChange, ...]:
    planner = Planner()
    states = [item if isinstance(item, NetworkSnapshot) else network(item) for item in (before, after)]
    return diff(planner.plan(states[0]), planner.plan(states[1]))


def operations(before: VpcBuilder, after: VpcBuilder) -> list[ops.Operation]:
    changes = change(before, after)
    return [step for part in ("structure", "contents") for item in changes for step in getattr(item, part)]


def test_no_change_is_no_operation() -> None:
    assert operations(base(), base()) == []


def test_a_changed_rule_is_one_chain_written_anew() -> None:
    (step,) = operations(base(), base().group("sg-1", rule("out", "10.0.0.0/8", "443")))
    assert step == ops.Rules(
        namespace="router/vpc-1",
        text="flush chain ip casemate group_sg-1_out\n"
        "add rule ip casemate group_sg-1_out ip daddr 10.0.0.0/8 tcp dport 443 accept\n",
    )


def test_a_new_interface_is_one_namespace_and_a_few_elements() -> None:
    steps = operations(base(), base().interface("eni-2", "subnet-1", "10.0.1.11", "sg-1"))
    assert [
        item.name for step in steps if isinstance(step, ops.CreateNamespaces) for item in step.namespaces
    ] == ["eni/eni-2"]
    (rules,) = [step for step in steps if isinstance(step, ops.Rules)]
    verbs = [line.split()[:2] for line in rules.text.splitlines()]
    assert verbs.count(["add", "element"]) == 6, "its address, its subnet, and its place in four maps"
    assert ["add", "chain"] not in verbs


def test_attaching_an_interface_makes_nothing_anew() -> None:
    """Else the machines of the VPC would be left in namespaces that no longer lead anywhere."""
    loose = network(base().interface("eni-2", "subnet-1", "10.0.1.11", "sg-1"))
    vpc = loose.vpcs["vpc-1"]
    attached = replace(vpc.interfaces["eni-2"], host="eni-1", device_index=1)
    after = replace(loose, vpcs={"vpc-1": replace(vpc, interfaces={**vpc.interfaces, "eni-2": attached})})
    (made,) = change(loose, after)
    steps = [*made.structure, *made.contents]
    (gone,) = [step.names for step in steps if isinstance(step, ops.DeleteNamespaces)]
    assert gone == ("eni/eni-2",)
    (link,) = [link for step in steps if isinstance(step, ops.CreateLinks) for link in step.links]
    assert (link.far.namespace, link.far.device) == ("eni/eni-1", "eth1")


def test_a_removed_interface_loses_its_elements_before_its_link() -> None:
    steps = operations(base().interface("eni-2", "subnet-1", "10.0.1.11", "sg-1"), base())
    kinds = [type(step) for step in steps]
    assert kinds.index(ops.Rules) < kinds.index(ops.DeleteLinks) < kinds.index(ops.DeleteNamespaces)
    (gone,) = [step for step in steps if isinstance(step, ops.DeleteNamespaces)]
    assert gone.names == ("eni/eni-2",)


def test_a_single_route_is_replaced_in_place() -> None:
    with_nat = base().nat("nat-1", "subnet-1", "10.0.1.5", "18.160.0.1")
    after = base().nat("nat-1", "subnet-1", "10.0.1.5", "18.160.0.1").table("rtb-1", ("0.0.0.0/0", "nat-1"))
    (step,) = operations(with_nat, after)
    assert isinstance(step, ops.Install)
    assert [(str(item.destination), item.kind) for item in step.objects] == [("0.0.0.0/0", RouteKind.UNICAST)]


def test_routes_that_change_beside_rules_are_silent_meanwhile() -> None:
    tight = base().table("rtb-1", ("0.0.0.0/0", "igw"), ("8.8.8.8/32", "nat-gone"))
    steps = operations(tight, base().group("sg-1", rule("out", "10.0.0.0/8")))
    first, rules, last = steps
    assert isinstance(first, ops.Install)
    assert [(str(item.destination), item.kind) for item in first.objects] == [
        ("8.8.8.8/32", RouteKind.BLACKHOLE)
    ]
    assert isinstance(rules, ops.Rules)
    assert isinstance(last, ops.Withdraw)


def test_an_endpoint_that_comes_or_goes_cuts_its_flows() -> None:
    with_endpoint = base().gateway_endpoint("vpce-1", "rtb-1")
    for before, after in ((base(), with_endpoint), (with_endpoint, base())):
        (cut,) = [step for step in operations(before, after) if isinstance(step, ops.CutFlows)]
        assert list(map(str, cut.sources)) == ["10.0.1.0/24"]
        assert sorted(map(str, cut.destinations)) == ["35.71.102.0/24", "52.94.4.0/24"]
    assert not [
        step for step in operations(VpcBuilder("vpc-9"), with_endpoint) if isinstance(step, ops.CutFlows)
    ]


def test_a_vpc_that_goes_closes_its_listeners_first() -> None:
    (gone,) = change(network(base()), network())
    assert [type(step) for step in gone.contents] == [
        ops.CloseListeners,
        ops.DeleteLinks,
        ops.DeleteNamespaces,
    ]


def test_what_is_joined_by_peering_is_made_anew_together() -> None:
    other = VpcBuilder("vpc-2", "10.1.0.0/16").table("rtb-2").subnet("subnet-2", "10.1.1.0/24", "rtb-2")
    other.group("sg-2").interface("eni-2", "subnet-2", "10.1.1.10", "sg-2")
    lone = VpcBuilder("vpc-3").table("rtb-3").subnet("subnet-3", "10.0.1.0/24", "rtb-3").group("sg-3")
    lone.interface("eni-3", "subnet-3", "10.0.1.10", "sg-3")
    peering = (
        PeeringConnection(peering_id="pcx-1", requester_vpc="vpc-1", accepter_vpc="vpc-2", active=True),
    )
    before = network(base(), other, lone, peerings=peering)
    moved = base().function("eni-1", "subnet-1", "10.0.1.10", "sg-1")
    changes = change(before, network(moved, before.vpcs["vpc-2"], before.vpcs["vpc-3"], peerings=peering))
    assert {item.group for item in changes} == {"vpc-1", "vpc-2", "pcx-1"}


def ruleset(sets: dict[str, NftSet], chains: dict[str, NftChain]) -> Ruleset:
    return Ruleset(namespace="n", sets=sets, chains=chains)


def test_an_amendment_removes_users_before_what_they_use() -> None:
    old = ruleset(
        {
            "m": NftSet(
                declaration="type ifname : verdict;", elements={'"a"': "goto gone", '"b"': "goto kept"}
            )
        },
        {"gone": NftChain(rules=("ip saddr @s drop",)), "kept": NftChain(rules=())},
    )
    old = replace(
        old, sets={**old.sets, "s": NftSet(declaration="type ipv4_addr;", elements={"1.1.1.1": None})}
    )
    new = ruleset(
        {"m": NftSet(declaration="type ifname : verdict;", elements={'"b"': "goto kept"})},
        {"kept": NftChain(rules=())},
    )
    assert amendment(old, new).splitlines() == [
        "flush chain ip casemate gone",
        'delete element ip casemate m { "a" }',
        "flush set ip casemate s",
        "delete chain ip casemate gone",
        "delete set ip casemate s",
    ]


def test_an_interval_set_is_written_anew_and_a_map_entry_replaced() -> None:
    lists = [
        NftSet(declaration="type ipv4_addr; flags interval;", elements={cidr: None})
        for cidr in ("10.0.0.0/8", "10.0.0.0/9")
    ]
    maps = [
        NftSet(declaration="type ifname : verdict;", elements={'"a"': f"goto {chain}"})
        for chain in ("x", "y")
    ]
    chains = {"x": NftChain(rules=()), "y": NftChain(rules=())}
    text = amendment(
        ruleset({"p": lists[0], "m": maps[0]}, chains), ruleset({"p": lists[1], "m": maps[1]}, chains)
    )
    assert text.splitlines() == [
        "flush set ip casemate p",
        "add element ip casemate p { 10.0.0.0/9 }",
        'delete element ip casemate m { "a" }',
        'add element ip casemate m { "a" : goto y }',
    ]
    assert creation(ruleset({}, {})) == "add table ip casemate\n"


def test_a_change_too_large_for_one_transaction_is_made_behind_a_closed_door() -> None:
    door = NftChain(hook="type filter hook prerouting priority -160;", rules=("ct state invalid drop",))
    old = ruleset({"s": NftSet(declaration="type ipv4_addr;", elements={})}, {"arrival": door})
    many = {f"10.{number // 250}.{number % 250}.1": None for number in range(3000)}
    new = ruleset({"s": NftSet(declaration="type ipv4_addr;", elements=many)}, {"arrival": door})
    first, *parts, last = transactions(amendment(old, new), guard=guard_chain(old, new))
    assert first == "insert rule ip casemate arrival drop\n"
    assert last == "flush chain ip casemate arrival\nadd rule ip casemate arrival ct state invalid drop\n"
    assert len(parts) > 1
    assert all(len(part) <= 16384 for part in parts)
    assert "".join(parts) == amendment(old, new)
    assert transactions("add x\n", guard=guard_chain(old, new)) == ("add x\n",)
    assert transactions("", guard=None) == ()


def test_a_machine_s_second_interface_gives_its_place_to_another() -> None:
    """Both are `eth1` there; a device of that name cannot be made while there is one."""

    def machine(second: str, address: str) -> NetworkSnapshot:
        vpc = base().interface(second, "subnet-1", address, "sg-1").build()
        attached = replace(vpc.interfaces[second], host="eni-1", device_index=1)
        return network(replace(vpc, interfaces={**vpc.interfaces, second: attached}))

    (found,) = change(machine("eni-2", "10.0.1.20"), machine("eni-3", "10.0.1.30"))
    kinds = [type(step) for step in found.structure]
    assert kinds.index(ops.DeleteLinks) < kinds.index(ops.CreateLinks)
    holes, gone = found.structure[0], found.structure[1]
    assert isinstance(holes, ops.Install)
    assert [(str(each.destination), each.kind) for each in holes.objects if isinstance(each, Route)] == [
        ("10.0.1.20/32", RouteKind.BLACKHOLE)
    ]
    assert isinstance(gone, ops.DeleteLinks)
    assert [link.far.device for link in gone.links] == ["eth1"]
    assert not [step for step in found.contents if isinstance(step, ops.DeleteLinks)], "the new one stays"
    again = [each for step in found.structure[2:] if isinstance(step, ops.Install) for each in step.objects]
    assert [str(each.address) for each in again if isinstance(each, Neighbour) and each.device == "eth1"] == [
        "10.0.1.1"
    ], "the way to the router went with the old device, though it is the same for the new one"
    left = [each for step in found.contents if isinstance(step, ops.Withdraw) for each in step.objects]
    assert [
        (str(each.destination), each.kind)
        for each in left
        if isinstance(each, Route) and each.table == "main"
    ] == [("10.0.1.20/32", RouteKind.BLACKHOLE)], "the hole in its place goes too"


def test_the_closed_door_was_there_before_and_stays_what_it_was() -> None:
    """Flow logs that are newly on bring base chains, in front of all others, with rules of their own."""
    many = base()
    for number in range(200):
        many.interface(f"eni-x{number}", "subnet-1", f"10.0.1.{number + 20}", "sg-1")
    logged = replace(many.build(), logged_interfaces=tuple(sorted(many.build().interfaces)))
    (found,) = change(base(), network(logged))
    texts = [step.text for step in found.contents if isinstance(step, ops.Rules)]
    assert len(texts) > 3
    assert texts[0] == "insert rule ip casemate arrival drop\n"
    assert any("add chain ip casemate sent" in text for text in texts)
    assert not [line for text in texts[1:-1] for line in text.splitlines() if " arrival" in line]
