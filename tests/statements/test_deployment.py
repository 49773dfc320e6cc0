"""D: deployment with unmodified tools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from tests.support.instance import REGION, ROOT, Instance
from tests.support.private_table import PrivateTable, policy

pytestmark = pytest.mark.kernel


class Cli:
    """`casemate aws ...`, as typed."""

    def __init__(self, instance: Instance) -> None:
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "CASEMATE_DATA": str(instance.data),
            "AWS_REGION": REGION,
        }

    def __call__(self, *arguments: str, fails: bool = False) -> Any:
        argv = [sys.executable, "-m", "casemate.cli.main", "aws", *arguments]
        done = subprocess.run(argv, env=self._environment, capture_output=True, text=True, check=False)
        # Version 1 of the AWS CLI ends with 255 where version 2 ends with 254.
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else done.stderr


def test_d01_the_documented_cli_procedure_works_verbatim(world: PrivateTable, instance: Instance) -> None:
    """Source: VPC User Guide, "Gateway endpoints for Amazon DynamoDB"; Amazon DynamoDB Developer Guide, "Tutorial:
    Using a VPC endpoint for DynamoDB" (create, describe, modify, delete with the AWS CLI)."""
    aws = Cli(instance)
    vpc, table = world.vpc(), world.table()
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    route_table, second = vpc.table("private"), vpc.table("second")

    services = aws("ec2", "describe-vpc-endpoint-services")["ServiceNames"]
    service = f"com.amazonaws.{REGION}.dynamodb"
    assert service in services

    create = ["ec2", "create-vpc-endpoint", "--vpc-id", vpc.vpc_id, "--service-name", service]
    made = aws(*create, "--route-table-ids", route_table)["VpcEndpoint"]
    endpoint = made["VpcEndpointId"]
    assert made["VpcEndpointType"] == "Gateway"
    assert made["State"] == "available"
    assert made["RouteTableIds"] == [route_table]

    def routes(route_table_id: str) -> list[str]:
        described = aws("ec2", "describe-route-tables", "--route-table-ids", route_table_id)
        return [route.get("GatewayId") for route in described["RouteTables"][0]["Routes"]]

    assert endpoint in routes(route_table)
    assert world.get(function, table)["ok"]

    modify = ["ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", endpoint]
    assert aws(*modify, "--add-route-table-ids", second)["Return"] is True
    assert endpoint in routes(second)
    assert aws(*modify, "--remove-route-table-ids", second)["Return"] is True
    assert endpoint not in routes(second)

    nothing = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:ListTables", "Resource": "*"}
    assert aws(*modify, "--policy-document", policy(nothing))["Return"] is True
    assert world.get(function, table)["error"] == "AccessDeniedException"
    assert aws(*modify, "--reset-policy")["Return"] is True
    assert world.get(function, table)["ok"]

    described = aws("ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", endpoint)["VpcEndpoints"]
    assert [one["ServiceName"] for one in described] == [service]
    assert aws("ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", endpoint)["Unsuccessful"] == []
    assert endpoint not in routes(route_table)
    assert not world.get(function, table)["ok"]
    gone = aws("ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", endpoint, fails=True)
    assert "InvalidVpcEndpointId.NotFound" in gone
