"""For every kind of AccessDenied, `casemate explain REQUEST-ID` tells a reader what was asked and what decided.

Each test makes a real call that is refused, then reads the command's text as a person would: every policy layer with
its verdict, the statement that decided, the condition that mattered with what the policy wanted and what the request
had. Nothing here looks at a Decision.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import REGION, ROOT, WORKLOAD
from tests.support.private_table import PrivateTable, Vpc, policy, trust, unique

pytestmark = pytest.mark.kernel

KEY = {"id": {"S": "1"}}
ADMIN = f"arn:aws:iam::{WORKLOAD}:user/admin"
READ = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
ALL = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}

SCP = "service control policy"
RCP = "resource control policy"
ENDPOINT = "VPC endpoint policy"
RESOURCE = "resource-based policy"
TRUST = "role trust policy"
IDENTITY = "identity-based policy"
BOUNDARY = "permissions boundary"
SESSION = "session policy"
LAYERS = [RCP, SCP, ENDPOINT, RESOURCE, IDENTITY, BOUNDARY, SESSION]

_LAYER = re.compile(
    r"^  \d+\. (?P<layer>[A-Za-z -]+?)(?: \((?P<level>[^)]+)\))?: (?P<verdict>.+)$", re.MULTILINE
)


class Reading:
    """The text of `casemate explain REQUEST-ID`, lines that were wrapped put together again."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.flat = " ".join(text.split())
        self.layers: dict[str, list[str]] = {}
        for found in _LAYER.finditer(text):
            self.layers.setdefault(found["layer"], []).append(found["verdict"])

    def decided_by(self, layer: str, statement: str | None) -> None:
        """The deciding layer is said, with its verdict; so is the statement, or that none allows."""
        expected = [TRUST if name == RESOURCE and layer == TRUST else name for name in LAYERS]
        assert sorted(self.layers) == sorted(expected), self.flat
        if statement is None:
            assert "DENIED (implicit deny: nothing allows it)" in self.flat
            assert f"Decided by: {layer}: no statement allows it" in self.flat
            assert "does not allow" in self.layers[layer]
        else:
            assert "DENIED (explicit deny)" in self.flat
            assert re.search(rf"Decided by: {layer}, policy [^,]+, Sid {statement}\b", self.flat), self.flat
            assert "denies explicitly" in self.layers[layer]

    def verdicts(self, **expected: str) -> None:
        """What the other layers said, by the first word of their name."""
        for layer, verdict in expected.items():
            found = next(verdicts for name, verdicts in self.layers.items() if name.lower().startswith(layer))
            assert set(found) == {verdict}, (layer, found)

    def condition(self, clause: str, *, policy: str, request: str, matches: bool = True) -> None:
        result = "matches" if matches else "does not match"
        assert f"{clause}: policy {policy}, request: {request} -> {result}" in self.flat, self.flat


