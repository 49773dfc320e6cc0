"""AWS's page "Gateway endpoints for Amazon DynamoDB" (VPC, AWS PrivateLink guide), sentence by sentence.

Each sentence under "Considerations", and each result that "Create", "Modify" and "Delete" promise, has a test that
proves it: here, or where `PROOFS` says. Left out: VPN, transit gateways and Direct Connect, which Casemate lacks.

Read in a stored copy of docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-ddb.html: the introduction and the
considerations up to "An endpoint switches network routes ...". The numbers of the quota: "AWS PrivateLink quotas" of that
guide. What follows (peering, create, modify, delete) was compared with the whole of that page's forerunner, "Gateway VPC
Endpoints" of the VPC User Guide (a copy of 2020, vpce-gateway), which says the same in other words.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.statements.test_network import dynamodb_prefix_list, times_out
from tests.support.instance import REGION, ROOT, Instance
from tests.support.private_table import SERVICE, PrivateTable, Vpc

pytestmark = pytest.mark.kernel

HERE = "statements/test_gateway_endpoint_page.py"
PROOFS = {
    "There is no additional charge for using gateway endpoints.": (
        "statements/test_costs.py::test_n23_it_costs_nothing_and_saves_what_nat_would_cost"
    ),
    "With a gateway endpoint, you can access DynamoDB from your VPC, without requiring an internet gateway or NAT device": (
        "statements/test_network.py::test_n10_creating_an_endpoint_adds_the_route_and_traffic_takes_it"
    ),
    "A gateway endpoint is available only in the Region where you created it.": (
        "statements/test_network_more.py::test_n14_it_serves_only_its_own_region"
    ),
    "If you're using the Amazon DNS servers, you must enable both DNS hostnames and DNS resolution for your VPC.": (
        "statements/test_network_more.py::test_n15_it_needs_dns_resolution_and_dns_hostnames"
    ),
    "If you're using your own DNS server, ensure that requests to DynamoDB resolve correctly": (
        f"{HERE}::test_without_the_amazon_dns_server_the_service_is_reached_by_its_addresses"
    ),
    "You can reference the ID of the prefix list for DynamoDB in security group rules.": (
        "statements/test_network.py::test_n16_the_security_group_must_allow_egress_and_the_prefix_list_is_enough"
    ),
    "The network ACL for the subnet for your instances must allow traffic to and from DynamoDB.": (
        f"{HERE}::test_the_network_acl_must_allow_traffic_to_and_from_dynamodb"
    ),
    "You can't reference prefix lists in network ACL rules, but you can get the IP address range": (
        f"{HERE}::test_a_network_acl_rule_takes_the_ranges_of_the_prefix_list_and_not_its_id"
    ),
    "the log files contain the private IP addresses ... and the ID of the gateway endpoint": (
        "statements/test_records.py::"
        "test_r01_the_trail_shows_each_data_event_with_the_private_address_and_the_endpoint"
    ),
    "Gateway endpoints support only IPv4 traffic.": f"{HERE}::test_gateway_endpoints_support_only_ipv4_traffic",
    "The source IPv4 addresses ... change from public IPv4 addresses to private IPv4 addresses from your VPC.": (
        "statements/test_network_more.py::test_n25_switching_between_nat_and_endpoint_changes_the_source_address"
    ),
    "An endpoint switches network routes and disconnects open TCP connections.": (
        "kernel/test_dataplane_changes.py::test_an_endpoint_that_goes_or_comes_cuts_its_flows"
    ),
    "Endpoint connections cannot be extended out of a VPC.": (
        f"{HERE}::test_resources_on_the_other_side_of_a_peering_connection_cannot_use_it"
    ),
    "Your account has a default quota of 20 gateway endpoints per Region": (
        "statements/test_network_more.py::test_n21_twenty_gateway_endpoints_per_region_by_default"
    ),
    "which is adjustable. There is also a limit of 255 gateway endpoints per VPC.": (
        f"{HERE}::test_n21_the_quota_is_adjustable_and_255_per_vpc_the_limit"
    ),
    "We automatically add a route that points traffic destined for the service to the endpoint network interface.": (
        "statements/test_network.py::test_n10_creating_an_endpoint_adds_the_route_and_traffic_takes_it"
    ),
    "You can update the route tables": (
        "statements/test_network.py::test_n12_associating_and_disassociating_adds_and_removes_routes"
    ),
    "You can update the endpoint policy": (
        "statements/test_policies.py::test_p01_an_endpoint_policy_limits_actions_and_tables"
    ),
    "When you delete a gateway endpoint, we remove the route from each associated route table": (
        "statements/test_network.py::test_n13_deleting_the_endpoint_removes_its_routes"
    ),
}  # fmt: skip


@pytest.mark.parametrize("proof", sorted(set(PROOFS.values())))
def test_every_sentence_has_its_proof(proof: str) -> None:
    path, _, name = proof.partition("::")
    tree = ast.parse((Path(ROOT) / "tests" / path).read_text())
    assert name in {
        each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_without_the_amazon_dns_server_the_service_is_reached_by_its_addresses(world: PrivateTable) -> None:
    """No resolver of the VPC answers; "the IP addresses maintained by AWS" do."""
    vpc = world.vpc()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    vpc.endpoint("private")
    maintained = world.invoke(function, "resolve", name=f"dynamodb.{REGION}.amazonaws.com")["address"]
    world.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, EnableDnsSupport={"Value": False})
    assert not world.invoke(function, "resolve", name=f"dynamodb.{REGION}.amazonaws.com")["ok"]
    assert world.invoke(function, "connect", host=maintained, port=443)["ok"]


class TightAcl:
    """A network ACL of one's own, on the subnet `private`."""

    def __init__(self, vpc: Vpc, subnet: str) -> None:
        self.ec2 = vpc.ec2
        self.acl_id = self.ec2.create_network_acl(VpcId=vpc.vpc_id)["NetworkAcl"]["NetworkAclId"]
        wanted = [{"Name": "association.subnet-id", "Values": [subnet]}]
        held = self.ec2.describe_network_acls(Filters=wanted)["NetworkAcls"][0]["Associations"]
        (association,) = [each for each in held if each["SubnetId"] == subnet]
        self.ec2.replace_network_acl_association(
            AssociationId=association["NetworkAclAssociationId"], NetworkAclId=self.acl_id
        )

    def allow(self, number: int, cidr: str, *, egress: bool) -> None:
        ports = {"From": 443, "To": 443} if egress else {"From": 1024, "To": 65535}
        self.ec2.create_network_acl_entry(
            NetworkAclId=self.acl_id,
            RuleNumber=number,
            Protocol="6",
            RuleAction="allow",
            Egress=egress,
            CidrBlock=cidr,
            PortRange=ports,
        )


