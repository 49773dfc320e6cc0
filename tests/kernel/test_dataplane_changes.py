"""Changes under traffic: what stays connected, what is cut, what one broken VPC means to the others."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from tests.support.kernel_network import KernelNetwork
from tests.support.vpc_builder import ALL_OUT, DYNAMODB, DYNAMODB_ADDRESS, VpcBuilder, network, rule

from casemate.dataplane.kernel.client import ApplyError

pytestmark = pytest.mark.kernel

SERVICE = str(DYNAMODB_ADDRESS)


def base(vpc_id: str = "vpc-1", interface_id: str = "eni-a") -> VpcBuilder:
    return (
        VpcBuilder(vpc_id, igw=True)
        .table("rtb-private")
        .table("rtb-public", ("0.0.0.0/0", "igw"))
        .subnet("subnet-private", "10.0.1.0/24", "rtb-private")
        .subnet("subnet-public", "10.0.0.0/24", "rtb-public")
        .group("sg-all", *ALL_OUT)
        .function(interface_id, "subnet-private", "10.0.1.10", "sg-all")
    )


def with_endpoint() -> VpcBuilder:
    return base().gateway_endpoint("vpce-1", "rtb-private")


async def talk(net: KernelNetwork, namespace: int, name: str, port: int = 443) -> str:
    request = {"do": "connect", "address": SERVICE, "port": port, "name": name}
    return (await net.ask(namespace, request))["outcome"]


async def again(net: KernelNetwork, name: str) -> str:
    return (await net.ask(None, {"do": "again", "name": name}))["outcome"]


async def test_a_rule_that_goes_does_not_cut_what_is_open() -> None:
    async with KernelNetwork.running(network(with_endpoint())) as net:
        here = await net.dataplane.attach_environment("eni-a")
        assert await talk(net, here.netns_fd, "first") == "connected"
        await net.dataplane.apply(network(with_endpoint().group("sg-all")))
        assert await again(net, "first") == "connected", "tracked flows live on"
        assert await talk(net, here.netns_fd, "second") == "timeout"
        await net.dataplane.apply(network(with_endpoint()))
        assert await talk(net, here.netns_fd, "third") == "connected"
        here.runtime_api.close()


async def test_an_endpoint_that_goes_or_comes_cuts_its_flows() -> None:
    with_nat = (
        base()
        .table("rtb-private", ("0.0.0.0/0", "nat-1"))
        .nat("nat-1", "subnet-public", "10.0.0.5", "18.160.0.6")
    )
    only_nat = with_nat.build()
    both = with_nat.gateway_endpoint("vpce-1", "rtb-private").build()
    async with KernelNetwork.running(network(only_nat)) as net:
        here = await net.dataplane.attach_environment("eni-a")
        assert await talk(net, here.netns_fd, "over-nat") == "connected"
        await net.dataplane.apply(network(both))
        assert await again(net, "over-nat") == "timeout", "dropped, not reset"
        assert await talk(net, here.netns_fd, "over-endpoint") == "connected"
        await net.dataplane.apply(network(only_nat))
        assert await again(net, "over-endpoint") == "timeout"
        assert await talk(net, here.netns_fd, "over-nat-again") == "connected"
        here.runtime_api.close()


async def test_other_flows_survive_an_endpoints_coming() -> None:
    open_db = (
        base()
        .group("sg-db", rule("in", "0.0.0.0/0"))
        .interface("eni-b", "subnet-public", "10.0.0.20", "sg-db")
    )
    async with KernelNetwork.running(network(open_db)) as net:
        await net.listen("eni-b", 5432)
        here = await net.dataplane.attach_environment("eni-a")
        request = {"do": "connect", "address": "10.0.0.20", "port": 5432, "name": "db"}
        assert (await net.ask(here.netns_fd, request))["outcome"] == "connected"
        await net.dataplane.apply(network(open_db.gateway_endpoint("vpce-1", "rtb-private")))
        assert await again(net, "db") == "connected"
        assert await talk(net, here.netns_fd, "new") == "connected"
        here.runtime_api.close()


async def test_many_changes_in_a_row_leave_what_the_last_one_says() -> None:
    vpc = base().build()
    async with KernelNetwork.running(network(vpc)) as net:
        for round_number in range(3):
            grown = with_endpoint().interface("eni-b", "subnet-private", "10.0.1.20", "sg-all")
            grown.interface_endpoint("vpce-2", "subnet-public", "10.0.0.50", "sg-all")
            grown.nat("nat-1", "subnet-public", "10.0.0.5", "18.160.0.6")
            grown.subnet("subnet-private", "10.0.1.0/24", "rtb-public" if round_number % 2 else "rtb-private")
            await net.dataplane.apply(network(grown))
            expected = "timeout" if round_number % 2 else ["10.0.1.20", SERVICE]
            assert await net.connect("eni-b", SERVICE) == expected
            await net.dataplane.apply(network(vpc))
            with pytest.raises(RuntimeError, match="eni-b"):
                await net.dataplane.interface_namespace("eni-b")
        await net.dataplane.apply(network())
        assert {item.vpc_id for item in net.listeners.values()} == {None}
        assert "vpc-1/tcp/0.0.0.0/443" in net.gone
        assert not net.logged, "no step failed"


async def test_a_vpc_without_workloads_costs_the_kernel_nothing() -> None:
    empty = base().build()
    empty = replace(empty, interfaces={})
    async with KernelNetwork.running(network(empty)) as net:
        assert {item.vpc_id for item in net.listeners.values()} == {None}
        assert await net.dataplane.counters("vpc-1") == {}, "no router: every router counts drops"


async def test_one_broken_vpc_does_not_take_the_others_down() -> None:
    broken = base("vpc-2", "eni-2").group("sg-all", rule("out", "0.0.0.0/0", "443-80")).build()
    strange = base("vpc-3", "eni-3").build()
    strange = replace(
        strange,
        interfaces={
            "x; flush ruleset": replace(strange.interfaces["eni-3"], interface_id="x; flush ruleset")
        },
    )
    async with KernelNetwork.running(network(with_endpoint())) as net:
        with pytest.raises(ApplyError) as caught:
            await net.dataplane.apply(network(with_endpoint(), broken, strange, generation=2))
        assert set(caught.value.broken) == {"vpc-2", "vpc-3"}
        here = await net.dataplane.attach_environment("eni-a")
        assert await talk(net, here.netns_fd, "first") == "connected"
        here.runtime_api.close()
        await net.dataplane.apply(network(with_endpoint(), generation=3))
        assert {item.vpc_id for item in net.listeners.values()} == {None, "vpc-1"}


async def test_an_elastic_address_moves_between_vpcs() -> None:
    def pair(first: str | None, second: str | None):
        vpcs = []
        for number, public in ((1, first), (2, second)):
            vpc = VpcBuilder(f"vpc-{number}", igw=True).table("rtb-p", ("0.0.0.0/0", "igw"))
            vpc.subnet("subnet-p", "10.0.0.0/24", "rtb-p").group("sg-all", *ALL_OUT)
            vpcs.append(vpc.interface(f"eni-{number}", "subnet-p", "10.0.0.10", "sg-all", public=public))
        return network(*vpcs)

    async with KernelNetwork.running(pair("18.160.0.5", None)) as net:
        for holder, other in ((1, 2), (2, 1), (1, 2)):
            await net.dataplane.apply(
                pair("18.160.0.5" if holder == 1 else None, "18.160.0.5" if holder == 2 else None)
            )
            assert await net.connect(f"eni-{holder}", SERVICE) == ["18.160.0.5", SERVICE]
            assert await net.connect(f"eni-{other}", SERVICE) == "timeout"


async def test_environments_share_the_address_and_never_meet() -> None:
    vpc = with_endpoint().interface("eni-b", "subnet-private", "10.0.1.20", "sg-all")
    async with KernelNetwork.running(network(vpc)) as net:
        one, two = [await net.dataplane.attach_environment("eni-a") for _ in range(2)]
        assert str(one.address) == "10.0.1.10"
        assert str(one.resolver) == "10.0.0.2"
        for environment in (one, two):
            answer = await net.ask(environment.netns_fd, {"do": "connect", "address": SERVICE, "port": 443})
            assert answer["said"].startswith('["10.0.1.10"')
            assert environment.runtime_api.getsockname() == ("127.0.0.1", 9001)
        await net.ask(two.netns_fd, {"do": "listen", "port": 8080})
        own = f"169.254.{76}."
        for last in range(1, 8):
            if last == 4:
                continue
            answer = await net.ask(
                one.netns_fd, {"do": "connect", "address": f"{own}{last}", "port": 8080, "timeout": 0.2}
            )
            assert answer["outcome"] in {"timeout", "ECONNREFUSED"}, "no way from one environment to another"
        for forbidden in ("169.254.169.254", "10.0.1.10"):
            answer = await net.ask(
                one.netns_fd, {"do": "connect", "address": forbidden, "port": 80, "timeout": 0.2}
            )
            assert answer["outcome"] == "timeout"
        assert await net.connect("eni-b", "10.0.1.10", 8080) == "timeout", "nothing comes in"
        await net.dataplane.detach_environment(one.token)
        await net.dataplane.detach_environment(one.token)
        gone = await net.ask(one.netns_fd, {"do": "connect", "address": SERVICE, "port": 443, "timeout": 0.2})
        assert gone["outcome"] in {"timeout", "ENETUNREACH"}
        answer = await net.ask(two.netns_fd, {"do": "connect", "address": SERVICE, "port": 443})
        assert answer["outcome"] == "connected"
        await net.dataplane.apply(network(base("vpc-9", "eni-9")))
        assert net.lost == [two.token]
        for environment in (one, two):
            environment.runtime_api.close()


async def test_environments_outside_any_vpc_use_the_public_endpoints() -> None:
    async with KernelNetwork.running() as net:
        here = await net.dataplane.attach_environment(None)
        for address, port, protocol in (
            (SERVICE, 443, "tcp"),
            ("169.254.169.253", 53, "udp"),
            ("1.1.1.1", 80, "tcp"),
        ):
            answer = await net.ask(
                here.netns_fd, {"do": "connect", "address": address, "port": port, "protocol": protocol}
            )
            assert answer["said"].strip() == f'["{here.address}", "{address}"]'
        with pytest.raises(RuntimeError, match="eni-unknown"):
            await net.dataplane.attach_environment("eni-unknown")
        here.runtime_api.close()


async def test_the_prefix_list_of_a_rule_may_change() -> None:
    vpc = with_endpoint().group("sg-all", rule("out", DYNAMODB.prefix_list_id, "443"))
    snapshot = network(vpc)
    async with KernelNetwork.running(snapshot) as net:
        here = await net.dataplane.attach_environment("eni-a")
        assert await talk(net, here.netns_fd, "first") == "connected"
        lists = dict(snapshot.prefix_lists)
        lists[DYNAMODB.prefix_list_id] = replace(lists[DYNAMODB.prefix_list_id], cidrs=DYNAMODB.cidrs[:1])
        await net.dataplane.apply(replace(snapshot, prefix_lists=lists))
        assert await talk(net, here.netns_fd, "second") == "timeout"
        here.runtime_api.close()


async def test_an_environment_that_nobody_waits_for_is_not_kept() -> None:
    async with KernelNetwork.running(network(base())) as net:
        attaching = asyncio.create_task(net.dataplane.attach_environment("eni-a"))
        await asyncio.sleep(0)
        attaching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attaching
        here = await net.dataplane.attach_environment("eni-a")
        assert here.token == "env-2", "the first one was made, and taken away"
        await net.dataplane.apply(network())
        assert net.lost == [here.token]
        here.runtime_api.close()


async def test_five_hundred_interfaces_in_one_vpc() -> None:
    """The quota of a VPC: its rules, and a batch of netlink messages longer than a socket's buffer."""
    vpc = base().gateway_endpoint("vpce-1", "rtb-private")
    for number in range(500):
        subnet = "private" if number % 2 else "public"
        address = f"10.0.{1 if number % 2 else 0}.{number // 2 + 4}"
        if address != "10.0.1.10":
            vpc.interface(f"eni-{number}", f"subnet-{subnet}", address, "sg-all")
    async with KernelNetwork.running(network(vpc)) as net:
        for interface_id, address in (("eni-1", "10.0.1.4"), ("eni-499", "10.0.1.253")):
            assert await net.connect(interface_id, SERVICE, timeout=2) == [address, SERVICE]
        assert await net.connect("eni-498", SERVICE) == "timeout"
        vpc.group("sg-all", rule("out", "10.0.0.0/8"))
        await net.dataplane.apply(network(vpc))
        assert await net.connect("eni-499", SERVICE) == "timeout"
        assert not net.logged
