"""Pages of Organizations: NextToken and MaxResults (20 at most, and unless told)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from casemate.servicekit.paging import InvalidTokenError, page
from casemate.servicekit.service import Params
from casemate.services.organizations.errors import invalid_input

T = TypeVar("T")


def paged(
    params: Params, member: str, items: Iterable[T], *, key: Callable[[T], str], shape: Callable[[T], Any]
) -> dict[str, Any]:
    """One page of `items` as output member `member`."""
    try:
        chosen, token = page(
            items, key=key, limit=int(params.get("MaxResults") or 20), token=params.get("NextToken")
        )
    except InvalidTokenError as error:
        raise invalid_input("INVALID_NEXT_TOKEN") from error
    output: dict[str, Any] = {member: [shape(item) for item in chosen]}
    if token is not None:
        output["NextToken"] = token
    return output
