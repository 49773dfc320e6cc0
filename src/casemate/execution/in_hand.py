"""The invocation that an environment has in hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import Struct

from casemate.execution import runtime_api
from casemate.execution.endings import Ending
from casemate.execution.failures import NotDeliveredError
from casemate.execution.function import Invocation, Outcome
from casemate.execution.platform_events import Span
from casemate.execution.response_stream import ResponseStream
from casemate.execution.runtime_api import Call, Flow


@dataclass(slots=True, kw_only=True)
class Running:
    """An invocation that has not been answered."""

    invocation: Invocation
    outcome: asyncio.Future[Outcome]
    began: float
    began_at: datetime
    deadline: datetime
    stream: ResponseStream | None = None

    @property
    def response_limit(self) -> int:
        """Bytes that the response may have."""
        return runtime_api.RESPONSE_LIMIT if self.stream is None else runtime_api.STREAM_LIMIT

    @property
    def streaming(self) -> bool:
        """Whether its response has begun: an error belongs into its trailers now ("Implementing response streaming")."""
        return self.stream is not None and self.stream.begun

    def end(self, ending: Ending, *, log: str, version: str) -> None:
        """Tell whoever waits. A caller that was cancelled does not; the environment comes to its end all the same."""
        if not self.outcome.done():
            self.outcome.set_result(
                Outcome(payload=ending.payload, failed=ending.failed, log=log, version=version)
            )

    def give_back(self) -> None:
        """Tell whoever waits that the runtime never saw it."""
        if not self.outcome.done():
            self.outcome.set_exception(NotDeliveredError())

    def finished(self, ending: Ending, now: float, response: Call | None = None) -> Finished:
        """It, when the runtime has ended it, by that call."""
        return Finished(
            request_id=self.invocation.request_id,
            began=self.began,
            duration_ms=(now - self.began) * 1000,
            produced=self.stream.size if self.stream else len(ending.payload),
            ending=ending,
            began_at=self.began_at,
            trace_id=self.invocation.trace_id,
            response_began=now if response is None else response.began,
        )

    def stream_on(self, head: Call, chunk: bytes, flow: Flow) -> None:
        """Pass on a piece of its response, if it is its own and anybody wants pieces."""
        if self.stream is not None and head.request_id == self.invocation.request_id:
            self.stream.write(head.content_type, chunk, flow)


class Finished(Struct, frozen=True, kw_only=True):
    """An invocation whose caller has the answer: REPORT is yet to be written, at once or when extensions are done."""

    request_id: str
    began: float
    duration_ms: float
    """Of the runtime's part."""
    produced: int
    """Bytes of the response."""
    ending: Ending
    began_at: datetime
    trace_id: str
    response_began: float

    def spans(self, runtime_back: float) -> tuple[Span, ...]:
        """The runtime's part of it: the schema reference's "Span" of `platform.runtimeDone`."""
        answered = self.began + self.duration_ms / 1000
        return (
            self.span("responseLatency", self.began, self.response_began),
            self.span("responseDuration", self.response_began, answered),
            self.span("runtimeOverhead", answered, runtime_back),
        )

    def span(self, name: str, began: float, ended: float) -> Span:
        """From one moment of the monotonic clock to another."""
        start = self.began_at + timedelta(seconds=began - self.began)
        return Span(name=name, start=start, seconds=max(ended - began, 0.0))
