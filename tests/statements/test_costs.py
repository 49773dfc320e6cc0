"""N23: it costs nothing; NAT and interface endpoints cost by the hour and the gigabyte (metered, compared)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.instance import REGION
from tests.support.private_table import SERVICE, PrivateTable

from casemate.cli.main import main

pytestmark = pytest.mark.kernel
GIGABYTE = 1 << 30


def costs(world: PrivateTable, vpc_id: str) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """The VPC's lines by kind, and what gateway endpoints would have saved in it."""
    found = world.instance.ask(command="costs")["json"]
    lines = {each["kind"]: each for each in found["resources"] if each["vpc"] == vpc_id}
    return lines, [each for each in found["savings"] if each["vpc"] == vpc_id]


def test_n23_it_costs_nothing_and_saves_what_nat_would_cost(
    world: PrivateTable, capsys: pytest.CaptureFixture[str]
) -> None:
    vpc, table = world.vpc(), world.table()
    vpc.subnet("public")
    vpc.internet("public")
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    vpc.nat("public", "private")
    assert world.get(function, table)["ok"]
    lines, (saving,) = costs(world, vpc.vpc_id)
    nat = lines["nat-gateway"]
    assert (nat["hours"], nat["for_hours"]) == (1, 0.045)
    assert nat["bytes"] > 2000, "a TLS handshake and a call, both ways"
    assert nat["for_data"] == pytest.approx(0.045 * nat["bytes"] / GIGABYTE, abs=1e-9)
    assert (saving["endpoint"], saving["nat_gateway"]) == (SERVICE, nat["id"])
    assert 0 < saving["bytes"] <= nat["bytes"]

    endpoint = vpc.endpoint("private")
    before = costs(world, vpc.vpc_id)[0]["nat-gateway"]["bytes"]
    assert world.get(function, table)["ok"]
    lines, _ = costs(world, vpc.vpc_id)
    free = lines["gateway-endpoint"]
    assert free["id"] == endpoint
    assert free["bytes"] > 500
    assert (free["for_hours"], free["for_data"], free["total"]) == (0, 0, 0)
    assert lines["nat-gateway"]["bytes"] - before < 200, "the call took the endpoint"

    assert main(["costs", "--data", str(world.instance.data)]) == 0
    text = capsys.readouterr().out
    assert f"{nat['id']} processed" in text
    assert f"that a gateway endpoint for {SERVICE} in {vpc.vpc_id} would carry for nothing" in text


def test_n23_an_interface_endpoint_costs_by_zone_hour_and_gigabyte(world: PrivateTable) -> None:
    vpc = world.vpc()
    first, second = vpc.subnet("first"), vpc.subnet("second")
    group = vpc.group()
    everyone = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}]
    world.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=everyone)
    made = world.ec2.create_vpc_endpoint(
        VpcId=vpc.vpc_id,
        VpcEndpointType="Interface",
        ServiceName=SERVICE,
        SubnetIds=[first, second],
        SecurityGroupIds=[group],
        PrivateDnsEnabled=False,
    )["VpcEndpoint"]
    function = world.function(subnets=[first], groups=[group])
    host = made["DnsEntries"][0]["DnsName"]
    assert world.invoke(function, "connect", host=host, port=443)["ok"], host
    lines, savings = costs(world, vpc.vpc_id)
    line = lines["interface-endpoint"]
    assert (line["hours"], line["for_hours"]) == (2, 0.02), "one for each zone"
    assert line["bytes"] >= 3 * 40
    assert line["for_data"] == pytest.approx(0.01 * line["bytes"] / GIGABYTE, abs=1e-9)
    assert savings == []
    world.ec2.delete_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])
    gone = costs(world, vpc.vpc_id)[0]["interface-endpoint"]
    assert gone["deleted"]
    assert gone["bytes"] == line["bytes"], "the meter outlives the endpoint"
    assert gone["region"] == REGION