def explain(world: PrivateTable, request_id: str) -> Reading:
    argv = [sys.executable, "-m", "casemate.cli.main", "explain", request_id]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [*argv, "--data", str(world.instance.data)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert request_id in done.stdout
    return Reading(done.stdout)


def refused(world: PrivateTable, call: Callable[..., Any], /, **params: object) -> Reading:
    """Make the call, which must be refused, and read why; the text repeats AWS's message word for word."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    response = caught.value.response
    assert response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}, response
    reading = explain(world, response["ResponseMetadata"]["RequestId"])
    assert " ".join(response["Error"]["Message"].split()) in reading.flat
    return reading


def kept_out(world: PrivateTable, result: dict[str, Any]) -> Reading:
    """The same of a call that a function made."""
    assert result.get("error") == "AccessDeniedException", result
    reading = explain(world, result["request_id"])
    assert " ".join(result["message"].split()) in reading.flat
    return reading


@dataclass
class House:
    vpc: Vpc
    endpoint: str
    table: str
    role: str
    inside: str
    nat: str
    nat_address: str
    outside: str

    @property
    def arn(self) -> str:
        return f"arn:aws:dynamodb:{REGION}:{WORKLOAD}:table/{self.table}"


@pytest.fixture(scope="module")
def house(world: PrivateTable) -> House:
    vpc = world.vpc()
    subnet = vpc.subnet("private")
    endpoint = vpc.endpoint("private")
    vpc.subnet("public")
    vpc.internet("public")
    beside = vpc.subnet("beside")
    address = vpc.nat("public", "beside")
    role = world.role()
    group = vpc.group()
    return House(
        vpc=vpc,
        endpoint=endpoint,
        table=world.table(),
        role=role,
        inside=world.function(subnets=[subnet], groups=[group], role=role),
        nat=world.function(subnets=[beside], groups=[group], role=role),
        nat_address=address,
        outside=world.function(role=role),
    )


@pytest.fixture
def perimeter(world: PrivateTable, house: House) -> Iterator[str]:
    """The demo's SCP; the id of its policy."""
    policy_id = world.scp(
        {
            "Sid": "DenyDynamoDBOutsideVPC",
            "Effect": "Deny",
            "Action": "dynamodb:*",
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {"aws:SourceVpc": house.vpc.vpc_id},
                "ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{WORKLOAD}:role/break-glass"},
            },
        }
    )
    yield policy_id
    world.detach(policy_id)


def perimeter_decided(house: House, policy_id: str, reading: Reading, *, caller: str) -> None:
    reading.decided_by(SCP, "DenyDynamoDBOutsideVPC")
    assert policy_id in reading.flat
    reading.condition("StringNotEquals aws:SourceVpc", policy=house.vpc.vpc_id, request="absent")
    reading.condition(
        "ArnNotLike aws:PrincipalArn",
        policy=f"arn:aws:iam::{WORKLOAD}:role/break-glass",
        request=caller,
    )
    reading.verdicts(identity="allows", vpc="does not apply", permissions="does not apply")


def test_the_scp_on_a_function_outside_any_vpc(world: PrivateTable, house: House, perimeter: str) -> None:
    reading = kept_out(world, world.get(house.outside, house.table))
    perimeter_decided(house, perimeter, reading, caller=house.role)


def test_the_scp_on_the_nat_path(world: PrivateTable, house: House, perimeter: str) -> None:
    assert world.get(house.inside, house.table)["ok"]
    reading = kept_out(world, world.get(house.nat, house.table))
    perimeter_decided(house, perimeter, reading, caller=house.role)
    assert f"from {house.nat_address}" in reading.flat


def test_the_scp_on_the_administrators_laptop(world: PrivateTable, house: House, perimeter: str) -> None:
    reading = refused(world, world.dynamodb.get_item, TableName=house.table, Key=KEY)
    perimeter_decided(house, perimeter, reading, caller=ADMIN)
    assert "from 127.0.0.1" in reading.flat


def test_an_endpoint_policy_for_another_table(world: PrivateTable, house: House) -> None:
    other = f"arn:aws:dynamodb:{REGION}:{WORKLOAD}:table/other"
    only = {"Sid": "OnlyOther", "Principal": "*", **ALL, "Resource": other}
    world.ec2.modify_vpc_endpoint(VpcEndpointId=house.endpoint, PolicyDocument=policy(only))
    try:
        reading = kept_out(world, world.get(house.inside, house.table))
    finally:
        world.ec2.modify_vpc_endpoint(VpcEndpointId=house.endpoint, ResetPolicy=True)
    reading.decided_by(ENDPOINT, None)
    reading.verdicts(service="allows", identity="allows")
    assert f"through {house.endpoint}" in reading.flat
    assert f"Sid OnlyOther: does not apply: its Resource ({other}) does not match" in reading.flat
    assert f"dynamodb:GetItem on {house.arn}" in reading.flat


