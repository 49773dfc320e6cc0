from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from tests.support.identity import MANAGEMENT, WORKLOAD, IdentityCloud

from casemate.model.errors import AwsError

ROLE = f"arn:aws:iam::{WORKLOAD}:role/fn"
FUNCTION = f"arn:aws:lambda:us-east-2:{WORKLOAD}:function:fn"


def make_role(cloud: IdentityCloud, **condition: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
        **({"Condition": condition} if condition else {}),
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.client("iam").create_role(RoleName="fn", AssumeRolePolicyDocument=trust)


def test_a_service_gets_a_session_of_a_role_that_trusts_it() -> None:
    cloud = IdentityCloud()
    make_role(cloud)
    made = cloud.service_sessions.assume_for_service(
        role_arn=ROLE, session_name="fn", service="lambda.amazonaws.com", source_function_arn=FUNCTION
    )
    assert made.principal.arn == f"arn:aws:sts::{WORKLOAD}:assumed-role/fn/fn"
    assert made.principal.source_function_arn == FUNCTION
    assert made.expires == cloud.now + timedelta(hours=12)
    assert cloud.credential(made.access_key_id) == made


@pytest.mark.parametrize(
    ("role", "service"),
    [(ROLE, "ec2.amazonaws.com"), (ROLE + "x", "lambda.amazonaws.com"), ("nonsense", "lambda.amazonaws.com")],
    ids=["another service", "no such role", "no ARN"],
)
def test_a_service_that_is_not_trusted_is_refused(role: str, service: str) -> None:
    cloud = IdentityCloud()
    make_role(cloud)
    with pytest.raises(AwsError) as caught:
        cloud.service_sessions.assume_for_service(role_arn=role, session_name="fn", service=service)
    assert caught.value.code == "AccessDenied"
    assert f"not authorized to perform: sts:AssumeRole on resource: {role}" in caught.value.message


def test_the_trust_policy_sees_the_function() -> None:
    cloud = IdentityCloud()
    make_role(cloud, ArnEquals={"aws:SourceArn": FUNCTION}, StringEquals={"aws:SourceAccount": WORKLOAD})
    call = cloud.service_sessions.assume_for_service
    call(role_arn=ROLE, session_name="x", service="lambda.amazonaws.com", source_function_arn=FUNCTION)
    with pytest.raises(AwsError):
        call(
            role_arn=ROLE,
            session_name="x",
            service="lambda.amazonaws.com",
            source_function_arn=FUNCTION + "2",
        )


def test_a_resource_control_policy_binds_services_too() -> None:
    cloud = IdentityCloud()
    make_role(cloud)
    client = cloud.client("organizations", account=MANAGEMENT)
    content = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}],
    }
    policy = client.create_policy(
        Name="n", Description="d", Type="RESOURCE_CONTROL_POLICY", Content=json.dumps(content)
    )["Policy"]["PolicySummary"]["Id"]
    client.attach_policy(PolicyId=policy, TargetId=WORKLOAD)
    with pytest.raises(AwsError, match="resource control policy"):
        cloud.service_sessions.assume_for_service(
            role_arn=ROLE, session_name="x", service="lambda.amazonaws.com"
        )


def test_the_source_and_its_organization() -> None:
    """aws:SourceArn, -Account, -OrgID and -OrgPaths of the resource a service acts for; none where it names none."""
    cloud = IdentityCloud()
    member = cloud.organization.membership(WORKLOAD)
    assert member is not None
    log = f"arn:aws:ec2:us-east-2:{WORKLOAD}:vpc-flow-log/fl-1"
    make_role(
        cloud,
        ArnLike={"aws:SourceArn": f"arn:aws:ec2:*:{WORKLOAD}:vpc-flow-log/*"},
        StringEquals={
            "aws:SourceAccount": WORKLOAD,
            "aws:SourceOrgID": member.organization_id,
            "aws:ResourceOrgID": member.organization_id,
            "aws:RequestedRegion": "us-east-2",
        },
        **{
            "ForAnyValue:StringEquals": {
                "aws:SourceOrgPaths": list(member.paths),
                "aws:PrincipalServiceNamesList": "lambda.amazonaws.com",
            },
            "DateGreaterThan": {"aws:CurrentTime": "2020-01-01"},
        },
    )
    call = cloud.service_sessions.assume_for_service
    call(role_arn=ROLE, session_name="x", service="lambda.amazonaws.com", source_arn=log)
    for source in (None, log.replace(WORKLOAD, "222222222222")):
        with pytest.raises(AwsError):
            call(role_arn=ROLE, session_name="x", service="lambda.amazonaws.com", source_arn=source)


def test_no_resource_control_policy_keeps_a_service_from_its_service_linked_role() -> None:
    """Organizations User Guide, "Resources and entities not restricted by RCPs"."""
    cloud = IdentityCloud()
    made = cloud.client("iam").create_service_linked_role(
        AWSServiceName="replication.dynamodb.amazonaws.com"
    )["Role"]
    client = cloud.client("organizations", account=MANAGEMENT)
    content = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*"}],
    }
    policy = client.create_policy(
        Name="n", Description="d", Type="RESOURCE_CONTROL_POLICY", Content=json.dumps(content)
    )["Policy"]["PolicySummary"]["Id"]
    client.attach_policy(PolicyId=policy, TargetId=WORKLOAD)
    found = cloud.service_sessions.assume_for_service(
        role_arn=made["Arn"], session_name="x", service="replication.dynamodb.amazonaws.com"
    )
    assert found.principal.is_service_linked
