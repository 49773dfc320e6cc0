"""What the routers count of flows, for flow logs. Source: VPC User Guide, "Flow log records" and "... limitations"."""

from __future__ import annotations

import os

import pytest
from msgspec.structs import replace
from tests.support.kernel_network import KernelNetwork
from tests.support.networks import build
from tests.support.vpc_builder import ALL_OUT, DYNAMODB_ADDRESS, OPEN_ACL, VpcBuilder, entry, network

from casemate.dataplane.kernel import messages
from casemate.model.flows import FlowCount
from casemate.model.network import ICMP, ICMPV6, TCP, NetworkSnapshot, SecurityGroupRule

pytestmark = pytest.mark.kernel

SERVICE = str(DYNAMODB_ADDRESS)


def logged(snapshot: NetworkSnapshot, *interfaces: str) -> NetworkSnapshot:
    vpc = replace(snapshot.vpcs["vpc-1"], logged_interfaces=tuple(sorted(interfaces)))
    return replace(snapshot, vpcs={**snapshot.vpcs, "vpc-1": vpc})


def one_subnet(*egress: SecurityGroupRule) -> VpcBuilder:
    return (
        VpcBuilder(igw=False)
        .table("rtb-private")
        .subnet("subnet-private", "10.0.1.0/24", "rtb-private")
        .group("sg-a", *egress)
        .interface("eni-a", "subnet-private", "10.0.1.10", "sg-a")
    )


async def flows(net: KernelNetwork, snapshot: NetworkSnapshot) -> list[FlowCount]:
    return await net.dataplane.flows(snapshot.vpcs["vpc-1"])


async def test_both_directions_of_an_accepted_conversation() -> None:
    vpc = one_subnet(*ALL_OUT).gateway_endpoint("vpce-1", "rtb-private")
    snapshot = logged(network(vpc), "eni-a")
    async with KernelNetwork.running(snapshot) as net:
        assert await net.connect("eni-a", SERVICE) == ["10.0.1.10", SERVICE]
        found = await flows(net, snapshot)
    assert {(str(each.key.source), str(each.key.destination)) for each in found} == {
        ("10.0.1.10", SERVICE), (SERVICE, "10.0.1.10"),
    }  # fmt: skip
    assert all(each.key.accepted and each.packets > 0 and each.bytes >= 40 for each in found)
    sent = [each.key for each in found if each.key.egress]
    assert {key.destination_port for key in sent} == {443}
    assert any(key.tcp_flags == 0x02 for key in sent), "the SYN"
    assert all(each.key.source_port == 443 for each in found if not each.key.egress)


async def test_what_security_groups_refuse_is_rejected() -> None:
    snapshot = logged(network(one_subnet().gateway_endpoint("vpce-1", "rtb-private")), "eni-a")
    async with KernelNetwork.running(snapshot) as net:
        assert await net.connect("eni-a", SERVICE) == "timeout"
        found = await flows(net, snapshot)
    assert [(each.key.egress, each.key.accepted) for each in found] == [(True, False)]


async def test_what_the_network_acl_refuses_is_rejected_and_nothing_of_it_accepted() -> None:
    acl = (*OPEN_ACL, entry(50, "out", "deny", ports="443"))
    vpc = one_subnet(*ALL_OUT).gateway_endpoint("vpce-1", "rtb-private").acl("acl-open", *acl)
    snapshot = logged(network(vpc), "eni-a")
    async with KernelNetwork.running(snapshot) as net:
        assert await net.connect("eni-a", SERVICE) == "timeout"
        found = await flows(net, snapshot)
    assert [(each.key.egress, each.key.accepted) for each in found] == [(True, False)]


async def test_a_packet_without_a_route_was_accepted() -> None:
    snapshot = logged(network(one_subnet(*ALL_OUT)), "eni-a")
    async with KernelNetwork.running(snapshot) as net:
        assert await net.connect("eni-a", SERVICE) == "timeout"
        found = await flows(net, snapshot)
    assert [(each.key.egress, each.key.accepted) for each in found] == [(True, True)]


async def test_only_logged_interfaces_are_counted_and_logging_begins_and_ends() -> None:
    plain = network(one_subnet(*ALL_OUT).gateway_endpoint("vpce-1", "rtb-private"))
    snapshot = logged(plain, "eni-a")
    async with KernelNetwork.running(plain) as net:
        await net.connect("eni-a", SERVICE)
        assert await flows(net, snapshot) == []
        await net.dataplane.apply(snapshot)
        await net.connect("eni-a", SERVICE)
        assert await flows(net, snapshot)
        await net.dataplane.apply(plain)
        assert await flows(net, snapshot) == []


async def test_the_sender_sent_what_the_receiver_refused() -> None:
    vpc = one_subnet(*ALL_OUT).group("sg-shut").interface("eni-b", "subnet-private", "10.0.1.20", "sg-shut")
    snapshot = logged(network(vpc), "eni-a", "eni-b")
    async with KernelNetwork.running(snapshot) as net:
        assert await net.connect("eni-a", "10.0.1.20", 5432) == "timeout"
        found = {each.key.interface_id: each.key for each in await flows(net, snapshot)}
    assert (found["eni-a"].egress, found["eni-a"].accepted) == (True, True)
    assert (found["eni-b"].egress, found["eni-b"].accepted) == (False, False)
    assert found["eni-b"].destination_port == 5432


