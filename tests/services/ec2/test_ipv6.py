"""IPv6 of subnets and interfaces. Sources: EC2 API reference, AssignIpv6Addresses, CreateNetworkInterface, RunInstances;
VPC User Guide, "IPv6 support for your VPC" and "Egress-only internet gateways".
"""

from __future__ import annotations

from typing import Any

import pytest

IMAGE = [{"Name": "architecture", "Values": ["x86_64"]}]


@pytest.fixture
def vpc6(client: Any) -> str:
    return client.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]


def block_of(client: Any, vpc: str) -> str:
    (shown,) = client.describe_vpcs(VpcIds=[vpc])["Vpcs"]
    return shown["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("::/56", "::/64")


@pytest.fixture
def subnet6(client: Any, vpc6: str) -> str:
    return client.create_subnet(VpcId=vpc6, CidrBlock="10.0.1.0/24", Ipv6CidrBlock=block_of(client, vpc6))[
        "Subnet"
    ]["SubnetId"]


def addresses(client: Any, interface: str) -> list[str]:
    (shown,) = client.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    return [each["Ipv6Address"] for each in shown["Ipv6Addresses"]]


def test_addresses_come_when_asked_for_or_when_the_subnet_assigns_them(
    client: Any, vpc6: str, subnet6: str
) -> None:
    prefix = block_of(client, vpc6).removesuffix("/64")
    made = client.create_network_interface(SubnetId=subnet6)["NetworkInterface"]
    assert made["Ipv6Addresses"] == []
    made = client.create_network_interface(SubnetId=subnet6, Ipv6AddressCount=2)["NetworkInterface"]
    assert [each["Ipv6Address"] for each in made["Ipv6Addresses"]] == [prefix + "4", prefix + "5"]
    client.modify_subnet_attribute(SubnetId=subnet6, AssignIpv6AddressOnCreation={"Value": True})
    made = client.create_network_interface(SubnetId=subnet6)["NetworkInterface"]
    assert made["Ipv6Address"] == prefix + "6"
    # API Reference: "you can override that setting by specifying 0 as the IPv6 address count".
    made = client.create_network_interface(SubnetId=subnet6, Ipv6AddressCount=0)["NetworkInterface"]
    assert made["Ipv6Addresses"] == []
    found = client.describe_network_interfaces(
        Filters=[{"Name": "ipv6-addresses.ipv6-address", "Values": [prefix + "5"]}]
    )["NetworkInterfaces"]
    assert len(found) == 1


def test_assign_and_unassign(client: Any, refused: Any, vpc6: str, subnet6: str) -> None:
    prefix = block_of(client, vpc6).removesuffix("/64")
    interface = client.create_network_interface(SubnetId=subnet6)["NetworkInterface"]["NetworkInterfaceId"]
    named = {"NetworkInterfaceId": interface}
    assert client.assign_ipv6_addresses(**named, Ipv6AddressCount=1)["AssignedIpv6Addresses"] == [
        prefix + "4"
    ]
    client.assign_ipv6_addresses(**named, Ipv6Addresses=[prefix + "beef"])
    assert addresses(client, interface) == [prefix + "4", prefix + "beef"]
    refused("InvalidIPAddress.InUse", client.assign_ipv6_addresses, **named, Ipv6Addresses=[prefix + "4"])
    refused("InvalidParameterValue", client.assign_ipv6_addresses, **named, Ipv6Addresses=["2001:db8::5"])
    refused("InvalidParameterValue", client.assign_ipv6_addresses, **named, Ipv6Addresses=[prefix + "1"])
    refused("InvalidParameterValue", client.assign_ipv6_addresses, **named, Ipv6Addresses=["10.0.0.1"])
    refused("InvalidParameterCombination", client.assign_ipv6_addresses, **named)
    gone = client.unassign_ipv6_addresses(**named, Ipv6Addresses=[prefix + "4"])
    assert gone["UnassignedIpv6Addresses"] == [prefix + "4"]
    assert addresses(client, interface) == [prefix + "beef"]
    refused("InvalidParameterValue", client.unassign_ipv6_addresses, **named, Ipv6Addresses=[prefix + "4"])


def test_a_subnet_without_a_block_has_none_to_give(client: Any, refused: Any, subnet: str) -> None:
    refused("InvalidParameterValue", client.create_network_interface, SubnetId=subnet, Ipv6AddressCount=1)
    message = refused(
        "InvalidParameterValue",
        client.modify_subnet_attribute,
        SubnetId=subnet,
        AssignIpv6AddressOnCreation={"Value": True},
    )
    assert message.startswith("Invalid value 'true' for assign-ipv6-address-on-creation. Cannot set")


def test_a_block_in_use_stays(client: Any, refused: Any, subnet6: str) -> None:
    made = client.create_network_interface(SubnetId=subnet6, Ipv6AddressCount=1)["NetworkInterface"]
    (shown,) = client.describe_subnets(SubnetIds=[subnet6])["Subnets"]
    association = shown["Ipv6CidrBlockAssociationSet"][0]["AssociationId"]
    refused("InvalidCidrBlock.InUse", client.disassociate_subnet_cidr_block, AssociationId=association)
    client.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
    client.disassociate_subnet_cidr_block(AssociationId=association)


def test_instances_have_addresses(client: Any, refused: Any, vpc6: str, subnet6: str) -> None:
    prefix = block_of(client, vpc6).removesuffix("/64")
    image = client.describe_images(Owners=["amazon"], Filters=IMAGE)["Images"][0]["ImageId"]
    params = {"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}
    (made,) = client.run_instances(**params, SubnetId=subnet6, Ipv6AddressCount=1)["Instances"]
    assert made["Ipv6Address"] == prefix + "4"
    assert made["NetworkInterfaces"][0]["Ipv6Addresses"][0]["Ipv6Address"] == prefix + "4"
    given = [{"DeviceIndex": 0, "SubnetId": subnet6, "Ipv6Addresses": [{"Ipv6Address": prefix + "77"}]}]
    (made,) = client.run_instances(**params, NetworkInterfaces=given)["Instances"]
    assert made["Ipv6Address"] == prefix + "77"
    refused(
        "InvalidParameterCombination",
        client.run_instances,
        **params,
        NetworkInterfaces=given,
        Ipv6AddressCount=1,
    )
    found = client.describe_instances(Filters=[{"Name": "ipv6-address", "Values": [prefix + "77"]}])
    assert len(found["Reservations"]) == 1


def test_a_first_block_opens_what_was_open_to_ipv4(client: Any, vpc: str) -> None:
    group = client.create_security_group(GroupName="web", Description="w", VpcId=vpc)["GroupId"]
    narrow = client.create_security_group(GroupName="narrow", Description="n", VpcId=vpc)["GroupId"]
    client.revoke_security_group_egress(
        GroupId=narrow, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    client.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)

    def out(group_id: str) -> list[str]:
        (shown,) = client.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
        permissions = shown["IpPermissionsEgress"]
        return [each["CidrIpv6"] for one in permissions for each in one.get("Ipv6Ranges", [])]

    assert (out(group), out(narrow)) == (["::/0"], [])
    (acl,) = client.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NetworkAcls"]
    numbers = [each["RuleNumber"] for each in acl["Entries"] if each.get("Ipv6CidrBlock")]
    assert sorted(numbers) == [101, 101, 32768, 32768]


def test_blocks_are_amazons(client: Any, refused: Any, vpc: str) -> None:
    refused("MissingParameter", client.associate_vpc_cidr_block, VpcId=vpc, Ipv6CidrBlock="2001:db8::/56")
    for _ in range(5):
        client.associate_vpc_cidr_block(VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    refused("CidrLimitExceeded", client.associate_vpc_cidr_block, VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)


def test_routes_keep_to_the_family_their_target_carries(
    client: Any, refused: Any, vpc6: str, subnet6: str
) -> None:
    table = client.create_route_table(VpcId=vpc6)["RouteTable"]["RouteTableId"]
    egress = client.create_egress_only_internet_gateway(VpcId=vpc6)["EgressOnlyInternetGateway"]
    gateway = {"EgressOnlyInternetGatewayId": egress["EgressOnlyInternetGatewayId"]}
    client.create_route(RouteTableId=table, DestinationIpv6CidrBlock="::/0", **gateway)
    (shown,) = client.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    route = next(each for each in shown["Routes"] if each.get("DestinationIpv6CidrBlock") == "::/0")
    assert (route["State"], route["EgressOnlyInternetGatewayId"]) == ("active", *gateway.values())
    refused(
        "InvalidParameterValue",
        client.create_route,
        RouteTableId=table,
        DestinationCidrBlock="0.0.0.0/0",
        **gateway,
    )
    nat = client.create_nat_gateway(SubnetId=subnet6, ConnectivityType="private")["NatGateway"][
        "NatGatewayId"
    ]
    for destination, code in (
        ("2001:db8::/32", "InvalidParameterValue"),
        ("64:ff9b::/96", "UnsupportedOperation"),
    ):
        refused(
            code,
            client.create_route,
            RouteTableId=table,
            DestinationIpv6CidrBlock=destination,
            NatGatewayId=nat,
        )
    inside = block_of(client, vpc6)
    refused(
        "InvalidParameterValue",
        client.create_route,
        RouteTableId=table,
        DestinationIpv6CidrBlock=inside,
        **gateway,
    )
    refused(
        "UnsupportedOperation", client.modify_subnet_attribute, SubnetId=subnet6, EnableDns64={"Value": True}
    )


@pytest.mark.parametrize("zone", ["%eth0", "%; flush ruleset", "%\n"])
def test_no_address_and_no_block_names_a_zone(
    client: Any, refused: Any, vpc6: str, subnet6: str, zone: str
) -> None:
    """A zone (RFC 4007) may be any text, and Python keeps it in an address: it must not come into the kernel's rules."""
    address, block, wrong = (
        block_of(client, vpc6).replace("/64", f"7{zone}"),
        f"::{zone}/0",
        "InvalidParameterValue",
    )
    interface = client.create_network_interface(SubnetId=subnet6)["NetworkInterface"]["NetworkInterfaceId"]
    assign, create = client.assign_ipv6_addresses, client.create_network_interface
    refused(wrong, assign, NetworkInterfaceId=interface, Ipv6Addresses=[address])
    refused(wrong, create, SubnetId=subnet6, Ipv6Addresses=[{"Ipv6Address": address}])
    group = client.create_security_group(GroupName="zoned", Description="-", VpcId=vpc6)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "Ipv6Ranges": [{"CidrIpv6": block}]}
    refused(wrong, client.authorize_security_group_ingress, GroupId=group, IpPermissions=[rule])
    acl = client.create_network_acl(VpcId=vpc6)["NetworkAcl"]["NetworkAclId"]
    entry = {
        "RuleNumber": 1,
        "Protocol": "-1",
        "RuleAction": "allow",
        "Egress": False,
        "Ipv6CidrBlock": block,
    }
    refused(wrong, client.create_network_acl_entry, NetworkAclId=acl, **entry)
    gateway = client.create_egress_only_internet_gateway(VpcId=vpc6)["EgressOnlyInternetGateway"]
    route = {
        "RouteTableId": client.create_route_table(VpcId=vpc6)["RouteTable"]["RouteTableId"],
        "DestinationIpv6CidrBlock": block,
        "EgressOnlyInternetGatewayId": gateway["EgressOnlyInternetGatewayId"],
    }
    refused(wrong, client.create_route, **route)
    prefixes = {
        "PrefixListName": "zoned",
        "AddressFamily": "IPv6",
        "MaxEntries": 1,
        "Entries": [{"Cidr": block}],
    }
    refused(wrong, client.create_managed_prefix_list, **prefixes)
    options = [{"Key": "domain-name-servers", "Values": [f"::1{zone}"]}]
    refused(wrong, client.create_dhcp_options, DhcpConfigurations=options)


def test_an_interface_has_no_endless_number_of_addresses(client: Any, refused: Any, subnet6: str) -> None:
    too_many = "PrivateIpAddressLimitExceeded"
    for number in (257, 2**31 - 1):
        refused(too_many, client.create_network_interface, SubnetId=subnet6, Ipv6AddressCount=number)
    interface = client.create_network_interface(SubnetId=subnet6, Ipv6AddressCount=200)["NetworkInterface"]
    named = {"NetworkInterfaceId": interface["NetworkInterfaceId"]}
    refused(too_many, client.assign_ipv6_addresses, **named, Ipv6AddressCount=57)
    assert len(client.assign_ipv6_addresses(**named, Ipv6AddressCount=56)["AssignedIpv6Addresses"]) == 56
