"""Up and down the tree."""

from __future__ import annotations

from casemate.servicekit.service import Context, Output, Params
from casemate.services.organizations import lookups
from casemate.services.organizations.checks import on
from casemate.services.organizations.errors import refusal
from casemate.services.organizations.paging import paged
from casemate.services.organizations.records import Node
from casemate.services.organizations.registry import management_operation
from casemate.services.organizations.state import OrganizationsState


def _link(node: Node) -> Output:
    return {"Id": node.id, "Type": node.kind}


@management_operation("ListParents", checks=on("ListParents", "ChildId"))
def list_parents(ctx: Context[OrganizationsState], params: Params) -> Output:
    child = ctx.state.node(params["ChildId"])
    if child is None or child.parent is None:
        raise refusal("ChildNotFoundException")
    parents = [lookups.parent(ctx, child.parent)]
    return paged(params, "Parents", parents, key=lambda node: node.id, shape=_link)


@management_operation("ListChildren", checks=on("ListChildren", "ParentId"))
def list_children(ctx: Context[OrganizationsState], params: Params) -> Output:
    above = lookups.parent(ctx, params["ParentId"])
    children = [node for node in ctx.state.children(above.id) if node.kind == params["ChildType"]]
    return paged(params, "Children", children, key=lambda node: node.id, shape=_link)
