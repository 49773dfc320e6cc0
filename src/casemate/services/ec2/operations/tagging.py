"""CreateTags, DeleteTags, DescribeTags."""

from __future__ import annotations

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.registry import Ctx, on, operation
from casemate.services.ec2.state import Ec2State

TAG_FILTERS = {
    "key": "Key",
    "resource-id": "ResourceId",
    "resource-type": "ResourceType",
    "value": "Value",
}


def _require(state: Ec2State, ctx: Ctx, resource_id: str) -> None:
    """AwsError when nothing of that id exists."""
    kind = tags.resource_type(resource_id)
    if kind == "security-group-rule":
        rules = (rule.rule_id for group in state.groups.all(ctx) for rule in group.rules)
        if resource_id not in rules:
            raise errors.GROUP_RULE.missing(resource_id)
        return
    if kind == "vpc-peering-connection":
        if not any(each.id == resource_id for each in state.peerings.everywhere()):
            raise errors.PEERING.missing(resource_id)
        return
    if kind == "volume":
        volumes = (device.volume_id for instance in state.instances.all(ctx) for device in instance.devices)
        if resource_id not in volumes:
            raise errors.VOLUME.missing(resource_id)
        return
    state.by_type[kind].get(ctx, resource_id)


def _resources(params: Params) -> list[str]:
    resources = params.get("Resources")
    if not resources:
        raise errors.missing_parameter("resourceIdSet")
    return list(resources)


@operation("CreateTags", on=(on("", "Resources"),))
def create_tags(ctx: Ctx, params: Params) -> Output:
    if not params.get("Tags"):
        raise errors.missing_parameter("tagSet")
    resources = _resources(params)
    for each in resources:
        _require(ctx.state, ctx, each)
    for each in resources:
        tags.add(ctx.state, ctx, each, params["Tags"])
    return {}


@operation("DeleteTags", on=(on("", "Resources"),))
def delete_tags(ctx: Ctx, params: Params) -> Output:
    for each in _resources(params):
        _require(ctx.state, ctx, each)
        tags.remove(ctx.state, ctx, each, params.get("Tags"))
    return {}


@operation("DescribeTags")
def describe_tags(ctx: Ctx, params: Params) -> Output:
    rows: list[Rendered] = [
        {"ResourceId": key[2], "ResourceType": tags.resource_type(key[2]), "Key": name, "Value": value}
        for key, found in ctx.state.tags.items(ctx.account, ctx.region)
        for name, value in found.tags.items()
    ]
    # Here `tag:Owner` is about the tag in the row, not about tags of the row.
    asked = [
        each
        if not str(each.get("Name", "")).startswith("tag:")
        else {"Name": "value", "Values": each.get("Values"), "Key": str(each["Name"])[4:]}
        for each in params.get("Filters") or ()
    ]
    for each in asked:
        if "Key" in each:
            rows = [row for row in rows if row["Key"] == each["Key"]]
    return paged(filtered(rows, {"Filters": asked}, TAG_FILTERS), params, "Tags")
