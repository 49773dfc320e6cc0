"""Tags of functions and of event source mappings."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.event_sources.mappings import EventSourceMapping, mapping_key
from casemate.services.lambda_.names import parse_arn
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx
from casemate.services.lambda_.state import Function

_LIMIT = 50


def _on_resource(action: str) -> Callable[[Ctx, Params], Iterable[Check]]:
    return lambda _ctx, params: [Check(action=f"lambda:{action}", resource=params["Resource"])]


def _tagged(ctx: Ctx, params: Params) -> Function | EventSourceMapping:
    key = mapping_key(params["Resource"])
    if key is not None:
        mapping = ctx.state.event_sources.get(*key)
        if mapping is None:
            raise errors.not_found_here("The resource you requested does not exist.")
        return mapping
    name = parse_arn(params["Resource"])
    if name is None:
        raise errors.constraint(params["Resource"], "resource", "satisfy regular expression pattern: arn:...")
    if name.qualifier is not None:
        raise errors.invalid(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return ctx.state.latest(name)


def _keep(ctx: Ctx, tagged: Function | EventSourceMapping, tags: dict[str, str]) -> None:
    if isinstance(tagged, Function):
        ctx.state.functions.put(tagged.key, replace(tagged, tags=tags))
    else:
        ctx.state.event_sources.put(tagged.key, replace(tagged, tags=tags))


@OPERATIONS.operation("TagResource", checks=_on_resource("TagResource"))
def tag_resource(ctx: Ctx, params: Params) -> Output:
    """Add tags."""
    tagged = _tagged(ctx, params)
    tags = {**tagged.tags, **params["Tags"]}
    if len(tags) > _LIMIT:
        raise errors.invalid(f"Too many tags. Maximum number of tags is {_LIMIT}.")
    _keep(ctx, tagged, tags)
    return {}


@OPERATIONS.operation("UntagResource", checks=_on_resource("UntagResource"))
def untag_resource(ctx: Ctx, params: Params) -> Output:
    """Remove tags."""
    tagged = _tagged(ctx, params)
    tags = {key: value for key, value in tagged.tags.items() if key not in params["TagKeys"]}
    _keep(ctx, tagged, tags)
    return {}


@OPERATIONS.operation("ListTags", checks=_on_resource("ListTags"))
def list_tags(ctx: Ctx, params: Params) -> Output:
    """The tags."""
    return {"Tags": _tagged(ctx, params).tags}
