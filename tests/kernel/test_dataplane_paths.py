"""Real packets on the reference topologies. What each must do is in AWS's documentation of the part it names."""

from __future__ import annotations

import json
import sys

import pytest
from tests.support.kernel_network import KernelNetwork
from tests.support.vpc_builder import (
    ALL_OUT,
    DYNAMODB,
    DYNAMODB_ADDRESS,
    OPEN_ACL,
    VpcBuilder,
    entry,
    network,
    rule,
)

from casemate.model.network import ICMP, UDP, InterfaceKind, PeeringConnection

pytestmark = pytest.mark.kernel

PL = DYNAMODB.prefix_list_id
SERVICE = str(DYNAMODB_ADDRESS)


def private(*routes: tuple[str, str], igw: bool = False) -> VpcBuilder:
    """One VPC, a private subnet with `routes`, an instance in it."""
    return (
        VpcBuilder(igw=igw)
        .table("rtb-private", *routes)
        .subnet("subnet-private", "10.0.1.0/24", "rtb-private")
        .group("sg-all", *ALL_OUT)
        .interface("eni-a", "subnet-private", "10.0.1.10", "sg-all")
    )


def with_nat(*routes: tuple[str, str]) -> VpcBuilder:
    return (
        private(*routes, igw=True)
        .table("rtb-public", ("0.0.0.0/0", "igw"))
        .subnet("subnet-public", "10.0.0.0/24", "rtb-public")
        .nat("nat-1", "subnet-public", "10.0.0.5", "18.160.0.6")
    )


async def test_a_gateway_endpoint_sees_the_private_address() -> None:
    vpc = private().gateway_endpoint("vpce-1", "rtb-private")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", SERVICE) == ["10.0.1.10", SERVICE]
        assert await net.connect("eni-a", "52.94.5.1") == "timeout", (
            "another Region's range is not in the list"
        )
        counters = await net.dataplane.counters("vpc-1")
        assert counters["vpce-1"].packets > 0


async def test_without_a_route_a_connection_times_out() -> None:
    async with KernelNetwork.running(network(private())) as net:
        assert await net.connect("eni-a", SERVICE) == "timeout"
        assert await net.connect("eni-a", "8.8.8.8") == "timeout"


async def test_an_endpoint_on_another_table_does_not_help() -> None:
    vpc = private().table("rtb-other").gateway_endpoint("vpce-1", "rtb-other")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", SERVICE) == "timeout"


async def test_only_tcp_and_echo_enter_a_gateway_endpoint() -> None:
    vpc = private().gateway_endpoint("vpce-1", "rtb-private")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", SERVICE, 53, protocol="udp") == "timeout"
        assert await net.connect("eni-a", SERVICE, 81) == "ECONNREFUSED"
        assert await net.ping("eni-a", SERVICE) == "connected"


async def test_an_internet_gateway_needs_a_public_address() -> None:
    vpc = private(("0.0.0.0/0", "igw"), igw=True)
    vpc.interface("eni-public", "subnet-private", "10.0.1.11", "sg-all", public="18.160.0.5")
    vpc.function("eni-lambda", "subnet-private", "10.0.1.12", "sg-all")
    vpc.interface(
        "eni-odd", "subnet-private", "10.0.1.13", "sg-all", kind=InterfaceKind.LAMBDA, public="18.160.0.7"
    )
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", "8.8.8.8") == "timeout"
        assert await net.connect("eni-public", "8.8.8.8") == ["18.160.0.5", "8.8.8.8"]
        assert await net.connect("eni-lambda", "8.8.8.8") == "timeout"
        assert await net.connect("eni-odd", "8.8.8.8") == "timeout", (
            "a Lambda interface never has a public address"
        )
        assert await net.connect("eni-public", "8.8.8.8", 25) == "ECONNREFUSED"
        assert await net.connect("eni-public", "192.168.7.7") == "timeout", (
            "nobody has a private address out there"
        )


