"""N: interface endpoints, peering, and what becomes of open connections, by real packets of real functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from tests.statements.test_network import times_out
from tests.support.instance import REGION, WORKLOAD
from tests.support.private_table import PrivateTable, Vpc, policy

pytestmark = pytest.mark.kernel

EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
ANSWERED = (
    ("sts", "sts", "get_caller_identity", {}),
    ("logs", "logs", "describe_log_groups", {}),
    ("lambda", "lambda", "list_functions", {}),
    ("ec2", "ec2", "describe_vpcs", {}),
    ("cloudtrail", "cloudtrail", "lookup_events", {}),
    ("kms", "kms", "list_keys", {}),
    ("dynamodb-streams", "dynamodbstreams", "list_streams", {}),
)
"""Endpoint service, botocore's service, a call that this Casemate answers."""
SECRET = {"SecretId": "nothing"}
STAND_INS = (
    ("secretsmanager", "secretsmanager", "get_secret_value", SECRET),
    ("ssm", "ssm", "get_parameter", {"Name": "nothing"}),
)
"""The same of services that are not built: the request arrives, and is answered so."""


def event_of(world: PrivateTable, request_id: str) -> dict[str, Any]:
    return world.instance.ask(command="event", request_id=request_id)["json"]


def address_of(world: PrivateTable, **filters: str) -> list[str]:
    wanted = [{"Name": name.replace("_", "-"), "Values": [value]} for name, value in filters.items()]
    found = world.ec2.describe_network_interfaces(Filters=wanted)["NetworkInterfaces"]
    return [one["PrivateIpAddress"] for one in found]


def open_group(vpc: Vpc) -> str:
    """Everything in, everything out."""
    group = vpc.group()
    vpc.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[EVERYTHING])
    return group


@dataclass
class Closed:
    """A VPC without any way out but its interface endpoints, and a function in its private subnets."""

    vpc: Vpc
    function: str
    addresses: list[str]
    endpoints: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def closed(world: PrivateTable) -> Closed:
    vpc = world.vpc()
    subnets = [vpc.subnet("one", table="private"), vpc.subnet("two", table="private")]
    group = open_group(vpc)
    endpoints = {
        service: vpc.interface_endpoint(service, "one", "two", group=group)
        for service, *_ in (*ANSWERED, *STAND_INS)
    }
    endpoints["dynamodb"] = vpc.interface_endpoint(
        "dynamodb", "one", "two", group=group, PrivateDnsEnabled=False
    )
    role = world.role({"Effect": "Allow", "Action": "*", "Resource": "*"})
    function = world.function(subnets=subnets, groups=[vpc.group()], role=role)
    return Closed(
        vpc=vpc,
        function=function,
        addresses=address_of(world, vpc_id=vpc.vpc_id, interface_type="lambda"),
        endpoints=endpoints,
    )


def test_n30_an_interface_with_a_private_address_and_a_group_in_each_chosen_subnet(
    world: PrivateTable, closed: Closed
) -> None:
    endpoint = closed.endpoints["sts"]
    made = world.ec2.describe_network_interfaces(NetworkInterfaceIds=endpoint["NetworkInterfaceIds"])
    found = made["NetworkInterfaces"]
    assert {one["SubnetId"] for one in found} == set(closed.vpc.subnets.values())
    assert all(one["InterfaceType"] == "vpc_endpoint" for one in found)
    assert all(one["Groups"] for one in found)
    assert {one["PrivateIpAddress"].rpartition(".")[0] for one in found} == {"10.0.1", "10.0.2"}


def test_n30_private_dns_sends_the_services_usual_name_there(world: PrivateTable, closed: Closed) -> None:
    for service in ("sts", "logs", "secretsmanager"):
        inside = set(
            address_of(
                world, description=f"VPC Endpoint Interface {closed.endpoints[service]['VpcEndpointId']}"
            )
        )
        answer = world.invoke(closed.function, "resolve", name=f"{service}.{REGION}.amazonaws.com")
        assert set(answer["addresses"]) == inside, service


