"""Functions in a VPC."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LambdaCloud

ARN = "arn:aws:lambda:us-east-2:000000000000:function:orders"


def in_vpc(*subnets: str, groups: tuple[str, ...] = ("sg-1",)) -> dict[str, Any]:
    return {"SubnetIds": list(subnets), "SecurityGroupIds": list(groups)}


def refused(call: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    return caught.value.response["Error"]["Message"]


def test_a_function_uses_one_interface_per_subnet_and_lets_go_of_them(
    cloud: LambdaCloud, client: Any
) -> None:
    created = cloud.create(client, VpcConfig=in_vpc("subnet-a1", "subnet-a2"))
    assert created["VpcConfig"] == {
        "SubnetIds": ["subnet-a1", "subnet-a2"],
        "SecurityGroupIds": ["sg-1"],
        "VpcId": "vpc-a",
        "Ipv6AllowedForDualStack": False,
    }
    assert cloud.interfaces.users == {"eni-a1-sg-1": {ARN}, "eni-a2-sg-1": {ARN}}
    client.invoke(FunctionName="orders")
    assert cloud.runner.invoked[0][0].interfaces == ("eni-a1-sg-1", "eni-a2-sg-1")
    client.update_function_configuration(
        FunctionName="orders", VpcConfig=in_vpc("subnet-a2", groups=("sg-1",))
    )
    assert cloud.interfaces.users == {"eni-a2-sg-1": {ARN}}
    client.update_function_configuration(
        FunctionName="orders", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}
    )
    assert cloud.interfaces.users == {}
    assert client.get_function_configuration(FunctionName="orders")["VpcConfig"] == {
        "SubnetIds": [],
        "SecurityGroupIds": [],
        "VpcId": "",
        "Ipv6AllowedForDualStack": False,
    }


def test_a_published_version_keeps_its_interfaces_when_latest_leaves(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, VpcConfig=in_vpc("subnet-a1"), Publish=True)
    client.update_function_configuration(
        FunctionName="orders", VpcConfig={"SubnetIds": [], "SecurityGroupIds": []}
    )
    assert cloud.interfaces.users == {"eni-a1-sg-1": {f"{ARN}:1"}}
    client.delete_function(FunctionName="orders")
    assert cloud.interfaces.users == {}


def test_the_role_needs_the_documented_actions(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, VpcConfig=in_vpc("subnet-a1"))
    asked = [check.action for check in cloud.checks if check.action.startswith("ec2:")]
    assert asked == [
        "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
        "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
        "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
    ]  # fmt: skip


def test_a_role_without_them_is_refused_and_nothing_is_made(cloud: LambdaCloud, client: Any) -> None:
    cloud.denied = {"ec2:CreateNetworkInterface"}
    message = refused(lambda: cloud.create(client, VpcConfig=in_vpc("subnet-a1")))
    assert message == (
        "The provided execution role does not have permissions to call CreateNetworkInterface on EC2"
    )
    assert client.list_functions()["Functions"] == []
    assert cloud.interfaces.users == {}


def test_the_caller_needs_to_see_the_network(cloud: LambdaCloud, client: Any) -> None:
    cloud.denied = {"ec2:DescribeVpcs"}
    message = refused(lambda: cloud.create(client, VpcConfig=in_vpc("subnet-a1")))
    assert "please make sure your request credentials have permission to DescribeVpcs" in message


def test_outside_a_vpc_nothing_of_ec2_is_asked(cloud: LambdaCloud, client: Any) -> None:
    cloud.create(client, VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    assert not [check for check in cloud.checks if check.action.startswith("ec2:")]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"SubnetIds": ["subnet-a1"]}, "SubnetIds and SecurityIds must coexist or be both empty list."),
        (in_vpc("subnet-zz"), "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID 'subnet-zz' does not exist"),
        (in_vpc("subnet-a1", groups=("sg-missing",)), "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group 'sg-missing' does not exist"),
        (in_vpc("subnet-a1", "subnet-b1"), "Subnets are required to be in the same VPC."),
    ],
)  # fmt: skip
def test_networks_that_cannot_be(cloud: LambdaCloud, client: Any, config: Any, message: str) -> None:
    assert refused(lambda: cloud.create(client, VpcConfig=config)) == message
