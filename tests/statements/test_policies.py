"""P: policies, decided on the path the packets took. Each test is named by the statement it proves."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import MANAGEMENT, REGION, WORKLOAD
from tests.support.private_table import PrivateTable, policy, trust, unique
from tests.support.small_house import SmallHouse

pytestmark = pytest.mark.kernel


def perimeter(
    *, key: str = "aws:SourceVpc", value: str, actions: str = "dynamodb:*", **condition: object
) -> dict:
    return {
        "Sid": "Perimeter",
        "Effect": "Deny",
        "Action": actions,
        "Resource": "*",
        "Condition": {"StringNotEquals": {key: value}, **condition},
    }


def refused(result: dict) -> str:
    assert not result["ok"], result
    assert result["error"] == "AccessDeniedException", result
    return result["message"]


def laptop_refused(call, **params: object) -> str:
    with pytest.raises(ClientError) as error:
        call(**params)
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error.value.response["Error"]["Message"]


KEY = {"id": {"S": "1"}}


def test_p01_an_endpoint_policy_limits_actions_and_tables(world: PrivateTable, house: SmallHouse) -> None:
    default = world.ec2.describe_vpc_endpoints(VpcEndpointIds=[house.endpoint])["VpcEndpoints"][0][
        "PolicyDocument"
    ]
    assert '"Effect":"Allow"' in default.replace(" ", "")
    assert world.get(house.inside, house.table)["ok"]

    def restrict(*statements: dict) -> None:
        world.ec2.modify_vpc_endpoint(VpcEndpointId=house.endpoint, PolicyDocument=policy(*statements))

    try:
        read_only = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": ["dynamodb:DescribeTable", "dynamodb:ListTables"],
            "Resource": "*",
        }
        restrict(read_only)
        assert world.invoke(house.inside, "dynamodb", operation="list_tables")["ok"]
        assert world.invoke(house.inside, "dynamodb", operation="describe_table", TableName=house.table)["ok"]
        message = refused(world.get(house.inside, house.table))
        assert message.endswith("because no VPC endpoint policy allows the dynamodb:GetItem action")
        arn = f"arn:aws:dynamodb:{REGION}:{WORKLOAD}:table/{house.table}"
        restrict({"Effect": "Allow", "Principal": "*", "Action": ["dynamodb:GetItem"], "Resource": arn})
        assert world.get(house.inside, house.table)["ok"]
        assert "no VPC endpoint policy" in refused(world.get(house.inside, world.table()))
        # The ceiling is the endpoint's, not the table's: from elsewhere the same call works.
        assert world.get(house.outside, house.table)["ok"]
    finally:
        world.ec2.modify_vpc_endpoint(VpcEndpointId=house.endpoint, ResetPolicy=True)
    assert world.get(house.inside, house.table)["ok"]


def test_p02_a_deny_with_sourcevpc_refuses_everything_outside_and_nothing_inside(
    world: PrivateTable, house: SmallHouse, scps: list[str]
) -> None:
    scps.append(world.scp(perimeter(value=house.vpc.vpc_id)))
    assert world.get(house.inside, house.table)["ok"]
    assert "with an explicit deny in a service control policy" in refused(
        world.get(house.outside, house.table)
    )
    laptop_refused(world.dynamodb.get_item, TableName=house.table, Key=KEY)
    laptop_refused(world.dynamodb.list_tables)


def test_p02_the_same_in_an_identity_policy(world: PrivateTable, house: SmallHouse) -> None:
    allow = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    role = world.role(allow, perimeter(value=house.vpc.vpc_id))
    inside = world.function(subnets=[house.vpc.subnets["private"]], groups=[house.vpc.group()], role=role)
    assert world.get(inside, house.table)["ok"]
    message = refused(world.get(world.function(role=role), house.table))
    assert "with an explicit deny in an identity-based policy" in message


def test_p03_sourcevpce_refuses_a_second_endpoint_of_the_same_vpc(
    world: PrivateTable, house: SmallHouse, scps: list[str]
) -> None:
    subnet = house.vpc.subnet("second")
    house.vpc.endpoint("second")
    other = world.function(subnets=[subnet], groups=[house.vpc.group()])
    assert world.get(other, house.table)["ok"]
    scps.append(world.scp(perimeter(key="aws:SourceVpce", value=house.endpoint)))
    assert world.get(house.inside, house.table)["ok"]
    refused(world.get(other, house.table))
    refused(world.get(house.outside, house.table))


@pytest.mark.parametrize("key", ["aws:SourceVpc", "aws:SourceVpce", "aws:VpcSourceIp", "aws:SourceIp"])
def test_p04_endpoint_keys_exactly_through_an_endpoint_and_sourceip_exactly_on_the_others(
    world: PrivateTable, house: SmallHouse, scps: list[str], key: str
) -> None:
    present = {
        "Effect": "Deny",
        "Action": "dynamodb:GetItem",
        "Resource": "*",
        "Condition": {"Null": {key: "false"}},
    }
    scps.append(world.scp(present))
    through_endpoint = world.get(house.inside, house.table)
    elsewhere = world.get(house.outside, house.table)
    assert through_endpoint["ok"] is (key == "aws:SourceIp")
    assert elsewhere["ok"] is (key != "aws:SourceIp")


def test_p05_an_endpoint_alone_does_not_stop_access_from_elsewhere(
    world: PrivateTable, house: SmallHouse
) -> None:
    assert world.get(house.outside, house.table)["ok"]
    assert world.dynamodb.get_item(TableName=house.table, Key=KEY)["Item"]


def test_p06_the_scp_binds_administrators_of_members_and_not_the_management_account(
    world: PrivateTable, house: SmallHouse, scps: list[str]
) -> None:
    scps.append(world.scp(perimeter(value=house.vpc.vpc_id)))
    message = laptop_refused(world.dynamodb.get_item, TableName=house.table, Key=KEY)
    assert message.startswith(
        f"User: arn:aws:iam::{WORKLOAD}:user/admin is not authorized to perform: dynamodb:GetItem"
    )
    management = world.instance.client("dynamodb", account=MANAGEMENT)
    assert management.list_tables()["TableNames"] == []
    root = world.organizations.list_roots()["Roots"][0]["Id"]
    attached = world.organizations.list_targets_for_policy(PolicyId=scps[0])["Targets"]
    assert [target["TargetId"] for target in attached] == [WORKLOAD]
    world.organizations.attach_policy(PolicyId=scps[0], TargetId=root)
    try:
        assert management.list_tables()["TableNames"] == []
        laptop_refused(world.dynamodb.list_tables)
    finally:
        world.organizations.detach_policy(PolicyId=scps[0], TargetId=root)


def test_p07_break_glass_gets_in_from_outside_only_by_assuming_it_and_is_on_record(
    world: PrivateTable, house: SmallHouse, scps: list[str]
) -> None:
    name = unique("break-glass")
    arn = world.iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=trust(AWS=f"arn:aws:iam::{WORKLOAD}:root")
    )["Role"]["Arn"]
    allow = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}
    world.iam.put_role_policy(RoleName=name, PolicyName="emergency", PolicyDocument=policy(allow))
    exception = {"StringNotLike": {"aws:PrincipalArn": arn}}
    scps.append(world.scp(perimeter(value=house.vpc.vpc_id, **exception)))
    laptop_refused(world.dynamodb.get_item, TableName=house.table, Key=KEY)
    session = world.instance.client("sts").assume_role(RoleArn=arn, RoleSessionName="incident-42")[
        "Credentials"
    ]
    emergency = world.instance.client("dynamodb", credentials=session)
    response = emergency.get_item(TableName=house.table, Key=KEY)
    assert response["Item"]["what"]["S"] == "it"
    event = world.instance.ask(command="event", request_id=response["ResponseMetadata"]["RequestId"])["json"]
    assert event["userIdentity"]["arn"] == f"arn:aws:sts::{WORKLOAD}:assumed-role/{name}/incident-42"
    assert event["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] == arn
    trail = world.instance.client("cloudtrail")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}]
    events = trail.lookup_events(LookupAttributes=wanted)["Events"]
    assert any(arn in event["CloudTrailEvent"] for event in events)


def test_p11_the_role_needs_the_actions_itself_action_by_action_table_by_table(
    world: PrivateTable, house: SmallHouse
) -> None:
    arn = f"arn:aws:dynamodb:{REGION}:{WORKLOAD}:table/{house.table}"
    role = world.role({"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": arn})
    function = world.function(subnets=[house.vpc.subnets["private"]], groups=[house.vpc.group()], role=role)
    assert world.get(function, house.table)["ok"]
    put = world.invoke(function, "dynamodb", operation="put_item", TableName=house.table, Item=KEY)
    assert refused(put).endswith("because no identity-based policy allows the dynamodb:PutItem action")
    assert f"on resource: {arn}" in put["message"]
    refused(world.get(function, world.table()))


def test_p12_provisioning_from_outside_is_refused_too(
    world: PrivateTable, house: SmallHouse, scps: list[str]
) -> None:
    scps.append(world.scp(perimeter(value=house.vpc.vpc_id)))
    laptop_refused(
        world.dynamodb.create_table,
        TableName="new",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