async def test_a_nat_gateway_shows_its_elastic_address() -> None:
    async with KernelNetwork.running(network(with_nat(("0.0.0.0/0", "nat-1")))) as net:
        assert await net.connect("eni-a", SERVICE) == ["18.160.0.6", SERVICE]
        assert await net.connect("eni-a", "10.0.0.5") == "timeout", "it answers nobody itself"


async def test_a_nat_gateway_in_a_subnet_without_internet_leads_nowhere() -> None:
    vpc = with_nat(("0.0.0.0/0", "nat-1")).table("rtb-public")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", SERVICE) == "timeout"


async def test_the_acl_of_the_nat_gateways_subnet_applies() -> None:
    vpc = with_nat(("0.0.0.0/0", "nat-1")).acl(
        "acl-nat", entry(100, "out", "allow"), entry(100, "in", "allow", "10.0.0.0/16")
    )
    vpc.subnet("subnet-public", "10.0.0.0/24", "rtb-public", "acl-nat")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", SERVICE) == "timeout", "answers from the internet may not enter"


async def test_the_endpoint_beats_the_nat_gateway_by_length() -> None:
    vpc = with_nat(("0.0.0.0/0", "nat-1")).gateway_endpoint("vpce-1", "rtb-private")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", SERVICE) == ["10.0.1.10", SERVICE]
        assert await net.connect("eni-a", "8.8.8.8") == ["18.160.0.6", "8.8.8.8"]


async def test_a_static_route_beats_the_prefix_list_of_the_same_length() -> None:
    vpc = with_nat(("52.94.4.0/24", "nat-1")).gateway_endpoint("vpce-1", "rtb-private")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", SERVICE) == ["18.160.0.6", SERVICE]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param((), "timeout", id="no egress rule"),
        pytest.param((rule("out", PL, "443"),), ["10.0.1.10", SERVICE], id="egress to the prefix list"),
        pytest.param((rule("out", PL, "80"),), "timeout", id="egress on another port"),
        pytest.param((rule("out", PL, "443", UDP),), "timeout", id="egress of another protocol"),
        pytest.param((rule("out", "10.0.0.0/8", "443"),), "timeout", id="egress to another range"),
        pytest.param((rule("out", "10.0.0.0/8"), rule("out", SERVICE + "/32", "1-500")), ["10.0.1.10", SERVICE], id="one of several"),
        pytest.param((rule("out", "pl-7ba54012"),), "timeout", id="egress to another prefix list"),
    ],
)  # fmt: skip
async def test_security_group_egress(rules: tuple, expected: object) -> None:
    vpc = private().gateway_endpoint("vpce-1", "rtb-private").group("sg-all", *rules)
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", SERVICE) == expected


async def test_network_acls_are_stateless() -> None:
    acl = (entry(100, "out", "allow", ports="443"), entry(100, "in", "allow", ports="49152-65535"))
    vpc = private().gateway_endpoint("vpce-1", "rtb-private").acl("acl-tight", *acl)
    vpc.subnet("subnet-private", "10.0.1.0/24", "rtb-private", "acl-tight")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", SERVICE, source_port=50000) == ["10.0.1.10", SERVICE]
        assert await net.connect("eni-a", SERVICE, source_port=40000) == "timeout", "its answer may not enter"
        assert await net.connect("eni-a", SERVICE, 80, source_port=50001) == "timeout"
        assert await net.connect("eni-a", "10.0.0.2", 53, protocol="udp") == ["10.0.1.10", "10.0.0.2"], (
            "DNS is exempt"
        )


async def test_the_lowest_matching_acl_entry_decides() -> None:
    acl = (*OPEN_ACL, entry(50, "out", "deny", "52.94.4.0/24"), entry(40, "out", "allow", "52.94.4.9/32"))
    vpc = private().gateway_endpoint("vpce-1", "rtb-private").acl("acl-open", *acl)
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", "52.94.4.9") == ["10.0.1.10", "52.94.4.9"]
        assert await net.connect("eni-a", "52.94.4.10") == "timeout"


