"""R: what is on record afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.instance import REGION
from tests.support.private_table import PrivateTable, policy, trust, unique

pytestmark = pytest.mark.kernel
DELIVERY = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
FIELDS = (
    "interface-id srcaddr dstaddr dstport action flow-direction traffic-path tcp-flags pkt-dst-aws-service"
)
FORMAT = " ".join(f"${{{name}}}" for name in FIELDS.split())


def interface_of(world: PrivateTable, subnet: str) -> dict[str, Any]:
    shown = world.ec2.describe_network_interfaces(Filters=[{"Name": "subnet-id", "Values": [subnet]}])
    return shown["NetworkInterfaces"][0]


def test_r01_the_trail_shows_each_data_event_with_the_private_address_and_the_endpoint(
    world: PrivateTable,
) -> None:
    vpc, table = world.vpc(), world.table()
    subnet = vpc.subnet("private")
    function = world.function(subnets=[subnet], groups=[vpc.group()])
    endpoint = vpc.endpoint("private")
    results = [world.get(function, table) for _ in range(2)]
    trail = world.instance.client("cloudtrail")
    for result in results:
        attribute = {"AttributeKey": "EventId", "AttributeValue": result["request_id"]}
        (found,) = trail.lookup_events(LookupAttributes=[attribute])["Events"]
        event = json.loads(found["CloudTrailEvent"])
        assert (event["eventName"], event["eventCategory"]) == ("GetItem", "Data")
        assert event["requestParameters"]["tableName"] == table
        assert event["sourceIPAddress"] == interface_of(world, subnet)["PrivateIpAddress"]
        assert event["vpcEndpointId"] == endpoint


def flow_role(world: PrivateTable, *actions: str) -> str:
    """A role that the flow logs service may assume, with those actions."""
    name = unique("flow-logs")
    made = world.iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=trust(Service="vpc-flow-logs.amazonaws.com")
    )
    if actions:
        document = policy({"Effect": "Allow", "Action": list(actions), "Resource": "*"})
        world.iam.put_role_policy(RoleName=name, PolicyName="delivery", PolicyDocument=document)
    return made["Role"]["Arn"]


def log_flows(world: PrivateTable, vpc_id: str, role: str, **params: Any) -> tuple[str, str]:
    """A flow log of a VPC: its id and its log group."""
    group = unique("/flows")
    made = world.ec2.create_flow_logs(
        ResourceIds=[vpc_id],
        ResourceType="VPC",
        LogGroupName=group,
        DeliverLogsPermissionArn=role,
        MaxAggregationInterval=60,
        **{"TrafficType": "ALL", **params},
    )
    return made["FlowLogIds"][0], group


def records(world: PrivateTable, group: str) -> list[list[str]]:
    world.instance.ask(command="deliver-flow-logs")
    found = world.instance.client("logs").filter_log_events(logGroupName=group)["events"]
    return [each["message"].split(" ") for each in found]


def test_r02_flow_logs_show_the_accepted_and_the_rejected_flows(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    open_subnet, shut_subnet = vpc.subnet("open"), vpc.subnet("shut")
    vpc.endpoint("open", "shut")
    postgres = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    reaches = world.function(subnets=[open_subnet], groups=[vpc.group()])
    stopped = world.function(subnets=[shut_subnet], groups=[vpc.group(postgres)])
    role = flow_role(world, *DELIVERY)
    _, every = log_flows(world, vpc.vpc_id, role)
    _, rejected = log_flows(world, vpc.vpc_id, role, TrafficType="REJECT", LogFormat=FORMAT)
    _, accepted = log_flows(world, vpc.vpc_id, role, TrafficType="ACCEPT", LogFormat=FORMAT)
    assert world.get(reaches, table)["ok"]
    assert not world.get(stopped, table)["ok"]
    here, there = interface_of(world, open_subnet), interface_of(world, shut_subnet)

    lines = [line for line in records(world, every) if line[13] == "OK"]
    assert {line[0] for line in lines} == {"2"}
    assert {line[1] for line in lines} == {here["OwnerId"]}
    by_interface = {eni["NetworkInterfaceId"]: eni["PrivateIpAddress"] for eni in (here, there)}
    assert {line[2] for line in lines} == set(by_interface)
    for line in lines:
        assert by_interface[line[2]] in (line[3], line[4])
        assert "443" in (line[5], line[6])
        assert line[7] == "6"
        assert int(line[8]) > 0
        assert int(line[9]) >= 40 * int(line[8])
        assert int(line[10]) <= int(line[11])
        assert line[12] == ("ACCEPT" if line[2] == here["NetworkInterfaceId"] else "REJECT")
    directions = {line[3] == by_interface[line[2]] for line in lines if line[12] == "ACCEPT"}
    assert directions == {True, False}, "the question and the answer"

    custom = [line for line in records(world, rejected) if line[4] != "-"]
    assert {tuple(line[3:]) for line in custom} == {("443", "REJECT", "egress", "7", "2", "DYNAMODB")}
    assert {line[0] for line in custom} == {there["NetworkInterfaceId"]}
    custom = [line for line in records(world, accepted) if line[4] != "-"]
    assert {line[0] for line in custom} == {here["NetworkInterfaceId"]}
    assert {line[5] for line in custom} == {"egress", "ingress"}


@pytest.mark.parametrize("actions", [(), ("logs:CreateLogGroup", "logs:CreateLogStream")])
def test_r02_delivery_needs_the_roles_permission(world: PrivateTable, actions: tuple[str, ...]) -> None:
    vpc, table = world.vpc(), world.table()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    vpc.endpoint("private")
    role = flow_role(world, *actions)
    log, group = log_flows(world, vpc.vpc_id, role)
    assert world.get(function, table)["ok"]
    world.instance.ask(command="deliver-flow-logs")
    (shown,) = world.ec2.describe_flow_logs(FlowLogIds=[log])["FlowLogs"]
    assert (shown["DeliverLogsStatus"], shown["DeliverLogsErrorMessage"]) == ("FAILED", "Access error")
    document = policy({"Effect": "Allow", "Action": list(DELIVERY), "Resource": "*"})
    world.iam.put_role_policy(
        RoleName=role.rpartition("/")[2], PolicyName="delivery", PolicyDocument=document
    )
    assert world.get(function, table)["ok"]
    assert any(line[12] == "ACCEPT" for line in records(world, group))
    (shown,) = world.ec2.describe_flow_logs(FlowLogIds=[log])["FlowLogs"]
    assert (shown["DeliverLogsStatus"], shown.get("DeliverLogsErrorMessage")) == ("SUCCESS", None)
    assert REGION in shown["LogDestination"]
