"""Records as the shapes of Organizations' responses."""

from __future__ import annotations

from typing import Any

from casemate.servicekit.service import Output
from casemate.services.organizations.arns import node_arn, organization_arn, policy_arn
from casemate.services.organizations.records import POLICY_TYPES, Creation, Node, PolicyRecord
from casemate.services.organizations.state import OrganizationsState


def organization_shape(state: OrganizationsState) -> Output:
    """Organization."""
    organization = state.organization
    management = state.node(organization.management_account)
    assert management is not None, "the management account can't leave"
    return {
        "Id": organization.id,
        "Arn": organization_arn(organization),
        "FeatureSet": "ALL",
        "MasterAccountArn": node_arn(organization, management),
        "MasterAccountId": management.id,
        "MasterAccountEmail": management.email,
        "AvailablePolicyTypes": [{"Type": each, "Status": "ENABLED"} for each in POLICY_TYPES],
    }


def root_shape(state: OrganizationsState, root: Node) -> Output:
    """Root, with the policy types enabled in it."""
    organization = state.organization
    return {
        "Id": root.id,
        "Arn": node_arn(organization, root),
        "Name": root.name,
        "PolicyTypes": [{"Type": each, "Status": "ENABLED"} for each in organization.enabled],
    }


def unit_shape(state: OrganizationsState, unit: Node) -> Output:
    """OrganizationalUnit."""
    return {"Id": unit.id, "Arn": node_arn(state.organization, unit), "Name": unit.name}


def account_shape(state: OrganizationsState, account: Node) -> Output:
    """Account."""
    return {
        "Id": account.id,
        "Arn": node_arn(state.organization, account),
        "Email": account.email,
        "Name": account.name,
        "Status": "ACTIVE",
        "State": "ACTIVE",
        "JoinedMethod": account.joined_method,
        "JoinedTimestamp": account.joined,
    }


def summary_shape(state: OrganizationsState, policy: PolicyRecord) -> Output:
    """PolicySummary."""
    return {
        "Id": policy.id,
        "Arn": policy_arn(state.organization, policy),
        "Name": policy.name,
        "Description": policy.description,
        "Type": policy.type,
        "AwsManaged": policy.aws_managed,
    }


def policy_shape(state: OrganizationsState, policy: PolicyRecord) -> Output:
    """Policy, with its content."""
    return {"PolicySummary": summary_shape(state, policy), "Content": policy.content}


def creation_shape(creation: Creation) -> Output:
    """CreateAccountStatus."""
    shape: dict[str, Any] = {
        "Id": creation.id,
        "AccountName": creation.account_name,
        "State": creation.state,
        "RequestedTimestamp": creation.requested,
        "CompletedTimestamp": creation.requested,
    }
    if creation.account is not None:
        shape["AccountId"] = creation.account
    if creation.failure is not None:
        shape["FailureReason"] = creation.failure
    return shape
