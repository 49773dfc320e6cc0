"""The invocation that an environment has in hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from casemate.execution import runtime_api
from casemate.execution.endings import Ending
from casemate.execution.function import Invocation, Outcome
from casemate.execution.response_stream import ResponseStream
from casemate.execution.runtime_api import Call, Flow


@dataclass(slots=True, kw_only=True)
class Running:
    """An invocation that has not been answered."""

    invocation: Invocation
    outcome: asyncio.Future[Outcome]
    began: float
    deadline: datetime
    stream: ResponseStream | None = None

    @property
    def response_limit(self) -> int:
        """Bytes that the response may have."""
        return runtime_api.RESPONSE_LIMIT if self.stream is None else runtime_api.STREAM_LIMIT

    def stream_on(self, head: Call, chunk: bytes, flow: Flow) -> None:
        """Pass on a piece of its response, if it is its own and anybody wants pieces."""
        if self.stream is not None and head.request_id == self.invocation.request_id:
            self.stream.write(head.content_type, chunk, flow)


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """An invocation whose caller has the answer while extensions still work: REPORT is yet to be written."""

    request_id: str
    began: float
    ending: Ending
