"""Subnets. Sources: EC2 API reference, CreateSubnet; VPC User Guide, "Subnet sizing"."""

from __future__ import annotations

from typing import Any

import pytest


def test_create_and_describe(client: Any, vpc: str, subnet: str) -> None:
    (shown,) = client.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    assert shown["SubnetId"] == subnet
    assert shown["SubnetArn"] == f"arn:aws:ec2:us-east-2:000000000000:subnet/{subnet}"
    assert (shown["AvailabilityZone"], shown["AvailabilityZoneId"]) == ("us-east-2a", "use2-az1")
    assert shown["AvailableIpAddressCount"] == 251
    assert not shown["MapPublicIpOnLaunch"]


def test_a_smallest_subnet_holds_eleven(client: Any, refused: Any, vpc: str) -> None:
    made = client.create_subnet(VpcId=vpc, CidrBlock="10.0.2.0/28")["Subnet"]
    assert made["AvailableIpAddressCount"] == 11
    addresses = [
        client.create_network_interface(SubnetId=made["SubnetId"])["NetworkInterface"]["PrivateIpAddress"]
        for _ in range(11)
    ]
    assert addresses == [f"10.0.2.{last}" for last in range(4, 15)]
    refused("InsufficientFreeAddressesInSubnet", client.create_network_interface, SubnetId=made["SubnetId"])
    assert client.describe_subnets(SubnetIds=[made["SubnetId"]])["Subnets"][0]["AvailableIpAddressCount"] == 0


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"CidrBlock": "10.1.0.0/24"}, "InvalidSubnet.Range", "The CIDR '10.1.0.0/24' is invalid."),
        ({"CidrBlock": "10.0.0.0/29"}, "InvalidSubnet.Range", "The CIDR '10.0.0.0/29' is invalid."),
        (
            {"CidrBlock": "10.0.1.128/25"},
            "InvalidSubnet.Conflict",
            "The CIDR '10.0.1.128/25' conflicts with another subnet",
        ),
        (
            {"CidrBlock": "10.0.9.0/24", "AvailabilityZone": "us-east-2z"},
            "InvalidParameterValue",
            (
                "Value (us-east-2z) for parameter availabilityZone is invalid. Subnets can currently only be created "
                "in the following availability zones: us-east-2a, us-east-2b, us-east-2c."
            ),
        ),
    ],
)
def test_create_refuses(
    client: Any, refused: Any, vpc: str, subnet: str, params: dict[str, str], code: str, message: str
) -> None:
    assert refused(code, client.create_subnet, VpcId=vpc, **params) == message


def test_unknown_vpc(client: Any, refused: Any) -> None:
    refused("InvalidVpcID.NotFound", client.create_subnet, VpcId="vpc-0123", CidrBlock="10.0.0.0/24")


def test_attributes(client: Any, refused: Any, subnet: str) -> None:
    client.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    assert client.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["MapPublicIpOnLaunch"]
    ipv6 = {"Value": True}
    refused(
        "InvalidParameterValue",
        client.modify_subnet_attribute,
        SubnetId=subnet,
        AssignIpv6AddressOnCreation=ipv6,
    )
    refused("InvalidParameterCombination", client.modify_subnet_attribute, SubnetId=subnet)


def test_delete(client: Any, refused: Any, subnet: str, table: str) -> None:
    client.associate_route_table(RouteTableId=table, SubnetId=subnet)
    eni = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    message = refused("DependencyViolation", client.delete_subnet, SubnetId=subnet)
    assert message == f"The subnet '{subnet}' has dependencies and cannot be deleted."
    client.delete_network_interface(NetworkInterfaceId=eni)
    client.delete_subnet(SubnetId=subnet)
    refused("InvalidSubnetID.NotFound", client.delete_subnet, SubnetId=subnet)
    assert client.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Associations"] == []


def test_ipv6_blocks(client: Any, refused: Any) -> None:
    vpc = client.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block = vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]
    inside = block.replace("::/56", "::/64")
    made = client.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.0.0.0/24", Ipv6CidrBlock=inside)["Subnet"]
    association = made["Ipv6CidrBlockAssociationSet"][0]["AssociationId"]
    params = {"VpcId": vpc["VpcId"], "CidrBlock": "10.0.1.0/24", "Ipv6CidrBlock": inside}
    refused("InvalidSubnet.Conflict", client.create_subnet, **params)
    refused("InvalidSubnet.Range", client.create_subnet, **{**params, "Ipv6CidrBlock": "2001:db8::/64"})
    client.disassociate_subnet_cidr_block(AssociationId=association)
    client.associate_subnet_cidr_block(SubnetId=made["SubnetId"], Ipv6CidrBlock=inside)


def test_default_subnets(client: Any, refused: Any) -> None:
    first = client.describe_subnets()["Subnets"][0]
    refused(
        "DefaultSubnetAlreadyExistsInAvailabilityZone",
        client.create_default_subnet,
        AvailabilityZone="us-east-2a",
    )
    client.delete_subnet(SubnetId=first["SubnetId"])
    made = client.create_default_subnet(AvailabilityZone="us-east-2a")["Subnet"]
    assert (made["CidrBlock"], made["DefaultForAz"]) == (first["CidrBlock"], True)
