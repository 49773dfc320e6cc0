"""IAM's pages: Marker and MaxItems (100 unless told)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from casemate.servicekit.paging import InvalidTokenError, page
from casemate.servicekit.service import Params
from casemate.services.iam.errors import validation_error

T = TypeVar("T")


def paged(
    params: Params, member: str, items: Iterable[T], *, key: Callable[[T], str], shape: Callable[[T], Any]
) -> dict[str, Any]:
    """One page of `items` as output member `member`."""
    try:
        chosen, marker = page(
            items, key=key, limit=int(params.get("MaxItems") or 100), token=params.get("Marker") or None
        )
    except InvalidTokenError as error:
        raise validation_error(f"Invalid Marker: {error}") from error
    output: dict[str, Any] = {member: [shape(item) for item in chosen], "IsTruncated": marker is not None}
    if marker is not None:
        output["Marker"] = marker
    return output
