"""Enabling and disabling a type of policy in the root."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Context, Output, Params
from casemate.services.organizations import lookups
from casemate.services.organizations.checks import on
from casemate.services.organizations.errors import refusal
from casemate.services.organizations.records import DEFAULT_POLICIES, POLICY_TYPES
from casemate.services.organizations.registry import management_operation
from casemate.services.organizations.shapes import root_shape
from casemate.services.organizations.state import OrganizationsState


@management_operation("EnablePolicyType", checks=on("EnablePolicyType", "RootId"))
def enable_policy_type(ctx: Context[OrganizationsState], params: Params) -> Output:
    """AWS attaches its full-access policy to every root, unit and account."""
    root, policy_type, organization = (
        lookups.root(ctx, params["RootId"]),
        params["PolicyType"],
        ctx.state.organization,
    )
    if policy_type not in POLICY_TYPES:
        raise refusal("PolicyTypeNotAvailableForOrganizationException")
    if policy_type in organization.enabled:
        raise refusal("PolicyTypeAlreadyEnabledException")
    ctx.state.put_organization(replace(organization, enabled=(*organization.enabled, policy_type)))
    full_access = DEFAULT_POLICIES[policy_type].id
    for node in ctx.state.nodes.values():
        ctx.state.put_node(replace(node, attached=(*node.attached, full_access)))
    return {"Root": root_shape(ctx.state, root)}


@management_operation("DisablePolicyType", checks=on("DisablePolicyType", "RootId"))
def disable_policy_type(ctx: Context[OrganizationsState], params: Params) -> Output:
    """Every attachment of the type is gone, also when it is enabled again (API Reference)."""
    root, policy_type, organization = (
        lookups.root(ctx, params["RootId"]),
        params["PolicyType"],
        ctx.state.organization,
    )
    if policy_type not in organization.enabled:
        raise refusal("PolicyTypeNotEnabledException")
    rest = tuple(each for each in organization.enabled if each != policy_type)
    ctx.state.put_organization(replace(organization, enabled=rest))
    for node in ctx.state.nodes.values():
        gone = {policy.id for policy in ctx.state.attached(node, policy_type)}
        kept = tuple(each for each in node.attached if each not in gone)
        ctx.state.put_node(replace(node, attached=kept))
    return {"Root": root_shape(ctx.state, root)}
