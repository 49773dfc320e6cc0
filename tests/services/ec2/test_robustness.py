"""Whatever a caller sends, an operation answers or refuses with an AWS error: no other exception, no half-made state.

Inputs are drawn from botocore's input shapes, with ids that exist among the texts.
"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from tests.services.ec2.conftest import check_shape

from casemate.model.errors import AwsError
from casemate.model.network import EMPTY_NETWORK
from casemate.services.ec2.projection import project
from casemate.services.ec2.registry import operations

_MODEL = botocore.session.get_session().get_service_model("ec2")
_ODD = ["", " ", "*", "é", "x" * 300, "10.0.0.0/16", "10.0.5.0/24", "::/0", "2600::/56", "0.0.0.0/0", "10.0.1.9", "-1", "tcp",
        "6", "all", "Gateway", "Interface", "allow", "com.amazonaws.us-east-2.dynamodb", "com.amazonaws.us-east-2.sts",
        "us-east-2a", "default", "{}", "null", "vpc-", "pl-4ca54025", "true", "vpc", "VPC", "ALL", "IPv4"]  # fmt: skip
_NUMBERS = [-1, 0, 1, 2, 5, 80, 443, 32766, 65535, 65536, 10**9]


class Inputs:
    """Random inputs of a shape."""

    def __init__(self, seed: str, ids: dict[str, list[str]]) -> None:
        self._random = random.Random(seed)
        self._ids = ids

    def value(self, shape: Any, name: str = "", depth: int = 0) -> Any:
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, depth)
        if kind == "list":
            return [
                self.value(shape.member, name, depth + 1) for _ in range(self._random.choice([0, 1, 1, 2]))
            ]
        if kind in {"integer", "long"}:
            return self._random.choice(_NUMBERS)
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind == "timestamp":
            return datetime(2026, 1, 1, tzinfo=UTC)
        return self.text(shape, name)

    def structure(self, shape: Any, depth: int) -> dict[str, Any]:
        chance = self._random.choice([0.15, 0.4, 0.8])
        return {
            name: self.value(member, name, depth + 1)
            for name, member in shape.members.items()
            if name != "DryRun"
            and (name in shape.required_members or self._random.random() < chance)
            and depth < 5
        }

    def text(self, shape: Any, name: str) -> str:
        enum = getattr(shape, "enum", None)
        fitting = next((ids for key, ids in self._ids.items() if key in name), None)
        draw = self._random.random()
        if fitting and draw < 0.85:
            return self._random.choice(fitting)
        if enum and draw < 0.8:
            return self._random.choice(list(enum))
        return self._random.choice(_ODD)


@pytest.fixture
def ids(client: Any, vpc: str, subnet: str, table: str, gateway: str) -> dict[str, list[str]]:
    """A furnished VPC: what parameters of that name may mean."""
    allocation = client.allocate_address()["AllocationId"]
    nat = client.create_nat_gateway(SubnetId=subnet, AllocationId=allocation)["NatGateway"]["NatGatewayId"]
    group = client.create_security_group(VpcId=vpc, GroupName="g", Description="d")["GroupId"]
    eni = client.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    service = "com.amazonaws.us-east-2.dynamodb"
    endpoint = client.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table])[
        "VpcEndpoint"
    ]
    own = client.create_managed_prefix_list(PrefixListName="p", AddressFamily="IPv4", MaxEntries=3)[
        "PrefixList"
    ]
    acl = client.describe_network_acls()["NetworkAcls"][-1]
    rules = [
        each["SecurityGroupRuleId"] for each in client.describe_security_group_rules()["SecurityGroupRules"]
    ]
    made = {
        "NetworkInterfaceId": [eni],
        "RouteTableId": [table],
        "VpcEndpointId": [endpoint["VpcEndpointId"]],
        "NatGatewayId": [nat],
        "InternetGatewayId": [gateway],
        "GatewayId": [gateway],
        "SecurityGroupRuleId": rules,
        "GroupId": [group],
        "Groups": [group],
        "SubnetId": [subnet],
        "PrefixListId": [own["PrefixListId"], "pl-4ca54025"],
        "NetworkAclId": [acl["NetworkAclId"]],
        "AllocationId": [allocation],
        "VpcId": [vpc],
    }
    own_peering = client.create_vpc_peering_connection(
        VpcId=vpc, PeerVpcId=client.describe_vpcs()["Vpcs"][0]["VpcId"]
    )
    options = client.describe_dhcp_options()["DhcpOptions"][0]["DhcpOptionsId"]
    made |= {
        "VpcPeeringConnectionId": [own_peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]],
        "DhcpOptionsId": [options],
        "Cidr": [
            "10.0.7.0/24",
            "10.0.0.0/16",
            "10.0.1.0/24",
            "192.168.0.0/16",
            "10.0.0.1/33",
            "2600::/56",
            "0.0.0.0/0",
        ],
        "PrivateIpAddress": ["10.0.1.9", "10.0.1.10", "10.0.1.4"],
        "Protocol": ["tcp", "udp", "icmp", "-1", "6", "50"],
        "ServiceName": [
            "com.amazonaws.us-east-2.dynamodb",
            "com.amazonaws.us-east-2.sts",
            "com.amazonaws.us-east-2.s3",
        ],
        "RuleAction": ["allow", "deny"],
        "AddressFamily": ["IPv4", "IPv6"],
        "AvailabilityZone": ["us-east-2a", "us-east-2c"],
        "PolicyDocument": [endpoint["PolicyDocument"], "{}"],
        "AssociationId": [
            acl["Associations"][0]["NetworkAclAssociationId"],
            *(
                each["RouteTableAssociationId"]
                for shown in client.describe_route_tables()["RouteTables"]
                for each in shown["Associations"]
            ),
            client.associate_vpc_cidr_block(VpcId=vpc, CidrBlock="10.5.0.0/16")["CidrBlockAssociation"][
                "AssociationId"
            ],
        ],
    }
    image = client.describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"][0][
        "ImageId"
    ]
    kind = "t3.micro"
    launched = client.run_instances(
        ImageId=image, InstanceType=kind, MinCount=2, MaxCount=2, SubnetId=subnet
    )["Instances"]
    made |= {
        "ImageId": [image],
        "InstanceType": [kind, "m5.large"],
        "InstanceId": [each["InstanceId"] for each in launched],
        "MinCount": ["1"],
    }
    made["Resource"] = [each for group_of_ids in made.values() for each in group_of_ids]
    return made


@pytest.mark.parametrize("name", sorted(operations.by_name))
def test_answers_or_refuses(world: Any, ids: dict[str, list[str]], name: str) -> None:
    model = _MODEL.operation_model(name)
    inputs = Inputs(name, ids)
    service = world.ec2.service
    for _ in range(60):
        params = inputs.structure(model.input_shape, 0) if model.input_shape else {}
        ctx = world.cloud._context(service, "000000000000", "us-east-2")
        operation = operations.by_name[name]
        output: Any = None
        try:
            if operation.checks:
                list(operation.checks(ctx, params))
            if operation.runs_async:
                output = asyncio.run(_awaited(operation.handler(ctx, params)))
            else:
                with world.store.transaction():
                    output = operation.handler(ctx, params)
        except AwsError:
            continue
        if model.output_shape:
            check_shape(output, model.output_shape, name)
        # What was accepted can be shown and projected.
        assert project(service.state, EMPTY_NETWORK).vpcs == world.ec2.network.snapshot().vpcs


async def _awaited(answer: Any) -> Any:
    return await answer