def test_n30_the_endpoints_own_names_regional_and_zonal(world: PrivateTable, closed: Closed) -> None:
    endpoint = closed.endpoints["dynamodb"]
    regional, *zonal = [entry["DnsName"] for entry in endpoint["DnsEntries"]]
    interfaces = world.ec2.describe_network_interfaces(NetworkInterfaceIds=endpoint["NetworkInterfaceIds"])
    by_zone = {one["AvailabilityZone"]: one["PrivateIpAddress"] for one in interfaces["NetworkInterfaces"]}
    assert set(world.invoke(closed.function, "resolve", name=regional)["addresses"]) == set(by_zone.values())
    assert len(zonal) == 2
    for name in zonal:
        zone = next(zone for zone in by_zone if zone in name)
        assert world.invoke(closed.function, "resolve", name=name)["addresses"] == [by_zone[zone]]
        called = world.invoke(
            closed.function,
            "call",
            service="dynamodb",
            operation="list_tables",
            endpoint_url=f"https://{name}",
        )
        assert event_of(world, called["request_id"])["vpcEndpointId"] == endpoint["VpcEndpointId"]


def test_n30_not_for_dynamodb_whose_clients_use_the_endpoints_own_names(
    world: PrivateTable, closed: Closed
) -> None:
    usual = world.invoke(closed.function, "call", service="dynamodb", operation="list_tables")
    assert times_out(usual)
    own = closed.endpoints["dynamodb"]["DnsEntries"][0]["DnsName"]
    called = world.invoke(
        closed.function, "call", service="dynamodb", operation="list_tables", endpoint_url=f"https://{own}"
    )
    assert called["ok"], called
    with pytest.raises(world.ec2.exceptions.ClientError) as refused:
        closed.vpc.interface_endpoint("dynamodb", "one", group=closed.vpc.group(), PrivateDnsEnabled=True)
    assert refused.value.response["Error"]["Code"] == "InvalidParameter"


@pytest.mark.parametrize(
    ("endpoint", "service", "operation", "params"), ANSWERED, ids=lambda value: str(value)
)
def test_n31_answers_from_a_subnet_without_any_other_way_out(
    world: PrivateTable, closed: Closed, endpoint: str, service: str, operation: str, params: dict[str, Any]
) -> None:
    called = world.invoke(closed.function, "call", service=service, operation=operation, params=params)
    assert called["ok"], called
    event = event_of(world, called["request_id"])
    assert event["vpcEndpointId"] == closed.endpoints[endpoint]["VpcEndpointId"]
    assert event["sourceIPAddress"] in closed.addresses


@pytest.mark.parametrize(
    ("endpoint", "service", "operation", "params"), STAND_INS, ids=lambda value: str(value)
)
def test_n31_a_request_for_a_service_that_is_not_built_arrives_and_is_answered_so(
    world: PrivateTable, closed: Closed, endpoint: str, service: str, operation: str, params: dict[str, Any]
) -> None:
    called = world.invoke(closed.function, "call", service=service, operation=operation, params=params)
    assert (called["ok"], called["error"]) == (False, "NotImplemented"), called
    event = event_of(world, called["request_id"])
    assert event["vpcEndpointId"] == closed.endpoints[endpoint]["VpcEndpointId"]


def test_n31_the_request_carries_the_endpoint_and_its_policy_decides(world: PrivateTable) -> None:
    vpc = world.vpc()
    subnet = vpc.subnet("private")
    only_identity = {"Effect": "Allow", "Principal": "*", "Action": "sts:GetCallerIdentity", "Resource": "*"}
    sts = vpc.interface_endpoint(
        "sts", "private", group=open_group(vpc), PolicyDocument=policy(only_identity)
    )["VpcEndpointId"]
    logs = vpc.interface_endpoint("logs", "private", group=open_group(vpc))["VpcEndpointId"]
    through = {
        "StringEquals": {"aws:SourceVpce": logs, "aws:SourceVpc": vpc.vpc_id},
        "IpAddress": {"aws:VpcSourceIp": "10.0.1.0/24"},
        "Null": {"aws:SourceIp": "true"},
    }
    role = world.role(
        {"Effect": "Allow", "Action": "logs:*", "Resource": "*", "Condition": through},
        {"Effect": "Allow", "Action": "sts:*", "Resource": "*"},
    )
    function = world.function(subnets=[subnet], groups=[vpc.group()], role=role)
    assert world.invoke(function, "call", service="logs", operation="describe_log_groups")["ok"]
    assert world.invoke(function, "call", service="sts", operation="get_caller_identity")["ok"]
    refused = world.invoke(
        function,
        "call",
        service="sts",
        operation="assume_role",
        params={"RoleArn": role, "RoleSessionName": "again"},
    )
    assert refused["error"] == "AccessDenied"
    assert "VPC endpoint policy" in refused["message"]
    assert event_of(world, refused["request_id"])["vpcEndpointId"] == sts


