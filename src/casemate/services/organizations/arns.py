"""ARNs of what Organizations has. Source: Service Authorization Reference, "Resource types defined by AWS Organizations"."""

from __future__ import annotations

from casemate.services.organizations.records import Node, OrganizationRecord, PolicyRecord

_KINDS = {"ROOT": "root", "ORGANIZATIONAL_UNIT": "ou", "ACCOUNT": "account"}


def organization_arn(organization: OrganizationRecord) -> str:
    """ARN of the organization."""
    return f"arn:aws:organizations::{organization.management_account}:organization/{organization.id}"


def node_arn(organization: OrganizationRecord, node: Node) -> str:
    """ARN of a root, unit or account."""
    owner = organization.management_account
    return f"arn:aws:organizations::{owner}:{_KINDS[node.kind]}/{organization.id}/{node.id}"


def policy_arn(organization: OrganizationRecord, policy: PolicyRecord) -> str:
    """ARN of a policy; AWS's own belong to `aws`."""
    kind = policy.type.lower()
    if policy.aws_managed:
        return f"arn:aws:organizations::aws:policy/{kind}/{policy.id}"
    return f"arn:aws:organizations::{organization.management_account}:policy/{organization.id}/{kind}/{policy.id}"
