"""Customer-managed prefix lists, flow logs, Regions and zones. Sources: EC2 API reference; VPC User Guide."""

from __future__ import annotations

from typing import Any

import pytest


def test_a_prefix_list_has_versions(client: Any, refused: Any, world: Any) -> None:
    entries = [{"Cidr": "10.0.0.0/8", "Description": "a"}]
    made = client.create_managed_prefix_list(
        PrefixListName="mine", AddressFamily="IPv4", MaxEntries=2, Entries=entries
    )["PrefixList"]
    mine = {"PrefixListId": made["PrefixListId"]}
    more = [{"Cidr": "192.168.0.0/16"}]
    changed = client.modify_managed_prefix_list(**mine, CurrentVersion=1, AddEntries=more)["PrefixList"]
    assert changed["Version"] == 2
    listed = client.get_managed_prefix_list_entries(**mine)["Entries"]
    assert [each["Cidr"] for each in listed] == ["10.0.0.0/8", "192.168.0.0/16"]
    assert client.get_managed_prefix_list_entries(**mine, TargetVersion=1)["Entries"] == entries
    projected = world.ec2.network.snapshot().prefix_lists[made["PrefixListId"]]
    assert (len(projected.cidrs), projected.max_entries, projected.aws_managed) == (2, 2, False)
    refused(
        "PrefixListVersionMismatch",
        client.modify_managed_prefix_list,
        **mine,
        CurrentVersion=1,
        AddEntries=more,
    )
    third = {"CurrentVersion": 2, "AddEntries": [{"Cidr": "172.16.0.0/12"}]}
    refused("PrefixListMaxEntriesExceeded", client.modify_managed_prefix_list, **mine, **third)
    refused(
        "InvalidPrefixListVersion.NotFound", client.get_managed_prefix_list_entries, **mine, TargetVersion=9
    )


def test_a_prefix_list_in_use_stays(client: Any, refused: Any, vpc: str, table: str, gateway: str) -> None:
    made = client.create_managed_prefix_list(PrefixListName="mine", AddressFamily="IPv4", MaxEntries=2)[
        "PrefixList"
    ]
    mine = {"PrefixListId": made["PrefixListId"]}
    route = {"RouteTableId": table, "DestinationPrefixListId": made["PrefixListId"]}
    client.create_route(**route, GatewayId=gateway)
    refused("DependencyViolation", client.delete_managed_prefix_list, **mine)
    users = client.get_managed_prefix_list_associations(**mine)["PrefixListAssociations"]
    assert [each["ResourceId"] for each in users] == [table]
    client.delete_route(**route)
    client.delete_managed_prefix_list(**mine)
    refused(
        "InvalidPrefixListID.NotFound",
        client.describe_managed_prefix_lists,
        PrefixListIds=[made["PrefixListId"]],
    )
    refused("OperationNotPermitted", client.delete_managed_prefix_list, PrefixListId="pl-4ca54025")


ROLE = "arn:aws:iam::000000000000:role/flow"


def test_flow_logs(client: Any, refused: Any, world: Any, vpc: str) -> None:
    params = {
        "ResourceIds": [vpc],
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogGroupName": "flows",
        "DeliverLogsPermissionArn": ROLE,
    }
    (log,) = client.create_flow_logs(**params)["FlowLogIds"]
    assert any(check.action == "iam:PassRole" and check.resource == ROLE for check in world.cloud.checks)
    (shown,) = client.describe_flow_logs(Filter=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"]
    assert (shown["FlowLogId"], shown["FlowLogStatus"], shown["MaxAggregationInterval"]) == (
        log,
        "ACTIVE",
        600,
    )
    assert shown["LogFormat"].startswith("${version} ${account-id} ${interface-id}")
    assert shown["LogDestination"] == "arn:aws:logs:us-east-2:000000000000:log-group:flows"
    refused("FlowLogAlreadyExists", client.create_flow_logs, **params)
    client.create_flow_logs(**{**params, "TrafficType": "REJECT", "LogFormat": "${version} ${vpc-id}"})
    (failed,) = client.delete_flow_logs(FlowLogIds=[log, "fl-0123"])["Unsuccessful"]
    assert failed["Error"]["Code"] == "InvalidFlowLogId.NotFound"
    assert len(client.describe_flow_logs()["FlowLogs"]) == 1
    client.delete_vpc(VpcId=vpc)
    assert client.describe_flow_logs()["FlowLogs"] == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ResourceIds": ["vpc-0123"]}, "InvalidVpcID.NotFound"),
        ({"LogFormat": "${nothing}"}, "InvalidParameter"),
        ({"LogFormat": "version"}, "InvalidParameter"),
        ({"DeliverLogsPermissionArn": ""}, "InvalidParameter"),
        ({"LogGroupName": ""}, "InvalidParameter"),
        ({"MaxAggregationInterval": 30}, "InvalidParameter"),
        ({"LogDestinationType": "s3"}, "InvalidParameter"),
        (
            {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs", "LogGroupName": ""},
            "UnsupportedOperation",
        ),
        ({"ResourceType": "TransitGateway"}, "InvalidParameterValue"),
        ({"TrafficType": "SOME"}, "InvalidParameterValue"),
    ],
)
def test_flow_logs_refused(client: Any, refused: Any, vpc: str, params: dict[str, Any], code: str) -> None:
    base = {
        "ResourceIds": [vpc],
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogGroupName": "flows",
        "DeliverLogsPermissionArn": ROLE,
    }
    refused(code, client.create_flow_logs, **{**base, **params})


def test_zones_and_regions(client: Any, refused: Any, world: Any) -> None:
    zones = client.describe_availability_zones()["AvailabilityZones"]
    assert [(zone["ZoneName"], zone["ZoneId"]) for zone in zones] == [
        ("us-east-2a", "use2-az1"),
        ("us-east-2b", "use2-az2"),
        ("us-east-2c", "use2-az3"),
    ]
    asked = [{"Name": "zone-name", "Values": ["us-east-2a"]}]
    assert len(client.describe_availability_zones(Filters=asked)["AvailabilityZones"]) == 1
    refused("InvalidParameterValue", client.describe_availability_zones, ZoneNames=["us-east-1a"])
    assert len(world.client(region="us-east-1").describe_availability_zones()["AvailabilityZones"]) == 6
    regions = {each["RegionName"] for each in client.describe_regions()["Regions"]}
    assert {"us-east-1", "eu-west-1", "sa-east-1"} <= regions
    refused("InvalidParameterValue", client.describe_regions, RegionNames=["mars-1"])


def test_account_attributes(client: Any, refused: Any) -> None:
    default = client.describe_vpcs()["Vpcs"][0]["VpcId"]
    shown = client.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
    assert shown == [{"AttributeName": "default-vpc", "AttributeValues": [{"AttributeValue": default}]}]
    refused("InvalidParameterValue", client.describe_account_attributes, AttributeNames=["nothing"])


def test_there_are_no_virtual_private_gateways(client: Any, refused: Any) -> None:
    assert client.describe_vpn_gateways()["VpnGateways"] == []
    refused("InvalidVpnGatewayID.NotFound", client.describe_vpn_gateways, VpnGatewayIds=["vgw-0123"])
