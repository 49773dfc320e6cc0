"""A response that is passed on while the function still writes it."""

from __future__ import annotations

import asyncio
from collections import deque

from casemate.execution.function import Outcome
from casemate.execution.runtime_api import Flow

_HIGH = 1 << 20
"""Bytes that wait for a slow reader before the function is made to wait."""


class ResponseStream:
    """Iterate over it for the pieces, then await `outcome`.

    A function that does not stream gives one piece. One that fails before its first piece gives none: its error is the
    outcome's payload, as it is when the error comes later.
    """

    def __init__(self) -> None:
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.content_type = ""
        """Of the response, once there is a first piece; of one that was not streamed `application/json`.

        `application/vnd.awslambda.http-integration-response`: the pieces begin with JSON of status and headers,
        followed by eight zero bytes.
        """
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._flow: Flow | None = None
        self._changed = asyncio.Event()
        self.begun = False
        self.size = 0
        self._over = False
        self._abandoned = False

    def __aiter__(self) -> ResponseStream:
        return self

    async def __anext__(self) -> bytes:
        while not self._chunks:
            if self._over:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        chunk = self._chunks.popleft()
        self._waiting -= len(chunk)
        self._let_go()
        return chunk

    async def head(self) -> None:
        """Wait for the first piece, or for the end."""
        while not self.begun and not self._over:
            self._changed.clear()
            await self._changed.wait()

    def abandon(self) -> None:
        """Nobody reads any more. The function goes on, as on AWS."""
        self._abandoned = True
        self._chunks.clear()
        self._waiting = 0
        self._let_go()

    def write(self, content_type: str, chunk: bytes, flow: Flow | None = None) -> None:
        """A piece. Lets the sender wait when too many wait here."""
        if not self.begun:
            self.begun, self.content_type = True, content_type
        self.size += len(chunk)
        if self._abandoned or not chunk:
            self._changed.set()
            return
        self._chunks.append(chunk)
        self._waiting += len(chunk)
        if self._waiting > _HIGH and flow is not None and self._flow is None:
            self._flow = flow
            flow.pause()
        self._changed.set()

    def end(self, outcome: Outcome) -> None:
        """The invocation is over."""
        if not self.begun and not outcome.failed:
            self.write("application/json", outcome.payload)
        self._finish()
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def fail(self, error: BaseException) -> None:
        """There was no invocation: throttled, or no environment."""
        self._finish()
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def _finish(self) -> None:
        self._over = True
        self._changed.set()

    def _let_go(self) -> None:
        if self._flow is not None and self._waiting <= _HIGH // 2:
            flow, self._flow = self._flow, None
            flow.resume()
