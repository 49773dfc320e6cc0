"""The organization itself, and its root."""

from __future__ import annotations

from casemate.servicekit.service import Context, Output, Params
from casemate.services.organizations.checks import on
from casemate.services.organizations.errors import refusal
from casemate.services.organizations.paging import paged
from casemate.services.organizations.registry import management_operation, operations
from casemate.services.organizations.shapes import organization_shape, root_shape
from casemate.services.organizations.state import OrganizationsState


@operations.operation("CreateOrganization")
def create_organization(_: Context[OrganizationsState], __: Params) -> Output:
    """There is one organization, and every account is in it."""
    raise refusal("AlreadyInOrganizationException")


@operations.operation("DescribeOrganization")
def describe_organization(ctx: Context[OrganizationsState], _: Params) -> Output:
    """This operation can be called from any account in the organization (API Reference)."""
    if ctx.state.node(ctx.account) is None:
        raise refusal("AWSOrganizationsNotInUseException")
    return {"Organization": organization_shape(ctx.state)}


@management_operation("ListRoots", checks=on("ListRoots"))
def list_roots(ctx: Context[OrganizationsState], params: Params) -> Output:
    roots = [node for node in ctx.state.nodes.values() if node.kind == "ROOT"]
    return paged(
        params, "Roots", roots, key=lambda root: root.id, shape=lambda root: root_shape(ctx.state, root)
    )
