"""P08-P10: guardrails on Regions and launches, principals by ARN and account, perimeters carried by resources."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import MANAGEMENT, REGION, WORKLOAD
from tests.support.private_table import PrivateTable, policy, trust, unique
from tests.support.small_house import SmallHouse

pytestmark = pytest.mark.kernel

KEY = {"id": {"S": "1"}}
GLOBAL_ACTIONS = ["iam:*", "organizations:*", "route53:*", "cloudfront:*", "support:*", "sts:*"]


def refused(call: Callable[..., Any], code: str = "AccessDeniedException", /, **params: object) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Code"] == code
    return error.value.response["Error"]["Message"]


def kept_out(result: dict[str, Any], layer: str) -> None:
    assert not result["ok"], result
    assert result["error"] == "AccessDeniedException", result
    assert f"with an explicit deny in {layer}" in result["message"], result


def session(world: PrivateTable, role: str, name: str = "test") -> dict[str, Any]:
    return world.instance.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]


def person(world: PrivateTable, name: str, *, account: str = WORKLOAD, allow: bool = True) -> str:
    """A role that the account's own identities may assume."""
    iam = world.instance.client("iam", account=account)
    principal = f"arn:aws:iam::{account}:root"
    made = iam.create_role(RoleName=unique(name), AssumeRolePolicyDocument=trust(AWS=principal))["Role"]
    if allow:
        statement = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
        iam.put_role_policy(RoleName=made["RoleName"], PolicyName="granted", PolicyDocument=policy(statement))
    return made["Arn"]


# P08


def test_p08_an_scp_limits_regions(world: PrivateTable, scps: list[str]) -> None:
    """Organizations User Guide, SCP examples: "Deny access to AWS based on the requested AWS Region"."""
    scps.append(
        world.scp(
            {
                "Sid": "DenyAllOutsideOhio",
                "Effect": "Deny",
                "NotAction": GLOBAL_ACTIONS,
                "Resource": "*",
                "Condition": {"StringNotEquals": {"aws:RequestedRegion": [REGION]}},
            }
        )
    )
    assert world.dynamodb.list_tables()
    assert world.ec2.describe_vpcs()
    elsewhere = world.instance.client("dynamodb", region="eu-west-1")
    assert "with an explicit deny in a service control policy" in refused(elsewhere.list_tables)
    abroad = world.instance.client("ec2", region="eu-west-1")
    assert "service control policy" in refused(abroad.describe_vpcs, "UnauthorizedOperation")
    assert world.iam.list_users()["Users"], "a global service is excepted"
    management = world.instance.client("dynamodb", region="eu-west-1", account=MANAGEMENT)
    assert management.list_tables()["TableNames"] == []


def test_p08_without_the_exception_a_region_limit_locks_out_the_global_services(
    world: PrivateTable, scps: list[str]
) -> None:
    """ "IAM calls are always made to the us-east-1 Region", so "IAM calls always fail" (aws:RequestedRegion)."""
    limit = {
        "Effect": "Deny",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:RequestedRegion": REGION}},
    }
    policy_id = world.scp(limit)
    try:
        assert world.dynamodb.list_tables()
        message = refused(world.iam.list_roles, "AccessDenied")
        assert "with an explicit deny in a service control policy" in message
    finally:
        world.detach(policy_id)
    assert world.iam.list_users()["Users"]