def two_instances(*ingress, same_subnet: bool = False) -> VpcBuilder:
    vpc = private().group("sg-db", *ingress, *ALL_OUT)
    if not same_subnet:
        vpc.subnet("subnet-b", "10.0.2.0/24", "rtb-private")
    address = "10.0.1.20" if same_subnet else "10.0.2.20"
    return vpc.interface("eni-b", "subnet-private" if same_subnet else "subnet-b", address, "sg-db")


async def test_a_security_group_may_name_another() -> None:
    vpc = two_instances(rule("in", "sg-all", "5432")).group("sg-other", *ALL_OUT)
    vpc.interface("eni-c", "subnet-private", "10.0.1.30", "sg-other")
    vpc.interface("eni-d", "subnet-private", "10.0.1.31", "sg-other", "sg-all", secondary=("10.0.1.32",))
    async with KernelNetwork.running(network(vpc)) as net:
        await net.listen("eni-b", 5432)
        await net.listen("eni-b", 5433)
        assert await net.connect("eni-a", "10.0.2.20", 5432) == ["10.0.1.10", "10.0.2.20"]
        assert await net.connect("eni-a", "10.0.2.20", 5433) == "timeout"
        assert await net.connect("eni-c", "10.0.2.20", 5432) == "timeout"
        assert await net.connect("eni-d", "10.0.2.20", 5432) == ["10.0.1.31", "10.0.2.20"]
        assert await net.connect("eni-d", "10.0.2.20", 5432, source="10.0.1.32") == ["10.0.1.32", "10.0.2.20"]
        assert await net.connect("eni-b", "10.0.1.10", 5432) == "timeout", "the way back is no way in"


async def test_inside_a_subnet_security_groups_apply_and_acls_do_not() -> None:
    closed = two_instances(rule("in", "10.0.1.10/32", "5432"), same_subnet=True).acl("acl-shut")
    closed.subnet("subnet-private", "10.0.1.0/24", "rtb-private", "acl-shut")
    closed.interface("eni-c", "subnet-private", "10.0.1.30", "sg-all")
    async with KernelNetwork.running(network(closed)) as net:
        await net.listen("eni-b", 5432)
        assert await net.connect("eni-a", "10.0.1.20", 5432) == ["10.0.1.10", "10.0.1.20"]
        assert await net.connect("eni-c", "10.0.1.20", 5432) == "timeout"


async def test_the_receivers_acl_applies_besides_the_senders() -> None:
    vpc = two_instances(rule("in", "0.0.0.0/0")).acl(
        "acl-b", entry(100, "out", "allow"), entry(100, "in", "allow", ports="80")
    )
    vpc.subnet("subnet-b", "10.0.2.0/24", "rtb-private", "acl-b")
    async with KernelNetwork.running(network(vpc)) as net:
        await net.listen("eni-b", 80)
        await net.listen("eni-b", 81)
        assert await net.connect("eni-a", "10.0.2.20", 80) == ["10.0.1.10", "10.0.2.20"]
        assert await net.connect("eni-a", "10.0.2.20", 81) == "timeout"
        assert await net.connect("eni-a", "10.0.2.99", 80) == "timeout", "an address nobody has is silent"


async def test_an_echo_request_needs_its_rule() -> None:
    vpc = two_instances(rule("in", "10.0.1.10/32", "0", ICMP))
    vpc.interface("eni-c", "subnet-private", "10.0.1.30", "sg-all")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.ping("eni-a", "10.0.2.20") == "connected"
        assert await net.ping("eni-c", "10.0.2.20") == "timeout"


async def test_an_interface_endpoint_has_security_groups() -> None:
    vpc = private().group("sg-endpoint", rule("in", "10.0.1.10/32", "443"))
    vpc.subnet("subnet-b", "10.0.2.0/24", "rtb-private").interface_endpoint(
        "vpce-sts", "subnet-b", "10.0.2.50", "sg-endpoint"
    )
    vpc.interface("eni-c", "subnet-private", "10.0.1.30", "sg-all")
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.connect("eni-a", "10.0.2.50") == ["10.0.1.10", "10.0.2.50"]
        assert await net.connect("eni-c", "10.0.2.50") == "timeout"
        assert await net.connect("eni-a", "10.0.2.50", 80) == "timeout"


