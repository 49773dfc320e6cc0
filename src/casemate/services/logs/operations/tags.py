"""Tags of log groups, by ARN and (the older operations) by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from casemate.servicekit.service import Check, Output, Params
from casemate.services.logs import errors
from casemate.services.logs.operations.registry import OPERATIONS, Ctx, checked, group_of
from casemate.services.logs.state import LogGroup

_TAG_LIMIT = 50


def _on_resource(action: str) -> Callable[[Ctx, Params], Iterable[Check]]:
    return lambda _ctx, params: [Check(action=f"logs:{action}", resource=params["resourceArn"])]


def _resource(ctx: Ctx, params: Params) -> LogGroup:
    return group_of(ctx, {"logGroupIdentifier": params["resourceArn"]})


def _tag(ctx: Ctx, group: LogGroup, tags: dict[str, str]) -> Output:
    merged = {**group.tags, **tags}
    if len(merged) > _TAG_LIMIT:
        raise errors.invalid("The number of tags exceeds the limit of 50")
    ctx.state.groups.put(group.key, replace(group, tags=merged))
    return {}


def _untag(ctx: Ctx, group: LogGroup, keys: list[str]) -> Output:
    kept = {key: value for key, value in group.tags.items() if key not in keys}
    ctx.state.groups.put(group.key, replace(group, tags=kept))
    return {}


@OPERATIONS.operation("TagResource", checks=_on_resource("TagResource"))
def tag_resource(ctx: Ctx, params: Params) -> Output:
    """Add tags."""
    return _tag(ctx, _resource(ctx, params), params["tags"])


@OPERATIONS.operation("UntagResource", checks=_on_resource("UntagResource"))
def untag_resource(ctx: Ctx, params: Params) -> Output:
    """Remove tags."""
    return _untag(ctx, _resource(ctx, params), params["tagKeys"])


@OPERATIONS.operation("ListTagsForResource", checks=_on_resource("ListTagsForResource"))
def list_tags_for_resource(ctx: Ctx, params: Params) -> Output:
    """The tags."""
    return {"tags": _resource(ctx, params).tags}


@OPERATIONS.operation("TagLogGroup", checks=checked("TagLogGroup"))
def tag_log_group(ctx: Ctx, params: Params) -> Output:
    """Add tags, by name."""
    return _tag(ctx, group_of(ctx, params), params["tags"])


@OPERATIONS.operation("UntagLogGroup", checks=checked("UntagLogGroup"))
def untag_log_group(ctx: Ctx, params: Params) -> Output:
    """Remove tags, by name."""
    return _untag(ctx, group_of(ctx, params), params["tags"])


@OPERATIONS.operation("ListTagsLogGroup", checks=checked("ListTagsLogGroup"))
def list_tags_log_group(ctx: Ctx, params: Params) -> Output:
    """The tags, by name."""
    return {"tags": group_of(ctx, params).tags}
