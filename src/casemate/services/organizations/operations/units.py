"""Organizational units."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Context, Output, Params
from casemate.services.organizations import lookups
from casemate.services.organizations.checks import on
from casemate.services.organizations.errors import constraint_violation, refusal
from casemate.services.organizations.paging import paged
from casemate.services.organizations.records import Node
from casemate.services.organizations.registry import management_operation
from casemate.services.organizations.shapes import unit_shape
from casemate.services.organizations.state import OrganizationsState, short_id
from casemate.services.organizations.tagging import requested_tags

_DEEPEST = 5
_MOST = 2000
"""Organizations User Guide, "Quotas": OUs in an organization; five levels of them under the root."""


def _units_under(ctx: Context[OrganizationsState], parent_id: str) -> list[Node]:
    return [node for node in ctx.state.children(parent_id) if node.kind == "ORGANIZATIONAL_UNIT"]


def _refuse_twin(ctx: Context[OrganizationsState], parent_id: str, name: str, but: str = "") -> None:
    if any(each.name == name and each.id != but for each in _units_under(ctx, parent_id)):
        raise refusal("DuplicateOrganizationalUnitException")


def _depth(ctx: Context[OrganizationsState], node: Node) -> int:
    """How many units there are from the root down to `node`."""
    above = ctx.state.node(node.parent) if node.parent else None
    return 0 if above is None else 1 + _depth(ctx, above)


@management_operation("CreateOrganizationalUnit", checks=on("CreateOrganizationalUnit", "ParentId"))
def create_organizational_unit(ctx: Context[OrganizationsState], params: Params) -> Output:
    above = lookups.parent(ctx, params["ParentId"])
    _refuse_twin(ctx, above.id, params["Name"])
    if _depth(ctx, above) >= _DEEPEST:
        raise constraint_violation("OU_DEPTH_LIMIT_EXCEEDED")
    if sum(node.kind == "ORGANIZATIONAL_UNIT" for node in ctx.state.nodes.values()) >= _MOST:
        raise constraint_violation("OU_NUMBER_LIMIT_EXCEEDED")
    root = ctx.state.organization.root.removeprefix("r-")
    unit = Node(
        id=f"ou-{root}-{short_id(ctx.random_bytes, 8)}",
        kind="ORGANIZATIONAL_UNIT",
        name=params["Name"],
        parent=above.id,
        attached=ctx.state.newborn_policies(),
        tags=requested_tags(params),
    )
    ctx.state.put_node(unit)
    return {"OrganizationalUnit": unit_shape(ctx.state, unit)}


@management_operation(
    "DescribeOrganizationalUnit", checks=on("DescribeOrganizationalUnit", "OrganizationalUnitId")
)
def describe_organizational_unit(ctx: Context[OrganizationsState], params: Params) -> Output:
    unit = lookups.unit(ctx, params["OrganizationalUnitId"])
    return {"OrganizationalUnit": unit_shape(ctx.state, unit)}


@management_operation(
    "UpdateOrganizationalUnit", checks=on("UpdateOrganizationalUnit", "OrganizationalUnitId")
)
def update_organizational_unit(ctx: Context[OrganizationsState], params: Params) -> Output:
    unit = lookups.unit(ctx, params["OrganizationalUnitId"])
    name = params.get("Name") or unit.name
    assert unit.parent is not None, "a unit is in a root or another unit"
    _refuse_twin(ctx, unit.parent, name, but=unit.id)
    changed = replace(unit, name=name)
    ctx.state.put_node(changed)
    return {"OrganizationalUnit": unit_shape(ctx.state, changed)}


@management_operation(
    "DeleteOrganizationalUnit", checks=on("DeleteOrganizationalUnit", "OrganizationalUnitId")
)
def delete_organizational_unit(ctx: Context[OrganizationsState], params: Params) -> Output:
    unit = lookups.unit(ctx, params["OrganizationalUnitId"])
    if ctx.state.children(unit.id):
        raise refusal("OrganizationalUnitNotEmptyException")
    ctx.state.nodes.delete(unit.id)
    return {}


@management_operation(
    "ListOrganizationalUnitsForParent", checks=on("ListOrganizationalUnitsForParent", "ParentId")
)
def list_organizational_units_for_parent(ctx: Context[OrganizationsState], params: Params) -> Output:
    above = lookups.parent(ctx, params["ParentId"])
    return paged(
        params,
        "OrganizationalUnits",
        _units_under(ctx, above.id),
        key=lambda unit: unit.id,
        shape=lambda unit: unit_shape(ctx.state, unit),
    )
