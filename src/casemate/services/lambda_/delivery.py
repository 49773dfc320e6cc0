"""Queued events run as functions, and their records sent on to destinations."""

from __future__ import annotations

import logging
from datetime import datetime

from msgspec.structs import replace

from casemate.execution.function import Invocation
from casemate.model.errors import AwsError
from casemate.model.ids import RandomBytes, uuid4
from casemate.servicekit.clock import Clock
from casemate.servicekit.service import Check
from casemate.services.lambda_ import invoking
from casemate.services.lambda_.asynchronous import (
    Answer,
    Done,
    EventInvokeConfig,
    QueuedEvent,
    destination_of,
    record,
)
from casemate.services.lambda_.names import LATEST, FunctionName, parse_arn
from casemate.services.lambda_.runner import SERVICE_PRINCIPAL
from casemate.services.lambda_.state import Function, LambdaState

_log = logging.getLogger(__name__)

EVENT_LIMIT = 1024 * 1024
"""Lambda quotas: payload of an asynchronous invocation."""


def name_of(event: QueuedEvent) -> FunctionName:
    """The function an event is for."""
    return FunctionName(
        account=event.account, region=event.region, name=event.function, qualifier=event.qualifier or None
    )


class FunctionDelivery:
    """The port `event_queue.Delivery`."""

    def __init__(
        self,
        state: LambdaState,
        *,
        clock: Clock,
        random_bytes: RandomBytes,
    ) -> None:
        self._state = state
        self._clock = clock
        self._random_bytes = random_bytes

    async def attempt(self, event: QueuedEvent) -> Answer:
        """Run the event once, as the function is now."""
        name = name_of(event)
        invoking.require_no_loop(self._state, name, event.trace_id)
        function = invoking.chosen(self._state, name, self._random_bytes)
        invocation = Invocation(
            request_id=event.id,
            payload=event.payload,
            invoked_arn=event.qualified_arn,
            trace_id=event.trace_id,
        )
        outcome = await invoking.run(
            self._state,
            function,
            invocation,
            authorize=self._state.inside(event.region),
            now=self._clock(),
        )
        return Answer(payload=outcome.payload, version=outcome.version, failed=outcome.failed)

    def config(self, event: QueuedEvent) -> EventInvokeConfig | None:
        """Of the version or alias that was invoked; each has its own."""
        key = name_of(event).key
        return self._state.event_invoke_configs.get(*key, event.qualifier or LATEST)

    def reserved(self, event: QueuedEvent) -> int | None:
        """The function's reserved concurrency."""
        latest = self._state.functions.get(*name_of(event).key, LATEST)
        return None if latest is None else latest.reserved

    def finish(self, done: Done, now: datetime) -> None:
        """Invoke the destination with the record, if there is one and the execution role may."""
        target = destination_of(done, self.config(done.event))
        name = parse_arn(target) if target else None
        if name is None:
            return
        try:
            function = self._state.version(name_of(done.event))
            next_one = self._state.latest(name)
            self._require_permission(function, target)
        except AwsError as error:
            # DestinationDeliveryFailures counts these on AWS: nobody is told otherwise.
            _log.warning("the record of event %s was not sent to %s: %s", done.event.id, target, error)
            return
        payload = record(done, now=now)
        if len(payload) > EVENT_LIMIT:
            _log.warning("the record of event %s is too large to be sent to %s", done.event.id, target)
            return
        event = QueuedEvent(
            id=uuid4(self._random_bytes),
            account=name.account,
            region=name.region,
            function=name.name,
            qualifier=name.qualifier or "",
            payload=payload,
            trace_id=invoking.trace_id(next_one, now, self._random_bytes, caller=done.event.trace_id),
            accepted=now,
            due=now,
        )
        self._state.enqueue(event)

    def _require_permission(self, function: Function, target: str) -> None:
        credential = self._state.sessions.assume_for_service(
            role_arn=function.role, session_name=function.name, service=SERVICE_PRINCIPAL
        )
        principal = replace(credential.principal, source_function_arn=None)
        check = Check(action="lambda:InvokeFunction", resource=target)
        self._state.inside(function.region)(check, principal=principal)
