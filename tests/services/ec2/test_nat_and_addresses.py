"""NAT gateways and elastic addresses. Sources: EC2 API reference; VPC User Guide, "NAT gateways"."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest

from casemate.model.network import TargetKind
from casemate.model.regions import public_pool


@pytest.fixture
def allocation(client: Any) -> str:
    return client.allocate_address(Domain="vpc")["AllocationId"]


def test_a_nat_gateway_from_birth_to_death(
    client: Any, refused: Any, world: Any, vpc: str, subnet: str, table: str, gateway: str, allocation: str
) -> None:
    made = client.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]
    nat = made["NatGatewayId"]
    (address,) = made["NatGatewayAddresses"]
    assert (made["State"], address["PrivateIp"], address["AllocationId"]) == (
        "available",
        "10.0.1.4",
        allocation,
    )
    assert IPv4Address(address["PublicIp"]) in public_pool("us-east-2")
    (eni,) = client.describe_network_interfaces(NetworkInterfaceIds=[address["NetworkInterfaceId"]])[
        "NetworkInterfaces"
    ]
    assert (eni["InterfaceType"], eni["Description"]) == ("nat_gateway", f"Interface for NAT Gateway {nat}")
    assert eni["Association"]["PublicIp"] == address["PublicIp"]
    assert eni["Groups"] == []
    client.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    projected = world.ec2.network.snapshot().vpcs[vpc]
    assert projected.nat_gateways[nat].public == IPv4Address(address["PublicIp"])
    assert projected.interfaces[eni["NetworkInterfaceId"]].owner == nat
    route = projected.route_tables[table].routes[-1]
    assert (route.target, route.target_id, route.blackhole) == (TargetKind.NAT_GATEWAY, nat, False)

    refused("AuthFailure", client.release_address, AllocationId=allocation)
    refused("AuthFailure", client.disassociate_address, AssociationId=address["AssociationId"])
    failed = client.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]
    assert (failed["State"], failed["FailureCode"], failed["FailureMessage"]) == (
        "failed",
        "Resource.AlreadyAssociated",
        f"Elastic IP address {allocation} is already associated",
    )
    refused("DependencyViolation", client.detach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc)
    refused("DependencyViolation", client.delete_subnet, SubnetId=subnet)

    client.delete_nat_gateway(NatGatewayId=nat)
    (shown,) = client.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"]
    assert (shown["State"], shown["DeleteTime"]) == ("deleted", world.cloud.now)
    (row,) = [
        each
        for each in client.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        if each["DestinationCidrBlock"] == "0.0.0.0/0"
    ]
    assert row["State"] == "blackhole"
    projected = world.ec2.network.snapshot().vpcs[vpc]
    assert projected.route_tables[table].routes[-1].blackhole
    assert (dict(projected.nat_gateways), dict(projected.interfaces)) == ({}, {})
    client.release_address(AllocationId=allocation)
    world.cloud.now += timedelta(hours=2)
    message = refused("NatGatewayNotFound", client.describe_nat_gateways, NatGatewayIds=[nat])
    assert message == f"NAT gateway {nat} was not found"


def test_without_an_internet_gateway_it_fails(
    client: Any, world: Any, vpc: str, subnet: str, allocation: str
) -> None:
    made = client.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]
    assert (made["State"], made["FailureCode"]) == ("failed", "Gateway.NotAttached")
    assert made["FailureMessage"] == f"Network {vpc} has no Internet gateway attached"
    assert client.describe_addresses()["Addresses"][0].get("AssociationId") is None
    assert not world.ec2.network.snapshot().vpcs[vpc].nat_gateways


def test_a_private_nat_gateway(
    client: Any, refused: Any, world: Any, vpc: str, subnet: str, allocation: str
) -> None:
    private = {"SubnetId": subnet, "ConnectivityType": "private"}
    refused("InvalidParameterCombination", client.create_nat_gateway, **private, AllocationId=allocation)
    made = client.create_nat_gateway(**private, PrivateIpAddress="10.0.1.77")["NatGateway"]
    assert made["NatGatewayAddresses"][0]["PrivateIp"] == "10.0.1.77"
    assert world.ec2.network.snapshot().vpcs[vpc].nat_gateways[made["NatGatewayId"]].public is None


def test_create_nat_gateway_refuses(client: Any, refused: Any, subnet: str, gateway: str) -> None:
    refused("MissingParameter", client.create_nat_gateway, SubnetId=subnet)
    refused(
        "InvalidAllocationID.NotFound", client.create_nat_gateway, SubnetId=subnet, AllocationId="eipalloc-01"
    )
    refused("InvalidSubnetID.NotFound", client.create_nat_gateway, SubnetId="subnet-0123")
    refused("NatGatewayNotFound", client.delete_nat_gateway, NatGatewayId="nat-0123")
    refused("MissingParameter", client.create_nat_gateway, SubnetId=subnet, VpcId="vpc-0123")
    client.create_network_interface(SubnetId=subnet, SecondaryPrivateIpAddressCount=250)
    full = client.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]
    assert (full["State"], full["FailureCode"]) == ("failed", "InsufficientFreeAddressesInSubnet")


def test_nat_gateways_are_filtered_by_filter(client: Any, subnet: str, gateway: str, allocation: str) -> None:
    nat = client.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]["NatGatewayId"]
    found = client.describe_nat_gateways(Filter=[{"Name": "state", "Values": ["available"]}])["NatGateways"]
    assert [each["NatGatewayId"] for each in found] == [nat]
    assert client.describe_nat_gateways(Filter=[{"Name": "state", "Values": ["failed"]}])["NatGateways"] == []


def test_an_address_on_an_interface(
    client: Any, refused: Any, world: Any, vpc: str, subnet: str, allocation: str
) -> None:
    eni = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    pair = {"AllocationId": allocation, "NetworkInterfaceId": eni}
    refused("Gateway.NotAttached", client.associate_address, **pair)
    made = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    client.attach_internet_gateway(InternetGatewayId=made, VpcId=vpc)
    association = client.associate_address(**pair)["AssociationId"]
    assert client.associate_address(**pair)["AssociationId"] == association
    (shown,) = client.describe_addresses(AllocationIds=[allocation])["Addresses"]
    assert (shown["NetworkInterfaceId"], shown["PrivateIpAddress"]) == (eni, "10.0.1.4")
    assert str(world.ec2.network.snapshot().vpcs[vpc].interfaces[eni].public) == shown["PublicIp"]
    message = refused("InvalidIPAddress.InUse", client.release_address, AllocationId=allocation)
    assert message == f"Address {shown['PublicIp']} is in use."
    message = refused("InvalidParameterValue", client.release_address, PublicIp=shown["PublicIp"])
    assert message == "You must specify an allocation id when releasing a VPC elastic IP address"
    other = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    elsewhere = {"AllocationId": allocation, "NetworkInterfaceId": other}
    refused("Resource.AlreadyAssociated", client.associate_address, **elsewhere, AllowReassociation=False)
    moved = client.associate_address(**elsewhere)["AssociationId"]
    assert world.ec2.network.snapshot().vpcs[vpc].interfaces[eni].public is None
    client.disassociate_address(AssociationId=moved)
    refused("InvalidAssociationID.NotFound", client.disassociate_address, AssociationId=moved)
    client.release_address(AllocationId=allocation)
    refused("InvalidAllocationID.NotFound", client.release_address, AllocationId=allocation)


def test_deleting_an_interface_frees_its_address(
    client: Any, subnet: str, gateway: str, allocation: str
) -> None:
    eni = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    client.associate_address(AllocationId=allocation, NetworkInterfaceId=eni)
    client.delete_network_interface(NetworkInterfaceId=eni)
    client.release_address(AllocationId=allocation)


def test_addresses_are_unique_over_accounts(client: Any, world: Any, refused: Any) -> None:
    mine = client.allocate_address()["PublicIp"]
    theirs = world.client(account="111111111111").allocate_address()["PublicIp"]
    assert mine != theirs
    refused("InvalidAddress.NotFound", client.describe_addresses, PublicIps=[theirs])


def test_reverse_names(client: Any, allocation: str) -> None:
    assert (
        client.describe_addresses_attribute(AllocationIds=[allocation])["Addresses"][0].get("PtrRecord")
        is None
    )
    client.modify_address_attribute(AllocationId=allocation, DomainName="mail.example.com")
    (shown,) = client.describe_addresses_attribute(Attribute="domain-name")["Addresses"]
    assert shown["PtrRecord"] == "mail.example.com."
    client.reset_address_attribute(AllocationId=allocation, Attribute="domain-name")
    assert client.describe_addresses_attribute(Attribute="domain-name")["Addresses"] == []