def test_n31_a_closed_group_of_the_endpoint_is_a_timeout_and_explained(world: PrivateTable) -> None:
    vpc = world.vpc()
    subnet = vpc.subnet("private")
    shut = vpc.group()
    vpc.interface_endpoint("sts", "private", group=shut)
    role = world.role({"Effect": "Allow", "Action": "*", "Resource": "*"})
    function = world.function(subnets=[subnet], groups=[vpc.group()], role=role)
    name = f"sts.{REGION}.amazonaws.com"
    assert times_out(world.invoke(function, "call", service="sts", operation="get_caller_identity"))
    said = explained(world, function, name)
    assert said["json"]["verdict"]["reason"] == "SG_HAS_NO_RULES"
    assert shut in said["text"]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.1.0/24"}]}
    vpc.ec2.authorize_security_group_ingress(GroupId=shut, IpPermissions=[https])
    assert world.invoke(function, "call", service="sts", operation="get_caller_identity")["ok"]
    assert explained(world, function, name)["json"]["outcome"] == "reached"


def explained(world: PrivateTable, function: str, name: str) -> dict[str, Any]:
    """`casemate explain --from lambda:FUNCTION --to name:HOST`."""
    return world.instance.ask(
        command="explain",
        to=f"name:{name}",
        action="",
        account=WORKLOAD,
        region=REGION,
        target_region=REGION,
        **{"from": f"lambda:{function}"},
    )


# ---- N18: connections that are open when the network changes ---------------------------------------------------------


def test_n18_creating_or_changing_it_drops_open_connections_and_a_client_that_reconnects_recovers(
    world: PrivateTable,
) -> None:
    vpc, table = world.vpc(), world.table()
    vpc.subnet("public")
    vpc.internet("public")
    private = vpc.subnet("private")
    elastic_ip = vpc.nat("public", "private")
    attempts = {
        (patient := world.function(subnets=[private], groups=[vpc.group()])): 3,
        (hasty := world.function(subnets=[private], groups=[vpc.group()])): 1,
    }

    first: dict[str, int] = {}

    def kept(function: str) -> dict[str, Any]:
        """From the function's first environment, which has the connection: a busy machine may add a second one."""
        for _ in range(5):
            result = world.invoke(function, "keep", table=table, attempts=attempts[function])
            if result["pid"] == first.setdefault(function, result["pid"]):
                return result
        raise AssertionError(f"the first environment of {function} is not asked any more")

    def recovered_from() -> str:
        """The patient function's client met silence once; where its second attempt was seen to come from."""
        result = kept(patient)
        assert result.get("retries") == 1, result
        return event_of(world, result["request_id"])["sourceIPAddress"]

    for function in (patient, hasty):
        assert event_of(world, kept(function)["request_id"])["sourceIPAddress"] == elastic_ip
        assert kept(function)["retries"] == 0
    endpoint = vpc.endpoint("private")  # created
    assert times_out(kept(hasty)), "the open connection is silent"
    assert kept(hasty)["ok"], "a new one takes the endpoint"
    assert recovered_from().startswith("10.0.2.")

    table_id = vpc.table("private")
    vpc.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, RemoveRouteTableIds=[table_id])  # changed
    assert times_out(kept(hasty))
    assert recovered_from() == elastic_ip
    vpc.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[table_id])  # and back
    assert recovered_from().startswith("10.0.2.")
    vpc.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])  # deleted
    assert recovered_from() == elastic_ip


def test_n18_an_edited_policy_drops_no_connection(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    endpoint = vpc.endpoint("private")
    assert world.invoke(function, "keep", table=table)["ok"]
    everything = policy({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})
    vpc.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, PolicyDocument=everything)
    again = world.invoke(function, "keep", table=table)
    assert again["ok"], again
    assert again["retries"] == 0