LAUNCH = {"ImageId": "ami-0a1b2c3d4e5f60718", "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1}


def test_p08_an_scp_forbids_launching_instances(world: PrivateTable, scps: list[str]) -> None:
    scps.append(
        world.scp(
            {"Sid": "NoInstances", "Effect": "Deny", "Action": "ec2:RunInstances", "Resource": "*"},
        )
    )
    message = refused(world.ec2.run_instances, "UnauthorizedOperation", **LAUNCH)
    assert message.startswith("You are not authorized to perform this operation. User: ")
    assert "is not authorized to perform: ec2:RunInstances" in message
    assert "with an explicit deny in a service control policy" in message


def test_p08_only_who_may_call_it_hears_that_an_operation_is_not_implemented(world: PrivateTable) -> None:
    helpless = world.instance.client("ec2", credentials=session(world, person(world, "reader")))
    assert "no identity-based policy allows the ec2:BundleInstance" in refused(
        helpless.bundle_instance,
        "UnauthorizedOperation",
        InstanceId="i-0a1b2c3d4e5f60718",
        Storage={"S3": {"Bucket": "b", "Prefix": "p"}},
    )
    nobody = world.instance.client("workspaces", credentials=session(world, person(world, "reader")))
    assert "no identity-based policy allows the workspaces:DescribeWorkspaces action" in refused(
        nobody.describe_workspaces
    )
    administrator = world.instance.client("workspaces")
    message = refused(administrator.describe_workspaces, "NotImplemented")
    assert "Casemate does not implement workspaces:DescribeWorkspaces" in message


# The encoded message of a refusal by EC2


def test_an_ec2_refusal_carries_a_message_that_only_the_privileged_decode(world: PrivateTable) -> None:
    role = person(world, "builder")
    deny = {"Sid": "NoVpc", "Effect": "Deny", "Action": "ec2:Create*", "Resource": "*"}
    world.iam.put_role_policy(
        RoleName=role.rpartition("/")[2], PolicyName="deny", PolicyDocument=policy(deny)
    )
    credentials = session(world, role, "ann")
    builder = world.instance.client("ec2", credentials=credentials)
    message = refused(builder.create_vpc, "UnauthorizedOperation", CidrBlock="10.1.0.0/16")
    plain, _, encoded = message.partition(". Encoded authorization failure message: ")
    assert plain.endswith("with an explicit deny in an identity-based policy")
    assert "NoVpc" not in encoded

    # The caller itself has no sts:DecodeAuthorizationMessage.
    own = world.instance.client("sts", credentials=credentials)
    refused(own.decode_authorization_message, "AccessDenied", EncodedMessage=encoded)
    sts = world.instance.client("sts")
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert decoded["allowed"] is False
    assert decoded["explicitDeny"] is True
    (statement,) = decoded["matchedStatements"]["items"]
    assert statement["statementId"] == "NoVpc"
    assert statement["effect"] == "DENY"
    assert statement["actions"] == {"items": [{"value": "ec2:Create*"}]}
    assert decoded["failures"] == {"items": []}
    context = decoded["context"]
    assert (
        context["principal"]["arn"] == f"arn:aws:sts::{WORKLOAD}:assumed-role/{role.rpartition('/')[2]}/ann"
    )
    assert context["action"] == "ec2:CreateVpc"
    assert context["resource"].startswith("arn:aws:ec2:")
    conditions = {one["key"]: one["values"]["items"] for one in context["conditions"]["items"]}
    assert conditions["aws:RequestedRegion"] == [{"value": REGION}]
    assert conditions["aws:PrincipalArn"] == [{"value": role}]

    # Nobody else's: another account, a changed message, no message at all.
    stranger = world.instance.client("sts", account=MANAGEMENT)
    code = "InvalidAuthorizationMessageException"
    refused(stranger.decode_authorization_message, code, EncodedMessage=encoded)
    changed = encoded[:-2] + ("AA" if encoded[-2:] != "AA" else "BB")
    refused(sts.decode_authorization_message, code, EncodedMessage=changed)
    refused(sts.decode_authorization_message, code, EncodedMessage="not a message\n\u20ac")


def test_an_implicit_refusal_is_encoded_too_and_reading_actions_are_not(world: PrivateTable) -> None:
    builder = world.instance.client("ec2", credentials=session(world, person(world, "builder")))
    encoded = refused(builder.create_vpc, "UnauthorizedOperation", CidrBlock="10.1.0.0/16").rpartition(" ")[2]
    decoded = json.loads(
        world.instance.client("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"]
    )
    assert decoded["explicitDeny"] is False
    assert decoded["matchedStatements"] == {"items": []}
    message = refused(builder.describe_vpcs, "UnauthorizedOperation")
    assert message.endswith("because no identity-based policy allows the ec2:DescribeVpcs action")


# P09


def test_p09_principalarn_admits_one_role_alone(world: PrivateTable, house: SmallHouse) -> None:
    only, other = person(world, "only", allow=False), person(world, "other", allow=False)
    world.dynamodb.put_resource_policy(
        ResourceArn=house.arn,
        Policy=policy(
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "dynamodb:GetItem",
                "Resource": house.arn,
                "Condition": {"ArnEquals": {"aws:PrincipalArn": only}},
            }
        ),
    )
    try:
        admitted = world.instance.client("dynamodb", credentials=session(world, only))
        assert admitted.get_item(TableName=house.table, Key=KEY)["Item"]
        refused(admitted.put_item, TableName=house.table, Item=KEY)
        stranger = world.instance.client("dynamodb", credentials=session(world, other))
        message = refused(stranger.get_item, TableName=house.table, Key=KEY)
        assert message.endswith("because no identity-based policy allows the dynamodb:GetItem action")
    finally:
        world.dynamodb.delete_resource_policy(ResourceArn=house.arn)


