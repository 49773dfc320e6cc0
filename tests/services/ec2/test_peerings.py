"""VPC peering. Sources: EC2 API reference; VPC Peering Guide, "lifecycle" and "limitations"."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def other(client: Any) -> str:
    return client.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]


def test_routes_follow_the_state_of_the_connection(
    client: Any, refused: Any, world: Any, vpc: str, other: str, table: str
) -> None:
    made = client.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    peering = {"VpcPeeringConnectionId": made["VpcPeeringConnectionId"]}
    assert made["Status"]["Code"] == "pending-acceptance"
    refused(
        "VpcPeeringConnectionAlreadyExists", client.create_vpc_peering_connection, VpcId=other, PeerVpcId=vpc
    )
    client.create_route(RouteTableId=table, DestinationCidrBlock="10.1.0.0/16", **peering)

    def blackhole() -> bool:
        return world.ec2.network.snapshot().vpcs[vpc].route_tables[table].routes[-1].blackhole

    assert blackhole()
    client.accept_vpc_peering_connection(**peering)
    assert not blackhole()
    assert world.ec2.network.snapshot().peerings[peering["VpcPeeringConnectionId"]].active
    refused("InvalidStateTransition", client.accept_vpc_peering_connection, **peering)
    options = {"AccepterPeeringConnectionOptions": {"AllowDnsResolutionFromRemoteVpc": True}}
    assert client.modify_vpc_peering_connection_options(**peering, **options)[
        "AccepterPeeringConnectionOptions"
    ]
    client.delete_vpc_peering_connection(**peering)
    assert blackhole()
    assert world.ec2.network.snapshot().peerings == {}
    ids = {"VpcPeeringConnectionIds": [peering["VpcPeeringConnectionId"]]}
    assert (
        client.describe_vpc_peering_connections(**ids)["VpcPeeringConnections"][0]["Status"]["Code"]
        == "deleted"
    )


def test_between_accounts_the_other_account_accepts(client: Any, refused: Any, world: Any, vpc: str) -> None:
    theirs = world.client(account="111111111111", region="eu-west-1")
    peer = theirs.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    made = client.create_vpc_peering_connection(
        VpcId=vpc, PeerVpcId=peer, PeerOwnerId="111111111111", PeerRegion="eu-west-1"
    )["VpcPeeringConnection"]
    peering = {"VpcPeeringConnectionId": made["VpcPeeringConnectionId"]}
    refused("OperationNotPermitted", client.accept_vpc_peering_connection, **peering)
    theirs.accept_vpc_peering_connection(**peering)
    (shown,) = client.describe_vpc_peering_connections()["VpcPeeringConnections"]
    assert (shown["Status"]["Code"], shown["AccepterVpcInfo"]["CidrBlock"]) == ("active", "10.2.0.0/16")
    theirs.delete_vpc(VpcId=peer)
    assert (
        client.describe_vpc_peering_connections()["VpcPeeringConnections"][0]["Status"]["Code"] == "deleted"
    )


def test_overlapping_vpcs_fail(client: Any, refused: Any, vpc: str) -> None:
    same = client.create_vpc(CidrBlock="10.0.128.0/17")["Vpc"]["VpcId"]
    made = client.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=same)["VpcPeeringConnection"]
    assert made["Status"]["Code"] == "failed"
    refused("InvalidVpcID.NotFound", client.create_vpc_peering_connection, VpcId=vpc, PeerVpcId="vpc-0123")
    missing = {"VpcPeeringConnectionId": "pcx-0123"}
    refused("InvalidVpcPeeringConnectionID.NotFound", client.accept_vpc_peering_connection, **missing)
    client.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=client.describe_vpcs()["Vpcs"][0]["VpcId"])


def test_rejecting(client: Any, refused: Any, vpc: str, other: str) -> None:
    made = client.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    peering = {"VpcPeeringConnectionId": made["VpcPeeringConnectionId"]}
    client.reject_vpc_peering_connection(**peering)
    refused("InvalidStateTransition", client.delete_vpc_peering_connection, **peering)


def test_rules_may_name_groups_of_a_peered_vpc(client: Any, refused: Any, vpc: str, other: str) -> None:
    mine = client.create_security_group(VpcId=vpc, GroupName="a", Description="d")["GroupId"]
    peer = client.create_security_group(VpcId=other, GroupName="b", Description="d")["GroupId"]
    rule = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": peer}]}]
    refused(
        "InvalidGroup.NotFound", client.authorize_security_group_ingress, GroupId=mine, IpPermissions=rule
    )
    made = client.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=other)["VpcPeeringConnection"]
    client.accept_vpc_peering_connection(VpcPeeringConnectionId=made["VpcPeeringConnectionId"])
    client.authorize_security_group_ingress(GroupId=mine, IpPermissions=rule)
    (reference,) = client.describe_security_group_references(GroupId=[peer])["SecurityGroupReferenceSet"]
    assert reference["ReferencingVpcId"] == vpc
