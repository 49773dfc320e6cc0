"""Reachability Analyzer's answer and the packets say the same."""

from __future__ import annotations

from typing import Any

import pytest
from tests.statements.test_network import times_out
from tests.support.instance import REGION, WORKLOAD
from tests.support.private_table import PrivateTable

pytestmark = pytest.mark.kernel


def analyze(world: PrivateTable, path_id: str) -> dict[str, Any]:
    started = world.ec2.start_network_insights_analysis(NetworkInsightsPathId=path_id)
    analysis_id = started["NetworkInsightsAnalysis"]["NetworkInsightsAnalysisId"]
    assert started["NetworkInsightsAnalysis"]["Status"] == "running"
    described = world.ec2.describe_network_insights_analyses(NetworkInsightsAnalysisIds=[analysis_id])
    return described["NetworkInsightsAnalyses"][0]


def test_the_analysis_of_a_functions_path_foretells_its_packets(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    postgres = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    group = vpc.group(postgres)
    function = world.function(subnets=[vpc.subnet("private")], groups=[group])
    vpc.table("other")
    endpoint = vpc.endpoint("other")
    path = world.ec2.create_network_insights_path(
        Source=f"arn:aws:lambda:{REGION}:{WORKLOAD}:function:{function}",
        Destination=endpoint,
        Protocol="tcp",
        DestinationPort=443,
    )["NetworkInsightsPath"]["NetworkInsightsPathId"]

    found = analyze(world, path)
    assert not found["NetworkPathFound"]
    (explanation,) = found["Explanations"]
    assert explanation["ExplanationCode"] == "ENI_SG_RULES_MISMATCH"
    assert explanation["SecurityGroups"][0]["Id"] == group
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    world.ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[https])

    found = analyze(world, path)
    (explanation,) = found["Explanations"]
    assert explanation["ExplanationCode"] == "NO_ROUTE_TO_DESTINATION"
    assert explanation["RouteTable"]["Id"] == vpc.table("private")
    assert times_out(world.get(function, table))
    world.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, AddRouteTableIds=[vpc.table("private")])

    found = analyze(world, path)
    assert found["NetworkPathFound"]
    assert found["ForwardPathComponents"][-1]["Component"]["Id"] == endpoint
    assert found["ForwardPathComponents"][0]["Component"]["Arn"].endswith(f":function:{function}")
    assert world.get(function, table)["ok"]
