"""What the routers count of flows, for flow logs. Source: VPC User Guide, "Flow log records" and "... limitations"."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.kernel_network import KernelNetwork
from tests.support.vpc_builder import ALL_OUT, DYNAMODB_ADDRESS, OPEN_ACL, VpcBuilder, entry, network

from casemate.model.flows import FlowCount
from casemate.model.network import ICMP, NetworkSnapshot, SecurityGroupRule

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
