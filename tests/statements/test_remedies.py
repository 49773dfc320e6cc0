"""R03: each failure is explained by its cause and the smallest change, and that change, made, mends it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.statements.test_network import times_out
from tests.support.instance import REGION, WORKLOAD
from tests.support.private_table import PrivateTable, policy

pytestmark = pytest.mark.kernel
_ANOTHER_TABLE = "arn:aws:dynamodb:*:*:table/another"
_ASSOCIATE = re.compile(r"Change: Associate (vpce-[0-9a-f]+) with (rtb-[0-9a-f]+)\.")


def explained(world: PrivateTable, function: str, table: str) -> dict[str, Any]:
    """The answer of `casemate explain --from --to`."""
    return world.instance.ask(
        command="explain",
        **{"from": f"lambda:{function}"},
        to=f"dynamodb:{table}",
        action="dynamodb:GetItem",
        account=WORKLOAD,
        region=REGION,
    )


def test_r03_the_endpoint_that_is_named_for_a_missing_route_is_the_one_that_lets_in(
    world: PrivateTable,
) -> None:
    vpc, table = world.vpc(), world.table()
    another = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:*", "Resource": _ANOTHER_TABLE}
    for other in ("a", "b", "c"):
        # Endpoints at hand that would lead there, only to be refused.
        vpc.endpoint(other, PolicyDocument=policy(another))
    good = vpc.endpoint("d")
    function = world.function(subnets=[vpc.subnet("private")], groups=[vpc.group()])
    assert times_out(world.get(function, table))
    answer = explained(world, function, table)
    assert answer["json"]["outcome"] == "never arrives"
    (named,) = _ASSOCIATE.findall(" ".join(answer["text"].split()))
    assert named == (good, vpc.table("private"))
    world.ec2.modify_vpc_endpoint(VpcEndpointId=named[0], AddRouteTableIds=[named[1]])
    assert world.get(function, table)["ok"]
    assert explained(world, function, table)["json"]["outcome"] == "allowed"


def test_r03_a_perimeter_that_refuses_through_nat_is_mended_by_the_endpoint(world: PrivateTable) -> None:
    vpc, table = world.vpc(), world.table()
    vpc.endpoint("elsewhere")
    private = vpc.subnet("private")
    vpc.subnet("public")
    vpc.internet("public")
    vpc.nat("public", "private")
    function = world.function(subnets=[private], groups=[vpc.group()])
    scp = world.scp(
        {
            "Sid": "Perimeter",
            "Effect": "Deny",
            "Action": "dynamodb:*",
            "Resource": f"arn:aws:dynamodb:*:*:table/{table}",
            "Condition": {"StringNotEquals": {"aws:SourceVpc": vpc.vpc_id}},
        }
    )
    try:
        assert world.get(function, table)["error"] == "AccessDeniedException"
        answer = explained(world, function, table)
        assert answer["json"]["outcome"] == "refused"
        (named,) = _ASSOCIATE.findall(" ".join(answer["text"].split()))
        world.ec2.modify_vpc_endpoint(VpcEndpointId=named[0], AddRouteTableIds=[named[1]])
        assert world.get(function, table)["ok"]
    finally:
        world.detach(scp)


def test_r03_a_table_that_does_not_exist_is_said(world: PrivateTable) -> None:
    function = world.function(role=world.role())
    answer = explained(world, function, "nowhere-to-be-found")
    assert answer["json"]["target_exists"] is False
    assert "There is no table nowhere-to-be-found" in answer["text"]
