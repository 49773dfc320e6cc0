"""Tags as Organizations checks them."""

from __future__ import annotations

from typing import cast

from casemate.servicekit.service import Params
from casemate.services.organizations.errors import constraint_violation, invalid_input

_MOST = 50


def requested_tags(params: Params) -> dict[str, str]:
    """The `Tags` of a request."""
    listed = cast("list[dict[str, str]]", params.get("Tags") or [])
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    if len(tags) != len(listed):
        raise invalid_input("DUPLICATE_TAG_KEY")
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid_input("INVALID_SYSTEM_TAGS_PARAMETER")
    return within_quota(tags)


def within_quota(tags: dict[str, str]) -> dict[str, str]:
    """The tags, unless they are too many."""
    if len(tags) > _MOST:
        raise constraint_violation("MAX_TAG_LIMIT_EXCEEDED")
    return tags
