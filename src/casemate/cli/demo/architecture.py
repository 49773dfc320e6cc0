"""The reference architecture, built with ordinary AWS calls, and the variants beside it.

Nothing here is special to Casemate: the same calls build the same thing on AWS.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

REGION = "us-east-2"
OTHER_REGION = "us-east-1"
TABLE = "orders"
LAMBDA_VPC_ROLE_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"

Client = Callable[..., Any]
"""`client(service, region=..., account=...)`: a boto3 client as the administrator of an account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """Ids of what was built."""

    vpc: str
    subnets: dict[str, str]
    route_tables: dict[str, str]
    groups: dict[str, str]
    endpoint: str
    archive_endpoint: str
    nat_address: str
    prefix_list: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """Everything the cases need to know."""

    account: str
    network: Network
    scp: str
    break_glass: str
    """ARN of the break-glass role."""


def build_network(ec2: Any) -> Network:
    """One VPC; a subnet, a route table and a group for each variant."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_name("vpc", "orders"))["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    tables = {
        name: _route_table(ec2, vpc, name) for name in ("private", "isolated", "nat", "public", "archive")
    }
    subnets = {
        name: _subnet(ec2, vpc, name, f"10.0.{index}.0/24", zones[index % 2], tables[table])
        for index, (name, table) in enumerate(
            [("private-a", "private"), ("private-b", "private"), ("isolated", "isolated"), ("nat", "nat"),
             ("public", "public"), ("archive", "archive")]
        )
    }  # fmt: skip
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=tables["public"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    address = ec2.allocate_address(Domain="vpc")
    nat = ec2.create_nat_gateway(SubnetId=subnets["public"], AllocationId=address["AllocationId"])[
        "NatGateway"
    ]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat["NatGatewayId"]])
    ec2.create_route(
        RouteTableId=tables["nat"], DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"]
    )
    prefix_list = ec2.describe_prefix_lists(
        Filters=[{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{REGION}.dynamodb"]}]
    )["PrefixLists"][0]["PrefixListId"]
    return Network(
        vpc=vpc,
        subnets=subnets,
        route_tables=tables,
        groups=_groups(ec2, vpc, prefix_list),
        endpoint=_endpoint(ec2, vpc, tables["private"], _one_table(TABLE)),
        archive_endpoint=_endpoint(ec2, vpc, tables["archive"], _one_table("archive")),
        nat_address=address["PublicIp"],
        prefix_list=prefix_list,
    )


def create_key(kms: Any) -> str:
    """A customer's key with the default policy: who may use it is left to the account's identity policies. Its ARN."""
    return kms.create_key(Description="encrypts the table orders")["KeyMetadata"]["Arn"]


def create_table(dynamodb: Any, key: str) -> None:
    """The table, encrypted with the key, with the item the functions read."""
    dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    dynamodb.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": "1"}, "what": {"S": "a casemate"}})


def create_roles(iam: Any, account: str, keys: list[str]) -> tuple[str, str]:
    """The functions' role (least privilege) and the break-glass role; their ARNs."""
    function_role = iam.create_role(
        RoleName="orders-function", AssumeRolePolicyDocument=_trust({"Service": "lambda.amazonaws.com"})
    )["Role"]["Arn"]
    iam.attach_role_policy(RoleName="orders-function", PolicyArn=LAMBDA_VPC_ROLE_POLICY)
    tables = [f"arn:aws:dynamodb:{region}:{account}:table/{TABLE}" for region in (REGION, OTHER_REGION)]
    read = {"Sid": "ReadOrders", "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": tables}
    decrypt = {
        "Sid": "UseTheKeyThroughDynamoDB",
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": keys,
        "Condition": {"StringLike": {"kms:ViaService": "dynamodb.*.amazonaws.com"}},
    }
    iam.put_role_policy(
        RoleName="orders-function", PolicyName="read-orders", PolicyDocument=_policy(read, decrypt)
    )
    break_glass = iam.create_role(
        RoleName="break-glass", AssumeRolePolicyDocument=_trust({"AWS": f"arn:aws:iam::{account}:root"})
    )["Role"]["Arn"]
    everything = {"Sid": "EmergencyRead", "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    iam.put_role_policy(
        RoleName="break-glass", PolicyName="emergency", PolicyDocument=_policy(everything, decrypt)
    )
    return function_role, break_glass


def create_perimeter(organizations: Any, vpc: str, break_glass: str) -> str:
    """The service control policy; its id. Attached to nothing yet."""
    statement = {
        "Sid": "DenyDynamoDBOutsideVPC",
        "Effect": "Deny",
        "Action": "dynamodb:*",
        "Resource": "*",
        "Condition": {
            "StringNotEquals": {"aws:SourceVpc": vpc},
            "StringNotLike": {"aws:PrincipalArn": break_glass},
        },
    }
    return organizations.create_policy(
        Name="DenyDynamoDBOutsideVPC",
        Description="DynamoDB only from inside the VPC",
        Type="SERVICE_CONTROL_POLICY",
        Content=_policy(statement),
    )["Policy"]["PolicySummary"]["Id"]


def create_function(client: Any, name: str, role: str, subnets: list[str], groups: list[str]) -> None:
    """A function; outside any VPC when `subnets` is empty."""
    vpc_config = {"VpcConfig": {"SubnetIds": subnets, "SecurityGroupIds": groups}} if subnets else {}
    client.create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": _package()},
        Timeout=10,
        **vpc_config,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})


def _groups(ec2: Any, vpc: str, prefix_list: str) -> dict[str, str]:
    """`open`: everything out; `list-only`: 443 to DynamoDB's prefix list; `closed`: nothing out."""
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    groups: dict[str, str] = {}
    for name in ("open", "list-only", "closed"):
        group = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        if name != "open":
            ec2.revoke_security_group_egress(GroupId=group, IpPermissions=everything)
        groups[name] = group
    https = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "PrefixListIds": [{"PrefixListId": prefix_list}],
    }
    ec2.authorize_security_group_egress(GroupId=groups["list-only"], IpPermissions=[https])
    return groups


def _endpoint(ec2: Any, vpc: str, table: str, policy: str) -> str:
    return ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{REGION}.dynamodb",
        RouteTableIds=[table],
        PolicyDocument=policy,
    )["VpcEndpoint"]["VpcEndpointId"]


def _route_table(ec2: Any, vpc: str, name: str) -> str:
    made = ec2.create_route_table(VpcId=vpc, TagSpecifications=_name("route-table", name))
    return made["RouteTable"]["RouteTableId"]


def _subnet(ec2: Any, vpc: str, name: str, cidr: str, zone: str, table: str) -> str:
    made = ec2.create_subnet(
        VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone, TagSpecifications=_name("subnet", name)
    )
    subnet = made["Subnet"]["SubnetId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return subnet


def _name(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _one_table(name: str) -> str:
    arn = f"arn:aws:dynamodb:{REGION}:*:table/{name}"
    return _policy(
        {"Sid": "OneTable", "Effect": "Allow", "Principal": "*", "Action": "dynamodb:*", "Resource": arn}
    )


def _trust(principal: dict[str, str]) -> str:
    return _policy({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})


def _package() -> bytes:
    source = files("casemate.cli.demo").joinpath("handler.py").read_text()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", source)
    return buffer.getvalue()
