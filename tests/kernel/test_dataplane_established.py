"""What becomes of a connection that is open when a rule goes. EC2 User Guide, "Security group connection tracking"."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.support.kernel_network import KernelNetwork
from tests.support.vpc_builder import ALL_OUT, DYNAMODB_ADDRESS, VpcBuilder, entry, network, rule

from casemate.model.network import InterfaceKind, SecurityGroupRule

pytestmark = pytest.mark.kernel

PORT = 5432
ALL_IN = rule("in", "0.0.0.0/0")


def pair(*server: SecurityGroupRule, client: tuple[SecurityGroupRule, ...] = ALL_OUT) -> VpcBuilder:
    """eni-a in one subnet, eni-b in another, both plain interfaces."""
    return (
        VpcBuilder()
        .table("rtb-private")
        .subnet("subnet-a", "10.0.1.0/24", "rtb-private")
        .subnet("subnet-b", "10.0.2.0/24", "rtb-private")
        .group("sg-client", *client)
        .group("sg-server", *server)
        .interface("eni-a", "subnet-a", "10.0.1.10", "sg-client")
        .interface("eni-b", "subnet-b", "10.0.2.20", "sg-server")
    )


async def opened(net: KernelNetwork, name: str, address: str = "10.0.2.20", port: int = PORT) -> str:
    request = {"do": "connect", "address": address, "port": port, "name": name}
    return (await net.of("eni-a", request))["outcome"]


async def again(net: KernelNetwork, name: str) -> str:
    return (await net.ask(None, {"do": "again", "name": name}))["outcome"]


async def test_a_tracked_connection_outlives_its_rule() -> None:
    """The rule admits some addresses only: the connection is tracked."""
    async with KernelNetwork.running(network(pair(rule("in", "10.0.1.0/24", "5432"), *ALL_OUT))) as net:
        await net.listen("eni-b", PORT)
        assert await opened(net, "one") == "connected"
        await net.dataplane.apply(network(pair(*ALL_OUT), generation=2))
        assert await again(net, "one") == "connected"
        assert await opened(net, "two") == "timeout"


async def test_a_rule_for_all_addresses_with_answers_to_all_is_not_tracked_and_ends_at_once() -> None:
    async with KernelNetwork.running(network(pair(rule("in", "0.0.0.0/0", "5432"), *ALL_OUT))) as net:
        await net.listen("eni-b", PORT)
        assert await opened(net, "one") == "connected"
        await net.dataplane.apply(network(pair(*ALL_OUT), generation=2))
        assert await again(net, "one") == "timeout"
        # "or modify it such that the connection would no longer be permitted": and the other way round.
        await net.dataplane.apply(network(pair(rule("in", "10.0.1.10/32", "5432"), *ALL_OUT), generation=3))
        assert await again(net, "one") == "connected"


async def test_without_a_rule_for_all_answers_it_is_tracked() -> None:
    narrow = rule("out", "0.0.0.0/0", "443")
    async with KernelNetwork.running(network(pair(rule("in", "0.0.0.0/0", "5432"), narrow))) as net:
        await net.listen("eni-b", PORT)
        assert await opened(net, "one") == "connected"
        await net.dataplane.apply(network(pair(narrow), generation=2))
        assert await again(net, "one") == "connected"


async def test_the_same_at_the_end_that_began() -> None:
    server = (rule("in", "10.0.1.0/24"), *ALL_OUT)
    async with KernelNetwork.running(network(pair(*server, client=(ALL_IN, *ALL_OUT)))) as net:
        await net.listen("eni-b", PORT)
        assert await opened(net, "one") == "connected"
        await net.dataplane.apply(network(pair(*server, client=(ALL_IN,)), generation=2))
        assert await again(net, "one") == "timeout"


async def test_a_functions_connections_are_always_tracked() -> None:
    def vpc(*client: SecurityGroupRule) -> VpcBuilder:
        made = pair(rule("in", "10.0.1.0/24"), *ALL_OUT, client=client)
        return made.interface("eni-a", "subnet-a", "10.0.1.10", "sg-client", kind=InterfaceKind.LAMBDA)

    async with KernelNetwork.running(network(vpc(ALL_IN, *ALL_OUT))) as net:
        await net.listen("eni-b", PORT)
        here = await net.dataplane.attach_environment("eni-a")
        request = {"do": "connect", "address": "10.0.2.20", "port": PORT, "name": "one"}
        assert (await net.ask(here.netns_fd, request))["outcome"] == "connected"
        await net.dataplane.apply(network(vpc(ALL_IN), generation=2))
        assert await again(net, "one") == "connected"
        here.runtime_api.close()


@pytest.mark.parametrize("way", ["gateway endpoint", "interface endpoint", "NAT gateway"])
async def test_connections_to_endpoints_and_nat_gateways_are_always_tracked(way: str) -> None:
    def vpc(*client: SecurityGroupRule) -> VpcBuilder:
        made = VpcBuilder(igw=True).table("rtb-public", ("0.0.0.0/0", "igw"))
        made.table("rtb-private", *([("0.0.0.0/0", "nat-1")] if way == "NAT gateway" else []))
        made.subnet("subnet-a", "10.0.1.0/24", "rtb-private").subnet("subnet-b", "10.0.2.0/24", "rtb-public")
        made.group("sg-client", *client).interface("eni-a", "subnet-a", "10.0.1.10", "sg-client")
        if way == "NAT gateway":
            made.nat("nat-1", "subnet-b", "10.0.2.5", "18.160.0.6")
        elif way == "gateway endpoint":
            made.gateway_endpoint("vpce-1", "rtb-private")
        else:
            made.group("sg-endpoint", ALL_IN, *ALL_OUT)
            made.interface_endpoint("vpce-1", "subnet-b", "10.0.2.50", "sg-endpoint")
        return made

    target = "10.0.2.50" if way == "interface endpoint" else str(DYNAMODB_ADDRESS)
    async with KernelNetwork.running(network(vpc(ALL_IN, *ALL_OUT))) as net:
        assert await opened(net, "one", target, 443) == "connected"
        await net.dataplane.apply(network(vpc(ALL_IN), generation=2))
        assert await again(net, "one") == "connected"
        assert await opened(net, "two", target, 443) == "timeout"


async def test_an_acl_interrupts_what_is_open_tracked_or_not() -> None:
    """ "Adding a network ACL that blocks traffic in either direction breaks existing connections." """
    for server in (rule("in", "10.0.1.0/24"), ALL_IN):
        allowed = pair(server, *ALL_OUT)
        denied = pair(server, *ALL_OUT)
        denied.acl("acl-shut", entry(90, "in", "deny", ports="5432"), entry(100, "in", "allow"))
        denied.subnet("subnet-b", "10.0.2.0/24", "rtb-private", "acl-shut")
        async with KernelNetwork.running(network(allowed)) as net:
            await net.listen("eni-b", PORT)
            assert await opened(net, "one") == "connected"
            await net.dataplane.apply(network(denied, generation=2))
            assert await again(net, "one") == "timeout"
            await net.dataplane.apply(network(allowed, generation=3))
            assert await again(net, "one") == "connected", "TCP sends again what was lost"


async def test_an_interface_endpoint_that_goes_leaves_its_connections_in_silence() -> None:
    with_endpoint = pair(ALL_IN).interface_endpoint("vpce-1", "subnet-b", "10.0.2.50", "sg-server")
    without = with_endpoint.build()
    without = replace(
        without,
        endpoints={},
        interfaces={name: each for name, each in without.interfaces.items() if name != "eni-vpce-1"},
    )
    async with KernelNetwork.running(network(with_endpoint)) as net:
        assert await opened(net, "one", "10.0.2.50", 443) == "connected"
        await net.dataplane.apply(network(without, generation=2))
        assert await again(net, "one") == "timeout"
        assert await opened(net, "two", "10.0.2.50", 443) == "timeout"