# ---- N19: peering ----------------------------------------------------------------------------------------------------


def test_n19_a_peered_vpc_is_reached_by_private_address_once_accepted_and_routed_on_both_sides(
    world: PrivateTable,
) -> None:
    one, other = world.vpc(), world.vpc("10.1.0.0/16")
    near, far = one.subnet("private"), other.subnet("private")
    target = world.ec2.create_network_interface(SubnetId=far, Groups=[open_group(other)])["NetworkInterface"]
    function = world.function(subnets=[near], groups=[one.group()])

    def answer() -> dict[str, Any]:
        return world.invoke(function, "connect", host=target["PrivateIpAddress"], port=443)

    peering = world.peering(one, other, accept=False)
    world.ec2.create_route(
        RouteTableId=one.table("private"), DestinationCidrBlock=other.cidr, VpcPeeringConnectionId=peering
    )
    assert times_out(answer()), "not accepted yet"
    world.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert times_out(answer()), "no route back yet"
    world.ec2.create_route(
        RouteTableId=other.table("private"), DestinationCidrBlock=one.cidr, VpcPeeringConnectionId=peering
    )
    assert answer()["error"] == "ConnectionRefusedError", "the host is reached; nothing listens there"
    world.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert times_out(answer())


def test_n19_a_rejected_peering_carries_nothing(world: PrivateTable) -> None:
    one, other = world.vpc(), world.vpc("10.1.0.0/16")
    near, far = one.subnet("private"), other.subnet("private")
    target = world.ec2.create_network_interface(SubnetId=far, Groups=[open_group(other)])["NetworkInterface"]
    function = world.function(subnets=[near], groups=[one.group()])
    peering = world.peering(one, other, "private", accept=False)
    world.ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=peering)
    assert times_out(world.invoke(function, "connect", host=target["PrivateIpAddress"], port=443))


def test_n19_a_group_of_the_peer_vpc_is_named_in_a_rule(world: PrivateTable) -> None:
    one, other = world.vpc(), world.vpc("10.1.0.0/16")
    near, far = one.subnet("private"), other.subnet("private")
    group, shut = one.group(), other.group()
    target = world.ec2.create_network_interface(SubnetId=far, Groups=[shut])["NetworkInterface"]
    member = world.function(subnets=[near], groups=[group])
    stranger = world.function(subnets=[near], groups=[one.group()])
    world.peering(one, other, "private")

    def answer(function: str) -> dict[str, Any]:
        return world.invoke(function, "connect", host=target["PrivateIpAddress"], port=443)

    assert times_out(answer(member))
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group}]}
    world.ec2.authorize_security_group_ingress(GroupId=shut, IpPermissions=[rule])
    assert answer(member)["error"] == "ConnectionRefusedError"
    assert times_out(answer(stranger))


def test_n19_gateway_endpoint_nat_and_internet_gateway_are_not_reached_through_peering(
    world: PrivateTable,
) -> None:
    """The hub has all three ways out; the spoke's default route leads to the hub, and nowhere further."""
    spoke, hub, table = world.vpc("10.1.0.0/16"), world.vpc(), world.table()
    hub.subnet("public")
    hub.internet("public")
    inside = hub.subnet("private")
    hub.nat("public", "private")
    hub.endpoint("private", "public")
    function = world.function(subnets=[spoke.subnet("private")], groups=[spoke.group()])
    peering = world.peering(spoke, hub, "private")
    world.ec2.create_route(
        RouteTableId=spoke.table("private"), DestinationCidrBlock="0.0.0.0/0", VpcPeeringConnectionId=peering
    )
    assert times_out(world.get(function, table))
    assert times_out(world.invoke(function, "http", url="http://checkip.amazonaws.com"))
    control = world.function(subnets=[inside], groups=[hub.group()])
    assert world.get(control, table)["ok"], "the hub's own functions are served"
    assert world.invoke(control, "http", url="http://checkip.amazonaws.com")["ok"]


