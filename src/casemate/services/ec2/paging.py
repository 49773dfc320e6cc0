"""What all Describe operations do: select by id, filter, cut into pages."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from casemate.services.ec2 import errors
from casemate.services.ec2.filters import FilterPaths, check_names, matches
from casemate.services.ec2.records import Place, Record
from casemate.services.ec2.shelf import Shelf

R = TypeVar("R", bound=Record)
Rendered = dict[str, Any]


def selected(shelf: Shelf[R], place: Place, ids: Sequence[str] | None) -> list[R]:
    """The resources of those ids, or all; AwsError when one does not exist."""
    if not ids:
        return shelf.all(place)
    return [shelf.get(place, each) for each in dict.fromkeys(ids)]


def filtered(outputs: Iterable[Rendered], params: Mapping[str, Any], paths: FilterPaths) -> list[Rendered]:
    """Those that pass the request's filters."""
    filters = params.get("Filters") or ()
    check_names(filters, paths)
    return [output for output in outputs if matches(output, filters, paths)]


def _start(params: Mapping[str, Any]) -> int:
    token = params.get("NextToken")
    if not token:
        return 0
    try:
        kind, _, offset = urlsafe_b64decode(str(token).encode()).decode().partition(":")
        if kind != "casemate":
            raise errors.invalid_next_token()
        return int(offset)
    except (Base64Error, ValueError) as error:
        raise errors.invalid_next_token() from error


def paged(
    outputs: list[Rendered], params: Mapping[str, Any], member: str, *, smallest: int = 5, largest: int = 1000
) -> Rendered:
    """One page under the name `member`, with NextToken when more follow."""
    size = params.get("MaxResults")
    if size is not None and size < smallest:
        raise errors.invalid_value(
            f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value greater than {smallest}."
        )
    start = _start(params)
    if size is None:
        return {member: outputs[start:]}
    end = start + min(size, largest)
    page: Rendered = {member: outputs[start:end]}
    if end < len(outputs):
        page["NextToken"] = urlsafe_b64encode(f"casemate:{end}".encode()).decode()
    return page


def described(
    shelf: Shelf[R],
    place: Place,
    params: Mapping[str, Any],
    *,
    member: str,
    ids: str,
    render: Callable[[R], Rendered],
    paths: FilterPaths,
    smallest: int = 5,
) -> Rendered:
    """A whole Describe operation for a shelf."""
    records = selected(shelf, place, params.get(ids))
    return paged(filtered(map(render, records), params, paths), params, member, smallest=smallest)
