"""VPC endpoints. Sources: PrivateLink Guide, "Gateway endpoints for Amazon DynamoDB"; DynamoDB Developer Guide,
"Using Amazon VPC endpoints to access DynamoDB" (the CLI procedure); EC2 API reference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from casemate.services.ec2.registry import operations

DYNAMODB = "com.amazonaws.us-east-2.dynamodb"
LIST = "pl-4ca54025"
ONE_TABLE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "dynamodb:*",
                "Resource": "arn:aws:dynamodb:us-east-2:000000000000:table/orders",
            }
        ],
    }
)


def endpoint_routes(client: Any, table: str) -> list[dict[str, Any]]:
    shown = client.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return [route for route in shown if "DestinationPrefixListId" in route]


@pytest.fixture
def endpoint(client: Any, vpc: str, table: str) -> str:
    made = client.create_vpc_endpoint(VpcId=vpc, ServiceName=DYNAMODB, RouteTableIds=[table])["VpcEndpoint"]
    return made["VpcEndpointId"]


def test_the_documented_procedure(client: Any, world: Any, vpc: str, subnet: str, table: str) -> None:
    """List the services, create the endpoint, see its route, restrict its policy, delete it."""
    assert DYNAMODB in client.describe_vpc_endpoint_services()["ServiceNames"]
    client.associate_route_table(RouteTableId=table, SubnetId=subnet)
    made = client.create_vpc_endpoint(VpcId=vpc, ServiceName=DYNAMODB, RouteTableIds=[table])["VpcEndpoint"]
    endpoint = made["VpcEndpointId"]
    assert (made["State"], made["VpcEndpointType"], made["RouteTableIds"]) == (
        "available",
        "Gateway",
        [table],
    )
    assert json.loads(made["PolicyDocument"]) == {
        "Version": "2008-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
    assert endpoint_routes(client, table) == [
        {"DestinationPrefixListId": LIST, "GatewayId": endpoint, "Origin": "CreateRoute", "State": "active"}
    ]
    before = world.ec2.endpoints.endpoint_policy(endpoint)
    client.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=ONE_TABLE)
    after = world.ec2.endpoints.endpoint_policy(endpoint)
    assert after is not before
    assert after.statements[0].resources == ("arn:aws:dynamodb:us-east-2:000000000000:table/orders",)
    (shown,) = client.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
    assert shown["PolicyDocument"] == ONE_TABLE
    client.create_tags(Resources=[endpoint], Tags=[{"Key": "Name", "Value": "ddb"}])
    assert world.ec2.endpoints.endpoint_policy(endpoint) is after
    client.modify_vpc_endpoint(VpcEndpointId=endpoint, ResetPolicy=True)
    assert world.ec2.endpoints.endpoint_policy(endpoint).statements[0].actions == ("*",)
    assert client.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"] == []
    assert endpoint_routes(client, table) == []
    assert world.ec2.endpoints.endpoint_policy(endpoint) is None


def test_tables_come_and_go(client: Any, refused: Any, vpc: str, table: str, endpoint: str) -> None:
    other = client.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    client.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[other], RemoveRouteTableIds=[table])
    assert endpoint_routes(client, table) == []
    assert [route["GatewayId"] for route in endpoint_routes(client, other)] == [endpoint]
    client.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[other])
    assert len(endpoint_routes(client, other)) == 1
    refused(
        "InvalidParameter", client.modify_vpc_endpoint, VpcEndpointId=endpoint, RemoveRouteTableIds=[table]
    )
    client.delete_route_table(RouteTableId=other)
    assert client.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"][0]["RouteTableIds"] == []


def test_its_route_is_not_editable_by_hand(
    client: Any, refused: Any, table: str, gateway: str, endpoint: str
) -> None:
    route = {"RouteTableId": table, "DestinationPrefixListId": LIST}
    refused("InvalidParameterValue", client.delete_route, **route)
    refused("InvalidParameterValue", client.replace_route, **route, GatewayId=gateway)
    refused("RouteAlreadyExists", client.create_route, **route, GatewayId=gateway)
    refused(
        "InvalidParameterValue",
        client.create_route,
        RouteTableId=table,
        DestinationCidrBlock="1.2.3.0/24",
        GatewayId=endpoint,
    )
    assert len(endpoint_routes(client, table)) == 1


def test_one_endpoint_of_a_service_for_each_table(
    client: Any, refused: Any, vpc: str, table: str, endpoint: str
) -> None:
    again = {"VpcId": vpc, "ServiceName": DYNAMODB, "RouteTableIds": [table]}
    message = refused("RouteAlreadyExists", client.create_vpc_endpoint, **again)
    assert message == f"route table {table} already has a route with destination-prefix-list-id {LIST}"
    other = client.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    second = client.create_vpc_endpoint(VpcId=vpc, ServiceName=DYNAMODB, RouteTableIds=[other])["VpcEndpoint"]
    refused(
        "RouteAlreadyExists",
        client.modify_vpc_endpoint,
        VpcEndpointId=second["VpcEndpointId"],
        AddRouteTableIds=[table],
    )
    s3 = "com.amazonaws.us-east-2.s3"
    client.create_vpc_endpoint(VpcId=vpc, ServiceName=s3, RouteTableIds=[table])
    assert {route["DestinationPrefixListId"] for route in endpoint_routes(client, table)} == {
        LIST,
        "pl-7ba54012",
    }


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ServiceName": "com.amazonaws.us-east-1.dynamodb"}, "InvalidServiceName"),
        ({"ServiceName": "com.amazonaws.us-east-2.nothing"}, "InvalidServiceName"),
        ({"ServiceName": "com.amazonaws.us-east-2.sts"}, "InvalidParameter"),
        ({"RouteTableIds": ["rtb-0123"]}, "InvalidRouteTableID.NotFound"),
        ({"SubnetIds": ["subnet-0123"]}, "InvalidParameter"),
        ({"PrivateDnsEnabled": True}, "InvalidParameter"),
        ({"VpcId": "vpc-0123"}, "InvalidVpcID.NotFound"),
        ({"PolicyDocument": "{"}, "InvalidPolicyDocument"),
        ({"PolicyDocument": ONE_TABLE.replace('"*"', '{"AWS": "000000000000"}')}, "InvalidPolicyDocument"),
        ({"PolicyDocument": ONE_TABLE.replace('"Allow"', '"Permit"')}, "InvalidPolicyDocument"),
        ({"PolicyDocument": ONE_TABLE + " " * 20_480}, "InvalidPolicyDocument"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_create_refuses(client: Any, refused: Any, vpc: str, params: dict[str, Any], code: str) -> None:
    refused(code, client.create_vpc_endpoint, **{"VpcId": vpc, "ServiceName": DYNAMODB, **params})
    assert client.describe_vpc_endpoints()["VpcEndpoints"] == []


def test_twenty_gateway_endpoints_in_a_region(client: Any, refused: Any, vpc: str) -> None:
    for _ in range(20):
        client.create_vpc_endpoint(VpcId=vpc, ServiceName=DYNAMODB)
    refused("VpcEndpointLimitExceeded", client.create_vpc_endpoint, VpcId=vpc, ServiceName=DYNAMODB)


def test_deleting_what_is_not_there(client: Any, vpc: str, endpoint: str, refused: Any) -> None:
    (failed,) = client.delete_vpc_endpoints(VpcEndpointIds=["vpce-0123", endpoint])["Unsuccessful"]
    assert (failed["ResourceId"], failed["Error"]["Code"]) == ("vpce-0123", "InvalidVpcEndpointId.NotFound")
    refused("InvalidVpcEndpointId.NotFound", client.describe_vpc_endpoints, VpcEndpointIds=[endpoint])
    assert client.describe_vpc_endpoints()["VpcEndpoints"] == []


def test_a_vpc_with_an_endpoint_stays(client: Any, refused: Any, vpc: str) -> None:
    client.create_vpc_endpoint(VpcId=vpc, ServiceName=DYNAMODB)
    refused("DependencyViolation", client.delete_vpc, VpcId=vpc)


def test_an_interface_endpoint_for_dynamodb(
    client: Any, refused: Any, world: Any, vpc: str, subnet: str
) -> None:
    """DynamoDB Developer Guide, "AWS PrivateLink for DynamoDB": no private DNS."""
    params = {"VpcId": vpc, "ServiceName": DYNAMODB, "VpcEndpointType": "Interface", "SubnetIds": [subnet]}
    message = refused("InvalidParameter", client.create_vpc_endpoint, **params, PrivateDnsEnabled=True)
    assert message == (
        f"Private DNS can't be enabled because the service {DYNAMODB} does not provide a private DNS name."
    )
    made = client.create_vpc_endpoint(**params)["VpcEndpoint"]
    assert not made["PrivateDnsEnabled"]
    names = [entry["DnsName"] for entry in made["DnsEntries"]]
    assert len(names) == 2
    assert all(name.startswith(made["VpcEndpointId"]) for name in names)
    assert names[0].endswith(".dynamodb.us-east-2.vpce.amazonaws.com")
    assert names[1].endswith("-us-east-2a.dynamodb.us-east-2.vpce.amazonaws.com")
    (eni,) = client.describe_network_interfaces(NetworkInterfaceIds=made["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert (eni["InterfaceType"], eni["RequesterManaged"], eni["Status"]) == ("vpc_endpoint", True, "in-use")
    projected = world.ec2.network.snapshot().vpcs[vpc].endpoints[made["VpcEndpointId"]]
    assert projected.interface_ids == tuple(made["NetworkInterfaceIds"])
    assert projected.dns_names == tuple(names)
    refused("DependencyViolation", client.delete_subnet, SubnetId=subnet)
    client.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    client.delete_subnet(SubnetId=subnet)


def test_private_dns_needs_both_attributes(client: Any, refused: Any, vpc: str, subnet: str) -> None:
    params = {
        "VpcId": vpc,
        "ServiceName": "com.amazonaws.us-east-2.sts",
        "VpcEndpointType": "Interface",
        "SubnetIds": [subnet],
    }
    message = refused("InvalidParameter", client.create_vpc_endpoint, **params)
    assert message.startswith("Enabling private DNS requires both enableDnsSupport and enableDnsHostnames")
    client.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    made = client.create_vpc_endpoint(**params)["VpcEndpoint"]
    assert made["DnsEntries"][-1]["DnsName"] == "sts.us-east-2.amazonaws.com"
    refused("InvalidParameter", client.create_vpc_endpoint, **params, PrivateDnsEnabled=True)
    client.modify_vpc_endpoint(VpcEndpointId=made["VpcEndpointId"], PrivateDnsEnabled=False)
    client.create_vpc_endpoint(**params, PrivateDnsEnabled=True)


def test_interface_endpoints_change_subnets_and_groups(
    client: Any, refused: Any, vpc: str, subnet: str
) -> None:
    made = client.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-2.logs",
        VpcEndpointType="Interface",
        SubnetIds=[subnet],
        PrivateDnsEnabled=False,
    )["VpcEndpoint"]
    endpoint, default = made["VpcEndpointId"], made["Groups"][0]["GroupId"]
    group = client.create_security_group(VpcId=vpc, GroupName="endpoint", Description="d")["GroupId"]
    same = client.create_subnet(VpcId=vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="us-east-2a")["Subnet"][
        "SubnetId"
    ]
    other = client.create_subnet(VpcId=vpc, CidrBlock="10.0.3.0/24", AvailabilityZone="us-east-2b")["Subnet"][
        "SubnetId"
    ]
    refused(
        "DuplicateSubnetsInSameZone", client.modify_vpc_endpoint, VpcEndpointId=endpoint, AddSubnetIds=[same]
    )
    refused(
        "InvalidParameter",
        client.modify_vpc_endpoint,
        VpcEndpointId=endpoint,
        RemoveSecurityGroupIds=[default],
    )
    client.modify_vpc_endpoint(
        VpcEndpointId=endpoint,
        AddSubnetIds=[other],
        RemoveSubnetIds=[subnet],
        AddSecurityGroupIds=[group],
        RemoveSecurityGroupIds=[default],
    )
    enis = client.describe_network_interfaces(
        Filters=[{"Name": "interface-type", "Values": ["vpc_endpoint"]}]
    )
    (eni,) = enis["NetworkInterfaces"]
    assert (eni["SubnetId"], [each["GroupId"] for each in eni["Groups"]]) == (other, [group])
    refused("DependencyViolation", client.delete_security_group, GroupId=group)


def test_services(client: Any, refused: Any) -> None:
    details = client.describe_vpc_endpoint_services(ServiceNames=[DYNAMODB])["ServiceDetails"]
    assert [each["ServiceType"][0]["ServiceType"] for each in details] == ["Gateway", "Interface"]
    gateways = [{"Name": "service-type", "Values": ["Gateway"]}]
    names = client.describe_vpc_endpoint_services(Filters=gateways)["ServiceNames"]
    assert names == [DYNAMODB, "com.amazonaws.us-east-2.s3"]
    refused(
        "InvalidServiceName",
        client.describe_vpc_endpoint_services,
        ServiceNames=["com.amazonaws.us-east-1.s3"],
    )


def test_interface_endpoints_are_ipv4(client: Any, refused: Any, vpc: str, subnet: str) -> None:
    """As SupportedIpAddressTypes of DescribeVpcEndpointServices says."""
    params = {"VpcId": vpc, "VpcEndpointType": "Interface", "ServiceName": "com.amazonaws.us-east-2.kms"}
    for kind in ("ipv6", "dualstack"):
        refused(
            "InvalidParameter", client.create_vpc_endpoint, **params, SubnetIds=[subnet], IpAddressType=kind
        )


def test_endpoint_services_of_ones_own_are_refused_with_what_they_would_need() -> None:
    wanted = [name for name in operations.refusals if "Endpoint" in name]
    assert len(wanted) == 14
    assert all("Network Load Balancer" in operations.refusals[name] for name in wanted)


def test_prefix_lists_are_those_of_the_region(client: Any, refused: Any, world: Any) -> None:
    (shown,) = client.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [DYNAMODB]}])[
        "PrefixLists"
    ]
    assert (shown["PrefixListId"], shown["Cidrs"]) == (LIST, ["35.71.102.0/24", "52.94.4.0/24"])
    entries = client.get_managed_prefix_list_entries(PrefixListId=LIST)["Entries"]
    assert [entry["Cidr"] for entry in entries] == shown["Cidrs"]
    managed = client.describe_managed_prefix_lists(Filters=[{"Name": "owner-id", "Values": ["AWS"]}])[
        "PrefixLists"
    ]
    assert LIST in [each["PrefixListId"] for each in managed]
    refused("InvalidPrefixListID.NotFound", client.describe_prefix_lists, PrefixListIds=["pl-02cd2c6b"])
    assert {LIST, "pl-02cd2c6b"} <= world.ec2.network.snapshot().prefix_lists.keys()
