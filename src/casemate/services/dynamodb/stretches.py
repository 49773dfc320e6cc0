"""Reading that takes long: a stretch in the turn of the request, the others when everybody else has had his."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

from casemate.servicekit.service import Context, Output
from casemate.services.dynamodb.errors import resource_not_found
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.reads import Reading

T = TypeVar("T")


def in_stretches(
    steps: Generator[None, None, T], answer: Callable[[T], Output], still_there: Callable[[], object]
) -> Output | Awaitable[Output]:
    """The answer, or the rest of the way to it.

    `still_there` is called after every pause: it raises when what is read was taken away meanwhile.
    """
    try:
        next(steps)
    except StopIteration as over:
        return answer(over.value)
    return _rest(steps, answer, still_there)


async def _rest(
    steps: Generator[None, None, T], answer: Callable[[T], Output], still_there: Callable[[], object]
) -> Output:
    while True:
        await asyncio.sleep(0)
        still_there()
        try:
            next(steps)
        except StopIteration as over:
            return answer(over.value)


def still_readable(ctx: Context[DynamoState], name: str, reading: Reading) -> None:
    """Whether the table, and the index, are those that the reading began with."""
    table = ctx.state.table(ctx, name).schema
    index = reading.index
    present = None if index is None else table.indexes.get(index.name)
    if table.table_id != reading.table.table_id or (
        index is not None and (present is None or present.number != index.number)
    ):
        raise resource_not_found()
