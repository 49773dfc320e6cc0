"""Service control policies and resource control policies."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.policy.decision import PolicyType
from casemate.policy.errors import MalformedPolicy, PolicyTooLarge
from casemate.policy.parser import parse_policy
from casemate.policy.sizes import PolicyUse, check_size
from casemate.servicekit.service import Context, Output, Params
from casemate.services.organizations import lookups
from casemate.services.organizations.arns import node_arn, policy_arn
from casemate.services.organizations.checks import on
from casemate.services.organizations.errors import constraint_violation, invalid_input, refusal
from casemate.services.organizations.paging import paged
from casemate.services.organizations.records import AWS_POLICIES, POLICY_TYPES, RCP, SCP, Node, PolicyRecord
from casemate.services.organizations.registry import management_operation
from casemate.services.organizations.shapes import policy_shape, summary_shape
from casemate.services.organizations.state import OrganizationsState, short_id
from casemate.services.organizations.tagging import requested_tags

_MOST = {SCP: 10_000, RCP: 1_000}
"""Organizations User Guide, "Quotas": policies of a type in an organization."""
_KINDS = {SCP: (PolicyType.SCP, PolicyUse.SCP), RCP: (PolicyType.RCP, PolicyUse.RCP)}


def _require_known(policy_type: str) -> None:
    if policy_type not in POLICY_TYPES:
        raise refusal(
            "PolicyTypeNotAvailableForOrganizationException",
            f"Casemate models service control policies and resource control policies, not {policy_type}.",
        )


def _check_content(policy_type: str, content: str, label: str) -> None:
    kind, use = _KINDS[policy_type]
    try:
        check_size(use, content)
    except PolicyTooLarge as error:
        raise constraint_violation("POLICY_CONTENT_LIMIT_EXCEEDED") from error
    try:
        parse_policy(content, kind=kind, label=label)
    except MalformedPolicy as error:
        raise refusal("MalformedPolicyDocumentException", error.message) from error


def _refuse_twin(ctx: Context[OrganizationsState], policy: PolicyRecord) -> None:
    everyone = [*AWS_POLICIES.values(), *ctx.state.policies.values()]
    if any(
        each.name == policy.name and each.type == policy.type and each.id != policy.id for each in everyone
    ):
        raise refusal("DuplicatePolicyException")


@management_operation("CreatePolicy", checks=on("CreatePolicy"))
def create_policy(ctx: Context[OrganizationsState], params: Params) -> Output:
    policy_type = params["Type"]
    _require_known(policy_type)
    policy = PolicyRecord(
        id=f"p-{short_id(ctx.random_bytes, 8)}",
        type=policy_type,
        name=params["Name"],
        description=params["Description"],
        content=params["Content"],
        tags=requested_tags(params),
    )
    _refuse_twin(ctx, policy)
    _check_content(policy_type, policy.content, policy_arn(ctx.state.organization, policy))
    if sum(each.type == policy_type for each in ctx.state.policies.values()) >= _MOST[policy_type]:
        raise constraint_violation("POLICY_NUMBER_LIMIT_EXCEEDED")
    ctx.state.policies.put((policy.id,), policy)
    return {"Policy": policy_shape(ctx.state, policy)}


@management_operation("DescribePolicy", checks=on("DescribePolicy", "PolicyId"))
def describe_policy(ctx: Context[OrganizationsState], params: Params) -> Output:
    return {"Policy": policy_shape(ctx.state, lookups.policy(ctx, params["PolicyId"]))}


@management_operation("UpdatePolicy", checks=on("UpdatePolicy", "PolicyId"))
def update_policy(ctx: Context[OrganizationsState], params: Params) -> Output:
    policy = lookups.policy(ctx, params["PolicyId"])
    if policy.aws_managed:
        raise invalid_input("IMMUTABLE_POLICY")
    members = {
        member.lower(): params[member]
        for member in ("Name", "Description", "Content")
        if params.get(member) is not None
    }
    changed = replace(policy, **members)
    _refuse_twin(ctx, changed)
    _check_content(changed.type, changed.content, policy_arn(ctx.state.organization, changed))
    ctx.state.policies.put((policy.id,), changed)
    return {"Policy": policy_shape(ctx.state, changed)}


@management_operation("DeletePolicy", checks=on("DeletePolicy", "PolicyId"))
def delete_policy(ctx: Context[OrganizationsState], params: Params) -> Output:
    policy = lookups.policy(ctx, params["PolicyId"])
    if policy.aws_managed:
        raise invalid_input("IMMUTABLE_POLICY")
    if any(policy.id in node.attached for node in ctx.state.nodes.values()):
        raise refusal("PolicyInUseException")
    ctx.state.policies.delete(policy.id)
    return {}


@management_operation("ListPolicies", checks=on("ListPolicies"))
def list_policies(ctx: Context[OrganizationsState], params: Params) -> Output:
    everyone = [*AWS_POLICIES.values(), *ctx.state.policies.values()]
    return _summaries(ctx, params, [policy for policy in everyone if policy.type == params["Filter"]])


@management_operation("ListPoliciesForTarget", checks=on("ListPoliciesForTarget", "TargetId"))
def list_policies_for_target(ctx: Context[OrganizationsState], params: Params) -> Output:
    node = lookups.target(ctx, params["TargetId"])
    return _summaries(ctx, params, ctx.state.attached(node, params["Filter"]))


def _summaries(ctx: Context[OrganizationsState], params: Params, policies: list[PolicyRecord]) -> Output:
    return paged(
        params,
        "Policies",
        policies,
        key=lambda policy: policy.id,
        shape=lambda policy: summary_shape(ctx.state, policy),
    )


@management_operation("ListTargetsForPolicy", checks=on("ListTargetsForPolicy", "PolicyId"))
def list_targets_for_policy(ctx: Context[OrganizationsState], params: Params) -> Output:
    policy = lookups.policy(ctx, params["PolicyId"])

    def shape(node: Node) -> Output:
        arn = node_arn(ctx.state.organization, node)
        return {"TargetId": node.id, "Arn": arn, "Name": node.name, "Type": node.kind}

    nodes = [node for node in ctx.state.nodes.values() if policy.id in node.attached]
    return paged(params, "Targets", nodes, key=lambda node: node.id, shape=shape)
