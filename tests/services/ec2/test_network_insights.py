"""Reachability Analyzer's API. Sources: EC2 API reference; Reachability Analyzer guide, "Getting started with the AWS
CLI" (the order of components and their members) and "Explanation codes".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from casemate.servicekit.ports import FunctionFacts

DYNAMODB = "com.amazonaws.us-east-2.dynamodb"
FUNCTION = "arn:aws:lambda:us-east-2:000000000000:function:orders"
EVERYTHING = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


@dataclass
class Net:
    """A VPC with two subnets, an interface in each, and a route table for each."""

    client: Any
    vpc: str
    subnets: list[str]
    tables: list[str]
    enis: list[str]

    def analyze(self, source: str, destination: str = "", *, start: Any = None, **params: Any) -> Any:
        params = {"Protocol": "tcp", "DestinationPort": 443, **params}
        if destination:
            params["Destination"] = destination
        path = self.client.create_network_insights_path(Source=source, **_given(params))
        path_id = path["NetworkInsightsPath"]["NetworkInsightsPathId"]
        started = self.client.start_network_insights_analysis(NetworkInsightsPathId=path_id, **(start or {}))
        begun = started["NetworkInsightsAnalysis"]
        assert begun["Status"] == "running"
        assert "NetworkPathFound" not in begun
        described = self.client.describe_network_insights_analyses(
            NetworkInsightsAnalysisIds=[begun["NetworkInsightsAnalysisId"]]
        )
        (found,) = described["NetworkInsightsAnalyses"]
        assert found["Status"] == "succeeded"
        return found

    def group_of(self, eni: str) -> str:
        shown = self.client.describe_network_interfaces(NetworkInterfaceIds=[eni])
        return shown["NetworkInterfaces"][0]["Groups"][0]["GroupId"]

    def internet(self, table: int) -> str:
        gateway = self.client.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.client.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        self.client.create_route(
            RouteTableId=self.tables[table], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway
        )
        return gateway

    def public(self, eni: str) -> str:
        address = self.client.allocate_address(Domain="vpc")
        self.client.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=eni)
        return address["PublicIp"]


def _given(params: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def build_net(client: Any, cidr: str = "10.0") -> Net:
    vpc = client.create_vpc(CidrBlock=f"{cidr}.0.0/16")["Vpc"]["VpcId"]
    net = Net(client=client, vpc=vpc, subnets=[], tables=[], enis=[])
    for number in (1, 2):
        subnet = client.create_subnet(VpcId=vpc, CidrBlock=f"{cidr}.{number}.0/24")["Subnet"]["SubnetId"]
        table = client.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        client.associate_route_table(RouteTableId=table, SubnetId=subnet)
        group = client.create_security_group(GroupName=f"g{number}", Description="-", VpcId=vpc)["GroupId"]
        eni = client.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
        net.subnets.append(subnet)
        net.tables.append(table)
        net.enis.append(eni["NetworkInterfaceId"])
    return net


@pytest.fixture
def net(client: Any) -> Net:
    return build_net(client)


def kinds(components: list[dict[str, Any]]) -> list[str]:
    return [each["Component"]["Id"].partition("-")[0] for each in components]


def test_a_path_between_two_interfaces_names_every_component(net: Net) -> None:
    net.client.authorize_security_group_ingress(GroupId=net.group_of(net.enis[1]), IpPermissions=EVERYTHING)
    net.client.create_tags(Resources=[net.enis[1]], Tags=[{"Key": "Name", "Value": "server"}])
    found = net.analyze(net.enis[0], net.enis[1])
    assert found["NetworkPathFound"] is True
    forward = found["ForwardPathComponents"]
    assert kinds(forward) == ["eni", "sg", "acl", "rtb", "acl", "sg", "eni"]
    assert [each["SequenceNumber"] for each in forward] == list(range(1, 8))
    first, group, acl, table, *_, last = forward
    assert first["Component"]["Arn"].endswith(f":000000000000:network-interface/{net.enis[0]}")
    assert first["Subnet"]["Id"] == net.subnets[0]
    assert first["OutboundHeader"]["DestinationPortRanges"] == [{"From": 443, "To": 443}]
    assert first["OutboundHeader"]["Protocol"] == "6"
    assert group["SecurityGroupRule"] == {"Cidr": "0.0.0.0/0", "Direction": "egress", "Protocol": "all"}
    assert acl["AclRule"]["RuleNumber"] == 100
    assert acl["AclRule"]["Egress"] is True
    assert table["RouteTableRoute"] == {
        "DestinationCidr": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active",
    }  # fmt: skip
    assert last["Component"]["Name"] == "server"
    assert last["InboundHeader"]["SourceAddresses"] == first["OutboundHeader"]["SourceAddresses"]
    assert kinds(found["ReturnPathComponents"]) == ["acl", "acl"]
    assert [each["AclRule"]["Egress"] for each in found["ReturnPathComponents"]] == [True, False]


def test_a_group_without_rules_is_named(net: Net) -> None:
    found = net.analyze(net.enis[0], net.enis[1])
    assert found["NetworkPathFound"] is False
    (explanation,) = found["Explanations"]
    assert explanation["ExplanationCode"] == "SG_HAS_NO_RULES"
    assert explanation["Direction"] == "ingress"
    assert explanation["NetworkInterface"]["Id"] == net.enis[1]
    assert explanation["SecurityGroups"][0]["Id"] == net.group_of(net.enis[1])
    assert explanation["Vpc"]["Id"] == net.vpc
    assert found["ForwardPathComponents"][-1]["Explanations"] == [explanation]
    assert "ingress rule" in found["WarningMessage"]


def test_rules_that_do_not_match_are_named(net: Net) -> None:
    ssh = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    net.client.authorize_security_group_ingress(GroupId=net.group_of(net.enis[1]), IpPermissions=ssh)
    found = net.analyze(net.enis[0], net.enis[1])
    assert [each["ExplanationCode"] for each in found["Explanations"]] == ["ENI_SG_RULES_MISMATCH"]
    # Without a port the question is whether there is any.
    assert net.analyze(net.enis[0], net.enis[1], DestinationPort=None)["NetworkPathFound"] is True
    within = {"DestinationPortRange": {"FromPort": 80, "ToPort": 90}}
    shut = net.analyze(net.enis[0], net.enis[1], DestinationPort=None, FilterAtSource=within)
    assert shut["NetworkPathFound"] is False


def test_a_network_acl_denies_the_answer(net: Net) -> None:
    net.client.authorize_security_group_ingress(GroupId=net.group_of(net.enis[1]), IpPermissions=EVERYTHING)
    acl = net.client.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [net.vpc]}])["NetworkAcls"][
        0
    ]
    deny = {"Protocol": "6", "RuleAction": "deny", "RuleNumber": 50, "CidrBlock": "10.0.1.0/24"}
    net.client.create_network_acl_entry(
        NetworkAclId=acl["NetworkAclId"], Egress=True, PortRange={"From": 1024, "To": 65535}, **deny
    )
    found = net.analyze(net.enis[0], net.enis[1])
    assert found["NetworkPathFound"] is False
    (explanation,) = found["Explanations"]
    assert explanation["ExplanationCode"] == "SUBNET_ACL_RESTRICTION"
    assert explanation["Acl"]["Id"] == acl["NetworkAclId"]
    assert explanation["AclRule"]["RuleNumber"] == 50
    assert explanation["Direction"] == "egress"
    assert explanation["Subnet"]["Id"] == net.subnets[1]
    assert kinds(found["ForwardPathComponents"])[-1] == "eni"


def test_a_gateway_endpoint_with_and_without_its_route(net: Net) -> None:
    made = net.client.create_vpc_endpoint(VpcId=net.vpc, ServiceName=DYNAMODB, RouteTableIds=[net.tables[0]])[
        "VpcEndpoint"
    ]["VpcEndpointId"]
    found = net.analyze(net.enis[0], made)
    assert found["NetworkPathFound"] is True
    assert kinds(found["ForwardPathComponents"]) == ["eni", "sg", "acl", "rtb", "vpce"]
    route = found["ForwardPathComponents"][3]["RouteTableRoute"]
    assert route["DestinationPrefixListId"] == "pl-4ca54025"
    assert route["GatewayId"] == made
    assert found["ForwardPathComponents"][-1]["ServiceName"] == DYNAMODB
    missing = net.analyze(net.enis[1], made)
    assert missing["Explanations"][0]["ExplanationCode"] == "NO_ROUTE_TO_DESTINATION"
    assert missing["Explanations"][0]["RouteTable"]["Id"] == net.tables[1]
    # By another way it arrives, and that is not the path asked about.
    net.internet(1)
    net.public(net.enis[1])
    around = net.analyze(net.enis[1], made)
    assert around["NetworkPathFound"] is False
    assert around["Explanations"][0]["Destination"]["Id"] == made
    udp = net.analyze(net.enis[0], made, Protocol="udp")
    assert udp["Explanations"][0]["ExplanationCode"] == "VPCE_GATEWAY_PROTOCOL_RESTRICTION"


def test_an_internet_gateway_as_either_end(net: Net) -> None:
    gateway = net.internet(0)
    found = net.analyze(net.enis[0], gateway)
    (explanation,) = found["Explanations"]
    assert explanation["ExplanationCode"] == "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
    assert explanation["InternetGateway"]["Id"] == gateway
    assert explanation["NetworkInterface"]["Id"] == net.enis[0]
    inward = net.analyze(gateway, net.enis[0])
    assert inward["Explanations"][0]["ExplanationCode"] == "IGW_PRIVATE_IP_ASSOCIATION_FOR_INGRESS"
    public = net.public(net.enis[0])
    found = net.analyze(net.enis[0], gateway)
    assert found["NetworkPathFound"] is True
    last = found["ForwardPathComponents"][-1]
    assert last["Component"]["Id"] == gateway
    assert last["OutboundHeader"]["SourceAddresses"] == [f"{public}/32"]
    net.client.authorize_security_group_ingress(GroupId=net.group_of(net.enis[0]), IpPermissions=EVERYTHING)
    inward = net.analyze(gateway, net.enis[0], SourceIp="203.0.113.9")
    assert inward["NetworkPathFound"] is True
    assert kinds(inward["ForwardPathComponents"]) == ["igw", "acl", "sg", "eni"]
    header = inward["ForwardPathComponents"][0]
    assert header["InboundHeader"]["SourceAddresses"] == ["203.0.113.9/32"]
    assert header["InboundHeader"]["DestinationAddresses"] == [f"{public}/32"]
    assert header["OutboundHeader"]["DestinationAddresses"] != [f"{public}/32"]


def test_a_peering_connection_as_either_end(client: Any, net: Net) -> None:
    other = build_net(client, "10.1")
    peering = client.create_vpc_peering_connection(VpcId=net.vpc, PeerVpcId=other.vpc)
    peering_id = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    for here, cidr in ((net, "10.1.0.0/16"), (other, "10.0.0.0/16")):
        client.create_route(
            RouteTableId=here.tables[0], DestinationCidrBlock=cidr, VpcPeeringConnectionId=peering_id
        )
    pending = net.analyze(net.enis[0], peering_id)
    assert pending["Explanations"][0]["ExplanationCode"] == "BAD_STATE_ROUTE"
    client.accept_vpc_peering_connection(VpcPeeringConnectionId=peering_id)
    found = net.analyze(net.enis[0], peering_id)
    assert found["NetworkPathFound"] is True
    last = found["ForwardPathComponents"][-1]
    assert (last["SourceVpc"]["Id"], last["DestinationVpc"]["Id"]) == (net.vpc, other.vpc)
    client.authorize_security_group_ingress(GroupId=net.group_of(net.enis[0]), IpPermissions=EVERYTHING)
    inward = net.analyze(peering_id, net.enis[0])
    assert inward["NetworkPathFound"] is True
    assert kinds(inward["ForwardPathComponents"]) == ["pcx", "acl", "sg", "eni"]


def test_an_interface_endpoint_and_a_bare_address(client: Any, net: Net) -> None:
    made = client.create_vpc_endpoint(
        VpcId=net.vpc,
        VpcEndpointType="Interface",
        ServiceName="com.amazonaws.us-east-2.sqs",
        SubnetIds=[net.subnets[1]],
        SecurityGroupIds=[net.group_of(net.enis[1])],
        PrivateDnsEnabled=False,
    )["VpcEndpoint"]["VpcEndpointId"]
    shut = net.analyze(net.enis[0], made)
    assert shut["Explanations"][0]["ExplanationCode"] == "SG_HAS_NO_RULES"
    client.authorize_security_group_ingress(GroupId=net.group_of(net.enis[1]), IpPermissions=EVERYTHING)
    found = net.analyze(net.enis[0], made)
    assert found["NetworkPathFound"] is True
    assert found["ForwardPathComponents"][-1]["Component"]["Id"] == made
    nowhere = net.analyze(net.enis[0], DestinationIp="10.0.2.200")
    assert nowhere["Explanations"][0]["ExplanationCode"] == "UNKNOWN_DESTINATION"
    assert net.analyze(made, net.enis[0])["NetworkPathFound"] is False


class Functions:
    def __init__(self, facts: FunctionFacts) -> None:
        self.facts = facts

    def function_facts(self, *, account: str, region: str, name: str) -> FunctionFacts | None:
        del account, region
        return self.facts if name == "orders" else None


def test_a_function_is_a_source(net: Net, world: Any, refused: Any) -> None:
    """Casemate's extension: AWS's analyzer has no functions."""
    with world.store.transaction():
        interface = world.ec2.function_interfaces.acquire(
            account="000000000000",
            region="us-east-2",
            subnet_id=net.subnets[0],
            group_ids=[net.group_of(net.enis[0])],
            function_arn=FUNCTION,
        )
    world.ec2.service.state.functions = Functions(
        FunctionFacts(
            function_arn=FUNCTION, role_arn="", vpc_id=net.vpc, interface_ids=(interface.interface_id,)
        )
    )
    made = net.client.create_vpc_endpoint(VpcId=net.vpc, ServiceName=DYNAMODB, RouteTableIds=[net.tables[0]])[
        "VpcEndpoint"
    ]["VpcEndpointId"]
    found = net.analyze(FUNCTION, made)
    assert found["NetworkPathFound"] is True
    first, second, *_ = found["ForwardPathComponents"]
    assert first["Component"]["Arn"] == FUNCTION
    assert second["Component"]["Id"] == interface.interface_id
    refused(
        "InvalidParameterValue",
        net.client.create_network_insights_path,
        Source=FUNCTION.replace("orders", "nobody"),
        Destination=made,
        Protocol="tcp",
    )


def test_filters_say_what_a_path_must_pass(net: Net) -> None:
    made = net.client.create_vpc_endpoint(VpcId=net.vpc, ServiceName=DYNAMODB, RouteTableIds=[net.tables[0]])[
        "VpcEndpoint"
    ]["VpcEndpointId"]
    arn = f"arn:aws:ec2:us-east-2:000000000000:vpc-endpoint/{made}"
    assert net.analyze(net.enis[0], made, start={"FilterInArns": [arn]})["NetworkPathFound"] is True
    out = net.analyze(net.enis[0], made, start={"FilterOutArns": [arn]})
    assert (out["NetworkPathFound"], out["Explanations"]) == (False, [{"ExplanationCode": "NO_PATH"}])
    other = arn.replace(made, "vpce-0123456789abcdef0")
    assert net.analyze(net.enis[0], made, start={"FilterInArns": [other]})["NetworkPathFound"] is False


def test_an_analysis_is_of_the_network_as_it_was(net: Net) -> None:
    before = net.analyze(net.enis[0], net.enis[1])
    net.client.authorize_security_group_ingress(GroupId=net.group_of(net.enis[1]), IpPermissions=EVERYTHING)
    (again,) = net.client.describe_network_insights_analyses(
        NetworkInsightsAnalysisIds=[before["NetworkInsightsAnalysisId"]]
    )["NetworkInsightsAnalyses"]
    assert again["NetworkPathFound"] is False


def test_describing_tagging_and_deleting(net: Net, refused: Any) -> None:
    client = net.client
    labels = [{"ResourceType": "network-insights-path", "Tags": [{"Key": "Name", "Value": "first"}]}]
    params = {"Source": net.enis[0], "Destination": net.enis[1], "Protocol": "tcp", "ClientToken": "once"}
    path = client.create_network_insights_path(TagSpecifications=labels, **params)["NetworkInsightsPath"]
    again = client.create_network_insights_path(TagSpecifications=labels, **params)["NetworkInsightsPath"]
    assert again["NetworkInsightsPathId"] == path["NetworkInsightsPathId"]
    refused(
        "IdempotentParameterMismatch", client.create_network_insights_path, **{**params, "Protocol": "udp"}
    )
    assert path["SourceArn"].endswith(net.enis[0])
    client.create_network_insights_path(**{**params, "ClientToken": "twice", "Protocol": "udp"})
    named = client.describe_network_insights_paths(Filters=[{"Name": "tag:Name", "Values": ["first"]}])
    assert [each["Protocol"] for each in named["NetworkInsightsPaths"]] == ["tcp"]
    page = client.describe_network_insights_paths(MaxResults=1)
    rest = client.describe_network_insights_paths(MaxResults=1, NextToken=page["NextToken"])
    assert len(page["NetworkInsightsPaths"]) == len(rest["NetworkInsightsPaths"]) == 1
    path_id = path["NetworkInsightsPathId"]
    analysis = client.start_network_insights_analysis(NetworkInsightsPathId=path_id)[
        "NetworkInsightsAnalysis"
    ]
    refused(
        "AnalysisExistsForNetworkInsightsPath",
        client.delete_network_insights_path,
        NetworkInsightsPathId=path_id,
    )
    failed = [{"Name": "path-found", "Values": ["false"]}]
    shown = client.describe_network_insights_analyses(NetworkInsightsPathId=path_id, Filters=failed)
    assert len(shown["NetworkInsightsAnalyses"]) == 1
    client.delete_network_insights_analysis(NetworkInsightsAnalysisId=analysis["NetworkInsightsAnalysisId"])
    client.delete_network_insights_path(NetworkInsightsPathId=path_id)
    refused(
        "InvalidNetworkInsightsPathId.NotFound",
        client.describe_network_insights_paths,
        NetworkInsightsPathIds=[path_id],
    )


def test_what_is_gone_is_said(net: Net) -> None:
    path = net.client.create_network_insights_path(
        Source=net.enis[0], Destination=net.enis[1], Protocol="tcp"
    )["NetworkInsightsPath"]["NetworkInsightsPathId"]
    net.client.delete_network_interface(NetworkInterfaceId=net.enis[1])
    net.client.start_network_insights_analysis(NetworkInsightsPathId=path)
    (found,) = net.client.describe_network_insights_analyses(NetworkInsightsPathId=path)[
        "NetworkInsightsAnalyses"
    ]
    assert found["Explanations"] == [
        {"ExplanationCode": "NO_SOURCE_OR_DESTINATION", "MissingComponent": net.enis[1]}
    ]


ENI = "eni-0123456789abcdef0"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"Source": ENI}, "InvalidNetworkInterfaceID.NotFound"),
        ({"Source": "igw-0123456789abcdef0"}, "InvalidInternetGatewayID.NotFound"),
        ({"Source": "i-0123456789abcdef0"}, "InvalidInstanceID.NotFound"),
        ({"Source": "pcx-0123456789abcdef0"}, "InvalidVpcPeeringConnectionID.NotFound"),
        ({"Source": "vpce-0123456789abcdef0"}, "InvalidVpcEndpointId.NotFound"),
        ({"Source": "subnet-0123456789abcdef0"}, "InvalidParameterValue"),
        ({"Source": ""}, "MissingParameter"),
        ({"Source": f"arn:aws:ec2:us-east-2:111111111111:network-interface/{ENI}"}, "InvalidParameterValue"),
        ({"Destination": ENI}, "InvalidNetworkInterfaceID.NotFound"),
        ({"Destination": ""}, "MissingParameter"),
        ({"Protocol": "icmp"}, "InvalidParameterValue"),
        ({"DestinationPort": 70000}, "InvalidParameterValue"),
        ({"DestinationIp": "10.0.0.300"}, "InvalidParameterValue"),
        ({"DestinationIp": "10.0.0.3", "FilterAtSource": {"DestinationAddress": "10.0.0.4"}}, "InvalidParameterCombination"),
        ({"FilterAtSource": {"DestinationPortRange": {"FromPort": 9, "ToPort": 8}}}, "InvalidParameterValue"),
        ({"FilterAtDestination": {"SourceAddress": "10.0.0.4"}}, "UnsupportedOperation"),
        ({"SourceIp": "10.0.9.9"}, "InvalidParameterValue"),
        ({"TagSpecifications": [{"ResourceType": "vpc", "Tags": []}]}, "InvalidParameterValue"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)  # fmt: skip
def test_paths_refused(net: Net, refused: Any, params: dict[str, Any], code: str) -> None:
    base = {"Source": net.enis[0], "Destination": net.enis[1], "Protocol": "tcp"}
    refused(code, net.client.create_network_insights_path, **{**base, **params})
    assert net.client.describe_network_insights_paths()["NetworkInsightsPaths"] == []


@pytest.mark.parametrize(
    ("operation", "params", "code"),
    [
        ("start_network_insights_analysis", {"NetworkInsightsPathId": "nip-01"}, "InvalidNetworkInsightsPathId.NotFound"),
        ("start_network_insights_analysis", {"NetworkInsightsPathId": "vpc-01"}, "InvalidNetworkInsightsPathId.Malformed"),
        ("delete_network_insights_path", {"NetworkInsightsPathId": "nip-01"}, "InvalidNetworkInsightsPathId.NotFound"),
        ("delete_network_insights_analysis", {"NetworkInsightsAnalysisId": "nia-01"}, "InvalidNetworkInsightsAnalysisId.NotFound"),
        ("describe_network_insights_analyses", {"NetworkInsightsAnalysisIds": ["nia-01"]}, "InvalidNetworkInsightsAnalysisId.NotFound"),
        ("describe_network_insights_analyses", {"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue"),
        ("describe_network_insights_paths", {"NextToken": "no"}, "InvalidNextToken"),
    ],
)  # fmt: skip
def test_analyses_refused(
    client: Any, refused: Any, operation: str, params: dict[str, Any], code: str
) -> None:
    refused(code, getattr(client, operation), **params)