async def test_from_the_internet_only_a_public_address_is_reached() -> None:
    vpc = private(("0.0.0.0/0", "igw"), igw=True).group("sg-web", rule("in", "0.0.0.0/0", "8080"), *ALL_OUT)
    vpc.interface("eni-web", "subnet-private", "10.0.1.40", "sg-web", public="18.160.0.5")
    vpc.interface("eni-x", "subnet-private", "10.0.1.41", "sg-web")
    async with KernelNetwork.running(network(vpc)) as net:
        for port in (8080, 8081):
            await net.listen("eni-web", port)
        outside = await net.dataplane.attach_environment(None)
        request = {"do": "connect", "address": "18.160.0.5", "port": 8080}
        answer = await net.ask(outside.netns_fd, request)
        assert json.loads(answer["said"]) == ["18.156.0.10", "10.0.1.40"]
        assert (await net.ask(outside.netns_fd, {**request, "port": 8081}))["outcome"] == "timeout"
        assert (await net.ask(outside.netns_fd, {**request, "address": "18.160.0.99"}))[
            "outcome"
        ] == "timeout"
        for address in ("10.0.1.40", "10.0.1.41", "169.254.169.254", "169.254.0.1"):
            assert (await net.ask(outside.netns_fd, {**request, "address": address}))["outcome"] == "timeout"
        outside.runtime_api.close()


async def test_without_dns_support_the_resolver_is_silent() -> None:
    vpc = private()
    silent = VpcBuilder("vpc-2", dns=False).table("rtb-2").subnet("subnet-2", "10.0.1.0/24", "rtb-2")
    silent.group("sg-2", *ALL_OUT).interface("eni-2", "subnet-2", "10.0.1.10", "sg-2")
    async with KernelNetwork.running(network(vpc, silent)) as net:
        for resolver in ("10.0.0.2", "169.254.169.253"):
            assert await net.connect("eni-a", resolver, 53, protocol="udp") == ["10.0.1.10", resolver]
            assert await net.connect("eni-a", resolver, 53) == ["10.0.1.10", resolver]
            assert await net.connect("eni-2", resolver, 53, protocol="udp") == "timeout"


async def test_equal_ranges_in_two_vpcs_do_not_meet() -> None:
    other = VpcBuilder("vpc-2").table("rtb-2").subnet("subnet-2", "10.0.1.0/24", "rtb-2")
    other.group("sg-2", rule("in", "0.0.0.0/0"), *ALL_OUT).interface("eni-2", "subnet-2", "10.0.1.20", "sg-2")
    async with KernelNetwork.running(
        network(private().gateway_endpoint("vpce-1", "rtb-private"), other)
    ) as net:
        await net.listen("eni-2", 443)
        assert await net.connect("eni-a", "10.0.1.20") == "timeout"
        assert await net.connect("eni-2", SERVICE) == "timeout"


# What `ip address add ADDRESS/32 dev eth0` does, where no iproute2 is installed; ends with the errno.
_ADD_ADDRESS = """
import socket, struct, sys
address = socket.inet_aton(sys.argv[1])
def attribute(kind): return struct.pack("HH", 8, kind) + address
body = struct.pack("BBBBI", 2, 32, 0, 0, socket.if_nametoindex("eth0")) + attribute(2) + attribute(1)
wire = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
wire.send(struct.pack("IHHII", 16 + len(body), 20, 0x605, 1, 0) + body)
sys.exit(-struct.unpack_from("i", wire.recv(4096), 16)[0])
"""


async def test_a_false_source_address_is_dropped() -> None:
    vpc = private().gateway_endpoint("vpce-1", "rtb-private")
    vpc.interface("eni-free", "subnet-private", "10.0.1.12", "sg-all", check=False)
    forge = [sys.executable, "-c", _ADD_ADDRESS, "10.0.1.77"]
    async with KernelNetwork.running(network(vpc)) as net:
        assert await net.of("eni-a", {"do": "shell", "argv": forge}) == {"outcome": 0}
        before = await net.dataplane.counters("vpc-1")
        assert await net.connect("eni-a", SERVICE, source="10.0.1.77") == "timeout"
        assert (await net.dataplane.counters("vpc-1"))["vpce-1"] == before["vpce-1"], (
            "it got no further than the router"
        )