async def test_pings_have_no_ports_and_the_resolver_is_not_recorded() -> None:
    snapshot = logged(network(one_subnet(*ALL_OUT).gateway_endpoint("vpce-1", "rtb-private")), "eni-a")
    async with KernelNetwork.running(snapshot) as net:
        assert await net.ping("eni-a", SERVICE) == "connected"
        await net.connect("eni-a", "10.0.0.2", 53, protocol="udp")
        found = await flows(net, snapshot)
    assert {(each.key.protocol, each.key.source_port, each.key.destination_port) for each in found} == {
        (ICMP, 0, 0)
    }
    assert {each.packets for each in found} == {1}


SIX, OTHER = "2600:1f00:0:101::10", "2600:1f00:0:102::20"
SHUT = "in 100 deny all ::/0"


def dual_stack(*, groups: dict[str, list[str]] | None = None, acl: tuple[str, ...] = ()) -> NetworkSnapshot:
    """Two machines in two subnets, each with an IPv6 address, and a way out for answers and for questions."""
    return build(
        {
            "vpc-1": {
                "cidr": "10.0.0.0/16", "cidr6": "2600:1f00:0:100::/56", "igw": None, "eigws": ["eigw-1"],
                "tables": {"rtb-1": ["::/0 -> eigw-1"]},
                "acls": {"acl-b": [*acl, "in 200 allow all ::/0", "out 200 allow all ::/0"]},
                "subnets": {
                    "subnet-a": "10.0.1.0/24 rtb-1 six=2600:1f00:0:101::/64",
                    "subnet-b": "10.0.2.0/24 rtb-1 acl-b six=2600:1f00:0:102::/64",
                },
                "groups": {"sg-a": ["out all ::/0"], "sg-b": ["in tcp 5432 ::/0", "out all ::/0"], **(groups or {})},
                "interfaces": {
                    "eni-a": f"interface subnet-a 10.0.1.16 sg-a six={SIX}",
                    "eni-b": f"interface subnet-b 10.0.2.32 sg-b six={OTHER} nocheck",
                },
            }
        }
    )  # fmt: skip


def kinds(found: list[FlowCount]) -> set[tuple[str, bool, bool]]:
    return {(each.key.interface_id, each.key.egress, each.key.accepted) for each in found}


async def test_ipv6_conversations_are_counted_at_both_ends() -> None:
    snapshot = logged(dual_stack(), "eni-a", "eni-b")
    async with KernelNetwork.running(snapshot) as net:
        await net.of("eni-b", {"do": "listen", "port": 5432, "address": "::"})
        assert isinstance(await net.connect("eni-a", OTHER, 5432), list)
        found = await flows(net, snapshot)
    assert kinds(found) == {(eni, egress, True) for eni in ("eni-a", "eni-b") for egress in (True, False)}
    assert {(str(each.key.source), str(each.key.destination)) for each in found} == {
        (SIX, OTHER), (OTHER, SIX),
    }  # fmt: skip
    assert {each.key.destination_port for each in found if str(each.key.source) == SIX} == {5432}
    assert all(each.key.protocol == TCP and each.bytes >= 60 * each.packets for each in found)


@pytest.mark.parametrize(
    ("snapshot", "seen", "counter"),
    [
        (dual_stack(groups={"sg-a": []}), {("eni-a", True, False)}, "sg-egress-drops"),
        (
            dual_stack(groups={"sg-b": []}),
            {("eni-a", True, True), ("eni-b", False, False)},
            "sg-ingress-drops",
        ),
        (dual_stack(acl=(SHUT,)), {("eni-a", True, True), ("eni-b", False, False)}, "acl-ingress-drops"),
    ],
    ids=["the sender's groups", "the receiver's groups", "the receiver's network ACL"],
)
async def test_what_is_refused_over_ipv6_is_counted_and_recorded(
    snapshot: NetworkSnapshot, seen: set[tuple[str, bool, bool]], counter: str
) -> None:
    snapshot = logged(snapshot, "eni-a", "eni-b")
    async with KernelNetwork.running(snapshot) as net:
        assert await net.ping("eni-a", OTHER) == "timeout"
        found, counted = await flows(net, snapshot), await net.dataplane.counters("vpc-1")
    assert kinds(found) == seen
    assert {each.key.protocol for each in found} == {ICMPV6}
    assert {name for name, each in counted.items() if each.packets} == {counter}


async def test_what_the_senders_network_acl_stops_over_ipv6_was_not_sent() -> None:
    snapshot = logged(dual_stack(acl=("out 100 deny tcp 443 ::/0",)), "eni-a", "eni-b")
    async with KernelNetwork.running(snapshot) as net:
        assert await net.connect("eni-b", "2001:db8::7") == "timeout"
        found = await flows(net, snapshot)
    assert kinds(found) == {("eni-b", True, False)}


async def test_packets_of_both_families_are_in_one_counter() -> None:
    snapshot = dual_stack()
    async with KernelNetwork.running(snapshot) as net:
        for address in ("10.0.2.32", SIX, OTHER):
            await net.ping("eni-a" if address != SIX else "eni-b", address)
        counted = await net.dataplane.counters("vpc-1")
        assert counted["sg-egress-drops"].packets == 1, "sg-a lets no IPv4 go"
        assert counted["sg-ingress-drops"].packets == 2, "neither group lets ICMP in"
        # The internet begins nothing at an egress-only gateway.
        _, (internet,) = await net.dataplane._call(messages.OpenNamespace("internet"))
        begun = [0, ["tcp", "2001:db8::7", 40000, SIX, 22]]
        answer = await net.ask([internet], {"do": "many", "timeout": 0.15, "flows": [begun]})
        assert answer == {"answers": ["timeout"]}
        os.close(internet)
        assert (await net.dataplane.counters("vpc-1"))["gateway-drops"].packets >= 1
