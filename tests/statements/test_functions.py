"""F: functions inside a VPC. Each test is named by the statement it proves."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from tests.statements.test_network import times_out
from tests.support.private_table import BASIC, PrivateTable, unique, zipped

pytestmark = pytest.mark.kernel
SIX_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
)


def interfaces(world: PrivateTable, *subnets: str) -> list[dict]:
    wanted = [{"Name": "subnet-id", "Values": list(subnets)}]
    return world.ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]


def test_f01_it_gets_interfaces_in_its_subnets_shared_by_subnet_and_groups(world: PrivateTable) -> None:
    vpc = world.vpc()
    first, second = vpc.subnet("a", table="private"), vpc.subnet("b", table="private")
    group = vpc.group()
    world.function(subnets=[first, second], groups=[group])
    made = interfaces(world, first, second)
    assert {one["SubnetId"] for one in made} == {first, second}
    assert all(one["InterfaceType"] == "lambda" and one["Status"] == "in-use" for one in made)
    by_subnet = {one["SubnetId"]: one["PrivateIpAddress"] for one in made}
    assert by_subnet[first].startswith("10.0.1.")
    assert by_subnet[second].startswith("10.0.2.")
    world.function(subnets=[first], groups=[group])
    assert len(interfaces(world, first)) == 1, "the same subnet and groups share one"
    world.function(subnets=[first], groups=[vpc.group()])
    assert len(interfaces(world, first)) == 2
    with pytest.raises(ClientError) as error:
        world.ec2.delete_network_interface(NetworkInterfaceId=made[0]["NetworkInterfaceId"])
    assert error.value.response["Error"]["Code"] in {"OperationNotPermitted", "InvalidParameterValue"}


@pytest.mark.parametrize("missing", SIX_ACTIONS)
def test_f02_its_role_must_allow_the_six_actions(world: PrivateTable, missing: str) -> None:
    vpc = world.vpc()
    allowed = [action for action in SIX_ACTIONS if action != missing]
    role = world.role({"Effect": "Allow", "Action": allowed, "Resource": "*"}, managed=BASIC)
    with pytest.raises(ClientError) as error:
        world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()], role=role)
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
    name = missing.partition(":")[2]
    expected = f"The provided execution role does not have permissions to call {name} on EC2"
    assert error.value.response["Error"]["Message"] == expected


def test_f02_also_when_its_vpc_changes(world: PrivateTable) -> None:
    vpc = world.vpc()
    function = world.function(role=world.role(managed=BASIC))
    config = {"SubnetIds": [vpc.subnet("private")], "SecurityGroupIds": [vpc.group()]}
    with pytest.raises(ClientError) as error:
        world.lambda_.update_function_configuration(FunctionName=function, VpcConfig=config)
    assert "does not have permissions to call CreateNetworkInterface on EC2" in str(error.value)


def test_f03_it_loses_internet_access_a_public_name_resolves_and_the_connection_times_out(
    world: PrivateTable,
) -> None:
    vpc = world.vpc()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    assert world.invoke(function, "resolve", name="example.com")["ok"]
    assert times_out(world.invoke(function, "http", url="http://example.com", timeout=1))
    outside = world.function()
    assert world.invoke(outside, "http", url="http://example.com", timeout=1)["ok"]


def test_f05_with_no_free_address_creation_fails_with_the_documented_error(world: PrivateTable) -> None:
    """A /28 holds 11 addresses (five are reserved)."""
    vpc = world.vpc()
    ec2 = world.ec2
    small = ec2.create_subnet(VpcId=vpc.vpc_id, CidrBlock="10.0.200.0/28")["Subnet"]
    assert small["AvailableIpAddressCount"] == 11
    for _ in range(11):
        ec2.create_network_interface(SubnetId=small["SubnetId"])
    with pytest.raises(ClientError) as error:
        world.function(subnets=[small["SubnetId"]], groups=[vpc.group()])
    assert error.value.response["Error"]["Code"] == "InvalidParameterValueException"
    assert "InsufficientFreeAddressesInSubnet" in str(error.value)


def test_f06_the_interface_exists_before_the_first_invoke(world: PrivateTable) -> None:
    vpc = world.vpc()
    subnet = vpc.subnet("private")
    function = unique("function")
    world.lambda_.create_function(
        FunctionName=function,
        Runtime="python3.12",
        Role=world.role(),
        Handler="m.handler",
        Code={"ZipFile": zipped({"m.py": "def handler(event, context):\n    return 1\n"})},
        VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": [vpc.group()]},
    )
    world.lambda_.get_waiter("function_active_v2").wait(FunctionName=function, WaiterConfig={"Delay": 1})
    before = [one["NetworkInterfaceId"] for one in interfaces(world, subnet)]
    assert len(before) == 1
    assert json.loads(world.lambda_.invoke(FunctionName=function)["Payload"].read()) == 1
    assert [one["NetworkInterfaceId"] for one in interfaces(world, subnet)] == before
