"""VPCs. Sources: EC2 API reference (CreateVpc, ModifyVpcAttribute, ...); VPC User Guide, "Default VPCs"."""

from __future__ import annotations

from typing import Any

import pytest


def test_an_account_finds_a_default_vpc_in_each_region(client: Any, world: Any) -> None:
    (vpc,) = client.describe_vpcs()["Vpcs"]
    assert (vpc["IsDefault"], vpc["CidrBlock"]) == (True, "172.31.0.0/16")
    subnets = client.describe_subnets()["Subnets"]
    assert [each["CidrBlock"] for each in subnets] == ["172.31.0.0/20", "172.31.16.0/20", "172.31.32.0/20"]
    assert {each["AvailabilityZone"] for each in subnets} == {"us-east-2a", "us-east-2b", "us-east-2c"}
    assert all(each["DefaultForAz"] and each["MapPublicIpOnLaunch"] for each in subnets)
    assert {each["AvailableIpAddressCount"] for each in subnets} == {4091}
    (table,) = client.describe_route_tables()["RouteTables"]
    (gateway,) = client.describe_internet_gateways()["InternetGateways"]
    assert [(route["DestinationCidrBlock"], route["GatewayId"]) for route in table["Routes"]] == [
        ("172.31.0.0/16", "local"),
        ("0.0.0.0/0", gateway["InternetGatewayId"]),
    ]
    for attribute, member in (
        ("enableDnsHostnames", "EnableDnsHostnames"),
        ("enableDnsSupport", "EnableDnsSupport"),
    ):
        shown = client.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
        assert shown[member] == {"Value": True}
    other = world.client(region="eu-west-1").describe_vpcs()["Vpcs"]
    assert len(other) == 1
    assert other[0]["VpcId"] != vpc["VpcId"]
    assert len(world.client(account="111111111111").describe_vpcs()["Vpcs"]) == 1


def test_a_deleted_default_vpc_does_not_come_back_by_itself(client: Any, refused: Any) -> None:
    vpc = client.describe_vpcs()["Vpcs"][0]["VpcId"]
    gateway = client.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    client.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    client.delete_internet_gateway(InternetGatewayId=gateway)
    for each in client.describe_subnets()["Subnets"]:
        client.delete_subnet(SubnetId=each["SubnetId"])
    client.delete_vpc(VpcId=vpc)
    assert client.describe_vpcs()["Vpcs"] == []
    assert client.describe_security_groups()["SecurityGroups"] == []
    assert refused("VPCIdNotSpecified", client.create_security_group, GroupName="g", Description="d")
    made = client.create_default_vpc()["Vpc"]
    assert made["IsDefault"]
    refused("DefaultVpcAlreadyExists", client.create_default_vpc)


def test_terraform_reads_after_creating_a_vpc(client: Any, vpc: str) -> None:
    """The provider's aws_vpc reads these after each create and refresh (facts: "Traps")."""
    by_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    (shown,) = client.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert shown["State"] == "available"
    assert shown["CidrBlockAssociationSet"][0]["CidrBlockState"] == {"State": "associated"}
    attributes = {
        "enableDnsSupport": ("EnableDnsSupport", True),
        "enableDnsHostnames": ("EnableDnsHostnames", False),
        "enableNetworkAddressUsageMetrics": ("EnableNetworkAddressUsageMetrics", False),
    }
    for name, (member, value) in attributes.items():
        assert client.describe_vpc_attribute(VpcId=vpc, Attribute=name)[member] == {"Value": value}
    (acl,) = client.describe_network_acls(Filters=[{"Name": "default", "Values": ["true"]}, *by_vpc])[
        "NetworkAcls"
    ]
    assert [(entry["RuleNumber"], entry["Egress"], entry["RuleAction"]) for entry in acl["Entries"]] == [
        (100, True, "allow"),
        (32767, True, "deny"),
        (100, False, "allow"),
        (32767, False, "deny"),
    ]
    main = [{"Name": "association.main", "Values": ["true"]}, *by_vpc]
    (table,) = client.describe_route_tables(Filters=main)["RouteTables"]
    assert table["Routes"] == [
        {
            "DestinationCidrBlock": "10.0.0.0/16",
            "GatewayId": "local",
            "Origin": "CreateRouteTable",
            "State": "active",
        }
    ]
    named = [{"Name": "group-name", "Values": ["default"]}, *by_vpc]
    (group,) = client.describe_security_groups(Filters=named)["SecurityGroups"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]


def test_host_bits_of_a_block_are_cleared(client: Any) -> None:
    assert client.create_vpc(CidrBlock="100.68.0.18/18")["Vpc"]["CidrBlock"] == "100.68.0.0/18"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"CidrBlock": "10.0.0.0/8"}, "InvalidVpc.Range"),
        ({"CidrBlock": "10.0.0.0/29"}, "InvalidVpc.Range"),
        ({"CidrBlock": "10.0.0.0"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.0.0.999/16"}, "InvalidParameterValue"),
        ({}, "MissingParameter"),
        ({"CidrBlock": "10.0.0.0/16", "InstanceTenancy": "shared"}, "InvalidParameterValue"),
        ({"CidrBlock": "10.0.0.0/16", "DryRun": True}, "DryRunOperation"),
    ],
)
def test_create_vpc_refuses(client: Any, refused: Any, params: dict[str, Any], code: str) -> None:
    before = len(client.describe_vpcs()["Vpcs"])
    refused(code, client.create_vpc, **params)
    assert len(client.describe_vpcs()["Vpcs"]) == before


