"""Reads the kernel's counters into the meters, now and then and whenever somebody asks for the costs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from casemate.servicekit.ports import MeterReader, Network
from casemate.servicekit.store import Store

_log = logging.getLogger(__name__)
_PATIENCE = 5.0
_PERIOD = 10.0
"""Seconds: what a resource carries after the last reading before its deletion is not counted."""


class MeterReading:
    """From the data plane's counters to the meters."""

    def __init__(
        self,
        *,
        network: Network,
        counters: Callable[[str], Awaitable[Mapping[str, int]]],
        meters: MeterReader,
        store: Store,
    ) -> None:
        self._network = network
        self._counters = counters
        self._meters = meters
        self._store = store
        self._reading = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Read from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """A last reading."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._read_quietly()

    async def read(self) -> None:
        """Read every VPC that has a meter."""
        async with self._reading:
            for vpc_id in self._meters.metered_vpcs() & self._network.snapshot().vpcs.keys():
                counters = await self._counters(vpc_id)
                with self._store.transaction():
                    self._meters.read(vpc_id, counters)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_PERIOD)
            await self._read_quietly()

    async def _read_quietly(self) -> None:
        try:
            async with asyncio.timeout(
                _PATIENCE
            ):  # a data plane that is being restarted must not hold up the end
                await self.read()
        except Exception:
            _log.exception("the meters could not be read")