def test_an_identity_policy_that_misses_the_action(world: PrivateTable, house: House) -> None:
    role = world.role({"Sid": "Reads", **READ})
    function = world.function(role=role)
    assert world.get(function, house.table)["ok"]
    put = world.invoke(function, "dynamodb", operation="put_item", TableName=house.table, Item=KEY)
    reading = kept_out(world, put)
    reading.decided_by(IDENTITY, None)
    reading.verdicts(service="allows", vpc="does not apply")
    assert f"dynamodb:PutItem on {house.arn}" in reading.flat
    assert "Sid Reads: does not apply: its Action does not match" in reading.flat


def test_an_identity_policy_whose_condition_fails(world: PrivateTable, house: House) -> None:
    """Nothing denies: an Allow that does not apply must show its condition all the same."""
    condition = {"StringEquals": {"aws:SourceVpce": house.endpoint}}
    role = world.role({"Sid": "Inside", **READ, "Condition": condition})
    reading = kept_out(world, world.get(world.function(role=role), house.table))
    reading.decided_by(IDENTITY, None)
    assert "Sid Inside: does not apply: its Condition does not match" in reading.flat
    reading.condition("StringEquals aws:SourceVpce", policy=house.endpoint, request="absent", matches=False)


def person(world: PrivateTable, *statements: dict[str, Any], trusts: str, **params: Any) -> str:
    """A role with these statements; the ARN."""
    made = world.iam.create_role(RoleName=unique("person"), AssumeRolePolicyDocument=trusts, **params)["Role"]
    if statements:
        world.iam.put_role_policy(
            RoleName=made["RoleName"], PolicyName="granted", PolicyDocument=policy(*statements)
        )
    return made["Arn"]


OWN = trust(AWS=f"arn:aws:iam::{WORKLOAD}:root")


def assume(world: PrivateTable, role: str, **params: Any) -> Any:
    """A DynamoDB client with a session of the role."""
    session = world.instance.client("sts").assume_role(RoleArn=role, RoleSessionName="test", **params)
    return world.instance.client("dynamodb", credentials=session["Credentials"])


def test_a_trust_policy_that_does_not_name_the_caller(world: PrivateTable, house: House) -> None:
    stranger = f"arn:aws:iam::{WORKLOAD}:role/{house.role.rpartition('/')[2]}"
    role = person(world, trusts=trust(AWS=stranger))
    sts = world.instance.client("sts")
    reading = refused(world, sts.assume_role, RoleArn=role, RoleSessionName="test")
    reading.decided_by(TRUST, None)
    reading.verdicts(identity="allows")
    assert f"sts:AssumeRole on {role}" in reading.flat
    assert f"does not apply: its Principal ({stranger}) does not match" in reading.flat


def test_a_trust_policy_whose_condition_fails(world: PrivateTable) -> None:
    """Break-glass asks for MFA, and a laptop's long-term keys have none."""
    allow = {
        "Sid": "WithMfa",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{WORKLOAD}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }
    role = person(world, trusts=policy(allow))
    sts = world.instance.client("sts")
    reading = refused(world, sts.assume_role, RoleArn=role, RoleSessionName="test")
    reading.decided_by(TRUST, None)
    assert "Sid WithMfa: does not apply: its Condition does not match" in reading.flat
    reading.condition("Bool aws:MultiFactorAuthPresent", policy="true", request="absent", matches=False)


def test_a_permissions_boundary(world: PrivateTable, house: House) -> None:
    statement = {"Sid": "ReadsOnly", **READ}
    boundary = world.iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=policy(statement))
    arn = boundary["Policy"]["Arn"]
    client = assume(world, person(world, ALL, trusts=OWN, PermissionsBoundary=arn))
    assert client.get_item(TableName=house.table, Key=KEY)["Item"]
    reading = refused(world, client.put_item, TableName=house.table, Item=KEY)
    reading.decided_by(BOUNDARY, None)
    reading.verdicts(identity="allows", session="does not apply")
    assert f"policy {arn}, Sid ReadsOnly: does not apply: its Action does not match" in reading.flat