def test_p09_a_deny_on_everybody_else_keeps_administrators_out_too(
    world: PrivateTable, house: SmallHouse
) -> None:
    only = person(world, "only")
    world.dynamodb.put_resource_policy(
        ResourceArn=house.arn,
        Policy=policy(
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "dynamodb:GetItem",
                "Resource": house.arn,
                "Condition": {"ArnNotEquals": {"aws:PrincipalArn": only}},
            }
        ),
    )
    try:
        admitted = world.instance.client("dynamodb", credentials=session(world, only))
        assert admitted.get_item(TableName=house.table, Key=KEY)["Item"]
        message = refused(world.dynamodb.get_item, TableName=house.table, Key=KEY)
        assert "with an explicit deny in a resource-based policy" in message
        kept_out(world.get(house.inside, house.table), "a resource-based policy")
    finally:
        world.dynamodb.delete_resource_policy(ResourceArn=house.arn)


def test_p09_principalaccount_admits_one_account_alone(world: PrivateTable, house: SmallHouse) -> None:
    """Cross-account takes both sides: the table's policy, and an identity policy over there."""
    world.dynamodb.put_resource_policy(
        ResourceArn=house.arn,
        Policy=policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "dynamodb:GetItem",
                "Resource": house.arn,
                "Condition": {"StringEquals": {"aws:PrincipalAccount": MANAGEMENT}},
            }
        ),
    )
    try:
        management = world.instance.client("dynamodb", account=MANAGEMENT)
        assert management.get_item(TableName=house.arn, Key=KEY)["Item"]
        refused(management.put_item, TableName=house.arn, Item=KEY)
        powerless = person(world, "powerless", account=MANAGEMENT, allow=False)
        sts = world.instance.client("sts", account=MANAGEMENT)
        credentials = sts.assume_role(RoleArn=powerless, RoleSessionName="test")["Credentials"]
        helpless = world.instance.client("dynamodb", credentials=credentials)
        assert "no identity-based policy" in refused(helpless.get_item, TableName=house.arn, Key=KEY)
        own = world.instance.client("dynamodb", credentials=session(world, person(world, "own", allow=False)))
        refused(own.get_item, TableName=house.table, Key=KEY)
        third = another_account(world)
        message = refused(third.get_item, TableName=house.arn, Key=KEY)
        assert "no resource-based policy allows the dynamodb:GetItem action" in message
    finally:
        world.dynamodb.delete_resource_policy(ResourceArn=house.arn)


def another_account(world: PrivateTable) -> Any:
    """A third account's DynamoDB, as its OrganizationAccountAccessRole, which may do everything there."""
    name = unique("third")
    status = world.organizations.create_account(AccountName=name, Email=f"{name}@example.com")
    account = status["CreateAccountStatus"]["AccountId"]
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    sts = world.instance.client("sts", account=MANAGEMENT)
    credentials = sts.assume_role(RoleArn=role, RoleSessionName="third")["Credentials"]
    return world.instance.client("dynamodb", credentials=credentials)


# P10