def test_a_vpc_with_something_in_it_stays(client: Any, refused: Any, vpc: str, subnet: str) -> None:
    message = refused("DependencyViolation", client.delete_vpc, VpcId=vpc)
    assert message == f"The vpc '{vpc}' has dependencies and cannot be deleted."
    client.delete_subnet(SubnetId=subnet)
    client.delete_vpc(VpcId=vpc)
    message = refused("InvalidVpcID.NotFound", client.describe_vpcs, VpcIds=[vpc])
    assert message == f"The vpc ID '{vpc}' does not exist"
    refused("InvalidVpcID.Malformed", client.describe_vpcs, VpcIds=["net-1"])


def test_attributes_change_one_at_a_time(client: Any, refused: Any, vpc: str, world: Any) -> None:
    client.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert world.ec2.network.snapshot().vpcs[vpc].dns_hostnames
    refused(
        "InvalidParameterCombination",
        client.modify_vpc_attribute,
        VpcId=vpc,
        EnableDnsHostnames={"Value": True},
        EnableDnsSupport={"Value": True},
    )
    client.modify_vpc_attribute(VpcId=vpc, EnableDnsSupport={"Value": False})
    assert not world.ec2.network.snapshot().vpcs[vpc].dns_support


def test_secondary_blocks(client: Any, refused: Any, vpc: str) -> None:
    added = client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.1.0.0/16")["CidrBlockAssociation"]
    client.create_subnet(VpcId=vpc, CidrBlock="10.1.1.0/24")
    refused("CidrConflict", client.associate_vpc_cidr_block, VpcId=vpc, CidrBlock="10.1.128.0/17")
    message = refused(
        "InvalidCidrBlock.InUse", client.disassociate_vpc_cidr_block, AssociationId=added["AssociationId"]
    )
    assert message == f"The vpc {vpc} currently has a subnet within CIDR block 10.1.0.0/16"
    primary = client.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["CidrBlockAssociationSet"][0]["AssociationId"]
    refused("OperationNotPermitted", client.disassociate_vpc_cidr_block, AssociationId=primary)
    refused(
        "InvalidVpcCidrBlockAssociationID.NotFound",
        client.disassociate_vpc_cidr_block,
        AssociationId="vpc-cidr-assoc-1",
    )
    tables = client.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    assert [route["DestinationCidrBlock"] for route in tables[0]["Routes"]] == ["10.0.0.0/16", "10.1.0.0/16"]
    ipv6 = client.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)[
        "Ipv6CidrBlockAssociation"
    ]
    assert ipv6["Ipv6CidrBlock"].endswith("::/56")
    client.disassociate_vpc_cidr_block(AssociationId=ipv6["AssociationId"])


def test_dhcp_options(client: Any, refused: Any, vpc: str) -> None:
    servers = [{"Key": "domain-name-servers", "Values": ["10.0.0.2", "AmazonProvidedDNS"]}]
    options = client.create_dhcp_options(DhcpConfigurations=servers)["DhcpOptions"]["DhcpOptionsId"]
    client.associate_dhcp_options(VpcId=vpc, DhcpOptionsId=options)
    refused("DependencyViolation", client.delete_dhcp_options, DhcpOptionsId=options)
    client.associate_dhcp_options(VpcId=vpc, DhcpOptionsId="default")
    client.delete_dhcp_options(DhcpOptionsId=options)
    refused("InvalidDhcpOptionID.NotFound", client.describe_dhcp_options, DhcpOptionsIds=[options])
    refused(
        "InvalidParameterValue",
        client.create_dhcp_options,
        DhcpConfigurations=[{"Key": "domain-name-servers", "Values": ["here"]}],
    )


@pytest.mark.parametrize(
    ("primary", "added", "code"),
    [
        ("10.0.0.0/16", "192.168.0.0/16", "InvalidVpc.Range"),
        ("10.0.0.0/16", "172.16.0.0/16", "InvalidVpc.Range"),
        ("10.1.0.0/16", "10.0.0.0/16", "InvalidVpc.Range"),
        ("172.16.0.0/16", "172.31.0.0/24", "InvalidVpc.Range"),
        ("100.64.0.0/16", "10.5.0.0/16", "InvalidVpc.Range"),
        ("10.0.0.0/16", "198.19.1.0/24", "InvalidVpc.Range"),
        ("10.0.0.0/16", "10.5.0.0/16", None),
        ("10.0.0.0/16", "100.64.0.0/16", None),
        ("192.168.0.0/24", "192.168.1.0/24", None),
    ],
)
def test_which_secondary_blocks_are_allowed(
    client: Any, refused: Any, primary: str, added: str, code: str | None
) -> None:
    """VPC User Guide, "IPv4 CIDR block association restrictions"."""
    vpc = client.create_vpc(CidrBlock=primary)["Vpc"]["VpcId"]
    if code is None:
        client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=added)
    else:
        refused(code, client.associate_vpc_cidr_block, VpcId=vpc, CidrBlock=added)


def test_five_blocks(client: Any, refused: Any, vpc: str) -> None:
    for number in range(1, 5):
        client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock=f"10.{number}.0.0/16")
    message = refused(
        "CidrLimitExceeded", client.associate_vpc_cidr_block, VpcId=vpc, CidrBlock="10.9.0.0/16"
    )
    assert message == f"This network '{vpc}' has met its maximum number of allowed CIDRs: 5"
