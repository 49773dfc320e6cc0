"""Windows of aggregation, with a clock in hand. Source: VPC User Guide, "Flow log records"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.direct import DirectCloud

from casemate.model.errors import AwsError
from casemate.model.flows import FlowCount, FlowKey
from casemate.servicekit.store import Store
from casemate.services import ec2
from casemate.services.ec2.flowlogs.recorder import FlowRecorder

ROLE = "arn:aws:iam::000000000000:role/flow"
PEER = IPv4Address("52.94.4.9")


@dataclass
class Delivery:
    """Keeps what it is given, or refuses."""

    lines: dict[str, list[list[str]]] = field(default_factory=dict)
    refuses: bool = False

    def deliver(self, *, stream: str, events: Sequence[tuple[int, str]], **_: Any) -> None:
        if self.refuses:
            raise AwsError("AccessDeniedException", "no")
        self.lines.setdefault(stream, []).extend(text.split(" ") for _, text in events)


class World:
    """A VPC with one interface, the recorder, and a clock."""

    def __init__(self) -> None:
        self.store = Store(None)
        cloud = DirectCloud(self.store)
        self.ec2 = ec2.build(self.store, random_bytes=cloud.random_bytes, clock=lambda: cloud.now)
        cloud.services["ec2"] = self.ec2.service
        self.client = cloud.client("ec2")
        self.delivery = Delivery()
        self.recorder = FlowRecorder(self.ec2.service.state, self.store, self.delivery)
        self.vpc = self.client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.client.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        made = self.client.create_network_interface(SubnetId=self.subnet)["NetworkInterface"]
        self.eni, self.address = made["NetworkInterfaceId"], made["PrivateIpAddress"]
        self.now = int(cloud.now.timestamp())

    def log(self, **params: Any) -> str:
        base = {
            "ResourceIds": [self.vpc],
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogGroupName": "flows",
        }
        made = self.client.create_flow_logs(DeliverLogsPermissionArn=ROLE, **{**base, **params})
        return made["FlowLogIds"][0]

    def pass_time(self, seconds: int, *counts: FlowCount) -> None:
        since, self.now = self.now, self.now + seconds
        network = self.ec2.network.snapshot()
        self.recorder.observe(network, {self.vpc: counts}, since=since, now=self.now)
        self.recorder.deliver(network, now=self.now)

    def count(self, packets: int, *, accepted: bool = True, flags: int = 0, **key: Any) -> FlowCount:
        made = FlowKey(
            interface_id=self.eni,
            egress=True,
            accepted=accepted,
            source=IPv4Address(self.address),
            destination=PEER,
            protocol=6,
            source_port=50000,
            destination_port=443,
            tcp_flags=flags,
        )
        return FlowCount(key=replace(made, **key), packets=packets, bytes=packets * 100, idle_seconds=2)

    @property
    def lines(self) -> list[list[str]]:
        return [line for lines in self.delivery.lines.values() for line in lines]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.store.close()


@pytest.mark.parametrize("interval", [60, 600])
def test_nothing_is_delivered_before_the_interval_is_over(world: World, interval: int) -> None:
    world.log(MaxAggregationInterval=interval)
    assert world.ec2.network.snapshot().vpcs[world.vpc].logged_interfaces == (world.eni,)
    begun = world.now
    world.pass_time(10, world.count(3))
    world.pass_time(interval - 11, world.count(3))
    assert world.lines == []
    world.pass_time(1, world.count(5))
    (line,) = world.lines
    assert line == [
        "2", "000000000000", world.eni, world.address, str(PEER), "50000", "443", "6", "5", "500", str(begun),
        str(world.now - 1), "ACCEPT", "OK",
    ]  # fmt: skip
    assert list(world.delivery.lines) == [f"{world.eni}-all"]


def test_the_next_window_holds_only_what_was_added(world: World) -> None:
    world.log(MaxAggregationInterval=60)
    world.pass_time(60, world.count(3))
    world.pass_time(60, world.count(10))
    assert [line[8] for line in world.lines] == ["3", "7"]
    world.pass_time(60, world.count(2))
    assert world.lines[-1][8] == "2", "a total that shrank was begun anew"


def test_an_interval_without_traffic_is_told(world: World) -> None:
    world.log(MaxAggregationInterval=60)
    begun = world.now
    world.pass_time(60)
    (line,) = world.lines
    assert line[:3] == ["2", "000000000000", world.eni]
    assert line[3:10] == ["-"] * 7
    assert line[10:] == [str(begun), str(world.now), "-", "NODATA"]


def test_flags_of_one_conversation_are_joined_in_one_record(world: World) -> None:
    world.log(MaxAggregationInterval=60, LogFormat="${version} ${tcp-flags} ${packets} ${vpc-id} ${az-id}")
    world.pass_time(60, world.count(1, flags=0x02), world.count(4, flags=0x10), world.count(1, flags=0x11))
    zone = world.ec2.network.snapshot().vpcs[world.vpc].subnets[world.subnet].zone_id
    assert world.lines == [["4", "19", "6", world.vpc, zone]], "SYN, FIN, and the ACK that came with the SYN"


def test_each_log_takes_its_own_traffic(world: World) -> None:
    world.log(MaxAggregationInterval=60, TrafficType="REJECT", LogFormat="${action}")
    world.log(
        MaxAggregationInterval=60,
        ResourceIds=[world.eni],
        ResourceType="NetworkInterface",
        TrafficType="ACCEPT",
        LogFormat="${flow-direction}",
    )
    answer = world.count(1, egress=False, source=PEER, destination=IPv4Address(world.address))
    world.pass_time(60, world.count(1, accepted=False, destination_port=22), answer)
    assert world.delivery.lines == {f"{world.eni}-reject": [["REJECT"]], f"{world.eni}-accept": [["ingress"]]}


def test_what_an_interface_only_passes_on_shows_its_own_address(world: World) -> None:
    world.log(MaxAggregationInterval=60, LogFormat="${dstaddr} ${pkt-dstaddr} ${pkt-dst-aws-service}")
    client = IPv4Address("10.0.1.77")
    world.pass_time(60, world.count(1, egress=False, source=client, destination=PEER))
    assert world.lines == [[world.address, str(PEER), "DYNAMODB"]]


def test_the_flows_of_an_interface_that_is_gone_are_delivered(world: World) -> None:
    world.log(MaxAggregationInterval=60, LogFormat="${interface-id} ${packets}")
    world.pass_time(30, world.count(3))
    world.client.delete_network_interface(NetworkInterfaceId=world.eni)
    world.pass_time(30)
    assert world.lines == [[world.eni, "3"]]


def test_a_refused_delivery_shows_and_passes(world: World) -> None:
    log = world.log(MaxAggregationInterval=60)
    world.delivery.refuses = True
    world.pass_time(60, world.count(3))
    (shown,) = world.client.describe_flow_logs(FlowLogIds=[log])["FlowLogs"]
    assert (shown["DeliverLogsStatus"], shown["DeliverLogsErrorMessage"]) == ("FAILED", "Access error")
    world.delivery.refuses = False
    world.pass_time(60, world.count(4))
    (shown,) = world.client.describe_flow_logs(FlowLogIds=[log])["FlowLogs"]
    assert shown["DeliverLogsStatus"] == "SUCCESS"


def test_a_deleted_log_delivers_nothing_and_counts_nothing(world: World) -> None:
    log = world.log(MaxAggregationInterval=60)
    world.pass_time(30, world.count(3))
    world.client.delete_flow_logs(FlowLogIds=[log])
    assert world.ec2.network.snapshot().vpcs[world.vpc].logged_interfaces == ()
    world.pass_time(60)
    assert world.lines == []


def test_records_of_ipv6_flows_have_ipv6_addresses(world: World) -> None:
    """ "type: ... The possible values are: IPv4 | IPv6 | EFA"; srcaddr: "the IPv4 or IPv6 address of the network
    interface for outgoing traffic".
    """
    associated = world.client.associate_vpc_cidr_block(VpcId=world.vpc, AmazonProvidedIpv6CidrBlock=True)
    block = associated["Ipv6CidrBlockAssociation"]["Ipv6CidrBlock"].replace("::/56", "::/64")
    world.client.associate_subnet_cidr_block(SubnetId=world.subnet, Ipv6CidrBlock=block)
    made = world.client.assign_ipv6_addresses(NetworkInterfaceId=world.eni, Ipv6AddressCount=1)
    own, peer = IPv6Address(made["AssignedIpv6Addresses"][0]), IPv6Address("2001:db8::7")
    world.log(
        MaxAggregationInterval=60,
        LogFormat="${type} ${srcaddr} ${dstaddr} ${pkt-dstaddr} ${protocol} ${traffic-path} ${pkt-src-aws-service}",
    )
    world.pass_time(
        60,
        world.count(3, source=own, destination=peer),
        world.count(1, egress=False, source=peer, destination=own, protocol=58),
        world.count(2, egress=False, source=peer, destination=IPv6Address("2600:1f00::9"), protocol=17),
    )
    assert sorted(world.lines) == [
        ["IPv6", str(peer), str(own), str(own), "58", "-", "-"],
        ["IPv6", str(peer), str(own), "2600:1f00::9", "17", "-", "-"],
        ["IPv6", str(own), str(peer), str(peer), "6", "-", "-"],
    ]
    gateway = world.client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    world.client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=world.vpc)
    (table,) = world.client.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [world.vpc]}])[
        "RouteTables"
    ]
    world.client.create_route(
        RouteTableId=table["RouteTableId"], DestinationIpv6CidrBlock="::/0", GatewayId=gateway
    )
    world.delivery.lines.clear()
    world.pass_time(60, world.count(9, source=own, destination=peer))
    assert world.lines == [["IPv6", str(own), str(peer), str(peer), "6", "8", "-"]]
