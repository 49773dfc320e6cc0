"""What one account cannot learn of another."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import MANAGEMENT, Instance


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    running = Instance(tmp_path_factory.mktemp("accounts"), "--ephemeral", "--dataplane", "off").start()
    yield running
    running.stop()


def test_the_layers_of_another_account_are_not_listed(instance: Instance) -> None:
    """Lambda API reference, ListLayerVersions; Service Authorization Reference: the action has no resource type."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("python/secret.py", "")
    owner, stranger = instance.client("lambda"), instance.client("lambda", account=MANAGEMENT)
    layer = owner.publish_layer_version(LayerName="secret", Content={"ZipFile": archive.getvalue()})
    assert owner.list_layer_versions(LayerName=layer["LayerArn"])["LayerVersions"]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        stranger.list_layer_versions(LayerName=layer["LayerArn"])


def _vpc(ec2: Any, cidr: str, subnet: str) -> tuple[str, str, str]:
    """Of a VPC: its id, an interface and the main route table, all called `internal`."""
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    inner = ec2.create_subnet(VpcId=vpc, CidrBlock=subnet)["Subnet"]["SubnetId"]
    eni = ec2.create_network_interface(SubnetId=inner)["NetworkInterface"]["NetworkInterfaceId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    table = tables[0]["RouteTableId"]
    ec2.create_tags(Resources=[vpc, inner, eni, table], Tags=[{"Key": "Name", "Value": "internal"}])
    return vpc, eni, table


def test_an_analysis_over_a_peering_does_not_show_the_other_accounts_network(instance: Instance) -> None:
    ours, theirs = instance.client("ec2"), instance.client("ec2", account=MANAGEMENT)
    vpc, eni, table = _vpc(ours, "10.1.0.0/16", "10.1.0.0/24")
    far, far_eni, far_table = _vpc(theirs, "10.2.0.0/16", "10.2.0.0/24")
    asked = ours.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=far, PeerOwnerId=MANAGEMENT)
    peering = asked["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    theirs.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
    ours.create_route(RouteTableId=table, DestinationCidrBlock="10.2.0.0/16", VpcPeeringConnectionId=peering)
    theirs.create_route(
        RouteTableId=far_table, DestinationCidrBlock="10.1.0.0/16", VpcPeeringConnectionId=peering
    )
    shown = theirs.describe_network_interfaces(NetworkInterfaceIds=[far_eni])["NetworkInterfaces"][0]
    path = ours.create_network_insights_path(
        Source=eni, DestinationIp=shown["PrivateIpAddress"], Protocol="tcp", DestinationPort=443
    )["NetworkInsightsPath"]["NetworkInsightsPathId"]
    ours.start_network_insights_analysis(NetworkInsightsPathId=path)
    (found,) = ours.describe_network_insights_analyses(NetworkInsightsPathId=path)["NetworkInsightsAnalyses"]
    assert found["Status"] == "failed"
    assert found["StatusMessage"].startswith("The request failed due to inaccessible resource ")
    assert found["SuggestedAccounts"] == [MANAGEMENT], "the way leads into the other account"
    assert not found.keys() & {
        "NetworkPathFound",
        "ForwardPathComponents",
        "ReturnPathComponents",
        "Explanations",
    }
