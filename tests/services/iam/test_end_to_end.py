"""Against a running Casemate: what the simulator says is what happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.support.instance import WORKLOAD, Instance
from tests.support.refusals import refused

ROLE = f"arn:aws:iam::{WORKLOAD}:role/reader"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    data: Path = tmp_path_factory.mktemp("iam")
    running = Instance(data, "--ephemeral", "--dataplane", "off").start()
    yield running
    running.stop()


def test_the_access_advisor_is_refused_with_the_reason(instance: Instance) -> None:
    iam = instance.client("iam")
    response = refused(
        "NotImplemented",
        "Casemate does not implement iam:GenerateServiceLastAccessedDetails: it keeps no history",
        iam.generate_service_last_accessed_details,
        Arn=ROLE,
    )
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
    refused("NotImplemented", "see docs/coverage.md", iam.generate_credential_report)


def test_what_is_awss_own_is_open_to_every_account(instance: Instance) -> None:
    policy = instance.client("iam").get_policy(PolicyArn=READ_ONLY)["Policy"]
    assert policy["PolicyName"] == "AmazonDynamoDBReadOnlyAccess"


def test_the_simulator_and_the_gateway_agree(instance: Instance) -> None:
    iam = instance.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": WORKLOAD}, "Action": "sts:AssumeRole"},
    }
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(RoleName="reader", PolicyArn=READ_ONLY)
    deny = {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Deny", "Action": "dynamodb:Describe*", "Resource": "*"},
    }
    iam.put_role_policy(RoleName="reader", PolicyName="no", PolicyDocument=json.dumps(deny))
    session = instance.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="ann")["Credentials"]
    dynamodb = instance.client("dynamodb", credentials=session)
    calls = {
        "dynamodb:ListTables": lambda: dynamodb.list_tables(),
        "dynamodb:DescribeLimits": lambda: dynamodb.describe_limits(),
        "dynamodb:DeleteTable": lambda: dynamodb.delete_table(TableName="orders"),
    }
    simulated = iam.simulate_principal_policy(PolicySourceArn=ROLE, ActionNames=list(calls))
    decisions = {each["EvalActionName"]: each["EvalDecision"] for each in simulated["EvaluationResults"]}
    assert decisions == {
        "dynamodb:ListTables": "allowed",
        "dynamodb:DescribeLimits": "explicitDeny",
        "dynamodb:DeleteTable": "implicitDeny",
    }
    for action, call in calls.items():
        if decisions[action] == "allowed":
            call()
            continue
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
        explicit = "with an explicit deny in an identity-based policy" in str(caught.value)
        assert explicit is (decisions[action] == "explicitDeny")


def test_a_missing_operation_is_authorized_on_the_resource_it_names(instance: Instance) -> None:
    iam = instance.client("iam")
    statement = {
        "Effect": "Allow",
        "Action": "dynamodb:DescribeTableReplicaAutoScaling",
        "Resource": f"arn:aws:dynamodb:*:{WORKLOAD}:table/mine",
    }
    iam.create_user(UserName="keeper")
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="keeper", PolicyName="scaling", PolicyDocument=document)
    key = iam.create_access_key(UserName="keeper")["AccessKey"]
    tables = instance.client("dynamodb", credentials=key)
    refused(
        "NotImplemented", "does not implement", tables.describe_table_replica_auto_scaling, TableName="mine"
    )
    refused(
        "AccessDeniedException",
        f"on resource: arn:aws:dynamodb:us-east-2:{WORKLOAD}:table/theirs",
        tables.describe_table_replica_auto_scaling,
        TableName="theirs",
    )


ALLOW_ALL = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)


def user_key(instance: Instance, name: str) -> dict[str, str]:
    """An access key of a new user who may do everything."""
    iam = instance.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=ALLOW_ALL)
    return iam.create_access_key(UserName=name)["AccessKey"]


def test_sessions_of_a_user_do_not_reach_iam_and_little_of_sts(instance: Instance) -> None:
    """STS API Reference, GetSessionToken and GetFederationToken, "Permissions"."""
    sts = instance.client("sts", credentials=user_key(instance, "sid"))
    plain = sts.get_session_token()["Credentials"]
    federated = sts.get_federation_token(Name="fay", Policy=ALLOW_ALL)["Credentials"]
    for session in (plain, federated):
        instance.client("dynamodb", credentials=session).list_tables()
        refused(
            "InvalidClientTokenId", "security token", instance.client("iam", credentials=session).list_users
        )
        own = instance.client("sts", credentials=session)
        own.get_caller_identity()
        refused("AccessDenied", "session credentials", own.get_access_key_info, AccessKeyId="AKIA" + "A" * 16)
    # A session token may go on to a role, a federated user may not.
    assume = {"RoleArn": ROLE.replace("reader", "nobody"), "RoleSessionName": "fay"}
    refused("AccessDenied", "sts:AssumeRole", instance.client("sts", credentials=plain).assume_role, **assume)
    refused(
        "AccessDenied",
        "session credentials",
        instance.client("sts", credentials=federated).assume_role,
        **assume,
    )


def test_a_session_follows_the_policies_of_its_user_as_they_change(instance: Instance) -> None:
    """IAM User Guide, "Permissions for temporary security credentials": evaluated each time a request is made."""
    iam = instance.client("iam")
    session = instance.client("sts", credentials=user_key(instance, "tom")).get_session_token()["Credentials"]
    dynamodb = instance.client("dynamodb", credentials=session)
    dynamodb.list_tables()
    iam.delete_user_policy(UserName="tom", PolicyName="all")
    refused("AccessDeniedException", "no identity-based policy allows", dynamodb.list_tables)