async def test_an_appliance_forwards_only_without_the_source_destination_check() -> None:
    for check, expected in ((False, ["10.0.1.10", "10.0.2.20"]), (True, "timeout")):
        vpc = two_instances(rule("in", "0.0.0.0/0")).group("sg-open", rule("in", "0.0.0.0/0"), *ALL_OUT)
        vpc.subnet("subnet-m", "10.0.3.0/24", "rtb-m").table("rtb-m")
        vpc.table("rtb-private", ("10.0.2.0/24", "eni-m"))
        vpc.table("rtb-b").subnet("subnet-b", "10.0.2.0/24", "rtb-b")
        vpc.interface("eni-m", "subnet-m", "10.0.3.5", "sg-open", check=check)
        async with KernelNetwork.running(network(vpc)) as net:
            await net.listen("eni-b", 80)
            on = [sys.executable, "-c", "open('/proc/sys/net/ipv4/ip_forward', 'w').write('1')"]
            assert await net.of("eni-m", {"do": "shell", "argv": on}) == {"outcome": 0}
            assert await net.connect("eni-a", "10.0.2.20", 80) == expected, f"check={check}"


async def test_peered_vpcs_meet_and_nobody_passes_through() -> None:
    here = private(("10.1.0.0/16", "pcx-1"), ("10.2.0.0/16", "pcx-1"), ("52.94.4.0/24", "pcx-1"))
    middle = VpcBuilder("vpc-2", "10.1.0.0/16").table(
        "rtb-2", ("10.0.0.0/16", "pcx-1"), ("10.2.0.0/16", "pcx-2")
    )
    middle.subnet("subnet-2", "10.1.1.0/24", "rtb-2").group("sg-2", rule("in", "0.0.0.0/0"), *ALL_OUT)
    middle.interface("eni-2", "subnet-2", "10.1.1.20", "sg-2").gateway_endpoint("vpce-2", "rtb-2")
    far = VpcBuilder("vpc-3", "10.2.0.0/16").table(
        "rtb-3", ("10.1.0.0/16", "pcx-2"), ("10.0.0.0/16", "pcx-2")
    )
    far.subnet("subnet-3", "10.2.1.0/24", "rtb-3").group("sg-3", rule("in", "0.0.0.0/0"), *ALL_OUT)
    far.interface("eni-3", "subnet-3", "10.2.1.20", "sg-3")
    peerings = (
        PeeringConnection(peering_id="pcx-1", requester_vpc="vpc-1", accepter_vpc="vpc-2", active=True),
        PeeringConnection(peering_id="pcx-2", requester_vpc="vpc-2", accepter_vpc="vpc-3", active=True),
    )
    async with KernelNetwork.running(network(here, middle, far, peerings=peerings)) as net:
        for interface in ("eni-2", "eni-3"):
            await net.listen(interface, 80)
        assert await net.connect("eni-a", "10.1.1.20", 80) == ["10.0.1.10", "10.1.1.20"]
        assert await net.connect("eni-2", "10.2.1.20", 80) == ["10.1.1.20", "10.2.1.20"]
        assert await net.connect("eni-a", "10.2.1.20", 80) == "timeout", "peering is not transitive"
        assert await net.connect("eni-a", SERVICE) == "timeout", "nor does it lead to the peer's endpoint"
        assert await net.connect("eni-2", SERVICE) == ["10.1.1.20", SERVICE]
        await net.dataplane.apply(network(here, middle, far, peerings=peerings[1:], generation=2))
        assert await net.connect("eni-a", "10.1.1.20", 80) == "timeout"
        assert await net.connect("eni-2", "10.2.1.20", 80) == ["10.1.1.20", "10.2.1.20"]
