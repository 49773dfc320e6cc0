"""Route tables and routes. Sources: EC2 API reference; VPC User Guide, "Route tables" and "Middlebox routing"."""

from __future__ import annotations

from typing import Any

DEFAULT = "0.0.0.0/0"


def routes(client: Any, table: str) -> dict[str, dict[str, Any]]:
    shown = client.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    return {route.get("DestinationCidrBlock") or route["DestinationPrefixListId"]: route for route in shown}


def test_a_route_to_an_internet_gateway_lives_with_it(
    client: Any, vpc: str, table: str, gateway: str
) -> None:
    client.create_route(RouteTableId=table, DestinationCidrBlock=DEFAULT, GatewayId=gateway)
    assert routes(client, table)[DEFAULT] == {
        "DestinationCidrBlock": DEFAULT,
        "GatewayId": gateway,
        "Origin": "CreateRoute",
        "State": "active",
    }
    client.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert routes(client, table)[DEFAULT]["State"] == "blackhole"
    client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    assert routes(client, table)[DEFAULT]["State"] == "active"


def test_one_route_for_each_destination(
    client: Any, refused: Any, subnet: str, table: str, gateway: str
) -> None:
    route = {"RouteTableId": table, "DestinationCidrBlock": DEFAULT}
    client.create_route(**route, GatewayId=gateway)
    assert client.create_route(**route, GatewayId=gateway)["Return"]
    nat = client.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    message = refused("RouteAlreadyExists", client.create_route, **route, NatGatewayId=nat)
    assert message == "The route identified by 0.0.0.0/0 already exists."
    client.replace_route(**route, NatGatewayId=nat)
    assert routes(client, table)[DEFAULT]["NatGatewayId"] == nat
    client.delete_route(**route)
    message = refused("InvalidRoute.NotFound", client.delete_route, **route)
    assert message == f"no route with destination-cidr-block 0.0.0.0/0 in route table {table}"
    refused("InvalidRoute.NotFound", client.replace_route, **route, GatewayId=gateway)


def test_create_route_refuses(client: Any, refused: Any, table: str, gateway: str, subnet: str) -> None:
    def create(code: str, **params: Any) -> str:
        return refused(
            code, client.create_route, **{"RouteTableId": table, "DestinationCidrBlock": DEFAULT, **params}
        )

    create("InvalidGatewayID.NotFound", GatewayId="igw-0123")
    create("InvalidNatGatewayID.NotFound", NatGatewayId="nat-0123")
    create("InvalidInstanceID.NotFound", InstanceId="i-0123")
    create("InvalidRouteTableID.NotFound", RouteTableId="rtb-0123", GatewayId=gateway)
    create("MissingParameter")
    create("InvalidParameterCombination", GatewayId=gateway, NatGatewayId="nat-0123")
    create("InvalidParameterValue", DestinationCidrBlock="0.0.0.0", GatewayId=gateway)
    create("InvalidParameterValue", DestinationCidrBlock="10.0.1.0/24", GatewayId=gateway)
    create("InvalidParameterValue", DestinationCidrBlock="169.254.168.0/24", GatewayId=gateway)
    create("RouteAlreadyExists", DestinationCidrBlock="10.0.0.0/16", GatewayId=gateway)
    other = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    message = create("InvalidParameterValue", GatewayId=other)
    assert message == f"route table {table} and network gateway {other} belong to different networks"


def test_local_routes_are_not_for_deleting(
    client: Any, refused: Any, table: str, gateway: str, subnet: str
) -> None:
    local = {"RouteTableId": table, "DestinationCidrBlock": "10.0.0.0/16"}
    message = refused("InvalidParameterValue", client.delete_route, **local)
    assert message == f"cannot remove local route 10.0.0.0/16 in route table {table}"
    refused("InvalidParameterValue", client.replace_route, **local, GatewayId=gateway)
    eni = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    client.replace_route(**local, NetworkInterfaceId=eni)
    # No instance has the interface, so that the route leads nowhere.
    assert routes(client, table)["10.0.0.0/16"]["State"] == "blackhole"
    client.replace_route(**local, LocalTarget=True)
    assert routes(client, table)["10.0.0.0/16"]["GatewayId"] == "local"


def test_associations(client: Any, refused: Any, world: Any, vpc: str, subnet: str, table: str) -> None:
    def effective() -> Any:
        return world.ec2.network.snapshot().vpcs[vpc].subnets[subnet]

    main = effective().route_table_id
    assert not effective().explicit_association
    association = client.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"]
    assert (effective().route_table_id, effective().explicit_association) == (table, True)
    assert client.associate_route_table(RouteTableId=table, SubnetId=subnet)["AssociationId"] == association
    other = client.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    refused("Resource.AlreadyAssociated", client.associate_route_table, RouteTableId=other, SubnetId=subnet)
    message = refused("DependencyViolation", client.delete_route_table, RouteTableId=table)
    assert message == f"The routeTable '{table}' has dependencies and cannot be deleted."
    moved = client.replace_route_table_association(AssociationId=association, RouteTableId=other)
    assert effective().route_table_id == other
    client.disassociate_route_table(AssociationId=moved["NewAssociationId"])
    assert effective().route_table_id == main
    refused("InvalidAssociationID.NotFound", client.disassociate_route_table, AssociationId=association)
    client.delete_route_table(RouteTableId=table)
    refused("DependencyViolation", client.delete_route_table, RouteTableId=main)


def test_another_table_may_become_the_main_one(
    client: Any, refused: Any, world: Any, vpc: str, table: str
) -> None:
    main = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc]}]
    (before,) = client.describe_route_tables(Filters=main)["RouteTables"]
    association = before["Associations"][0]["RouteTableAssociationId"]
    refused("InvalidParameterValue", client.disassociate_route_table, AssociationId=association)
    client.replace_route_table_association(AssociationId=association, RouteTableId=table)
    (after,) = client.describe_route_tables(Filters=main)["RouteTables"]
    assert after["RouteTableId"] == table
    assert world.ec2.network.snapshot().vpcs[vpc].route_tables[table].is_main
    client.delete_route_table(RouteTableId=before["RouteTableId"])


def test_a_client_token_makes_one_table(client: Any, refused: Any, vpc: str) -> None:
    first = client.create_route_table(VpcId=vpc, ClientToken="once")["RouteTable"]["RouteTableId"]
    assert client.create_route_table(VpcId=vpc, ClientToken="once")["RouteTable"]["RouteTableId"] == first
    other = client.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    refused("IdempotentParameterMismatch", client.create_route_table, VpcId=other, ClientToken="once")


def test_internet_gateways(client: Any, refused: Any, vpc: str, gateway: str) -> None:
    other = client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    refused("InvalidParameterValue", client.attach_internet_gateway, InternetGatewayId=other, VpcId=vpc)
    refused(
        "Resource.AlreadyAssociated", client.attach_internet_gateway, InternetGatewayId=gateway, VpcId=vpc
    )
    message = refused("DependencyViolation", client.delete_internet_gateway, InternetGatewayId=gateway)
    assert message == f"The internetGateway '{gateway}' has dependencies and cannot be deleted."
    refused("Gateway.NotAttached", client.detach_internet_gateway, InternetGatewayId=other, VpcId=vpc)
    client.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    client.delete_internet_gateway(InternetGatewayId=gateway)
    message = refused(
        "InvalidInternetGatewayID.NotFound", client.describe_internet_gateways, InternetGatewayIds=[gateway]
    )
    assert message == f"The internetGateway ID '{gateway}' does not exist"
