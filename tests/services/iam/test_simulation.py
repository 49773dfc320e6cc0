"""The policy simulator. Source of each rule: IAM API Reference, the operations' and EvaluationResult's pages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.identity import MANAGEMENT, WORKLOAD, IdentityCloud
from tests.support.refusals import refused

USER = f"arn:aws:iam::{WORKLOAD}:user/ann"
TABLE = f"arn:aws:dynamodb:us-east-2:{WORKLOAD}:table/orders"
OTHER_TABLE = f"arn:aws:dynamodb:us-east-2:{WORKLOAD}:table/other"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"


def statement(
    effect: str = "Allow", action: str = "dynamodb:GetItem", resource: str = "*", **more: Any
) -> Any:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def custom(client: Any, *documents: str, action: str = "dynamodb:GetItem", **more: Any) -> dict[str, Any]:
    answer = client.simulate_custom_policy(PolicyInputList=list(documents), ActionNames=[action], **more)
    (result,) = answer["EvaluationResults"]
    return result


def principal(client: Any, arn: str = USER, action: str = "dynamodb:GetItem", **more: Any) -> dict[str, Any]:
    answer = client.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], **more)
    (result,) = answer["EvaluationResults"]
    return result


@pytest.fixture
def ann(client: Any) -> Any:
    client.create_user(UserName="ann")
    return client


# SimulateCustomPolicy


def test_an_allow_and_where_it_is(client: Any) -> None:
    result = custom(client, document(statement()))
    assert result == {
        "EvalActionName": "dynamodb:GetItem",
        "EvalResourceName": "*",
        "EvalDecision": "allowed",
        "MatchedStatements": [
            {
                "SourcePolicyId": "PolicyInputList.1",
                "SourcePolicyType": "IAM Policy",
                "StartPosition": {"Line": 1, "Column": 41},
                "EndPosition": {"Line": 1, "Column": 107},
            }
        ],
        "MissingContextValues": [],
    }


def test_nothing_that_allows_is_an_implicit_deny_without_statements(client: Any) -> None:
    result = custom(client, document(statement()), action="dynamodb:PutItem")
    assert (result["EvalDecision"], result["MatchedStatements"]) == ("implicitDeny", [])


def test_of_an_explicit_deny_only_the_denying_statement_is_told(client: Any) -> None:
    result = custom(client, document(statement()), document(statement(), statement("Deny")))
    assert result["EvalDecision"] == "explicitDeny"
    (matched,) = result["MatchedStatements"]
    assert matched["SourcePolicyId"] == "PolicyInputList.2"
    assert matched["StartPosition"] == {"Line": 1, "Column": 108}


def test_one_result_per_action_with_the_most_restrictive_decision(client: Any) -> None:
    answer = client.simulate_custom_policy(
        PolicyInputList=[document(statement(resource=TABLE), statement("Deny", resource=OTHER_TABLE))],
        ActionNames=["dynamodb:GetItem", "dynamodb:ListTables"],
        ResourceArns=[TABLE, OTHER_TABLE, f"{TABLE}-3"],
    )
    first, second = answer["EvaluationResults"]
    assert first["EvalDecision"] == "explicitDeny"
    assert first["EvalResourceName"] == "arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}"
    assert len(first["MatchedStatements"]) == 1
    specific = {each["EvalResourceName"]: each for each in first["ResourceSpecificResults"]}
    assert {name: each["EvalResourceDecision"] for name, each in specific.items()} == {
        TABLE: "allowed",
        OTHER_TABLE: "explicitDeny",
        f"{TABLE}-3": "implicitDeny",
    }
    assert len(specific[TABLE]["MatchedStatements"]) == 1
    assert (second["EvalActionName"], second["EvalResourceName"]) == ("dynamodb:ListTables", "*")


def test_missing_context_values_are_told_and_given_ones_decide(client: Any) -> None:
    conditions = {"StringEquals": {"aws:SourceVpc": "vpc-1"}, "Bool": {"aws:SecureTransport": "true"}}
    policy = document(
        statement(Condition=conditions), statement(action="s3:*", Condition={"Null": {"s3:x": "true"}})
    )
    result = custom(client, policy)
    assert result["EvalDecision"] == "implicitDeny"
    assert result["MissingContextValues"] == ["aws:SourceVpc", "aws:SecureTransport"]
    given = [
        {"ContextKeyName": "AWS:sourceVPC", "ContextKeyValues": ["vpc-1"], "ContextKeyType": "string"},
        {"ContextKeyName": "aws:SecureTransport", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"},
    ]
    result = custom(client, policy, ContextEntries=given)
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])


def test_a_variable_in_a_resource_is_missing_too(client: Any) -> None:
    policy = document(statement(resource="arn:aws:dynamodb:*:*:table/${aws:username}"))
    result = custom(client, policy, ResourceArns=[TABLE])
    assert result["MissingContextValues"] == ["aws:username"]
    assert result["ResourceSpecificResults"][0]["MissingContextValues"] == ["aws:username"]


@pytest.mark.parametrize(
    ("kind", "operator", "expected", "given", "decision"),
    [
        ("numeric", "NumericLessThan", "10", ["9"], "allowed"),
        ("date", "DateGreaterThan", "2026-01-01T00:00:00Z", ["2026-02-01T00:00:00Z"], "allowed"),
        ("ip", "IpAddress", "10.0.0.0/8", ["10.1.2.3"], "allowed"),
        ("ip", "IpAddress", "10.0.0.0/8", ["11.1.2.3"], "implicitDeny"),
        ("binary", "BinaryEquals", "QmluYXJ5", ["QmluYXJ5"], "allowed"),
        ("stringList", "ForAllValues:StringEquals", ["a", "b"], ["a", "b"], "allowed"),
        ("stringList", "ForAllValues:StringEquals", ["a"], ["a", "b"], "implicitDeny"),
        ("stringList", "ForAnyValue:StringEquals", ["a"], ["a", "b"], "allowed"),
    ],
)
def test_context_entries_are_typed(
    client: Any, kind: str, operator: str, expected: Any, given: list[str], decision: str
) -> None:
    policy = document(statement(Condition={operator: {"app:key": expected}}))
    entry = {"ContextKeyName": "app:key", "ContextKeyValues": given, "ContextKeyType": kind}
    assert custom(client, policy, ContextEntries=[entry])["EvalDecision"] == decision


def test_without_a_type_the_reference_tells_whether_a_key_holds_a_list(client: Any) -> None:
    policy = document(
        statement(Condition={"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a", "b"]}})
    )
    entry = {"ContextKeyName": "dynamodb:LeadingKeys", "ContextKeyValues": ["a", "b"]}
    assert custom(client, policy, ContextEntries=[entry])["EvalDecision"] == "allowed"


@pytest.mark.parametrize(
    ("name", "kind", "values", "message"),
    [
        ("aws:x", "numeric", ["nine"], "'nine' of context key aws:x"),
        ("aws:x", "boolean", ["yes"], "it is no boolean"),
        ("aws:x", "date", ["tomorrow"], "it is no date"),
        ("aws:x", "ipList", ["10.0.0.1", "10.0.0.256"], "'10.0.0.256'"),
        ("aws:x", "string", ["a", "b"], "has 2 values"),
        ("aws:x", "string", [], "has 0 values"),
        ("nothing", "string", ["a"], "Invalid context key name"),
    ],
)
def test_context_entries_that_are_refused(
    client: Any, name: str, kind: str, values: list[str], message: str
) -> None:
    entry = {"ContextKeyName": name, "ContextKeyValues": values, "ContextKeyType": kind}
    refused(
        "InvalidInput",
        message,
        client.simulate_custom_policy,
        PolicyInputList=[document(statement())],
        ActionNames=["s3:GetObject"],
        ContextEntries=[entry],
    )


def test_a_permissions_boundary_is_told_apart(client: Any) -> None:
    identity, boundary = document(statement(action="dynamodb:*")), document(statement(action="dynamodb:Get*"))
    allowed = custom(client, identity, PermissionsBoundaryPolicyInputList=[boundary])
    assert allowed["EvalDecision"] == "allowed"
    assert allowed["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": True}
    kept = custom(client, identity, action="dynamodb:PutItem", PermissionsBoundaryPolicyInputList=[boundary])
    assert (kept["EvalDecision"], kept["MatchedStatements"]) == ("implicitDeny", [])
    assert kept["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    refused(
        "InvalidInput",
        "only one permissions boundary",
        client.simulate_custom_policy,
        PolicyInputList=[identity],
        ActionNames=["s3:GetObject"],
        PermissionsBoundaryPolicyInputList=[boundary, boundary],
    )


def test_a_hierarchy_of_scps_given_as_text(client: Any) -> None:
    full = document(statement(action="*"))
    narrow = document(statement(action="s3:*"))

    def levels(*documents: str) -> list[dict[str, list[str]]]:
        return [{"ServiceControlPolicyInputList": [each]} for each in documents]

    fine = custom(client, full, OrderedOrganizationPolicyInputList=levels(full, full))
    assert fine["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": True}
    blocked = custom(
        client, full, OrderedOrganizationPolicyInputList=levels(full, narrow), ResourceArns=[TABLE]
    )
    assert (blocked["EvalDecision"], blocked["MatchedStatements"]) == ("implicitDeny", [])
    assert blocked["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
    assert "EvalDecisionDetails" not in blocked
    denied = custom(
        client, full, OrderedOrganizationPolicyInputList=levels(document(statement("Deny", "*"), statement()))
    )
    assert (denied["EvalDecision"], denied["MatchedStatements"]) == ("explicitDeny", [])
    assert "OrganizationsDecisionDetail" not in custom(client, full)


def test_a_resource_policy_of_the_same_account_may_allow_alone(client: Any) -> None:
    attached = document(statement(resource=TABLE, Principal={"AWS": USER}))
    nothing = document(statement(action="s3:GetObject"))
    result = custom(client, nothing, ResourcePolicy=attached, CallerArn=USER, ResourceArns=[TABLE])
    assert result["EvalDecision"] == "allowed"
    assert [each["SourcePolicyId"] for each in result["MatchedStatements"]] == ["ResourcePolicy"]
    assert result["MatchedStatements"][0]["SourcePolicyType"] == "Resource Policy"
    refused(
        "InvalidInput",
        "CallerArn is required",
        client.simulate_custom_policy,
        PolicyInputList=[nothing],
        ActionNames=["s3:GetObject"],
        ResourcePolicy=attached,
    )


def test_across_accounts_both_sides_are_asked_and_told(client: Any) -> None:
    foreign = "arn:aws:dynamodb:us-east-2:222222222222:table/orders"
    attached = document(statement(resource=foreign, Principal={"AWS": USER}))
    both = custom(
        client, document(statement()), ResourcePolicy=attached, CallerArn=USER, ResourceArns=[foreign]
    )
    assert both["EvalDecision"] == "allowed"
    told = {"IAM Policy": "allowed", "Resource Policy": "allowed"}
    assert both["EvalDecisionDetails"] == told
    assert both["ResourceSpecificResults"][0]["EvalDecisionDetails"] == told
    one = custom(
        client,
        document(statement(action="s3:*")),
        ResourcePolicy=attached,
        CallerArn=USER,
        ResourceArns=[foreign],
    )
    assert one["EvalDecision"] == "implicitDeny"
    assert one["EvalDecisionDetails"] == {"IAM Policy": "implicitDeny", "Resource Policy": "allowed"}


def test_the_owner_of_a_resource_whose_arn_names_none(client: Any) -> None:
    bucket = "arn:aws:s3:::b/key"
    attached = document(statement(action="s3:GetObject", resource=bucket, Principal={"AWS": USER}))
    asked = {
        "action": "s3:GetObject",
        "ResourcePolicy": attached,
        "CallerArn": USER,
        "ResourceArns": [bucket],
    }
    nothing = document(statement())
    assert custom(client, nothing, **asked)["EvalDecision"] == "allowed"
    foreign = custom(client, nothing, **asked, ResourceOwner="arn:aws:iam::222222222222:root")
    assert foreign["EvalDecision"] == "implicitDeny"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"PolicyInputList": ["{}"]}, "Invalid PolicyInputList.1: Missing required field Statement"),
        ({"PolicyInputList": ["nonsense"]}, "Syntax errors in policy."),
        ({"ActionNames": ["s3:Get*"]}, "Invalid action name"),
        ({"ActionNames": ["GetObject"]}, "Invalid action name"),
        ({"ResourceArns": ["orders"]}, "Invalid resource ARN: orders"),
        ({"CallerArn": f"arn:aws:sts::{WORKLOAD}:assumed-role/r/s"}, "must be the ARN of an IAM user"),
        ({"ResourceOwner": "somebody"}, "Invalid ResourceOwner"),
        (
            {"ResourceHandlingOption": "EC2-VPC-EBS", "ResourceArns": [TABLE]},
            "needs resources of these types",
        ),
        (
            {"ResourceHandlingOption": "EC2-Moon-EBS", "ResourceArns": [TABLE]},
            "Invalid ResourceHandlingOption",
        ),
    ],
)
def test_what_is_refused(client: Any, change: dict[str, Any], message: str) -> None:
    request = {"PolicyInputList": [document(statement())], "ActionNames": ["s3:GetObject"], **change}
    refused("InvalidInput", message, client.simulate_custom_policy, **request)


def test_results_come_in_pages_in_the_order_of_the_actions(client: Any) -> None:
    actions = ["dynamodb:PutItem", "dynamodb:GetItem", "dynamodb:DeleteItem"]
    pages = client.get_paginator("simulate_custom_policy").paginate(
        PolicyInputList=[document(statement())], ActionNames=actions, PaginationConfig={"PageSize": 2}
    )
    found = [[each["EvalActionName"] for each in page["EvaluationResults"]] for page in pages]
    assert found == [actions[:2], actions[2:]]


# SimulatePrincipalPolicy


def test_the_policies_of_a_user_and_of_its_groups(ann: Any) -> None:
    ann.create_group(GroupName="readers")
    ann.add_user_to_group(UserName="ann", GroupName="readers")
    ann.attach_group_policy(GroupName="readers", PolicyArn=READ_ONLY)
    ann.put_user_policy(
        UserName="ann", PolicyName="write", PolicyDocument=document(statement(action="dynamodb:Put*"))
    )
    read, write = principal(ann), principal(ann, action="dynamodb:PutItem")
    assert [each["SourcePolicyId"] for each in read["MatchedStatements"]] == ["AmazonDynamoDBReadOnlyAccess"]
    assert read["MatchedStatements"][0]["StartPosition"]["Line"] > 1
    assert [each["SourcePolicyId"] for each in write["MatchedStatements"]] == ["user_ann_write"]
    assert principal(ann, action="dynamodb:DeleteItem")["EvalDecision"] == "implicitDeny"
    extra = document(statement(action="dynamodb:DeleteItem"))
    assert principal(ann, action="dynamodb:DeleteItem", PolicyInputList=[extra])["EvalDecision"] == "allowed"
    group = f"arn:aws:iam::{WORKLOAD}:group/readers"
    assert principal(ann, group)["EvalDecision"] == "allowed"
    assert principal(ann, group, action="dynamodb:PutItem")["EvalDecision"] == "implicitDeny"


def test_the_callers_own_keys_are_known(ann: Any) -> None:
    own = document(statement(resource="arn:aws:dynamodb:*:*:table/${aws:username}"))
    ann.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=own)
    ann.tag_user(UserName="ann", Tags=[{"Key": "team", "Value": "blue"}])
    tables = [TABLE.replace("orders", "ann"), TABLE]
    result = principal(ann, ResourceArns=tables)
    assert [each["EvalResourceDecision"] for each in result["ResourceSpecificResults"]] == [
        "allowed",
        "implicitDeny",
    ]
    as_orders = principal(ann, ResourceArns=[TABLE], CallerArn=USER.replace("ann", "orders"))
    assert as_orders["EvalDecision"] == "allowed"
    tagged = document(statement(Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}))
    assert principal(ann, PolicyInputList=[tagged])["EvalDecision"] == "allowed"


def test_a_role_with_a_boundary_which_another_may_replace(client: Any) -> None:
    trust = document({"Effect": "Allow", "Principal": {"AWS": WORKLOAD}, "Action": "sts:AssumeRole"})
    boundary = client.create_policy(PolicyName="limit", PolicyDocument=document(statement(action="s3:*")))[
        "Policy"
    ]
    role = client.create_role(
        RoleName="r", AssumeRolePolicyDocument=trust, PermissionsBoundary=boundary["Arn"]
    )["Role"]["Arn"]
    client.attach_role_policy(RoleName="r", PolicyArn=READ_ONLY)
    kept = principal(client, role)
    assert kept["EvalDecision"] == "implicitDeny"
    assert kept["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    other = principal(client, role, PermissionsBoundaryPolicyInputList=[document(statement())])
    assert other["EvalDecision"] == "allowed"
    without = principal(client, role, PolicyExclusionList=[{"PolicyType": "permission-boundary"}])
    assert without["EvalDecision"] == "allowed"
    assert "PermissionsBoundaryDecisionDetail" not in without


def test_scps_of_the_organization_take_part(cloud: IdentityCloud) -> None:
    organizations, iam = cloud.client("organizations", account=MANAGEMENT), cloud.client("iam")
    iam.create_user(UserName="ann")
    iam.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=document(statement(action="*")))
    deny = organizations.create_policy(
        Name="deny",
        Description="",
        Type="SERVICE_CONTROL_POLICY",
        Content=document(statement("Deny", "dynamodb:*")),
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=deny, TargetId=WORKLOAD)
    denied = principal(iam)
    assert (denied["EvalDecision"], denied["MatchedStatements"]) == ("explicitDeny", [])
    assert denied["OrganizationsDecisionDetail"] == {"AllowedByOrganizations": False}
    assert principal(iam, action="s3:GetObject")["OrganizationsDecisionDetail"] == {
        "AllowedByOrganizations": True
    }
    excluded = principal(iam, PolicyExclusionList=[{"PolicyType": "scp"}])
    assert excluded["EvalDecision"] == "allowed"
    assert "OrganizationsDecisionDetail" not in excluded


@pytest.mark.parametrize(
    ("identifier", "decision"),
    [
        ({"PolicyType": "aws-managed"}, "implicitDeny"),
        ({"PolicyType": "inline"}, "allowed"),
        ({"PolicyType": "rcp"}, "allowed"),
        ({"PolicyArn": READ_ONLY}, "implicitDeny"),
        ({"PolicyArn": "arn:aws:iam::aws:policy/AmazonDynamoDB*"}, "implicitDeny"),
        ({"PolicyArn": "arn:aws:iam::aws:policy/AmazonS3*"}, "allowed"),
        (
            {
                "InlinePolicyIdentifier": {
                    "PolicyName": "no",
                    "AttachmentType": "user",
                    "AttachmentName": "ann",
                }
            },
            "allowed",
        ),
    ],
)
def test_policies_may_be_left_out(ann: Any, identifier: dict[str, Any], decision: str) -> None:
    ann.attach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
    assert principal(ann, PolicyExclusionList=[identifier])["EvalDecision"] == decision


def test_an_inline_policy_may_be_left_out(ann: Any) -> None:
    ann.attach_user_policy(UserName="ann", PolicyArn=READ_ONLY)
    ann.put_user_policy(UserName="ann", PolicyName="no", PolicyDocument=document(statement("Deny")))
    assert principal(ann)["EvalDecision"] == "explicitDeny"
    inline = {"PolicyName": "no", "AttachmentType": "user", "AttachmentName": "ann"}
    without = principal(ann, PolicyExclusionList=[{"InlinePolicyIdentifier": inline}])
    assert without["EvalDecision"] == "allowed"
    refused(
        "InvalidInput",
        "Invalid policy ARN",
        ann.simulate_principal_policy,
        PolicySourceArn=USER,
        ActionNames=["s3:GetObject"],
        PolicyExclusionList=[{"PolicyArn": "arn:aws:iam::*:policy/Anything"}],
    )


def test_a_source_that_does_not_exist(client: Any) -> None:
    call = client.simulate_principal_policy
    message = "The user with name ann cannot be found."
    refused("NoSuchEntity", message, call, PolicySourceArn=USER, ActionNames=["s3:GetObject"])
    refused(
        "InvalidInput",
        "must be the ARN of an IAM user, group or role",
        call,
        PolicySourceArn=f"arn:aws:iam::{WORKLOAD}:root",
        ActionNames=["s3:GetObject"],
    )


# GetContextKeysFor...


def test_the_keys_that_policies_read(ann: Any) -> None:
    tested = document(statement(Condition={"StringEquals": {"aws:SourceVpce": "${aws:PrincipalTag/vpce}"}}))
    own = document(statement(resource="arn:aws:dynamodb:*:*:table/${aws:username}"))
    found = ann.get_context_keys_for_custom_policy(PolicyInputList=[tested])["ContextKeyNames"]
    assert found == ["aws:SourceVpce", "aws:PrincipalTag/vpce"]
    ann.put_user_policy(UserName="ann", PolicyName="own", PolicyDocument=own)
    found = ann.get_context_keys_for_principal_policy(PolicySourceArn=USER)["ContextKeyNames"]
    assert found == ["aws:username"]
    both = ann.get_context_keys_for_principal_policy(PolicySourceArn=USER, PolicyInputList=[tested])
    assert both["ContextKeyNames"] == ["aws:username", "aws:SourceVpce", "aws:PrincipalTag/vpce"]
    refused(
        "InvalidInput",
        "Invalid PolicyInputList.1",
        ann.get_context_keys_for_custom_policy,
        PolicyInputList=["x"],
    )
