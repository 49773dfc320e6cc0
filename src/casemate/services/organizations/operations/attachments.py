"""Attaching policies to roots, units and accounts."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Context, Output, Params
from casemate.services.organizations import lookups
from casemate.services.organizations.checks import on
from casemate.services.organizations.errors import constraint_violation, invalid_input, refusal
from casemate.services.organizations.records import RCP, RCP_FULL_AWS_ACCESS, SCP
from casemate.services.organizations.registry import management_operation
from casemate.services.organizations.state import OrganizationsState

_MOST = {SCP: 10, RCP: 5}
"""Organizations User Guide, "Quotas": policies of a type attached to one root, OU or account, AWS's own included. Five
SCPs until 15 May 2026."""


@management_operation("AttachPolicy", checks=on("AttachPolicy", "PolicyId", "TargetId"))
def attach_policy(ctx: Context[OrganizationsState], params: Params) -> Output:
    policy, node = lookups.policy(ctx, params["PolicyId"]), lookups.target(ctx, params["TargetId"])
    if policy.type not in ctx.state.organization.enabled:
        raise refusal("PolicyTypeNotEnabledException")
    if policy.id in node.attached:
        raise refusal("DuplicatePolicyAttachmentException")
    if len(ctx.state.attached(node, policy.type)) >= _MOST[policy.type]:
        raise constraint_violation("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    ctx.state.put_node(replace(node, attached=(*node.attached, policy.id)))
    return {}


@management_operation("DetachPolicy", checks=on("DetachPolicy", "PolicyId", "TargetId"))
def detach_policy(ctx: Context[OrganizationsState], params: Params) -> Output:
    policy, node = lookups.policy(ctx, params["PolicyId"]), lookups.target(ctx, params["TargetId"])
    if policy.id not in node.attached:
        raise refusal("PolicyNotAttachedException")
    if policy.id == RCP_FULL_AWS_ACCESS.id:
        raise invalid_input("NON_DETACHABLE_POLICY")
    if policy.type == SCP and len(ctx.state.attached(node, SCP)) == 1:
        raise constraint_violation("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED")
    rest = tuple(each for each in node.attached if each != policy.id)
    ctx.state.put_node(replace(node, attached=rest))
    return {}
