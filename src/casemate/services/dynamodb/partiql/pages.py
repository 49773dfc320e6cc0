"""Reading what a SELECT selected: one page, its token, the attributes asked for."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.partiql.selection import Selection
from casemate.tables.capacity import Units
from casemate.tables.engine import TablesEngine
from casemate.tables.partiql.nodes import Path
from casemate.tables.reads import PAGE_BYTES, STRETCH, Page, Reading
from casemate.tables.values import WireItem, item_from_wire

_UNIT_BYTES = 4096


class Place(Struct, frozen=True, kw_only=True):
    """Where the next page begins."""

    partition: int = 0
    start: WireItem | None = None


@dataclass(kw_only=True, slots=True)
class Selected:
    """One page of a SELECT."""

    items: list[WireItem] = field(default_factory=list[WireItem])
    units: Units = field(default_factory=Units)
    last_key: WireItem | None = None
    following: Place | None = None


def read_selected(
    engine: TablesEngine, selection: Selection, reading: Reading, place: Place
) -> Generator[None, None, Selected]:
    """Read partitions one after the other, up to the limit or a megabyte; in stretches, as pages are read."""
    found = Selected()
    if selection.partitions is None:
        page = yield from engine.scan_steps(_from(reading, place))
        _add(found, page)
        if page.last_key is not None:
            found.following = Place(start=page.last_key)
        return found
    left, looked_at = reading.limit, 0
    for number in range(place.partition, len(selection.partitions)):
        start = place.start if number == place.partition else None
        here = _from(replace(reading, limit=left), Place(start=start))
        page = yield from engine.query_steps(here, selection.terms, selection.partition_values(number))
        _add(found, page)
        left = None if left is None else left - page.scanned
        if page.last_key is not None:
            found.following = Place(partition=number, start=page.last_key)
        elif number + 1 < len(selection.partitions) and (left == 0 or _is_full(found.units, reading)):
            found.following = Place(partition=number + 1)
        if found.following is not None:
            break
        looked_at += page.scanned
        if looked_at >= STRETCH:
            looked_at = 0
            yield
    return found


def _from(reading: Reading, place: Place) -> Reading:
    return reading if place.start is None else replace(reading, start_after=item_from_wire(place.start))


def _add(found: Selected, page: Page) -> None:
    found.items += page.items
    found.units.add(page.units)
    found.last_key = page.last_key


def _is_full(units: Units, reading: Reading) -> bool:
    """Whether about a megabyte was read: partitions of one page share its bound."""
    read = units.table + sum(units.indexes.values())
    return read * _UNIT_BYTES * (1 if reading.consistent else 2) >= PAGE_BYTES


def picked(item: WireItem, paths: Sequence[Path] | None) -> WireItem:
    """The attributes a SELECT lists, each under its path from the last name on; those that are missing stay out.

    `a.b[0]` comes as `b[0]` (observed by the authors of paritysuite/dynamodb-conformance; floci issue 3798 says it).
    """
    if paths is None:
        return item
    result: WireItem = {}
    for path in paths:
        found = _find(item, path)
        if found is not None:
            result[_shown_name(path)] = found
    return result


def _shown_name(path: Path) -> str:
    name = ""
    for element in path.elements:
        name = element if isinstance(element, str) else f"{name}[{element}]"
    return name


def _find(item: WireItem, path: Path) -> dict[str, Any] | None:
    value: Any = {"M": item}
    for element in path.elements:
        if isinstance(element, str):
            value = value.get("M", {}).get(element)
        else:
            members = value.get("L", ())
            value = members[element] if element < len(members) else None
        if value is None:
            return None
    return value


# NextToken: opaque to the caller, good for the statement it was given for only.


def token_of(place: Place, statement: bytes) -> str:
    raw = msgspec.msgpack.encode((sha256(statement).digest()[:16], place.partition, place.start))
    return urlsafe_b64encode(raw).decode()


def place_of(token: str | None, statement: bytes) -> Place:
    """ValidationException when the token is none, or of another statement."""
    if token is None:
        return Place()
    try:
        digest, partition, start = msgspec.msgpack.decode(
            urlsafe_b64decode(token.encode()), type=tuple[bytes, int, dict[str, dict[str, Any]] | None]
        )
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise validation("Invalid NextToken") from None
    if digest != sha256(statement).digest()[:16] or partition < 0:
        raise validation("NextToken does not match request")
    return Place(partition=partition, start=start)
