"""What a function's answer says of the batch it was given. Pure.

Source: Lambda Developer Guide, "Configuring partial batch response with DynamoDB and Lambda", success and failure
conditions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast


def first_failure(
    sequences: Sequence[str], payload: bytes, *, failed: bool, reports_failures: bool
) -> int | None:
    """The place of the first record to try again; None when the whole batch is processed.

    "Lambda uses the lowest sequence number as the checkpoint"; what cannot be read is a complete failure.
    """
    if failed:
        return 0
    if not reports_failures:
        return None
    try:
        answer: object = json.loads(payload or b"null")
    except (ValueError, RecursionError):
        return 0
    if answer is None or answer == {}:
        return None
    if not isinstance(answer, dict):
        return 0
    items = cast("Mapping[str, Any]", answer).get("batchItemFailures", [])
    if items is None or items == []:
        return None
    if not isinstance(items, list):
        return 0
    places = [_place(sequences, item) for item in cast("list[object]", items)]
    return min(0 if place is None else place for place in places)


def _place(sequences: Sequence[str], item: object) -> int | None:
    """Where a reported record is; None for an empty, a null or an unknown identifier, and for a bad key name."""
    if not isinstance(item, dict):
        return None
    identifier = cast("Mapping[str, Any]", item).get("itemIdentifier")
    if not isinstance(identifier, str) or identifier not in sequences:
        return None
    return sequences.index(identifier)
