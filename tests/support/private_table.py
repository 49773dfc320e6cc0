"""Builders for statements: VPCs, functions, tables, roles, by ordinary boto3 calls."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.instance import MANAGEMENT, REGION, WORKLOAD, Instance

VPC_ACCESS = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
SERVICE = f"com.amazonaws.{REGION}.dynamodb"
_numbers = itertools.count(1)
_PROBE = Path(__file__).with_name("probe.py").read_text()


def unique(name: str) -> str:
    return f"{name}-{next(_numbers)}"


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(**principal: str) -> str:
    return policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


@dataclass
class Vpc:
    """A VPC with whatever a test adds to it."""

    ec2: Any
    vpc_id: str
    cidr: str = "10.0.0.0/16"
    tables: dict[str, str] = field(default_factory=dict)
    subnets: dict[str, str] = field(default_factory=dict)

    def subnet(self, name: str, *, table: str | None = None) -> str:
        """The VPC's Nth /24, associated with the route table of that name (made when missing)."""
        cidr = self.cidr.replace(".0.0/16", f".{len(self.subnets) + 1}.0/24")
        zones = [zone["ZoneName"] for zone in self.ec2.describe_availability_zones()["AvailabilityZones"]]
        zone = zones[len(self.subnets) % 2]
        made = self.ec2.create_subnet(VpcId=self.vpc_id, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        self.subnets[name] = made
        self.ec2.associate_route_table(RouteTableId=self.table(table or name), SubnetId=made)
        return made

    def table(self, name: str) -> str:
        if name not in self.tables:
            made = self.ec2.create_route_table(VpcId=self.vpc_id)
            self.tables[name] = made["RouteTable"]["RouteTableId"]
        return self.tables[name]

    def routes(self, name: str) -> list[dict[str, Any]]:
        described = self.ec2.describe_route_tables(RouteTableIds=[self.table(name)])
        return described["RouteTables"][0]["Routes"]

    def endpoint(self, *tables: str, **params: Any) -> str:
        made = self.ec2.create_vpc_endpoint(
            VpcId=self.vpc_id,
            ServiceName=SERVICE,
            RouteTableIds=[self.table(name) for name in tables],
            **params,
        )
        return made["VpcEndpoint"]["VpcEndpointId"]

    def interface_endpoint(self, service: str, *subnets: str, group: str, **params: Any) -> dict[str, Any]:
        """An interface endpoint in those subnets; as EC2 describes it."""
        return self.ec2.create_vpc_endpoint(
            VpcId=self.vpc_id,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{REGION}.{service}",
            SubnetIds=[self.subnets[name] for name in subnets],
            SecurityGroupIds=[group],
            **params,
        )["VpcEndpoint"]

    def internet(self, table: str) -> str:
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc_id)
        self.ec2.create_route(
            RouteTableId=self.table(table), DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway
        )
        return gateway

    def nat(self, subnet: str, table: str) -> str:
        """A NAT gateway in `subnet`, default route of `table`; its elastic IP."""
        address = self.ec2.allocate_address(Domain="vpc")
        nat = self.ec2.create_nat_gateway(SubnetId=self.subnets[subnet], AllocationId=address["AllocationId"])
        nat_id = nat["NatGateway"]["NatGatewayId"]
        self.ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat_id], WaiterConfig={"Delay": 1})
        self.ec2.create_route(
            RouteTableId=self.table(table), DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id
        )
        return address["PublicIp"]

    def group(self, *egress: dict[str, Any]) -> str:
        """A security group; with `egress`, those permissions instead of the default everything."""
        made = self.ec2.create_security_group(
            GroupName=unique("group"), Description="test", VpcId=self.vpc_id
        )["GroupId"]
        if egress:
            everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
            self.ec2.revoke_security_group_egress(GroupId=made, IpPermissions=everything)
            permissions = [permission for permission in egress if permission]
            if permissions:
                self.ec2.authorize_security_group_egress(GroupId=made, IpPermissions=permissions)
        return made


class PrivateTable:
    """One instance with builders and the account's administrator."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.ec2 = instance.client("ec2")
        self.iam = instance.client("iam")
        self.lambda_ = instance.client("lambda")
        self.dynamodb = instance.client("dynamodb")
        self.organizations = instance.client("organizations", account=MANAGEMENT)

    def vpc(self, cidr: str = "10.0.0.0/16") -> Vpc:
        vpc_id = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
        self.ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
        return Vpc(ec2=self.ec2, vpc_id=vpc_id, cidr=cidr)

    def peering(self, one: Vpc, other: Vpc, *tables: str, accept: bool = True) -> str:
        """A peering connection; with routes to the other VPC in the tables of these names, on both sides."""
        made = self.ec2.create_vpc_peering_connection(VpcId=one.vpc_id, PeerVpcId=other.vpc_id)
        peering = made["VpcPeeringConnection"]["VpcPeeringConnectionId"]
        if accept:
            self.ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
        for here, there in ((one, other), (other, one)):
            for name in tables:
                self.ec2.create_route(
                    RouteTableId=here.table(name),
                    DestinationCidrBlock=there.cidr,
                    VpcPeeringConnectionId=peering,
                )
        return peering

    def table(self, region: str = REGION) -> str:
        """A table with item id=1, what=it."""
        name = unique("table")
        client = self.instance.client("dynamodb", region=region)
        client.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        client.put_item(TableName=name, Item={"id": {"S": "1"}, "what": {"S": "it"}})
        return name

    def role(self, *statements: dict[str, Any], managed: str = VPC_ACCESS) -> str:
        """A function's role; `statements` default to everything on DynamoDB."""
        name = unique("role")
        made = self.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=trust(Service="lambda.amazonaws.com")
        )
        if managed:
            self.iam.attach_role_policy(RoleName=name, PolicyArn=managed)
        granted = statements or ({"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"},)
        self.iam.put_role_policy(RoleName=name, PolicyName="granted", PolicyDocument=policy(*granted))
        return made["Role"]["Arn"]

    def function(
        self, *, subnets: list[str] | None = None, groups: list[str] | None = None, role: str | None = None
    ) -> str:
        name = unique("function")
        vpc_config = {"VpcConfig": {"SubnetIds": subnets, "SecurityGroupIds": groups}} if subnets else {}
        self.lambda_.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=role or self.role(),
            Handler="probe.handler",
            Code={"ZipFile": zipped({"probe.py": _PROBE})},
            Timeout=15,
            **vpc_config,
        )
        self.lambda_.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return name

    def invoke(self, function: str, do: str, **params: Any) -> dict[str, Any]:
        response = self.lambda_.invoke(FunctionName=function, Payload=json.dumps({"do": do, "with": params}))
        payload = json.loads(response["Payload"].read())
        assert "FunctionError" not in response, payload
        return payload

    def get(self, function: str, table: str, **params: Any) -> dict[str, Any]:
        """The function reads item 1."""
        return self.invoke(function, "dynamodb", TableName=table, Key={"id": {"S": "1"}}, **params)

    def scp(self, *statements: dict[str, Any]) -> str:
        """A service control policy attached to the workload account; its id. Detach with `detach`."""
        made = self.organizations.create_policy(
            Name=unique("scp"), Description="test", Type="SERVICE_CONTROL_POLICY", Content=policy(*statements)
        )
        policy_id = made["Policy"]["PolicySummary"]["Id"]
        self.organizations.attach_policy(PolicyId=policy_id, TargetId=WORKLOAD)
        return policy_id

    def detach(self, policy_id: str) -> None:
        self.organizations.detach_policy(PolicyId=policy_id, TargetId=WORKLOAD)


def zipped(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()