def ranges(world: PrivateTable) -> list[str]:
    listed = world.ec2.get_managed_prefix_list_entries(PrefixListId=dynamodb_prefix_list(world))
    return [each["Cidr"] for each in listed["Entries"]]


def test_the_network_acl_must_allow_traffic_to_and_from_dynamodb(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    subnet = vpc.subnet("private")
    function = world.function(subnets=[subnet], groups=[vpc.group()])
    vpc.endpoint("private")
    acl = TightAcl(vpc, subnet)
    assert times_out(world.get(function, table))
    for number, cidr in enumerate(ranges(world), 100):
        acl.allow(number, cidr, egress=True)
    assert times_out(world.get(function, table)), "the answer may not enter"
    for number, cidr in enumerate(ranges(world), 100):
        acl.allow(number, cidr, egress=False)
    assert world.get(function, table)["ok"]


def test_a_network_acl_rule_takes_the_ranges_of_the_prefix_list_and_not_its_id(world: PrivateTable) -> None:
    vpc = world.vpc()
    acl = TightAcl(vpc, vpc.subnet("private"))
    with pytest.raises(ClientError) as refused:
        acl.allow(90, dynamodb_prefix_list(world), egress=True)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    acl.allow(90, ranges(world)[0], egress=True)


def test_gateway_endpoints_support_only_ipv4_traffic(world: PrivateTable) -> None:
    """The endpoint's route is to the prefix list, and nothing in it is IPv6."""
    vpc = world.vpc()
    vpc.endpoint("private")
    assert all("." in cidr and ":" not in cidr for cidr in ranges(world))
    ours = [route for route in vpc.routes("private") if route.get("DestinationPrefixListId")]
    assert [route["DestinationPrefixListId"] for route in ours] == [dynamodb_prefix_list(world)]


def test_resources_on_the_other_side_of_a_peering_connection_cannot_use_it(world: PrivateTable) -> None:
    """Its routes lead over the peering connection, and no further."""
    home, table = world.vpc(), world.table()
    inside = world.function(subnets=[home.subnet("private")], groups=[home.group()])
    home.endpoint("private")
    ec2 = world.ec2
    away = Vpc(ec2=ec2, vpc_id=ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"])
    ec2.modify_vpc_attribute(VpcId=away.vpc_id, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=away.vpc_id, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    ec2.associate_route_table(RouteTableId=away.table("private"), SubnetId=subnet)
    outside = world.function(subnets=[subnet], groups=[away.group()])
    peering = ec2.create_vpc_peering_connection(VpcId=home.vpc_id, PeerVpcId=away.vpc_id)
    peering_id = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    for cidr in (*ranges(world), "10.0.0.0/16"):
        ec2.create_route(
            RouteTableId=away.table("private"), DestinationCidrBlock=cidr, VpcPeeringConnectionId=peering_id
        )
    ec2.create_route(
        RouteTableId=home.table("private"),
        DestinationCidrBlock="10.9.0.0/16",
        VpcPeeringConnectionId=peering_id,
    )
    assert world.get(inside, table)["ok"]
    assert times_out(world.get(outside, table))


def test_n21_the_quota_is_adjustable_and_255_per_vpc_the_limit(tmp_path: Path) -> None:
    options = ("--ephemeral", "--dataplane", "off", "--quota", "gateway_endpoints=300")
    instance = Instance(tmp_path / "data", *options).start()
    try:
        ec2 = instance.client("ec2")
        first, second = (
            ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"] for cidr in ("10.0.0.0/16", "10.1.0.0/16")
        )
        for _ in range(255):
            ec2.create_vpc_endpoint(VpcId=first, ServiceName=SERVICE)
        with pytest.raises(ClientError) as error:
            ec2.create_vpc_endpoint(VpcId=first, ServiceName=SERVICE)
        assert error.value.response["Error"]["Code"] == "VpcEndpointLimitExceeded"
        assert ec2.create_vpc_endpoint(VpcId=second, ServiceName=SERVICE)["VpcEndpoint"]["VpcEndpointId"]
    finally:
        instance.stop()
