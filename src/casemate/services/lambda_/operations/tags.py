"""Tags of functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from casemate.servicekit.service import Check, Output, Params
from casemate.services.lambda_ import errors
from casemate.services.lambda_.names import parse_arn
from casemate.services.lambda_.operations.registry import OPERATIONS, Ctx
from casemate.services.lambda_.state import Function

_LIMIT = 50


def _on_resource(action: str) -> Callable[[Ctx, Params], Iterable[Check]]:
    return lambda _ctx, params: [Check(action=f"lambda:{action}", resource=params["Resource"])]


def _tagged(ctx: Ctx, params: Params) -> Function:
    name = parse_arn(params["Resource"])
    if name is None:
        raise errors.constraint(params["Resource"], "resource", "satisfy regular expression pattern: arn:...")
    if name.qualifier is not None:
        raise errors.invalid(
            "Tags on function aliases and versions are not supported. Please specify a function ARN."
        )
    return ctx.state.latest(name)


@OPERATIONS.operation("TagResource", checks=_on_resource("TagResource"))
def tag_resource(ctx: Ctx, params: Params) -> Output:
    """Add tags."""
    function = _tagged(ctx, params)
    tags = {**function.tags, **params["Tags"]}
    if len(tags) > _LIMIT:
        raise errors.invalid(f"Too many tags. Maximum number of tags is {_LIMIT}.")
    ctx.state.functions.put(function.key, replace(function, tags=tags))
    return {}


@OPERATIONS.operation("UntagResource", checks=_on_resource("UntagResource"))
def untag_resource(ctx: Ctx, params: Params) -> Output:
    """Remove tags."""
    function = _tagged(ctx, params)
    tags = {key: value for key, value in function.tags.items() if key not in params["TagKeys"]}
    ctx.state.functions.put(function.key, replace(function, tags=tags))
    return {}


@OPERATIONS.operation("ListTags", checks=_on_resource("ListTags"))
def list_tags(ctx: Ctx, params: Params) -> Output:
    """The tags."""
    return {"Tags": _tagged(ctx, params).tags}
