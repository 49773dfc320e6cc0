"""One table of bad input for each class of operation, with AWS's codes.

Source: EC2 API reference, "Error codes for the Amazon EC2 API", and the common parameters of each operation: an id
that is none, an id of nothing, a missing parameter, a filter that does not exist, a page that does not, a DryRun, a
token used twice.
"""

from __future__ import annotations

from typing import Any

import pytest

GONE = "0123456789abcdef0"
MISSING = [
    ("delete_vpc", {"VpcId": f"vpc-{GONE}"}, "InvalidVpcID.NotFound"),
    ("modify_vpc_attribute", {"VpcId": f"vpc-{GONE}", "EnableDnsSupport": {"Value": True}}, "InvalidVpcID.NotFound"),
    ("associate_vpc_cidr_block", {"VpcId": f"vpc-{GONE}", "CidrBlock": "10.1.0.0/16"}, "InvalidVpcID.NotFound"),
    ("create_subnet", {"VpcId": f"vpc-{GONE}", "CidrBlock": "10.0.0.0/24"}, "InvalidVpcID.NotFound"),
    ("delete_subnet", {"SubnetId": f"subnet-{GONE}"}, "InvalidSubnetID.NotFound"),
    ("delete_route_table", {"RouteTableId": f"rtb-{GONE}"}, "InvalidRouteTableID.NotFound"),
    ("disassociate_route_table", {"AssociationId": f"rtbassoc-{GONE}"}, "InvalidAssociationID.NotFound"),
    ("create_route", {"RouteTableId": f"rtb-{GONE}", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": f"igw-{GONE}"}, "InvalidRouteTableID.NotFound"),
    ("delete_internet_gateway", {"InternetGatewayId": f"igw-{GONE}"}, "InvalidInternetGatewayID.NotFound"),
    ("delete_egress_only_internet_gateway", {"EgressOnlyInternetGatewayId": f"eigw-{GONE}"}, "InvalidGatewayID.NotFound"),
    ("delete_nat_gateway", {"NatGatewayId": f"nat-{GONE}"}, "NatGatewayNotFound"),
    ("associate_nat_gateway_address", {"NatGatewayId": f"nat-{GONE}", "AllocationIds": [f"eipalloc-{GONE}"]}, "NatGatewayNotFound"),
    ("release_address", {"AllocationId": f"eipalloc-{GONE}"}, "InvalidAllocationID.NotFound"),
    ("delete_network_interface", {"NetworkInterfaceId": f"eni-{GONE}"}, "InvalidNetworkInterfaceID.NotFound"),
    ("delete_security_group", {"GroupId": f"sg-{GONE}"}, "InvalidGroup.NotFound"),
    ("authorize_security_group_egress", {"GroupId": f"sg-{GONE}", "IpPermissions": [{"IpProtocol": "-1"}]}, "InvalidGroup.NotFound"),
    ("delete_network_acl", {"NetworkAclId": f"acl-{GONE}"}, "InvalidNetworkAclID.NotFound"),
    ("modify_vpc_endpoint", {"VpcEndpointId": f"vpce-{GONE}"}, "InvalidVpcEndpointId.NotFound"),
    ("get_managed_prefix_list_entries", {"PrefixListId": f"pl-{GONE}"}, "InvalidPrefixListID.NotFound"),
    ("restore_managed_prefix_list_version", {"PrefixListId": f"pl-{GONE}", "PreviousVersion": 1, "CurrentVersion": 2}, "InvalidPrefixListID.NotFound"),
    ("delete_dhcp_options", {"DhcpOptionsId": f"dopt-{GONE}"}, "InvalidDhcpOptionID.NotFound"),
    ("accept_vpc_peering_connection", {"VpcPeeringConnectionId": f"pcx-{GONE}"}, "InvalidVpcPeeringConnectionID.NotFound"),
    ("create_tags", {"Resources": [f"vpc-{GONE}"], "Tags": [{"Key": "a", "Value": "b"}]}, "InvalidVpcID.NotFound"),
    ("create_tags", {"Resources": ["nonsense"], "Tags": [{"Key": "a", "Value": "b"}]}, "InvalidID"),
    ("delete_subnet", {"SubnetId": "nonsense"}, "InvalidSubnetID.Malformed"),
    ("delete_route_table", {"RouteTableId": "nonsense"}, "InvalidRouteTableID.Malformed"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "params", "code"), MISSING)
def test_what_does_not_exist(
    client: Any, refused: Any, operation: str, params: dict[str, Any], code: str
) -> None:
    refused(code, getattr(client, operation), **params)


DESCRIBE = [
    "describe_vpcs", "describe_subnets", "describe_route_tables", "describe_internet_gateways",
    "describe_egress_only_internet_gateways", "describe_network_interfaces", "describe_security_groups",
    "describe_security_group_rules", "describe_network_acls", "describe_vpc_endpoints", "describe_managed_prefix_lists",
    "describe_prefix_lists", "describe_dhcp_options", "describe_vpc_peering_connections", "describe_tags",
    "describe_vpc_endpoint_services", "describe_network_insights_paths", "describe_network_insights_analyses",
]  # fmt: skip


@pytest.mark.parametrize("operation", DESCRIBE)
def test_descriptions_refuse_what_they_do_not_know(client: Any, refused: Any, operation: str) -> None:
    call = getattr(client, operation)
    refused("InvalidParameterValue", call, Filters=[{"Name": "colour", "Values": ["red"]}])
    refused("InvalidParameterValue", call, Filters=[{"Name": "tag:Name", "Values": []}])
    refused("InvalidNextToken", call, NextToken="nonsense")
    refused("DryRunOperation", call, DryRun=True)


TOKENS = [
    ("create_nat_gateway", {"SubnetId": "{subnet}", "ConnectivityType": "private"}, {"ConnectivityType": "public"}),
    ("create_vpc_endpoint", {"VpcId": "{vpc}", "ServiceName": "com.amazonaws.us-east-2.dynamodb"}, {"ServiceName": "com.amazonaws.us-east-2.s3"}),
    ("create_egress_only_internet_gateway", {"VpcId": "{vpc}"}, {"TagSpecifications": [{"ResourceType": "egress-only-internet-gateway", "Tags": [{"Key": "a", "Value": "b"}]}]}),
    ("create_managed_prefix_list", {"PrefixListName": "one", "AddressFamily": "IPv4", "MaxEntries": 1}, {"MaxEntries": 2}),
    ("create_network_interface", {"SubnetId": "{subnet}"}, {"Description": "other"}),
    ("create_route_table", {"VpcId": "{vpc}"}, {"TagSpecifications": [{"ResourceType": "route-table", "Tags": [{"Key": "a", "Value": "b"}]}]}),
    ("create_network_acl", {"VpcId": "{vpc}"}, {"TagSpecifications": [{"ResourceType": "network-acl", "Tags": [{"Key": "a", "Value": "b"}]}]}),
    ("create_flow_logs", {"ResourceIds": ["{vpc}"], "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": "g", "DeliverLogsPermissionArn": "arn:aws:iam::000000000000:role/r"}, {"TrafficType": "REJECT"}),
]  # fmt: skip


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(each, names) for each in value]
    return value.format(**names) if isinstance(value, str) else value


def _id(answer: dict[str, Any]) -> Any:
    """The id, or ids, of what was made, wherever the answer has them."""
    made = next(value for key, value in answer.items() if key not in {"ResponseMetadata", "ClientToken"})
    if isinstance(made, dict):
        return next(
            value
            for key, value in made.items()
            if (key.endswith("Id") and not key.startswith(("Vpc", "Subnet", "Owner")))
            or key == "VpcEndpointId"
        )
    return made


@pytest.mark.parametrize(("operation", "params", "changed"), TOKENS)
def test_a_token_makes_one_thing(
    client: Any,
    refused: Any,
    vpc: str,
    subnet: str,
    operation: str,
    params: dict[str, Any],
    changed: dict[str, Any],
) -> None:
    call = getattr(client, operation)
    filled = {name: _filled(value, {"vpc": vpc, "subnet": subnet}) for name, value in params.items()}
    first = call(ClientToken="once", **filled)
    assert _id(call(ClientToken="once", **filled)) == _id(first)
    refused("IdempotentParameterMismatch", call, ClientToken="once", **{**filled, **changed})


def test_five_addresses_of_each_subnet_are_reserved(client: Any, refused: Any, vpc: str) -> None:
    """VPC User Guide, "Subnet CIDR reservations": the first four and the last."""
    made = client.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/28")["Subnet"]
    assert made["AvailableIpAddressCount"] == 11
    for number in (0, 1, 2, 3, 15):
        refused(
            "InvalidParameterValue",
            client.create_network_interface,
            SubnetId=made["SubnetId"],
            PrivateIpAddress=f"10.0.9.{number}",
        )
    for _ in range(11):
        client.create_network_interface(SubnetId=made["SubnetId"])
    refused("InsufficientFreeAddressesInSubnet", client.create_network_interface, SubnetId=made["SubnetId"])