def perimeter(vpc_id: str, arn: str = "*") -> dict[str, Any]:
    return {
        "Sid": "Perimeter",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan"],
        "Resource": arn,
        "Condition": {"StringNotEquals": {"aws:SourceVpc": vpc_id}},
    }


def test_p10_a_table_carries_its_perimeter_itself(world: PrivateTable, house: SmallHouse) -> None:
    world.dynamodb.put_resource_policy(
        ResourceArn=house.arn, Policy=policy(perimeter(house.vpc.vpc_id, house.arn))
    )
    try:
        assert world.get(house.inside, house.table)["ok"]
        kept_out(world.get(house.outside, house.table), "a resource-based policy")
        refused(world.dynamodb.get_item, TableName=house.table, Key=KEY)
        other = world.table()
        assert world.get(house.outside, other)["ok"], "another table has no such policy"
    finally:
        world.dynamodb.delete_resource_policy(ResourceArn=house.arn)
    assert world.get(house.outside, house.table)["ok"]


@pytest.fixture
def rcp(world: PrivateTable) -> Iterator[Callable[..., str]]:
    attached: list[str] = []

    def attach(*statements: dict[str, Any]) -> str:
        made = world.organizations.create_policy(
            Name=unique("rcp"),
            Description="test",
            Type="RESOURCE_CONTROL_POLICY",
            Content=policy(*statements),
        )
        attached.append(made["Policy"]["PolicySummary"]["Id"])
        world.organizations.attach_policy(PolicyId=attached[-1], TargetId=WORKLOAD)
        return attached[-1]

    yield attach
    for policy_id in attached:
        world.organizations.detach_policy(PolicyId=policy_id, TargetId=WORKLOAD)


def test_p10_an_rcp_carries_the_perimeter_for_every_table_of_the_account(
    world: PrivateTable, house: SmallHouse, rcp: Callable[..., str]
) -> None:
    second = world.table()
    rcp(perimeter(house.vpc.vpc_id))
    assert world.get(house.inside, house.table)["ok"]
    kept_out(world.get(house.outside, house.table), "a resource control policy")
    message = refused(world.dynamodb.scan, TableName=house.table)
    assert "with an explicit deny in a resource control policy" in message
    kept_out(world.get(house.outside, second), "a resource control policy")
    assert world.dynamodb.list_tables(), "what the RCP does not name stays open"


def test_p10_an_rcp_binds_callers_outside_the_organization_and_the_management_account_too(
    world: PrivateTable, house: SmallHouse, rcp: Callable[..., str]
) -> None:
    """An SCP binds the caller's account; an RCP the resource's, whoever calls (Organizations User Guide, RCPs)."""
    world.dynamodb.put_resource_policy(
        ResourceArn=house.arn,
        Policy=policy(
            {
                "Effect": "Allow",
                "Principal": {"AWS": MANAGEMENT},
                "Action": "dynamodb:GetItem",
                "Resource": house.arn,
            }
        ),
    )
    try:
        management = world.instance.client("dynamodb", account=MANAGEMENT)
        assert management.get_item(TableName=house.arn, Key=KEY)["Item"]
        rcp(perimeter(house.vpc.vpc_id))
        message = refused(management.get_item, TableName=house.arn, Key=KEY)
        assert "with an explicit deny in a resource control policy" in message
    finally:
        world.dynamodb.delete_resource_policy(ResourceArn=house.arn)


def test_p10_an_rcp_keeps_strangers_to_the_organization_out(
    world: PrivateTable, house: SmallHouse, rcp: Callable[..., str]
) -> None:
    """The identity perimeter. A member passes; so that the key is seen to decide, a wrong organization does not."""
    organization = world.organizations.describe_organization()["Organization"]["Id"]

    def only(organization_id: str) -> dict[str, Any]:
        return {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "dynamodb:*",
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": organization_id},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        }

    rcp(only(organization))
    assert world.get(house.inside, house.table)["ok"]
    assert world.dynamodb.get_item(TableName=house.table, Key=KEY)["Item"]
    rcp(only("o-somebodyelse"))
    kept_out(world.get(house.inside, house.table), "a resource control policy")
