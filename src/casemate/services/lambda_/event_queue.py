"""The queue of asynchronous events: durable, at least once. `asynchronous` decides, this performs.

An event is in the store before its caller is told 202, and leaves it in the transaction that hands its record to a
destination: whatever ends this process at whatever moment, the event runs again when Casemate is started again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

from casemate.model.errors import AwsError
from casemate.servicekit.clock import Clock
from casemate.servicekit.store import Collection, Store
from casemate.services.lambda_.asynchronous import (
    Answer,
    Done,
    EventInvokeConfig,
    QueuedEvent,
    after_attempt,
    before_attempt,
)
from casemate.services.lambda_.lanes import Lanes

_log = logging.getLogger(__name__)

AT_ONCE = 100
"""Events of one function that run at the same time, or its reserved concurrency if that is less: the queue does not read
what could only be throttled. Lambda's own readers scale further; one machine's memory does not."""
_LONGEST_NAP = 3600.0
"""A wait is looked at again after this: the clock may have been moved meanwhile."""


class Delivery(Protocol):
    """What the queue asks of the functions it delivers to."""

    async def attempt(self, event: QueuedEvent) -> Answer:
        """Run the event once; AwsError when it could not run."""
        ...

    def config(self, event: QueuedEvent) -> EventInvokeConfig | None:
        """The limits that apply now."""
        ...

    def reserved(self, event: QueuedEvent) -> int | None:
        """The function's reserved concurrency."""
        ...

    def finish(self, done: Done, now: datetime) -> None:
        """Send the record, if somebody wants it. Inside the transaction that removes the event."""
        ...


class EventQueue:
    """Runs what is in the collection until it is empty."""

    def __init__(
        self,
        store: Store,
        events: Collection[QueuedEvent],
        delivery: Delivery,
        *,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._events = events
        self._delivery = delivery
        self._clock = clock
        self._sleep = sleep
        self._lanes = Lanes()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._accepted: list[str] = []
        """Ids put since the last commit."""
        store.subscribe(self._committed)

    def put(self, event: QueuedEvent) -> None:
        """Accept an event, inside a transaction; it runs once that is committed."""
        self._events.put((event.id,), event)
        self._accepted.append(event.id)

    def start(self) -> None:
        """Run what an earlier life of this Casemate accepted and did not finish."""
        self._schedule([event.id for event in self._events.values()])

    async def settle(self) -> None:
        """Until nothing is left to run or to wait for."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values())

    def close(self) -> None:
        """Stop; what is not done stays in the store."""
        for task in self._tasks.values():
            task.cancel()

    def _committed(self, collections: frozenset[str]) -> None:
        if self._events.name in collections:
            accepted, self._accepted = self._accepted, []
            self._schedule(accepted)

    def _schedule(self, event_ids: Sequence[str]) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # nobody runs anything here; `start` looks at the store
        for event_id in event_ids:
            if event_id not in self._tasks:
                task = self._tasks[event_id] = loop.create_task(self._deliver(event_id))
                task.add_done_callback(lambda _, gone=event_id: self._tasks.pop(gone, None))

    async def _deliver(self, event_id: str) -> None:
        """Until it is done."""
        while (event := self._events.get(event_id)) is not None:
            wait = (event.due - self._clock()).total_seconds()
            if wait > 0:
                await self._sleep(min(wait, _LONGEST_NAP))
                continue
            lane = f"{event.account}:{event.region}:{event.function}"
            reserved = self._delivery.reserved(event)
            async with self._lanes.entered(lane, min(AT_ONCE, reserved or AT_ONCE)):
                try:
                    await self._step(event)
                except Exception:
                    # A defect here must not make the event run for ever, nor lose it: it waits for the next start.
                    _log.exception("the event %s could not be processed", event_id)
                    return

    async def _step(self, event: QueuedEvent) -> None:
        config = self._delivery.config(event)
        reserved = self._delivery.reserved(event)
        result: Done | QueuedEvent | None = before_attempt(
            event, config, reserved=reserved, now=self._clock()
        )
        if result is None:
            try:
                answer: Answer | AwsError = await self._delivery.attempt(event)
            except AwsError as error:
                answer = error
            result = after_attempt(event, answer, config, now=self._clock())
        with self._store.transaction():
            if isinstance(result, QueuedEvent):
                self._events.put((event.id,), result)
            else:
                self._events.delete(event.id)
                self._delivery.finish(result, self._clock())
