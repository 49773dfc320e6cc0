"""What the routers count for the bill."""

from __future__ import annotations

import pytest
from tests.support.kernel_network import KernelNetwork
from tests.support.vpc_builder import ALL_OUT, DYNAMODB_ADDRESS, VpcBuilder, network, rule

pytestmark = pytest.mark.kernel

SERVICE = str(DYNAMODB_ADDRESS)


async def test_a_nat_gateway_counts_each_packet_once_and_what_an_endpoint_could_carry() -> None:
    vpc = (
        VpcBuilder(igw=True)
        .table("rtb-public", ("0.0.0.0/0", "igw"))
        .subnet("subnet-public", "10.0.0.0/24", "rtb-public")
        .nat("nat-1", "subnet-public", "10.0.0.5", "18.160.0.6")
        .table("rtb-private", ("0.0.0.0/0", "nat-1"))
        .subnet("subnet-private", "10.0.1.0/24", "rtb-private")
        .group("sg-all", *ALL_OUT)
        .interface("eni-a", "subnet-private", "10.0.1.10", "sg-all")
    )
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.ping("eni-a", "203.0.113.9") == "connected"
        counters = await net.dataplane.counters("vpc-1")
        assert counters["nat-1"].packets == 2, "the question and the answer, once each"
        assert counters["nat-1-dynamodb"].packets == 0
        assert await net.ping("eni-a", SERVICE) == "connected"
        counters = await net.dataplane.counters("vpc-1")
        assert (counters["nat-1"].packets, counters["nat-1-dynamodb"].packets) == (4, 2)
        assert counters["nat-1-dynamodb"].bytes * 2 == counters["nat-1"].bytes


async def test_an_interface_endpoint_counts_both_directions() -> None:
    vpc = (
        VpcBuilder()
        .table("rtb-private")
        .subnet("subnet-private", "10.0.1.0/24", "rtb-private")
        .group("sg-all", *ALL_OUT)
        .group("sg-endpoint", rule("in", "10.0.0.0/16"))
        .interface("eni-a", "subnet-private", "10.0.1.10", "sg-all")
        .interface_endpoint("vpce-2", "subnet-private", "10.0.1.50", "sg-endpoint")
    )
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", "10.0.1.50") == ["10.0.1.10", "10.0.1.50"]
        counted = (await net.dataplane.counters("vpc-1"))["vpce-2"]
        assert counted.packets >= 6, "handshake, data and end, both ways"