def test_a_session_policy(world: PrivateTable, house: House) -> None:
    keys = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["2"]}}
    passed = policy({"Sid": "OwnItems", **READ, "Condition": keys})
    client = assume(world, person(world, ALL, trusts=OWN), Policy=passed)
    assert "Item" not in client.get_item(TableName=house.table, Key={"id": {"S": "2"}})
    reading = refused(world, client.get_item, TableName=house.table, Key=KEY)
    reading.decided_by(SESSION, None)
    reading.verdicts(identity="allows", permissions="does not apply")
    assert "Sid OwnItems: does not apply: its Condition does not match" in reading.flat
    reading.condition(
        "ForAllValues:StringEquals dynamodb:LeadingKeys", policy="2", request="1", matches=False
    )


def test_an_rcp(world: PrivateTable, house: House) -> None:
    outside = {
        "Sid": "OnlyFromTheVpc",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "dynamodb:*",
        "Resource": "*",
        "Condition": {"StringNotEqualsIfExists": {"aws:SourceVpc": house.vpc.vpc_id}},
    }
    made = world.organizations.create_policy(
        Name=unique("rcp"), Description="test", Type="RESOURCE_CONTROL_POLICY", Content=policy(outside)
    )["Policy"]["PolicySummary"]
    world.organizations.attach_policy(PolicyId=made["Id"], TargetId=WORKLOAD)
    try:
        reading = refused(world, world.dynamodb.get_item, TableName=house.table, Key=KEY)
    finally:
        world.detach(made["Id"])
    reading.decided_by(RCP, "OnlyFromTheVpc")
    reading.verdicts(service="allows", identity="allows")
    assert made["Id"] in reading.flat
    reading.condition("StringNotEqualsIfExists aws:SourceVpc", policy=house.vpc.vpc_id, request="absent")


def test_a_deny_in_the_tables_own_policy(world: PrivateTable, house: House) -> None:
    deny = {
        "Sid": "OnlyThroughTheEndpoint",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "dynamodb:GetItem",
        "Resource": house.arn,
        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-0a1b2c3d4e5f60718"}},
    }
    world.dynamodb.put_resource_policy(ResourceArn=house.arn, Policy=policy(deny))
    try:
        from_laptop = refused(world, world.dynamodb.get_item, TableName=house.table, Key=KEY)
        from_vpc = kept_out(world, world.get(house.inside, house.table))
    finally:
        world.dynamodb.delete_resource_policy(ResourceArn=house.arn)
    for reading, had in ((from_laptop, "absent"), (from_vpc, house.endpoint)):
        reading.decided_by(RESOURCE, "OnlyThroughTheEndpoint")
        reading.verdicts(service="allows", identity="allows")
        reading.condition("StringNotEquals aws:SourceVpce", policy="vpce-0a1b2c3d4e5f60718", request=had)


def test_the_explanation_is_there_as_data_too(world: PrivateTable, house: House, perimeter: str) -> None:
    with pytest.raises(ClientError) as caught:
        world.dynamodb.get_item(TableName=house.table, Key=KEY)
    request_id = caught.value.response["ResponseMetadata"]["RequestId"]
    argv = [sys.executable, "-m", "casemate.cli.main", "explain", request_id, "--json"]
    done = subprocess.run(
        [*argv, "--data", str(world.instance.data)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    [decision] = json.loads(done.stdout)["casemateDecisions"]
    assert decision["decided_by"] == SCP
    assert decision["statement"]["sid"] == "DenyDynamoDBOutsideVPC"
    assert decision["statement"]["policy"].endswith(perimeter)
    first = decision["statement"]["conditions"][0]
    assert (first["key"], first["expected"], first["actual"], first["matched"]) == (
        "aws:SourceVpc",
        [house.vpc.vpc_id],
        None,
        True,
    )
