"""Service-linked roles. Source: IAM User Guide, "Create a service-linked role"; API Reference."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.identity import MANAGEMENT, WORKLOAD, IdentityCloud
from tests.support.refusals import refused

from casemate.policy.decision import PolicyType
from casemate.policy.parser import parse_policy
from casemate.servicekit.service import Check
from casemate.services.iam.linked_services import linked_services, trust_of
from casemate.services.iam.managed import is_aws_policy

SERVICE = "autoscaling.amazonaws.com"
ARN = f"arn:aws:iam::{WORKLOAD}:role/aws-service-role/{SERVICE}/AWSServiceRoleForAutoScaling"


def test_every_known_service_names_a_policy_that_exists() -> None:
    for service, known in linked_services().items():
        assert is_aws_policy(known.policy_arn), service
        parse_policy(trust_of(service), kind=PolicyType.TRUST, label=service)


def test_a_role_is_made_for_its_service(client: Any, cloud: IdentityCloud) -> None:
    role = client.create_service_linked_role(AWSServiceName=SERVICE, Description="scales")["Role"]
    assert (role["Arn"], role["Path"]) == (ARN, f"/aws-service-role/{SERVICE}/")
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": SERVICE}
    assert client.get_role(RoleName=role["RoleName"])["Role"]["Description"] == "scales"
    (attached,) = client.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
    assert attached["PolicyName"] == "AutoScalingServiceRolePolicy"
    asked = next(each for each in cloud.checks if each.action == "iam:CreateServiceLinkedRole")
    assert (asked.resource, dict(asked.context)) == (ARN, {"iam:AWSServiceName": SERVICE})


def test_one_per_service_unless_it_takes_suffixes(client: Any) -> None:
    call = client.create_service_linked_role
    call(AWSServiceName=SERVICE)
    refused(
        "InvalidInput",
        "Service role name AWSServiceRoleForAutoScaling has been taken in this account, please try a different suffix.",
        call,
        AWSServiceName=SERVICE,
    )
    suffixed = call(AWSServiceName=SERVICE, CustomSuffix="debug")["Role"]
    assert suffixed["RoleName"] == "AWSServiceRoleForAutoScaling_debug"
    ecs = "ecs.amazonaws.com"
    refused(
        "InvalidInput", f"Custom suffix is not allowed for {ecs}", call, AWSServiceName=ecs, CustomSuffix="x"
    )
    refused(
        "InvalidInput",
        "no service-linked role of moon.amazonaws.com",
        call,
        AWSServiceName="moon.amazonaws.com",
    )


def test_only_its_service_changes_it(client: Any) -> None:
    name = client.create_service_linked_role(AWSServiceName=SERVICE)["Role"]["RoleName"]
    refused("UnmodifiableEntity", "only modifiable by AWS", client.delete_role, RoleName=name)
    refused(
        "UnmodifiableEntity",
        f"'{name}'",
        client.attach_role_policy,
        RoleName=name,
        PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess",
    )
    refused(
        "UnmodifiableEntity",
        f"'{name}'",
        client.put_role_permissions_boundary,
        RoleName=name,
        PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess",
    )


def test_it_is_deleted_by_a_task(client: Any) -> None:
    name = client.create_service_linked_role(AWSServiceName=SERVICE)["Role"]["RoleName"]
    task = client.delete_service_linked_role(RoleName=name)["DeletionTaskId"]
    assert task.startswith(f"task/aws-service-role/{SERVICE}/{name}/")
    assert client.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"
    refused("NoSuchEntity", "cannot be found", client.get_role, RoleName=name)
    refused("NoSuchEntity", "cannot be found", client.delete_service_linked_role, RoleName=name)
    status = client.get_service_linked_role_deletion_status
    refused("NoSuchEntity", "cannot be found", status, DeletionTaskId="task/aws-service-role/x/y/z")
    client.create_service_linked_role(AWSServiceName=SERVICE)


def test_a_role_that_is_not_one_is_not_deleted_so(client: Any) -> None:
    client.create_role(RoleName="r", AssumeRolePolicyDocument=trust_of("lambda.amazonaws.com"))
    refused("NoSuchEntity", "role with name r", client.delete_service_linked_role, RoleName="r")
    assert client.get_role(RoleName="r")


@pytest.mark.parametrize("linked", [True, False])
def test_scps_do_not_bind_it(cloud: IdentityCloud, linked: bool) -> None:
    """Organizations User Guide, "Tasks and entities not restricted by SCPs"."""
    iam, organizations = cloud.client("iam"), cloud.client("organizations", account=MANAGEMENT)
    if linked:
        arn = iam.create_service_linked_role(AWSServiceName=SERVICE)["Role"]["Arn"]
    else:
        arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust_of(SERVICE))["Role"]["Arn"]
        iam.put_role_policy(
            RoleName="r",
            PolicyName="p",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
                }
            ),
        )
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}
    policy = organizations.create_policy(
        Name="deny", Description="", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(deny)
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=WORKLOAD)
    session = cloud.service_sessions.assume_for_service(role_arn=arn, session_name="s", service=SERVICE)
    asked = Check(action="ec2:DescribeInstances")
    assert session.principal.is_service_linked is linked
    assert cloud.decide(cloud.services["iam"], asked, session.principal).allowed is linked
    simulated = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["ec2:DescribeInstances"])
    assert simulated["EvaluationResults"][0]["EvalDecision"] == ("allowed" if linked else "explicitDeny")
