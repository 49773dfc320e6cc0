"""Telemetry: an extension subscribes, and what is logged is delivered to it, inside its own network.

Source: Lambda Developer Guide, "Accessing real-time telemetry data for extensions using the Telemetry API", "Lambda
Telemetry API Event schema reference"; "Lambda Logs API" for those who subscribe there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from casemate.execution import logs_api, platform_events, runtime_api
from casemate.execution.platform_events import PlatformEvent
from casemate.execution.runtime_api import Reply
from casemate.execution.sandbox.client import SandboxError
from casemate.execution.subscriptions import Api, Subscription, SubscriptionError, subscription
from casemate.execution.telemetry_delivery import Connect, Delivery

_BACKLOG_BATCHES = 8
"""Full buffers that may wait for a slow subscriber; what comes after them is dropped."""
_HISTORY_LIMIT = 8 * 1024 * 1024
"""Bytes kept for who subscribes later in the initialization; what a function logs beyond them is lost to it."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0
"""Seconds between attempts: "Lambda retries to send telemetry (with backoff) in the absence of a listener"."""

_OF_LOGS_ONLY = frozenset({"platform.fault", "platform.logsSubscription"})
"""Events that the Telemetry API has no schema for."""


@dataclass(slots=True)
class _Subscriber:
    """A subscription, and what waits to be sent."""

    subscription: Subscription
    delivery: Delivery
    waiting: list[str] = field(default_factory=list[str])
    size: int = 0
    dropped: int = 0
    dropped_size: int = 0
    timer: asyncio.TimerHandle | None = None
    sending: asyncio.Task[None] | None = None
    urged: asyncio.Event = field(default_factory=asyncio.Event)
    """There is no time to wait between attempts any more."""


