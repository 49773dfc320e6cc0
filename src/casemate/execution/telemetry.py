"""The Telemetry API: an extension subscribes, and what is logged is posted to it, inside its own network.

Source: Lambda Developer Guide, "Lambda Telemetry API reference", "Lambda Telemetry API Event schema reference".
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from casemate.execution import platform_events, runtime_api
from casemate.execution.runtime_api import Reply
from casemate.execution.sandbox.client import SandboxError

_TYPES = ("platform", "function", "extension")
_SCHEMAS = frozenset({"2022-07-01", "2022-12-13", "2025-01-29"})
_HOSTS = frozenset({"sandbox", "sandbox.localdomain"})
_BUFFERING = {
    "maxItems": (1000, 10_000, 10_000),
    "maxBytes": (262_144, 1_048_576, 262_144),
    "timeoutMs": (25, 30_000, 1000),
}
"""Least, most, default."""
_BACKLOG_BATCHES = 8
"""Full buffers that may wait for a slow subscriber; what comes after them is dropped."""
_ANSWER_LIMIT = 65_536
_HISTORY_LIMIT = 8 * 1024 * 1024
"""Bytes kept for who subscribes later in the initialization; what a function logs beyond them is lost to it."""

Connect = Callable[[], Awaitable[socket.socket]]


class SubscriptionError(Exception):
    """It is not a subscription; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """What an extension wants, and where."""

    name: str
    types: tuple[str, ...]
    port: int
    path: str
    most_items: int
    most_bytes: int
    seconds: float


def subscription(name: str, body: bytes) -> Subscription:
    """Read the body of a subscription; SubscriptionError."""
    try:
        given = json.loads(body)
    except ValueError as error:
        raise SubscriptionError(f"Invalid JSON: {error}") from error
    if not isinstance(given, dict):
        raise SubscriptionError("The body is not an object")
    asked = cast("dict[str, Any]", given)
    if str(asked.get("schemaVersion", "2022-07-01")) not in _SCHEMAS:
        raise SubscriptionError(f"Unknown schemaVersion {asked['schemaVersion']!r}")
    types = asked.get("types")
    if not isinstance(types, list) or not types or any(one not in _TYPES for one in cast("list[Any]", types)):
        raise SubscriptionError(f"types must be some of {', '.join(_TYPES)}")
    port, path = _destination(asked.get("destination"))
    buffering = {
        member: _between(asked.get("buffering") or {}, member, *limits)
        for member, limits in _BUFFERING.items()
    }
    return Subscription(
        name=name,
        types=tuple(one for one in _TYPES if one in cast("list[Any]", types)),
        port=port,
        path=path,
        most_items=buffering["maxItems"],
        most_bytes=buffering["maxBytes"],
        seconds=buffering["timeoutMs"] / 1000,
    )


def _destination(given: object) -> tuple[int, str]:
    destination = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    if destination.get("protocol") != "HTTP":
        raise SubscriptionError("destination.protocol must be HTTP")
    try:
        place = urlsplit(str(destination.get("URI", "")))
        port = place.port or 80
    except ValueError as error:
        raise SubscriptionError(f"destination.URI: {error}") from error
    if place.scheme != "http" or place.hostname not in _HOSTS or port == 9001:
        raise SubscriptionError("destination.URI must be http://sandbox.localdomain:PORT, any port but 9001")
    path = (place.path or "/") + (f"?{place.query}" if place.query else "")
    if not re.fullmatch(r"[!-~]+", path):
        raise SubscriptionError("destination.URI has characters that a path cannot have")
    return port, path


def _between(given: object, member: str, least: int, most: int, otherwise: int) -> int:
    if not isinstance(given, dict):
        raise SubscriptionError("buffering must be an object")
    value = cast("dict[str, Any]", given).get(member, otherwise)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise SubscriptionError(f"buffering.{member} must be between {least} and {most}")
    return value


@dataclass(slots=True)
class _Subscriber:
    """A subscription, and what waits to be sent."""

    subscription: Subscription
    waiting: list[str] = field(default_factory=list[str])
    size: int = 0
    dropped: int = 0
    dropped_size: int = 0
    timer: asyncio.TimerHandle | None = None
    sending: asyncio.Task[None] | None = None


class Telemetry:
    """The subscribers of one environment."""

    def __init__(self, connect: Connect, *, now: Callable[[], Any]) -> None:
        self._connect = connect
        self._now = now
        self._subscribers: dict[str, _Subscriber] = {}
        self._history: list[Mapping[str, Any]] | None = []
        self._history_size = 0
        """What happened since initialization began: who subscribes later gets it, too. None once it is over."""

    @property
    def wanted(self) -> bool:
        """Whether anybody gets what is logged, or may yet."""
        return bool(self._subscribers) or self._history is not None

    def subscribe(self, name: str, body: bytes) -> tuple[Reply, Subscription | None]:
        """The answer to a subscription, and what it was."""
        try:
            wanted = subscription(name, body)
        except SubscriptionError as error:
            return runtime_api.refusal(400, "ValidationError", str(error)), None
        self._subscribers[name] = subscriber = _Subscriber(wanted)
        for event in self._history or ():
            self._offer(subscriber, event)
        return Reply(status=200, body=b'"OK"'), wanted

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
        self._subscribers.clear()

    def _offer(self, subscriber: _Subscriber, event: Mapping[str, Any]) -> None:
        wanted = subscriber.subscription
        if str(event["type"]).partition(".")[0] not in wanted.types:
            return
        text = json.dumps(event, separators=(",", ":"))
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
        """One batch after another until nothing waits. What cannot be delivered is lost, as on AWS."""
        wanted = subscriber.subscription
        try:
            while subscriber.waiting:
                if subscriber.dropped:
                    event = platform_events.logs_dropped(
                        "Consumer seems to have fallen behind", subscriber.dropped, subscriber.dropped_size
                    )
                    subscriber.dropped = subscriber.dropped_size = 0
                    subscriber.waiting.append(json.dumps(event.to_json(self._now())))
                batch = subscriber.waiting[: wanted.most_items]
                del subscriber.waiting[: len(batch)]
                subscriber.size = sum(map(len, subscriber.waiting))
                body = ("[" + ",".join(batch) + "]").encode()
                await post(await self._connect(), wanted.port, wanted.path, body)
        except (OSError, SandboxError):
            subscriber.waiting.clear()
            subscriber.size = 0
        finally:
            subscriber.sending = None


async def post(connection: socket.socket, port: int, path: str, body: bytes) -> None:
    """POST to 127.0.0.1 over a socket of the environment's network, and wait for the answer. OSError."""
    loop = asyncio.get_running_loop()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: sandbox.localdomain:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with connection:
        await loop.sock_connect(connection, ("127.0.0.1", port))
        await loop.sock_sendall(connection, head.encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer and len(answer) < _ANSWER_LIMIT:
            received = await loop.sock_recv(connection, 4096)
            if not received:
                return
            answer += received
