"""Pages of KMS: Limit, Marker, NextMarker, Truncated."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from casemate.servicekit.paging import InvalidTokenError, page
from casemate.servicekit.service import Params
from casemate.services.kms.errors import invalid_marker, validation

T = TypeVar("T")


def paged(
    params: Params,
    member: str,
    items: Iterable[T],
    *,
    key: Callable[[T], str],
    shape: Callable[[T], Any],
    default: int,
    most: int | None = None,
) -> dict[str, Any]:
    """One page of `items` as output member `member`. `most`: where that is fewer than the model's 1,000."""
    if most is not None and int(params.get("Limit") or default) > most:
        raise validation(
            f"1 validation error detected: Value '{params['Limit']}' at 'limit' failed to satisfy constraint: Member "
            f"must have value less than or equal to {most}"
        )
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
