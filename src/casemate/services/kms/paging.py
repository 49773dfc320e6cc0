"""Pages of KMS: Limit, Marker, NextMarker, Truncated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from casemate.servicekit.paging import InvalidTokenError, page
from casemate.servicekit.service import Params
from casemate.services.kms.errors import invalid_marker

T = TypeVar("T")


def paged(
    params: Params,
    member: str,
    items: Iterable[T],
    *,
    key: Callable[[T], str],
    shape: Callable[[T], Any],
    default: int,
) -> dict[str, Any]:
    """One page of `items` as output member `member`."""
    try:
        chosen, marker = page(
            items, key=key, limit=int(params.get("Limit") or default), token=params.get("Marker")
        )
    except InvalidTokenError as error:
        raise invalid_marker() from error
    output: dict[str, Any] = {member: [shape(item) for item in chosen], "Truncated": marker is not None}
    if marker is not None:
        output["NextMarker"] = marker
    return output
