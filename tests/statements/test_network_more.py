"""N, continued: what gateway endpoints do and do not serve, and what the service sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.statements.test_network import TIMED_OUT, times_out
from tests.support.instance import REGION, Instance
from tests.support.private_table import SERVICE, PrivateTable

pytestmark = pytest.mark.kernel
OTHER = "us-east-1"


def test_n07_egress_limited_to_one_port_blocks_every_other(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    vpc.endpoint("private")
    only = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    subnet = vpc.subnet("private")
    assert times_out(world.get(world.function(subnets=[subnet], groups=[vpc.group(only)]), table))
    https = {**only, "FromPort": 443, "ToPort": 443}
    assert world.get(world.function(subnets=[subnet], groups=[vpc.group(https)]), table)["ok"]


def test_n14_it_serves_only_its_own_region(world: PrivateTable) -> None:
    vpc, here, there = world.vpc(), world.table(), world.table(OTHER)
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    vpc.endpoint("private")
    assert world.get(function, here)["ok"]
    assert times_out(world.get(function, there, region=OTHER))
    with pytest.raises(ClientError) as error:
        world.ec2.create_vpc_endpoint(VpcId=vpc.vpc_id, ServiceName=f"com.amazonaws.{OTHER}.dynamodb")
    assert error.value.response["Error"]["Code"] == "InvalidServiceName"


@pytest.mark.parametrize("attribute", ["EnableDnsSupport", "EnableDnsHostnames"])
def test_n15_it_needs_dns_resolution_and_dns_hostnames(world: PrivateTable, attribute: str) -> None:
    vpc, table = world.vpc(), world.table()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    vpc.endpoint("private")
    world.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, **{attribute: {"Value": False}})
    result = world.get(function, table)
    assert not result["ok"]
    assert result["error"] in {*TIMED_OUT, "EndpointConnectionError"}
    world.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, **{attribute: {"Value": True}})
    if attribute == "EnableDnsSupport":
        return
    assert world.get(function, table)["ok"]


def test_n17_the_service_sees_the_private_address_and_the_endpoints_id(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    subnet = vpc.subnet("private")
    function = world.function(subnets=[subnet], groups=[vpc.group()])
    endpoint = vpc.endpoint("private")
    event = world.instance.ask(command="event", request_id=world.get(function, table)["request_id"])["json"]
    interfaces = world.ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    assert event["sourceIPAddress"] == interfaces["NetworkInterfaces"][0]["PrivateIpAddress"]
    assert event["vpcEndpointId"] == endpoint


def test_n21_twenty_gateway_endpoints_per_region_by_default(tmp_path: Path) -> None:
    """On an instance of its own: the one that the other tests share has a higher quota."""
    alone = Instance(tmp_path, "--ephemeral", "--dataplane", "off").start()
    try:
        ec2 = alone.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        for _ in range(20):
            ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=SERVICE)
        with pytest.raises(ClientError) as error:
            ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=SERVICE)
    finally:
        alone.stop()
    assert error.value.response["Error"]["Code"] == "VpcEndpointLimitExceeded"


def test_n24_gateway_endpoints_exist_for_s3_and_dynamodb_only(world: PrivateTable) -> None:
    details = world.ec2.describe_vpc_endpoint_services()["ServiceDetails"]
    gateway = {
        one["ServiceName"]
        for one in details
        if any(kind["ServiceType"] == "Gateway" for kind in one["ServiceType"])
    }
    assert gateway == {SERVICE, f"com.amazonaws.{REGION}.s3"}
    vpc = world.vpc()
    with pytest.raises(ClientError) as error:
        world.ec2.create_vpc_endpoint(VpcId=vpc.vpc_id, ServiceName=f"com.amazonaws.{REGION}.kms")
    assert error.value.response["Error"]["Code"] in {"InvalidParameter", "InvalidServiceName"}


def test_n25_switching_between_nat_and_endpoint_changes_the_source_address(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    vpc.subnet("public")
    vpc.internet("public")
    private = vpc.subnet("private")
    elastic_ip = vpc.nat("public", "private")
    function = world.function(subnets=[private], groups=[vpc.group()])

    def source() -> str:
        event = world.instance.ask(command="event", request_id=world.get(function, table)["request_id"])[
            "json"
        ]
        return event["sourceIPAddress"]

    assert source() == elastic_ip
    endpoint = vpc.endpoint("private")
    assert source().startswith("10.0.2.")
    world.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    assert source() == elastic_ip
