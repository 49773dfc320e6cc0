"""The projection to the network snapshot: what it holds, and that what did not change stays the same object."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.direct import DirectCloud

from casemate.model.errors import AwsError
from casemate.model.network import (
    EMPTY_NETWORK,
    EndpointKind,
    InterfaceKind,
    PortRange,
    PrefixListRef,
    Route,
    TargetKind,
)
from casemate.servicekit.store import Store
from casemate.services import ec2
from casemate.services.ec2.projection import project

LIST = "pl-4ca54025"
FUNCTION = "arn:aws:lambda:us-east-2:000000000000:function:orders"


class Network:
    """The slice with a client, and its snapshots."""

    def __init__(self) -> None:
        self.store = Store(None)
        cloud = DirectCloud(self.store)
        self.ec2 = ec2.build(self.store, random_bytes=cloud.random_bytes, clock=lambda: cloud.now)
        cloud.services["ec2"] = self.ec2.service
        self.client = cloud.client("ec2")

    def snapshot(self) -> Any:
        return self.ec2.network.snapshot()

    def vpc(self, cidr: str = "10.0.0.0/16") -> str:
        return self.client.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]

    def subnet(self, vpc: str, cidr: str, zone: str = "us-east-2a") -> str:
        made = self.client.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)
        return made["Subnet"]["SubnetId"]


@pytest.fixture
def net() -> Iterator[Network]:
    made = Network()
    yield made
    made.store.close()


def test_a_new_casemate_has_only_awss_prefix_lists(net: Network) -> None:
    snapshot = net.snapshot()
    assert snapshot.vpcs == {}
    assert {each.name for each in snapshot.prefix_lists.values()} >= {
        "com.amazonaws.us-east-2.dynamodb",
        "com.amazonaws.eu-west-1.s3",
    }
    assert all(each.aws_managed for each in snapshot.prefix_lists.values())


def test_an_unchanged_vpc_is_the_same_object(net: Network) -> None:
    one, two = net.vpc(), net.vpc("10.1.0.0/16")
    before = net.snapshot()
    net.subnet(one, "10.0.1.0/24")
    after = net.snapshot()
    assert after is not before
    assert after.generation > before.generation
    assert after.vpcs[two] is before.vpcs[two]
    assert after.vpcs[one] is not before.vpcs[one]
    assert before.vpcs[one].subnets == {}


def test_reads_tags_and_writes_of_the_same_change_nothing(net: Network) -> None:
    vpc = net.vpc()
    before = net.snapshot()
    net.client.describe_vpcs()
    net.client.create_tags(Resources=[vpc], Tags=[{"Key": "a", "Value": "b"}])
    net.client.allocate_address()
    net.client.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": True})  # as it was
    assert net.snapshot() is before


def test_what_is_not_committed_is_not_seen(net: Network) -> None:
    vpc = net.vpc()
    subnet = net.subnet(vpc, "10.0.1.0/24")
    before = net.snapshot()

    def acquire() -> None:
        net.ec2.function_interfaces.acquire(
            account="000000000000", region="us-east-2", subnet_id=subnet, group_ids=[], function_arn=FUNCTION
        )

    with pytest.raises(AwsError), net.store.transaction():
        acquire()
        assert net.snapshot() is before
        raise AwsError("Boom", "undone")
    assert net.snapshot() is before
    with net.store.transaction():
        acquire()
    assert len(net.snapshot().vpcs[vpc].interfaces) == 1


def test_a_vpc_marked_by_a_failed_transaction_stays_the_same_object(net: Network) -> None:
    vpc = net.vpc()
    state = net.ec2.service.state
    record = next(each for each in state.vpcs.everywhere() if each.id == vpc)
    before = net.snapshot()
    with pytest.raises(AwsError), net.store.transaction():
        state.vpcs.put(replace(record, dns_support=False))
        raise AwsError("Boom", "undone")
    assert vpc in state.dirty
    net.vpc("10.9.0.0/16")
    assert net.snapshot().vpcs[vpc] is before.vpcs[vpc]


def test_incremental_equals_from_scratch(net: Network) -> None:
    vpc = net.vpc()
    subnet = net.subnet(vpc, "10.0.1.0/24")
    net.client.create_network_interface(SubnetId=subnet)
    group = net.client.create_security_group(VpcId=vpc, GroupName="g", Description="d")["GroupId"]
    net.client.authorize_security_group_ingress(
        GroupId=group, IpProtocol="icmp", FromPort=8, ToPort=-1, CidrIp="10.0.0.0/8"
    )
    scratch = project(net.ec2.service.state, EMPTY_NETWORK)
    assert scratch.vpcs == net.snapshot().vpcs
    assert scratch.prefix_lists == net.snapshot().prefix_lists


def test_a_deleted_vpc_is_gone(net: Network) -> None:
    vpc = net.vpc()
    net.client.delete_vpc(VpcId=vpc)
    assert vpc not in net.snapshot().vpcs


def test_the_reference_architecture(net: Network) -> None:
    """DESIGN: two private subnets in two zones, DNS on, egress 443 to DynamoDB only, a gateway endpoint, a function."""
    client = net.client
    vpc = net.vpc()
    client.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    first = net.subnet(vpc, "10.0.1.0/24", "us-east-2a")
    second = net.subnet(vpc, "10.0.2.0/24", "us-east-2b")
    table = client.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    for subnet in (first, second):
        client.associate_route_table(RouteTableId=table, SubnetId=subnet)
    group = client.create_security_group(VpcId=vpc, GroupName="orders", Description="d")["GroupId"]
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    client.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
    dynamodb = [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": LIST}]}
    ]
    client.authorize_security_group_egress(GroupId=group, IpPermissions=dynamodb)
    service = "com.amazonaws.us-east-2.dynamodb"
    endpoint = client.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table])[
        "VpcEndpoint"
    ]
    with net.store.transaction():
        interfaces = [
            net.ec2.function_interfaces.acquire(
                account="000000000000",
                region="us-east-2",
                subnet_id=subnet,
                group_ids=[group],
                function_arn=FUNCTION,
            )
            for subnet in (first, second)
        ]

    made = net.snapshot().vpcs[vpc]
    assert (made.account, made.region, made.cidrs) == (
        "000000000000",
        "us-east-2",
        (IPv4Network("10.0.0.0/16"),),
    )
    assert (made.dns_support, made.dns_hostnames, made.internet_gateway_id) == (True, True, None)
    assert made.resolver == IPv4Address("10.0.0.2")
    assert made.subnets.keys() == {first, second}
    assert {each.route_table_id for each in made.subnets.values()} == {table}
    assert {each.zone_id for each in made.subnets.values()} == {"use2-az1", "use2-az2"}
    assert made.route_tables[table].routes == (
        Route(destination=IPv4Network("10.0.0.0/16"), target=TargetKind.LOCAL, target_id="local"),
        Route(
            destination=PrefixListRef(prefix_list_id=LIST),
            target=TargetKind.GATEWAY_ENDPOINT,
            target_id=endpoint["VpcEndpointId"],
        ),
    )
    (rule,) = made.groups[group].rules
    assert (rule.egress, rule.protocol, rule.ports) == (True, 6, PortRange(first=443, last=443))
    assert rule.peer == PrefixListRef(prefix_list_id=LIST)
    projected = made.endpoints[endpoint["VpcEndpointId"]]
    assert (projected.kind, projected.service, projected.prefix_list_id) == (
        EndpointKind.GATEWAY,
        "dynamodb",
        LIST,
    )
    assert projected.route_table_ids == (table,)
    assert made.interfaces == {each.interface_id: each for each in interfaces}
    assert {(each.kind, str(each.address)) for each in interfaces} == {
        (InterfaceKind.LAMBDA, "10.0.1.4"),
        (InterfaceKind.LAMBDA, "10.0.2.4"),
    }
    (acl,) = made.acls.values()
    assert [(each.number, each.egress, each.allow) for each in acl.entries] == [
        (100, False, True),
        (32767, False, False),
        (100, True, True),
        (32767, True, False),
    ]
