"""F04, and what else a user sees of a fault. Faults are asked for by `casemate fault`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.statements.test_network import times_out
from tests.support.instance import REGION, Instance
from tests.support.private_table import PrivateTable, Vpc

from casemate.cli.main import main
from casemate.model.regions import service_address

pytestmark = pytest.mark.kernel
Fault = Callable[..., Any]


@pytest.fixture
def fault(instance: Instance, capsys: pytest.CaptureFixture[str]) -> Iterator[Fault]:
    """`casemate fault ... --json`; every fault ends with the test."""

    def run(*arguments: str) -> Any:
        assert main(["fault", *arguments, "--json", "--data", str(instance.data)]) == 0
        return json.loads(capsys.readouterr().out)

    yield run
    run("clear", "--all")


def reaches(world: PrivateTable, function: str) -> bool:
    """Whether it can connect to DynamoDB. By address: the resolver is out with the zone, and names take longer to fail."""
    result = world.invoke(
        function, "connect", host=str(service_address("dynamodb", REGION)), port=443, timeout=0.5
    )
    assert result["ok"] or times_out(result)
    return result["ok"]


def zone_of(world: PrivateTable, subnet: str) -> str:
    return world.ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["AvailabilityZoneId"]


def in_two_zones(world: PrivateTable) -> tuple[Vpc, list[str]]:
    vpc = world.vpc()
    subnets = [vpc.subnet("a", table="private"), vpc.subnet("b", table="private")]
    vpc.endpoint("private")
    return vpc, subnets


def test_f04_with_subnets_in_two_zones_it_survives_the_loss_of_one(world: PrivateTable, fault: Fault) -> None:
    vpc, subnets = in_two_zones(world)
    zones = [zone_of(world, subnet) for subnet in subnets]
    assert zones[0] != zones[1]
    group, table = vpc.group(), world.table()
    both = world.function(subnets=subnets, groups=[group])
    single = world.function(subnets=subnets[:1], groups=[group])
    assert reaches(world, both)
    assert reaches(world, single)
    for lost in zones:
        asked = fault("az-outage", lost)
        assert vpc.vpc_id in asked["vpcs"]
        assert all(world.get(both, table)["ok"] for _ in range(3)), f"without {lost}"
        assert reaches(world, single) == (lost != zones[0])
        fault("clear", asked["id"])
    assert reaches(world, single), "what was out is back"
    for lost in zones:
        fault("az-outage", lost)
    assert not reaches(world, both), "nothing is left to go to"


def test_f04_an_idle_environment_in_the_lost_zone_is_replaced_and_one_in_the_other_is_kept(
    world: PrivateTable, fault: Fault
) -> None:
    vpc, subnets = in_two_zones(world)
    function, table = world.function(subnets=subnets, groups=[vpc.group()]), world.table()

    def network() -> str:
        """The first three numbers of the address that DynamoDB sees."""
        recorded = world.instance.ask(command="event", request_id=world.get(function, table)["request_id"])
        return recorded["json"]["sourceIPAddress"].rpartition(".")[0]

    assert network() == "10.0.1"
    in_first = fault("az-outage", zone_of(world, subnets[0]))
    assert network() == "10.0.2"
    fault("clear", in_first["id"])
    assert network() == "10.0.2", "the environment that is warm stays in use"
    fault("az-outage", zone_of(world, subnets[1]))
    assert network() == "10.0.1"


def test_the_explanation_knows_of_the_fault_and_how_to_end_it(
    world: PrivateTable, instance: Instance, fault: Fault
) -> None:
    vpc, subnets = in_two_zones(world)
    endpoint = instance.client("ec2").describe_vpc_endpoints(
        Filters=[{"Name": "vpc-id", "Values": [vpc.vpc_id]}]
    )["VpcEndpoints"][0]["VpcEndpointId"]
    function, table = world.function(subnets=subnets, groups=[vpc.group()]), world.table()
    asked = fault("endpoint-down", endpoint)
    assert fault("list") == [asked]
    assert times_out(world.get(function, table))
    question = {"from": f"lambda:{function}", "to": f"dynamodb:{table}", "action": "dynamodb:GetItem"}
    told = instance.ask(command="explain", account="000000000000", region=REGION, **question)
    assert "CM_FAULT" in told["text"]
    assert f"casemate fault clear {asked['id']}" in told["json"]["remedy"]
    assert asked["id"] in instance.ask(command="status")["faults"]
    fault("clear", asked["id"])
    assert world.get(function, table)["ok"]
    assert instance.ask(command="status")["faults"] is None


def test_a_failed_nat_gateway_takes_its_clients_from_the_internet(world: PrivateTable, fault: Fault) -> None:
    vpc = world.vpc()
    private = vpc.subnet("private")
    vpc.subnet("public")
    vpc.internet("public")
    vpc.nat("public", "private")
    nat = world.ec2.describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [vpc.vpc_id]}])
    function = world.function(subnets=[private], groups=[vpc.group()])
    url = {"url": "http://example.com", "timeout": 1}
    assert world.invoke(function, "http", **url)["ok"]
    fault("nat-failure", nat["NatGateways"][0]["NatGatewayId"])
    assert times_out(world.invoke(function, "http", **url))
    fault("clear", "--all")
    assert world.invoke(function, "http", **url)["ok"]


def test_latency_of_an_endpoint_or_a_subnet_is_seen_by_who_waits(world: PrivateTable, fault: Fault) -> None:
    """Lower bounds only: how much longer a busy machine takes is no matter."""
    vpc = world.vpc()
    subnet = vpc.subnet("private")
    endpoint = vpc.endpoint("private")
    function, table = world.function(subnets=[subnet], groups=[vpc.group()]), world.table()
    assert world.get(function, table)["ok"]
    for option, target in (("--endpoint", endpoint), ("--subnet", subnet)):
        asked = fault("latency", option, target, "400ms")
        assert asked["vpcs"] == [vpc.vpc_id]
        slow = world.get(function, table, timeout=5)
        assert slow["ok"]
        assert slow["seconds"] >= 0.4, option
        fault("clear", asked["id"])
    assert world.get(function, table)["seconds"] < 0.4


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["az-outage", "us-east-2a"], "us-east-2a is no Availability Zone id, such as use2-az1"),
        (["nat-failure", "nat-0"], "nat-0 is no NAT gateway that exists"),
        (["endpoint-down", "vpce-0"], "vpce-0 is no VPC endpoint that exists"),
        (
            ["latency", "--endpoint", "vpce-0", "1s"],
            "vpce-0 is no subnet, VPC endpoint or Availability Zone id",
        ),
        (["latency", "--az", "use2-az1", "fast"], "fast is no duration from 1ms to 60s, such as 200ms"),
        (["clear", "fault-0"], "there is no fault fault-0"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(
    instance: Instance, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fault", *arguments, "--data", str(instance.data)])
    assert ended.value.code == 1
    assert why in capsys.readouterr().err


def test_a_fault_ends_with_a_reset_and_with_the_instance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is kept in memory only: an instance that starts has none."""
    alone = Instance(tmp_path, "--dataplane", "off").start()

    def shown(*arguments: str) -> str:
        assert main(["fault", *arguments, "--data", str(alone.data)]) == 0
        return capsys.readouterr().out.strip()

    try:
        shown("az-outage", "euw1-az2")
        assert shown("list").startswith("fault-1: az-outage euw1-az2")
        alone.ask(command="reset")
        assert shown("list") == "no fault is in force"
        shown("az-outage", "euw1-az2")
        alone.stop()
        alone.start()
        assert shown("list") == "no fault is in force"
    finally:
        alone.stop()
