"""N: interface endpoints, peering, and what becomes of open connections, by real packets of real functions."""

from __future__ import annotations

import json
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
        inside = set(address_of(world, description=f"VPC Endpoint Interface {closed.endpoints[service]['VpcEndpointId']}"))
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
            closed.function, "call", service="dynamodb", operation="list_tables", endpoint_url=f"https://{name}"
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


@pytest.mark.parametrize(("endpoint", "service", "operation", "params"), ANSWERED, ids=lambda value: str(value))
def test_n31_answers_from_a_subnet_without_any_other_way_out(
    world: PrivateTable, closed: Closed, endpoint: str, service: str, operation: str, params: dict[str, Any]
) -> None:
    called = world.invoke(closed.function, "call", service=service, operation=operation, params=params)
    assert called["ok"], called
    event = event_of(world, called["request_id"])
    assert event["vpcEndpointId"] == closed.endpoints[endpoint]["VpcEndpointId"]
    assert event["sourceIPAddress"] in closed.addresses


@pytest.mark.parametrize(("endpoint", "service", "operation", "params"), STAND_INS, ids=lambda value: str(value))
def test_n31_a_request_for_a_service_that_is_not_built_arrives_and_is_answered_so(
    world: PrivateTable, closed: Closed, endpoint: str, service: str, operation: str, params: dict[str, Any]
) -> None:
    called = world.invoke(closed.function, "call", service=service, operation=operation, params=params)
    assert (called["ok"], called["error"]) == (False, "NotImplemented"), called
    event = event_of(world, called["request_id"])
    assert event["vpcEndpointId"] == closed.endpoints[endpoint]["VpcEndpointId"]