def test_n19_peering_is_not_transitive(world: PrivateTable) -> None:
    one, middle, last = world.vpc(), world.vpc("10.1.0.0/16"), world.vpc("10.2.0.0/16")
    near, _, far = one.subnet("private"), middle.subnet("private"), last.subnet("private")
    target = world.ec2.create_network_interface(SubnetId=far, Groups=[open_group(last)])["NetworkInterface"]
    first, second = world.peering(one, middle, "private"), world.peering(middle, last, "private")
    for vpc, cidr, peering in ((one, last.cidr, first), (last, one.cidr, second)):
        world.ec2.create_route(
            RouteTableId=vpc.table("private"), DestinationCidrBlock=cidr, VpcPeeringConnectionId=peering
        )
    function = world.function(subnets=[near], groups=[one.group()])
    assert times_out(world.invoke(function, "connect", host=target["PrivateIpAddress"], port=443))


def test_n19_an_interface_endpoint_is_reached_through_peering_though_its_vpc_has_nothing_else(
    world: PrivateTable,
) -> None:
    """AWS PrivateLink Guide: interface endpoints, unlike gateway endpoints, serve clients in peered VPCs."""
    one, shared = world.vpc(), world.vpc("10.1.0.0/16")
    near = one.subnet("private")
    shared.subnet("private")
    endpoint = shared.interface_endpoint("sts", "private", group=open_group(shared))
    world.peering(one, shared, "private")
    role = world.role({"Effect": "Allow", "Action": "*", "Resource": "*"})
    function = world.function(subnets=[near], groups=[one.group()], role=role)
    own = f"https://{endpoint['DnsEntries'][0]['DnsName']}"
    called = world.invoke(function, "call", service="sts", operation="get_caller_identity", endpoint_url=own)
    assert called["ok"], called
    event = event_of(world, called["request_id"])
    assert event["vpcEndpointId"] == endpoint["VpcEndpointId"]
    assert event["sourceIPAddress"].startswith("10.0.1.")
    usual = world.invoke(function, "call", service="sts", operation="get_caller_identity")
    assert times_out(usual), "private DNS is of the endpoint's own VPC"


def test_n19_a_public_host_name_gives_the_private_address_once_the_peer_vpc_allows_it(
    world: PrivateTable,
) -> None:
    one, other = world.vpc(), world.vpc("10.1.0.0/16")
    near, far = one.subnet("private"), other.subnet("private")
    other.internet("private")
    target = world.ec2.create_network_interface(SubnetId=far, Groups=[open_group(other)])["NetworkInterface"]
    elastic = world.ec2.allocate_address(Domain="vpc")
    world.ec2.associate_address(
        AllocationId=elastic["AllocationId"], NetworkInterfaceId=target["NetworkInterfaceId"]
    )
    peering = world.peering(one, other, "private")
    function = world.function(subnets=[near], groups=[one.group()])
    name = f"ec2-{elastic['PublicIp'].replace('.', '-')}.{REGION}.compute.amazonaws.com"
    assert world.invoke(function, "resolve", name=name)["addresses"] == [elastic["PublicIp"]]
    world.ec2.modify_vpc_peering_connection_options(
        VpcPeeringConnectionId=peering,
        AccepterPeeringConnectionOptions={"AllowDnsResolutionFromRemoteVpc": True},
    )
    assert world.invoke(function, "resolve", name=name)["addresses"] == [target["PrivateIpAddress"]]
    answer = world.invoke(function, "connect", host=name, port=443)
    assert answer["error"] == "ConnectionRefusedError", (
        "over the peering connection: there is no other way out"
    )


# ---- N20 -------------------------------------------------------------------------------------------------------------


def test_n20_ipv4_only_for_dynamodb(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    vpc.subnet("private")
    prefix_list = world.ec2.describe_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{REGION}.dynamodb"]}]
    )["PrefixLists"][0]
    assert prefix_list["Cidrs"]
    assert not [cidr for cidr in prefix_list["Cidrs"] if ":" in cidr]
    function = world.function(subnets=[vpc.subnets["private"]], groups=[vpc.group()])
    vpc.endpoint("private")
    for name in (f"dynamodb.{REGION}.amazonaws.com", f"dynamodb.{REGION}.api.aws"):
        families = world.invoke(function, "families", name=name)["families"]
        assert families == ["AF_INET"], name
    called = world.get(function, table)
    assert ":" not in event_of(world, called["request_id"])["sourceIPAddress"]
