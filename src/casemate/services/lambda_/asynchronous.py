"""What becomes of an asynchronous event after each attempt: try again and when, or be done and why. Pure.

Source: Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation", "Capturing records
of Lambda asynchronous invocations", "Configuring reserved concurrency".
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from casemate.model.errors import AwsError

RETRY_DELAYS = (60.0, 120.0)
"""Seconds before the second and the third attempt."""
_FIRST_THROTTLE, _LONGEST_THROTTLE = 1.0, 300.0
"""Waits after a throttle or a system error: "from 1 second after the first attempt to a maximum of 5 minutes"."""
_THROTTLED, _SYSTEM_ERROR = 429, 500
"""Statuses that put an event back: "throttling errors (429) and system errors (500-series)"."""
MOST_RETRIES = 2
OLDEST_SECONDS = 21_600


class EventInvokeConfig(Struct, frozen=True, kw_only=True):
    """A function's, version's or alias's own limits and destinations."""

    retries: int | None = None
    age_seconds: int | None = None
    on_success: str = ""
    on_failure: str = ""
    modified: datetime


class Answer(Struct, frozen=True, kw_only=True):
    """How the last attempt was answered."""

    payload: bytes
    version: str
    failed: bool


class QueuedEvent(Struct, frozen=True, kw_only=True):
    """An event that was accepted and is not done: what survives a crash."""

    id: str
    """The request's id; the same for every attempt."""
    account: str
    region: str
    function: str
    qualifier: str = ""
    payload: bytes
    trace_id: str = ""
    """With the chain of functions that led here, this one included."""
    accepted: datetime
    due: datetime
    """Not before this."""
    attempts: int = 0
    """Invocations so far."""
    throttles: int = 0
    last: Answer | None = None

    @property
    def qualified_arn(self) -> str:
        """As it was invoked."""
        arn = f"arn:aws:lambda:{self.region}:{self.account}:function:{self.function}"
        return f"{arn}:{self.qualifier}" if self.qualifier else arn


class Condition(Enum):
    """Why an event is done; the value is the record's `condition`."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_CONCURRENCY = "ZeroReservedConcurrency"


class Done(Struct, frozen=True, kw_only=True):
    """Nothing more is tried."""

    condition: Condition
    event: QueuedEvent


def before_attempt(
    event: QueuedEvent, config: EventInvokeConfig | None, *, reserved: int | None, now: datetime
) -> Done | None:
    """Whether the event is done without (another) attempt."""
    if reserved == 0:
        # "Configuring reserved concurrency": events of a stopped function go to the on-failure destination untried.
        return Done(condition=Condition.ZERO_CONCURRENCY, event=event)
    if now >= _expiry(event, config):
        return Done(condition=Condition.AGE_EXCEEDED, event=event)
    return None


def after_attempt(
    event: QueuedEvent, answer: Answer | AwsError, config: EventInvokeConfig | None, *, now: datetime
) -> Done | QueuedEvent:
    """What follows an attempt: done, or the event as it waits for the next one."""
    if isinstance(answer, AwsError):
        if answer.http_status != _THROTTLED and answer.http_status < _SYSTEM_ERROR:
            # It does not pass by waiting: the function is gone, or its role is.
            return Done(condition=Condition.RETRIES_EXHAUSTED, event=event)
        delay = min(_FIRST_THROTTLE * 2**event.throttles, _LONGEST_THROTTLE)
        event = replace(event, throttles=event.throttles + 1)
    else:
        event = replace(event, attempts=event.attempts + 1, last=answer)
        if not answer.failed:
            return Done(condition=Condition.SUCCESS, event=event)
        retries = MOST_RETRIES if config is None or config.retries is None else config.retries
        if event.attempts > retries:
            return Done(condition=Condition.RETRIES_EXHAUSTED, event=event)
        delay = RETRY_DELAYS[min(event.attempts, len(RETRY_DELAYS)) - 1]
    # An event that would be too old by then is looked at when it is too old.
    return replace(event, due=min(now + timedelta(seconds=delay), _expiry(event, config)))


def _expiry(event: QueuedEvent, config: EventInvokeConfig | None) -> datetime:
    seconds = OLDEST_SECONDS if config is None or config.age_seconds is None else config.age_seconds
    return event.accepted + timedelta(seconds=seconds)


def destination_of(done: Done, config: EventInvokeConfig | None) -> str:
    """The ARN that gets the record; empty: nobody."""
    if config is None:
        return ""
    return config.on_success if done.condition is Condition.SUCCESS else config.on_failure


def record(done: Done, *, now: datetime) -> bytes:
    """The invocation record that a destination is sent.

    Form: the example of the page "Capturing records of Lambda asynchronous invocations"; an event that was never
    answered has no response.
    """
    event, last = done.event, done.event.last
    arn = event.qualified_arn if event.qualifier else f"{event.qualified_arn}:$LATEST"
    content: dict[str, Any] = {
        "version": "1.0",
        "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
        "requestContext": {
            "requestId": event.id,
            "functionArn": arn,
            "condition": done.condition.value,
            "approximateInvokeCount": event.attempts,
        },
        "requestPayload": json.loads(event.payload),
    }
    if last is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": last.version}
        if last.failed:
            context["functionError"] = "Unhandled"
        content["responseContext"] = context
        content["responsePayload"] = _readable(last.payload)
    return json.dumps(content, separators=(",", ":")).encode()


def _readable(payload: bytes) -> Any:
    try:
        return json.loads(payload) if payload else None
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "replace")
