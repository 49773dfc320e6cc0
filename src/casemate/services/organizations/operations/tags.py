"""Tags of accounts, units, the root and policies."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Context, Output, Params
from casemate.services.organizations.checks import on
from casemate.services.organizations.errors import invalid_input, refusal
from casemate.services.organizations.paging import paged
from casemate.services.organizations.records import Node, PolicyRecord
from casemate.services.organizations.registry import management_operation
from casemate.services.organizations.state import OrganizationsState
from casemate.services.organizations.tagging import requested_tags, within_quota


def _resource(ctx: Context[OrganizationsState], resource_id: str) -> Node | PolicyRecord:
    found = ctx.state.node(resource_id) or ctx.state.policy(resource_id)
    if found is None:
        raise refusal("TargetNotFoundException")
    return found


def _put(ctx: Context[OrganizationsState], resource: Node | PolicyRecord, tags: dict[str, str]) -> None:
    if isinstance(resource, Node):
        ctx.state.put_node(replace(resource, tags=tags))
    elif resource.aws_managed:
        raise invalid_input("TARGET_NOT_SUPPORTED")
    else:
        ctx.state.policies.put((resource.id,), replace(resource, tags=tags))


@management_operation("TagResource", checks=on("TagResource", "ResourceId"))
def tag_resource(ctx: Context[OrganizationsState], params: Params) -> Output:
    resource = _resource(ctx, params["ResourceId"])
    _put(ctx, resource, within_quota({**resource.tags, **requested_tags(params)}))
    return {}


@management_operation("UntagResource", checks=on("UntagResource", "ResourceId"))
def untag_resource(ctx: Context[OrganizationsState], params: Params) -> Output:
    resource = _resource(ctx, params["ResourceId"])
    gone = set(params["TagKeys"])
    _put(ctx, resource, {key: value for key, value in resource.tags.items() if key not in gone})
    return {}


@management_operation("ListTagsForResource", checks=on("ListTagsForResource", "ResourceId"))
def list_tags_for_resource(ctx: Context[OrganizationsState], params: Params) -> Output:
    tags = _resource(ctx, params["ResourceId"]).tags
    return paged(
        params,
        "Tags",
        tags.items(),
        key=lambda tag: tag[0],
        shape=lambda tag: {"Key": tag[0], "Value": tag[1]},
    )
