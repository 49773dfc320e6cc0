"""N: the network, by real packets of real functions. Each test is named by the statement it proves."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import REGION
from tests.support.private_table import PrivateTable

pytestmark = pytest.mark.kernel
TIMED_OUT = {"ConnectTimeoutError", "ReadTimeoutError", "TimeoutError", "URLError", "timeout"}


def times_out(result: dict) -> bool:
    """Silence, not a refusal and not a failure of DNS."""
    silent = result["error"] in TIMED_OUT and "refused" not in result["message"].lower()
    return not result["ok"] and silent and "name resolution" not in result["message"].lower()


def test_n01_a_function_outside_a_vpc_reaches_dynamodb_with_no_configuration(world: PrivateTable) -> None:
    table = world.table()
    assert world.get(world.function(), table)["response"]["Item"]["what"]["S"] == "it"


def test_n02_a_function_outside_a_vpc_cannot_reach_private_addresses(world: PrivateTable) -> None:
    vpc = world.vpc()
    subnet = vpc.subnet("private")
    inside = world.function(subnets=[subnet], groups=[vpc.group()])
    address = world.ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    private = address["NetworkInterfaces"][0]["PrivateIpAddress"]
    outside = world.function()
    assert times_out(world.invoke(outside, "connect", host=private, port=443))
    assert times_out(world.invoke(outside, "connect", host="10.0.0.2", port=53))
    assert world.invoke(inside, "resolve", name="example.com")["ok"]


def test_n03_without_a_route_calls_time_out_and_do_not_fail_in_dns(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    resolved = world.invoke(function, "resolve", name=f"dynamodb.{REGION}.amazonaws.com")
    assert resolved["ok"], resolved
    result = world.get(function, table, timeout=1.5)
    assert times_out(result)
    assert result["seconds"] >= 1.4


def test_n04_a_public_subnet_gives_a_function_no_internet(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    subnet = vpc.subnet("public")
    vpc.internet("public")
    world.ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
    function = world.function(subnets=[subnet], groups=[vpc.group()])
    assert times_out(world.get(function, table))
    assert times_out(world.invoke(function, "http", url="http://checkip.amazonaws.com"))


def test_n05_through_nat_it_reaches_the_internet_and_dynamodb_from_the_elastic_ip(
    world: PrivateTable,
) -> None:
    vpc, table = world.vpc(), world.table()
    vpc.subnet("public")
    vpc.internet("public")
    private = vpc.subnet("private")
    elastic_ip = vpc.nat("public", "private")
    function = world.function(subnets=[private], groups=[vpc.group()])
    assert world.invoke(function, "http", url="http://checkip.amazonaws.com")["body"] == elastic_ip
    result = world.get(function, table)
    assert result["response"]["Item"]["what"]["S"] == "it"
    event = world.instance.ask(command="event", request_id=result["request_id"])["json"]
    assert event["sourceIPAddress"] == elastic_ip
    assert "vpcEndpointId" not in event


def endpoint_routes(world: PrivateTable, vpc, name: str) -> list[tuple[str, str]]:
    routes = vpc.routes(name)
    return [(r["DestinationPrefixListId"], r["GatewayId"]) for r in routes if "DestinationPrefixListId" in r]


def dynamodb_prefix_list(world: PrivateTable) -> str:
    wanted = [{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{REGION}.dynamodb"]}]
    return world.ec2.describe_prefix_lists(Filters=wanted)["PrefixLists"][0]["PrefixListId"]


def test_n10_creating_an_endpoint_adds_the_route_and_traffic_takes_it(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    subnet = vpc.subnet("private")
    function = world.function(subnets=[subnet], groups=[vpc.group()])
    assert times_out(world.get(function, table))
    endpoint = vpc.endpoint("private")
    assert endpoint_routes(world, vpc, "private") == [(dynamodb_prefix_list(world), endpoint)]
    result = world.get(function, table)
    assert result["response"]["Item"]["what"]["S"] == "it"
    event = world.instance.ask(command="event", request_id=result["request_id"])["json"]
    assert event["vpcEndpointId"] == endpoint
    interfaces = world.ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    assert event["sourceIPAddress"] == interfaces["NetworkInterfaces"][0]["PrivateIpAddress"]


def test_n10_the_kernels_counters_show_the_packets_on_the_endpoints_path(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    endpoint = vpc.endpoint("private")
    assert world.get(function, table)["ok"]
    before = world.instance.ask(command="counters", vpc_id=vpc.vpc_id)[endpoint]
    assert world.get(function, table)["ok"]
    after = world.instance.ask(command="counters", vpc_id=vpc.vpc_id)[endpoint]
    assert after["packets"] > before["packets"]
    assert after["bytes"] > before["bytes"]


def test_n11_subnets_whose_table_is_not_associated_do_not_use_it(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    function = world.function(subnets=[vpc.subnet("other")], groups=[vpc.group()])
    vpc.subnet("private")
    vpc.endpoint("private")
    assert times_out(world.get(function, table))


def test_n12_associating_and_disassociating_adds_and_removes_routes(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    function = world.function(subnets=[vpc.subnet("one")], groups=[vpc.group()])
    vpc.subnet("two")
    endpoint = vpc.endpoint("two")
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[vpc.table("one")])
    assert endpoint_routes(world, vpc, "one")
    assert world.get(function, table)["ok"]
    prefix_list = dynamodb_prefix_list(world)
    with pytest.raises(ClientError) as refused:
        world.ec2.delete_route(RouteTableId=vpc.table("one"), DestinationPrefixListId=prefix_list)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    with pytest.raises(ClientError):
        world.ec2.replace_route(
            RouteTableId=vpc.table("one"), DestinationPrefixListId=prefix_list, GatewayId="local"
        )
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=[vpc.table("one")])
    assert endpoint_routes(world, vpc, "one") == []
    assert endpoint_routes(world, vpc, "two")
    assert times_out(world.get(function, table))


def test_n13_deleting_the_endpoint_removes_its_routes(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    endpoint = vpc.endpoint("private")
    assert world.get(function, table)["ok"]
    assert world.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])["Unsuccessful"] == []
    assert endpoint_routes(world, vpc, "private") == []
    assert times_out(world.get(function, table))


def test_n16_the_security_group_must_allow_egress_and_the_prefix_list_is_enough(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    subnet = vpc.subnet("private")
    vpc.endpoint("private")
    closed = vpc.group({})
    function = world.function(subnets=[subnet], groups=[closed])
    assert times_out(world.get(function, table))
    lists = [{"PrefixListId": dynamodb_prefix_list(world)}]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": lists}
    world.ec2.authorize_security_group_egress(GroupId=closed, IpPermissions=[https])
    assert world.get(function, table)["ok"]


def test_n22_with_endpoint_and_nat_dynamodb_takes_the_endpoint_and_the_rest_nat(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    vpc.subnet("public")
    vpc.internet("public")
    private = vpc.subnet("private")
    elastic_ip = vpc.nat("public", "private")
    endpoint = vpc.endpoint("private")
    function = world.function(subnets=[private], groups=[vpc.group()])
    result = world.get(function, table)
    event = world.instance.ask(command="event", request_id=result["request_id"])["json"]
    assert event["vpcEndpointId"] == endpoint
    assert world.invoke(function, "http", url="http://checkip.amazonaws.com")["body"] == elastic_ip
