"""Reads the kernel's counters into the meters, now and then and whenever somebody asks for the costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from casemate.gateway.rounds import Rounds
from casemate.servicekit.ports import MeterReader, Network
from casemate.servicekit.store import Store

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
        self._rounds = Rounds(self.read, period=_PERIOD, failure="the meters could not be read")

    def start(self) -> None:
        """Read from now on."""
        self._rounds.start()

    async def close(self) -> None:
        """A last reading."""
        await self._rounds.close()

    async def read(self) -> None:
        """Read every VPC that has a meter."""
        async with self._reading:
            for vpc_id in self._meters.metered_vpcs() & self._network.snapshot().vpcs.keys():
                counters = await self._counters(vpc_id)
                with self._store.transaction():
                    self._meters.read(vpc_id, counters)
