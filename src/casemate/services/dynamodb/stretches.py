"""Reading that takes long: a stretch in the turn of the request, the others when everybody else has had his.

What a stretch saw is asked about in its own turn (`Service.seen`): in the next one somebody else may have asked already,
which forgets it. The answer waits for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Output
from casemate.services.dynamodb.errors import resource_not_found
from casemate.services.dynamodb.registry import until_seen_durable
from casemate.services.dynamodb.state import DynamoState
from casemate.tables.reads import Reading

T = TypeVar("T")


def in_stretches(
    state: DynamoState,
    steps: Generator[None, None, T],
    answer: Callable[[T], Output],
    still_there: Callable[[], object],
) -> Output | Awaitable[Output]:
    """The answer, or the rest of the way to it.

    `still_there` is called after every pause: it raises when what is read was taken away meanwhile.
    """
    try:
        next(steps)
    except StopIteration as over:
        return answer(over.value)
    seen = _Seen(state)
    seen.ask()
    return _rest(seen, steps, answer, still_there)


async def _rest(
    seen: _Seen,
    steps: Generator[None, None, T],
    answer: Callable[[T], Output],
    still_there: Callable[[], object],
) -> Output:
    try:
        while True:
            await asyncio.sleep(0)
            still_there()
            try:
                next(steps)
            except StopIteration as over:
                found = answer(over.value)
                break
            seen.ask()
    except Exception:
        await seen.lasts()
        raise
    await seen.lasts()
    return found


class _Seen:
    """What stretches saw, and whether it is durable."""

    def __init__(self, state: DynamoState) -> None:
        self._state = state
        self._unanswered = 0
        self._error: AwsError | None = None
        self._answered: asyncio.Future[None] | None = None

    def ask(self) -> None:
        """Of the stretch that was read in this turn."""
        self._unanswered += 1
        until_seen_durable(self._state, self._told)

    def _told(self, error: AwsError | None) -> None:
        self._unanswered -= 1
        self._error = self._error or error
        if self._answered is not None and not self._unanswered and not self._answered.done():
            self._answered.set_result(None)

    async def lasts(self) -> None:
        """Until all of it is, and what was seen in this turn; AwsError when it cannot be."""
        self.ask()
        if self._unanswered:
            self._answered = asyncio.get_running_loop().create_future()
            await self._answered
        if self._error is not None:
            raise self._error


def still_readable(ctx: Context[DynamoState], name: str, reading: Reading) -> None:
    """Whether the table, and the index, are those that the reading began with."""
    table = ctx.state.table(ctx, name).schema
    index = reading.index
    present = None if index is None else table.indexes.get(index.name)
    if table.table_id != reading.table.table_id or (
        index is not None and (present is None or present.number != index.number)
    ):
        raise resource_not_found()
