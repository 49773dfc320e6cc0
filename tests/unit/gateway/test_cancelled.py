"""A request that is cancelled after it was dispatched stays on record."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from casemate.gateway.pipeline import Pipeline
from casemate.wire.http import Headers, HttpRequest

from .test_http import ARRIVAL


class _Journal:
    def __init__(self) -> None:
        self.recorded: list[Any] = []

    def record(self, exchange: Any) -> None:
        self.recorded.append(exchange)


class _NeverReadmits:
    generation = 0

    def admit(self, *request: Any) -> None:
        del request


class _Interrupted(Pipeline):
    """Everything has been decided, and the operation waits."""

    def __init__(self, journal: _Journal) -> None:
        self._journal = cast("Any", journal)
        self._readmission = cast("Any", _NeverReadmits())
        from casemate.servicekit.clock import system_clock

        self._clock = system_clock

    def _nothing(self, exchange: Any) -> None:
        del exchange

    def _name(self, exchange: Any) -> None:
        exchange.operation = "implemented"

    _authenticate = _locate = _gather_keys = _authorize = _nothing

    def _read(self, exchange: Any, named: Any) -> None:
        del exchange, named

    async def _dispatch(self, exchange: Any) -> None:
        del exchange
        await asyncio.Event().wait()


async def test_what_was_dispatched_is_recorded() -> None:
    journal = _Journal()
    request = HttpRequest(method="POST", path="/", query="", headers=Headers([("Host", "x")]), body=b"")
    task = asyncio.create_task(_Interrupted(journal).handle(request, ARRIVAL))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(journal.recorded) == 1
