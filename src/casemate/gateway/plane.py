"""The data plane in force, for those who are wired before it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from casemate.dataplane.off import NoDataplane
from casemate.execution.ports import Attached
from casemate.model.flows import FlowCount
from casemate.model.network import NetworkSnapshot, VpcSnapshot

if TYPE_CHECKING:
    from casemate.dataplane.kernel.client import KernelDataplane


class Plane:
    """The data plane in force; execution and the follower hold this while the one behind it is being started."""

    def __init__(self) -> None:
        self.current: KernelDataplane | NoDataplane = NoDataplane("not started")

    async def apply(self, snapshot: NetworkSnapshot) -> None:
        await self.current.apply(snapshot)

    async def attach_environment(self, interface_id: str | None) -> Attached:
        return await self.current.attach_environment(interface_id)

    async def detach_environment(self, token: str) -> None:
        await self.current.detach_environment(token)

    async def spawn(self, argv: Sequence[str], *, env: Mapping[str, str], fds: Sequence[int]) -> int:
        return await self.current.spawn(argv, env=env, fds=fds)

    async def interface_namespace(self, interface_id: str) -> int:
        return await self.current.interface_namespace(interface_id)

    @property
    def enforced(self) -> bool:
        return not isinstance(self.current, NoDataplane)

    def why_no_latency(self) -> str:
        """Why round trips cannot be made longer here; empty when they can."""
        if isinstance(self.current, NoDataplane):
            return f"no packet can be delayed: the network is not enforced ({self.current.why})"
        return self.current.mode.no_latency

    async def bytes_counted(self, vpc_id: str) -> dict[str, int]:
        found = await self.current.counters(vpc_id)
        return {name: counter.bytes for name, counter in found.items()}

    async def flows(self, vpc: VpcSnapshot) -> list[FlowCount]:
        return await self.current.flows(vpc)
