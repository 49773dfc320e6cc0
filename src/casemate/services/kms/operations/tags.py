"""TagResource, UntagResource, ListResourceTags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from casemate.servicekit.service import Context, Output, Params
from casemate.services.kms.errors import limit_exceeded, tag_error
from casemate.services.kms.names import named
from casemate.services.kms.paging import paged
from casemate.services.kms.permissions import on_key, tag_keys
from casemate.services.kms.registry import operations
from casemate.services.kms.state import KmsState
from casemate.services.kms.use import require_not_pending

_MOST = 50
_PAGE = 50


def checked_tags(present: Mapping[str, str], given: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Present tags with the given ones over them; TagException, LimitExceededException."""
    pairs = [(tag["TagKey"], tag["TagValue"]) for tag in given]
    added = dict(pairs)
    if len(added) != len(pairs):
        raise tag_error("Duplicate tag keys")
    if any(name.lower().startswith("aws:") for name in added):
        raise tag_error("Tags beginning with aws: are reserved")
    tags = {**present, **added}
    if len(tags) > _MOST:
        raise limit_exceeded(f"A key may have at most {_MOST} tags")
    return tags


@operations.operation(
    "TagResource", checks=on_key("TagResource", request=lambda params: tag_keys(params["Tags"]))
)
def tag_resource(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    require_not_pending(key)
    ctx.state.keys.put(key.key, replace(key, tags=checked_tags(key.tags, params["Tags"])))
    return {}


@operations.operation(
    "UntagResource",
    checks=on_key("UntagResource", request=lambda params: {"aws:TagKeys": tuple(params["TagKeys"])}),
)
def untag_resource(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    require_not_pending(key)
    kept = {name: value for name, value in key.tags.items() if name not in params["TagKeys"]}
    ctx.state.keys.put(key.key, replace(key, tags=kept))
    return {}


@operations.operation("ListResourceTags", checks=on_key("ListResourceTags"))
def list_resource_tags(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    return paged(
        params,
        "Tags",
        key.tags.items(),
        key=lambda pair: pair[0],
        shape=lambda pair: {"TagKey": pair[0], "TagValue": pair[1]},
        default=_PAGE,
        most=_PAGE,
    )
