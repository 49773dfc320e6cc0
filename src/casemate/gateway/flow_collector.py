"""Looks at the data plane's flow counts now and then, for as long as some interface is logged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from casemate.gateway.rounds import Rounds
from casemate.model.flows import FlowCount
from casemate.model.network import VpcSnapshot
from casemate.servicekit.clock import Clock
from casemate.servicekit.ports import FlowObserver, Network

_PERIOD = 5.0
"""Seconds between two looks: how exact the start of a record is."""


class FlowCollector:
    """From the data plane's counts to the recorder of flow logs."""

    def __init__(
        self,
        *,
        network: Network,
        flows: Callable[[VpcSnapshot], Awaitable[Sequence[FlowCount]]],
        observer: FlowObserver,
        clock: Clock,
    ) -> None:
        self._network = network
        self._flows = flows
        self._observer = observer
        self._clock = clock
        self._looked = self._now()
        self._looking = asyncio.Lock()
        self._rounds = Rounds(self.collect, period=_PERIOD, failure="flow logs could not be collected")

    def start(self) -> None:
        """Look from now on."""
        self._rounds.start()

    async def close(self) -> None:
        """Look no more, and lose nothing: what is gathered is delivered."""
        await self._rounds.close(partial(self.collect, everything=True))

    async def collect(self, *, everything: bool = False) -> None:
        """Look now. `everything`: deliver also what would wait for its aggregation interval to end."""
        async with self._looking:
            network = self._network.snapshot()
            logged = [vpc for vpc in network.vpcs.values() if vpc.logged_interfaces]
            counts = {vpc.vpc_id: await self._flows(vpc) for vpc in logged}
            now = self._now()
            self._observer.observe(network, counts, since=self._looked, now=now)
            self._observer.deliver(network, now=now, everything=everything)
            self._looked = now

    def _now(self) -> int:
        return int(self._clock().timestamp())
