"""What all EC2 operations have in common: tags, filters, pages, DryRun, authorization, accounts, durability."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.session
import pytest
from tests.support.direct import DirectCloud

from casemate.servicekit.store import Store
from casemate.services import ec2
from casemate.services.ec2.registry import operations


def test_every_operation_is_botocores() -> None:
    model = botocore.session.get_session().get_service_model("ec2")
    assert set(operations.by_name) <= set(model.operation_names)
    assert len(operations.by_name) > 100


def tagged(kind: str, **tags: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def test_tags_on_creation_and_after(client: Any, refused: Any) -> None:
    spec = tagged("vpc", Name="main", env="dev")
    vpc = client.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=spec)["Vpc"]
    assert vpc["Tags"] == spec[0]["Tags"]
    client.create_tags(Resources=[vpc["VpcId"]], Tags=[{"Key": "env", "Value": "prod"}])
    shown = client.describe_tags(Filters=[{"Name": "resource-id", "Values": [vpc["VpcId"]]}])["Tags"]
    assert [(each["Key"], each["Value"], each["ResourceType"]) for each in shown] == [
        ("Name", "main", "vpc"),
        ("env", "prod", "vpc"),
    ]
    client.delete_tags(Resources=[vpc["VpcId"]], Tags=[{"Key": "env", "Value": "dev"}])
    assert len(client.describe_tags(Filters=[{"Name": "tag:env", "Values": ["prod"]}])["Tags"]) == 1
    client.delete_tags(Resources=[vpc["VpcId"]], Tags=[{"Key": "env"}])
    assert len(client.describe_tags(Filters=[{"Name": "key", "Values": ["*"]}])["Tags"]) == 1
    client.delete_vpc(VpcId=vpc["VpcId"])
    assert client.describe_tags()["Tags"] == []
    tags = [{"Key": "k", "Value": "v"}]
    refused("InvalidVpcID.NotFound", client.create_tags, Resources=[vpc["VpcId"]], Tags=tags)
    refused("InvalidID", client.create_tags, Resources=["thing-1"], Tags=tags)


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([{"Key": "aws:x", "Value": "v"}], "InvalidParameterValue"),
        ([{"Key": "k" * 128, "Value": "v"}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "v" * 257}], "InvalidParameterValue"),
        ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "InvalidParameterValue"),
        ([{"Key": f"k{number}", "Value": ""} for number in range(51)], "TagLimitExceeded"),
        ([], "MissingParameter"),
    ],
)
def test_tags_refused(client: Any, refused: Any, vpc: str, tags: list[dict[str, str]], code: str) -> None:
    refused(code, client.create_tags, Resources=[vpc], Tags=tags)
    assert client.describe_tags()["Tags"] == []


def test_a_specification_for_another_kind_is_refused(client: Any, refused: Any) -> None:
    params = {"CidrBlock": "10.0.0.0/16", "TagSpecifications": tagged("subnet", a="b")}
    message = refused("InvalidParameterValue", client.create_vpc, **params)
    assert message == "'subnet' is not a valid taggable resource type for this operation."


def test_filters(client: Any, refused: Any) -> None:
    for name in ("web-1", "web-2", "w*b"):
        client.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc", Name=name))

    def found(**filters: Any) -> int:
        asked = [{"Name": name, "Values": values} for name, values in filters.items()]
        return len(client.describe_vpcs(Filters=asked)["Vpcs"])

    assert found(**{"tag:Name": ["web-?"]}) == 2
    assert found(**{"tag:Name": ["w*"]}) == 3
    assert found(**{"tag:Name": [r"w\*b"]}) == 1
    assert found(**{"tag:Name": ["web-1", "web-2"], "cidr": ["10.0.0.0/16"]}) == 2
    assert found(**{"tag:Name": ["WEB-1"]}) == 0
    assert found(**{"tag-key": ["Name"]}) == 3
    assert found(**{"is-default": ["true"]}) == 1
    assert found(**{"cidr-block-association.cidr-block": ["10.0.*"]}) == 3
    assert refused(
        "InvalidParameterValue", client.describe_vpcs, Filters=[{"Name": "nope", "Values": ["x"]}]
    ) == ("The filter 'nope' is invalid")


def test_pages(client: Any, refused: Any) -> None:
    for _ in range(11):
        client.create_vpc(CidrBlock="10.0.0.0/16")
    pages = list(client.get_paginator("describe_vpcs").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["Vpcs"]) for page in pages] == [5, 5, 2]
    assert len({vpc["VpcId"] for page in pages for vpc in page["Vpcs"]}) == 12
    assert refused("InvalidParameterValue", client.describe_tags, MaxResults=4) == (
        "Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5."
    )
    for token in ("rubbish", "Zm9vOjE=", "é"):
        refused("InvalidNextToken", client.describe_vpcs, MaxResults=5, NextToken=token)


def test_dry_run_changes_nothing(client: Any, refused: Any, vpc: str) -> None:
    message = refused("DryRunOperation", client.delete_vpc, VpcId=vpc, DryRun=True)
    assert message == "Request would have succeeded, but DryRun flag is set."
    assert client.describe_vpcs(VpcIds=[vpc])["Vpcs"]


def test_accounts_and_regions_do_not_see_each_other(world: Any, refused: Any, vpc: str) -> None:
    refused("InvalidVpcID.NotFound", world.client(account="111111111111").describe_vpcs, VpcIds=[vpc])
    refused("InvalidVpcID.NotFound", world.client(region="us-east-1").describe_vpcs, VpcIds=[vpc])


def test_a_region_that_is_none(world: Any, refused: Any) -> None:
    refused("AuthFailure", world.client(region="us-east-9").describe_vpcs)


def test_what_is_authorized(client: Any, world: Any, vpc: str) -> None:
    def asked() -> dict[tuple[str, str], Any]:
        checks = {(check.action, check.resource): check.context for check in world.cloud.checks}
        world.cloud.checks.clear()
        return checks

    client.create_tags(Resources=[vpc], Tags=[{"Key": "team", "Value": "orders"}])
    arn = "arn:aws:ec2:us-east-2:000000000000:"
    assert asked()["ec2:CreateTags", f"{arn}vpc/{vpc}"]["aws:RequestTag/team"] == "orders"
    client.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", TagSpecifications=tagged("subnet", a="b"))
    checks = asked()
    assert set(checks) == {
        ("ec2:CreateSubnet", f"{arn}vpc/{vpc}"),
        ("ec2:CreateSubnet", f"{arn}subnet/*"),
        ("ec2:CreateTags", f"{arn}subnet/*"),
    }
    assert checks["ec2:CreateSubnet", f"{arn}vpc/{vpc}"]["aws:ResourceTag/team"] == "orders"
    assert checks["ec2:CreateSubnet", f"{arn}subnet/*"]["aws:TagKeys"] == ("a",)
    assert checks["ec2:CreateTags", f"{arn}subnet/*"]["ec2:CreateAction"] == "CreateSubnet"
    group = client.create_security_group(VpcId=vpc, GroupName="g", Description="d")["GroupId"]
    client.delete_security_group(GroupId=group)
    assert asked()["ec2:DeleteSecurityGroup", f"{arn}security-group/{group}"]["ec2:Vpc"] == f"{arn}vpc/{vpc}"
    service = "com.amazonaws.us-east-2.dynamodb"
    client.create_vpc_endpoint(VpcId=vpc, ServiceName=service)
    assert asked()["ec2:CreateVpcEndpoint", f"{arn}vpc-endpoint/*"]["ec2:VpceServiceName"] == service


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    def build(store: Store) -> tuple[Any, ec2.Ec2]:
        cloud = DirectCloud(store)
        built = ec2.build(store, random_bytes=cloud.random_bytes, clock=lambda: cloud.now)
        cloud.services["ec2"] = built.service
        return cloud.client("ec2"), built

    store = Store(tmp_path / "state.db")
    client, before = build(store)
    vpc = client.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    table = client.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    subnet = client.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    client.associate_route_table(RouteTableId=table, SubnetId=subnet)
    service = "com.amazonaws.us-east-2.dynamodb"
    made = client.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table])["VpcEndpoint"]
    client.create_network_interface(SubnetId=subnet)
    old = before.network.snapshot().vpcs
    store.close()
    again = Store(tmp_path / "state.db")
    client, after = build(again)
    assert after.network.snapshot().vpcs == old
    assert after.endpoints.endpoint_policy(made["VpcEndpointId"]) is not None
    assert len(client.describe_vpcs()["Vpcs"]) == 2
    again.close()


def test_what_is_not_modelled_is_refused_not_ignored(
    client: Any, refused: Any, vpc: str, subnet: str
) -> None:
    def code(operation: Any, **params: Any) -> None:
        assert refused("UnsupportedOperation", operation, **params).startswith("Casemate does not have")

    code(client.create_vpc, CidrBlock="10.0.0.0/16", Ipv4IpamPoolId="ipam-pool-0123")
    code(client.create_subnet, VpcId=vpc, Ipv6Native=True)
    code(client.create_network_interface, SubnetId=subnet, Ipv6PrefixCount=1)
    code(client.create_network_interface, SubnetId=subnet, InterfaceType="efa")
    code(client.create_nat_gateway, VpcId=vpc, AvailabilityMode="regional")
    code(client.allocate_address, Address="18.160.0.9")
    lattice = "arn:aws:vpc-lattice:us-east-2:000000000000:servicenetwork/sn-01"
    code(client.create_vpc_endpoint, VpcId=vpc, VpcEndpointType="ServiceNetwork", ServiceNetworkArn=lattice)
