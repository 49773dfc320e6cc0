"""Secondary addresses of NAT gateways, restored prefix lists, stale rules. Sources: EC2 API reference; VPC User Guide,
"NAT gateway basics"; VPC Peering Guide, "Work with stale security group rules".
"""

from __future__ import annotations

from typing import Any

import pytest


def allocate(client: Any) -> str:
    return client.allocate_address(Domain="vpc")["AllocationId"]


@pytest.fixture
def nat(client: Any, subnet: str, gateway: str) -> str:
    del gateway
    made = client.create_nat_gateway(SubnetId=subnet, AllocationId=allocate(client))
    return made["NatGateway"]["NatGatewayId"]


def shown(client: Any, nat: str) -> list[dict[str, Any]]:
    return client.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["NatGatewayAddresses"]


def test_secondary_elastic_addresses_come_and_go(client: Any, refused: Any, nat: str) -> None:
    second = allocate(client)
    answer = client.associate_nat_gateway_address(NatGatewayId=nat, AllocationIds=[second])
    (made,) = answer["NatGatewayAddresses"]
    assert (made["Status"], made["IsPrimary"], made["AllocationId"]) == ("associating", False, second)
    primary, secondary = shown(client, nat)
    assert (primary["IsPrimary"], secondary["Status"]) == (True, "succeeded")
    (interface,) = client.describe_network_interfaces(NetworkInterfaceIds=[secondary["NetworkInterfaceId"]])[
        "NetworkInterfaces"
    ]
    assert [each["PrivateIpAddress"] for each in interface["PrivateIpAddresses"]] == [
        primary["PrivateIp"], secondary["PrivateIp"],
    ]  # fmt: skip
    refused(
        "Resource.AlreadyAssociated",
        client.associate_nat_gateway_address,
        NatGatewayId=nat,
        AllocationIds=[second],
    )
    refused(
        "InvalidParameter",
        client.disassociate_nat_gateway_address,
        NatGatewayId=nat,
        AssociationIds=[primary["AssociationId"]],
    )
    client.disassociate_nat_gateway_address(NatGatewayId=nat, AssociationIds=[secondary["AssociationId"]])
    assert len(shown(client, nat)) == 1
    (address,) = client.describe_addresses(AllocationIds=[second])["Addresses"]
    assert address.get("AssociationId") is None


def test_a_private_gateway_takes_private_addresses(client: Any, refused: Any, subnet: str) -> None:
    made = client.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"][
        "NatGatewayId"
    ]
    client.assign_private_nat_gateway_address(NatGatewayId=made, PrivateIpAddressCount=2)
    assert len(shown(client, made)) == 3
    taken = shown(client, made)[1]["PrivateIp"]
    refused(
        "InvalidIPAddress.InUse",
        client.assign_private_nat_gateway_address,
        NatGatewayId=made,
        PrivateIpAddresses=[taken],
    )
    client.unassign_private_nat_gateway_address(NatGatewayId=made, PrivateIpAddresses=[taken])
    assert taken not in [each["PrivateIp"] for each in shown(client, made)]
    refused(
        "InvalidParameter",
        client.associate_nat_gateway_address,
        NatGatewayId=made,
        AllocationIds=[allocate(client)],
    )


def test_eight_addresses_are_the_limit(client: Any, refused: Any, subnet: str) -> None:
    made = client.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"][
        "NatGatewayId"
    ]
    client.assign_private_nat_gateway_address(NatGatewayId=made, PrivateIpAddressCount=7)
    refused(
        "NatGatewayLimitExceeded",
        client.assign_private_nat_gateway_address,
        NatGatewayId=made,
        PrivateIpAddressCount=1,
    )


def test_an_earlier_version_of_a_prefix_list_is_restored(client: Any, refused: Any) -> None:
    made = client.create_managed_prefix_list(
        PrefixListName="offices", AddressFamily="IPv4", MaxEntries=3, Entries=[{"Cidr": "10.0.0.0/24"}]
    )["PrefixList"]["PrefixListId"]
    client.modify_managed_prefix_list(
        PrefixListId=made, CurrentVersion=1, AddEntries=[{"Cidr": "10.0.1.0/24"}]
    )
    base = {"PrefixListId": made, "PreviousVersion": 1}
    refused("PrefixListVersionMismatch", client.restore_managed_prefix_list_version, CurrentVersion=1, **base)
    restored = client.restore_managed_prefix_list_version(CurrentVersion=2, **base)["PrefixList"]
    assert (restored["Version"], restored["State"]) == (3, "restore-in-progress")
    entries = client.get_managed_prefix_list_entries(PrefixListId=made)["Entries"]
    assert [each["Cidr"] for each in entries] == ["10.0.0.0/24"]


def test_a_rule_is_stale_when_the_peering_is_gone(client: Any, refused: Any, vpc: str) -> None:
    other = client.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    peering = client.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    peering_id = peering["VpcPeeringConnectionId"]
    client.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    ours = client.create_security_group(GroupName="ours", Description="-", VpcId=vpc)["GroupId"]
    theirs = client.create_security_group(GroupName="theirs", Description="-", VpcId=other)["GroupId"]
    permission = {
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": theirs}],
    }  # fmt: skip
    client.authorize_security_group_ingress(GroupId=ours, IpPermissions=[permission])
    assert client.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"] == []
    client.delete_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    (stale,) = client.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"]
    assert stale["GroupId"] == ours
    (rule,) = stale["StaleIpPermissions"]
    assert rule["UserIdGroupPairs"][0]["GroupId"] == theirs
    client.delete_security_group(GroupId=theirs)
    assert len(client.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"]) == 1
    refused("InvalidVpcID.NotFound", client.describe_stale_security_groups, VpcId="vpc-0123456789abcdef0")