class Telemetry:
    """The subscribers of one environment."""

    def __init__(self, connect: Connect, *, now: Callable[[], Any], structured: bool = False) -> None:
        """`structured`: the function's log is JSON."""
        self._connect = connect
        self._now = now
        self._structured = structured
        self._subscribers: dict[str, _Subscriber] = {}
        self._history: list[Mapping[str, Any]] | None = []
        self._history_size = 0
        """What happened since initialization began: who subscribes later gets it, too. None once it is over."""

    @property
    def wanted(self) -> bool:
        """Whether anybody gets what is logged, or may yet."""
        return bool(self._subscribers) or self._history is not None

    def subscribe(
        self, name: str, body: bytes, api: Api = Api.TELEMETRY
    ) -> tuple[Reply, PlatformEvent | None]:
        """The answer to a subscription, and what the platform says of it. Who subscribes again gets nothing twice."""
        try:
            wanted = subscription(name, body, api)
        except SubscriptionError as error:
            return runtime_api.refusal(400, api.error_type, str(error)), None
        known = self._subscribers.get(name)
        if known is not None and known.subscription.api is not api:
            # "any attempt to subscribe using the other API returns an error"; which one is not documented.
            message = "The extension has subscribed by the other API already"
            return runtime_api.refusal(400, api.error_type, message), None
        delivery = Delivery(wanted, self._connect)
        if known is None:
            self._subscribers[name] = subscriber = _Subscriber(wanted, delivery)
            for event in self._history or ():
                self._offer(subscriber, event)
        else:
            known.delivery.close()
            known.subscription, known.delivery = wanted, delivery
        said = (
            platform_events.logs_subscription if api is Api.LOGS else platform_events.telemetry_subscription
        )
        return Reply(status=200, body=b'"OK"'), said(name, wanted.types)

    def initialized(self) -> None:
        """Nobody new will come."""
        self._history = None

    def take(self, event: Mapping[str, Any]) -> None:
        """Something was logged."""
        if self._history is not None and self._history_size <= _HISTORY_LIMIT:
            self._history_size += len(json.dumps(event))
            self._history.append(event)
        for subscriber in self._subscribers.values():
            self._offer(subscriber, event)

    async def flush(self) -> None:
        """Send what waits, now."""
        for subscriber in self._subscribers.values():
            subscriber.urged.set()
            self._send(subscriber)
        sending = [one.sending for one in self._subscribers.values() if one.sending is not None]
        if sending:
            await asyncio.wait(sending)

    def close(self) -> None:
        """Forget what waits."""
        for subscriber in self._subscribers.values():
            if subscriber.timer is not None:
                subscriber.timer.cancel()
            if subscriber.sending is not None:
                subscriber.sending.cancel()
            subscriber.delivery.close()
        self._subscribers.clear()

    def _offer(self, subscriber: _Subscriber, event: Mapping[str, Any]) -> None:
        wanted = subscriber.subscription
        if str(event["type"]).partition(".")[0] in wanted.types:
            for one in self._as_wanted(event, wanted):
                self._put(subscriber, _text(one, otherwise=event))

    def _as_wanted(self, event: Mapping[str, Any], wanted: Subscription) -> Iterable[Mapping[str, Any]]:
        if wanted.api is Api.LOGS:
            return logs_api.events(event, wanted.schema)
        if event["type"] in _OF_LOGS_ONLY:
            return ()
        if self._structured and wanted.structured and isinstance(event["record"], str):
            with contextlib.suppress(ValueError, RecursionError):
                record = json.loads(event["record"])
                if isinstance(record, dict):
                    return ({**event, "record": record},)
        return (event,)

    def _put(self, subscriber: _Subscriber, text: str) -> None:
        wanted = subscriber.subscription
        if subscriber.size > wanted.most_bytes * _BACKLOG_BATCHES:
            subscriber.dropped += 1
            subscriber.dropped_size += len(text)
            return
        subscriber.waiting.append(text)
        subscriber.size += len(text)
        if len(subscriber.waiting) >= wanted.most_items or subscriber.size >= wanted.most_bytes:
            self._send(subscriber)
        elif subscriber.timer is None:
            loop = asyncio.get_running_loop()
            subscriber.timer = loop.call_later(wanted.seconds, self._send, subscriber)

    def _send(self, subscriber: _Subscriber) -> None:
        if subscriber.timer is not None:
            subscriber.timer.cancel()
            subscriber.timer = None
        if subscriber.sending is None and subscriber.waiting:
            subscriber.sending = asyncio.get_running_loop().create_task(self._deliver(subscriber))

    async def _deliver(self, subscriber: _Subscriber) -> None:
        """One batch after another until nothing waits; one that was not taken is sent again."""
        pause = _FIRST_PAUSE
        try:
            while subscriber.waiting:
                if subscriber.dropped:
                    self._confess(subscriber)
                batch = _batch(subscriber)
                try:
                    await subscriber.delivery.send(batch)
                except OSError:
                    if subscriber.urged.is_set():
                        return
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(subscriber.urged.wait(), pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                    continue
                pause = _FIRST_PAUSE
                del subscriber.waiting[: len(batch)]
                subscriber.size = sum(map(len, subscriber.waiting))
        except SandboxError:
            subscriber.waiting.clear()
            subscriber.size = 0
        finally:
            subscriber.sending = None

    def _confess(self, subscriber: _Subscriber) -> None:
        """Say how much the subscriber was too slow for."""
        event = platform_events.logs_dropped(
            "Some logs were dropped because the downstream consumer is slower than the logs production rate",
            subscriber.dropped,
            subscriber.dropped_size,
        )
        subscriber.dropped = subscriber.dropped_size = 0
        subscriber.waiting.append(json.dumps(event.to_json(self._now())))


def _text(event: Mapping[str, Any], *, otherwise: Mapping[str, Any]) -> str:
    """JSON of an event; of the other one where a line of log that could just be read is too deep to be written."""
    try:
        return json.dumps(event, separators=(",", ":"))
    except RecursionError:
        return json.dumps(otherwise, separators=(",", ":"))


def _batch(subscriber: _Subscriber) -> list[str]:
    """What fits into one delivery; "payloads as large as 2 * maxBytes + metadataBytes"."""
    wanted, size = subscriber.subscription, 0
    for count, text in enumerate(subscriber.waiting[: wanted.most_items]):
        size += len(text)
        if count and size > 2 * wanted.most_bytes:
            return subscriber.waiting[:count]
    return subscriber.waiting[: wanted.most_items]
