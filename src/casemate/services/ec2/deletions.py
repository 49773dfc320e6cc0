"""Deleting several resources in one call: those that cannot be deleted are listed, the others are gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from casemate.servicekit.service import Output
from casemate.services.ec2.errors import Noun
from casemate.services.ec2.paging import Rendered
from casemate.services.ec2.records import Record
from casemate.services.ec2.registry import Ctx
from casemate.services.ec2.shelf import Shelf

R = TypeVar("R", bound=Record)


def delete_each(
    ctx: Ctx, shelf: Shelf[R], noun: Noun, ids: list[str], *, before: Callable[[R], None] | None = None
) -> Output:
    """`before` is what has to go first."""
    unsuccessful: list[Rendered] = []
    for resource_id in ids:
        record = shelf.find(ctx, resource_id)
        if record is None:
            missing = noun.missing(resource_id)
            error = {"Code": missing.code, "Message": missing.message}
            unsuccessful.append({"ResourceId": resource_id, "Error": error})
            continue
        if before is not None:
            before(record)
        ctx.state.discard(shelf, record)
    return {"Unsuccessful": unsuccessful}
