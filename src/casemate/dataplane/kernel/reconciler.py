"""Makes what the kernel holds equal to the newest snapshot, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address

from casemate.dataplane.diff import NOTHING, GroupChange, diff, group_diff, joined, removal
from casemate.dataplane.kernel import messages
from casemate.dataplane.kernel.connection import HelperLostError
from casemate.dataplane.operations import Operation
from casemate.dataplane.plan import NetworkPlan, Planner
from casemate.dataplane.plan.objects import Group
from casemate.model.network import EMPTY_NETWORK, NetworkSnapshot


class Reconciler:
    """`observed` is what the present helper holds: nobody else can change it, so what it was told is what there is."""

    def __init__(
        self,
        send: Callable[[messages.Apply], Awaitable[dict[str, str]]],
        log: Callable[[str], None],
        *,
        internet_host: bool = False,
    ) -> None:
        self._send = send
        self._log = log
        self._planner = Planner(internet_host=internet_host)
        self._wanted = EMPTY_NETWORK
        self._asked = 0
        self._done = 0
        self._broken: dict[str, str] = {}
        self._observed: dict[str, Group] = {}
        self._fatal: dict[str, Group] = {}
        """Groups during whose application the helper died: not tried again until they change."""
        self._careful = False
        self._lock = asyncio.Lock()

    def without_ipv6(self) -> None:
        """This machine has none."""
        self._planner.without_ipv6()

    def forget(self) -> None:
        """The helper is gone, and with it everything it held."""
        self._observed = {}

    def addressing(self, interface_id: str | None) -> tuple[IPv4Address, IPv4Address] | None:
        """(resolver, address) of an interface of the wanted snapshot."""
        for vpc in self._wanted.vpcs.values():
            interface = vpc.interfaces.get(interface_id or "")
            if interface is not None:
                return vpc.resolver, interface.address
        return None

    async def apply(self, snapshot: NetworkSnapshot) -> dict[str, str]:
        """What is broken once `snapshot`, or a later one, is in the kernel."""
        self._wanted = snapshot
        self._asked += 1
        mine = self._asked
        async with self._lock:
            if self._done < mine:
                await self._run()
            return dict(self._broken)

    async def reconcile(self) -> dict[str, str]:
        """Apply the wanted snapshot to a new helper."""
        async with self._lock:
            await self._run()
            return dict(self._broken)

    async def _run(self) -> None:
        while True:
            asked, snapshot = self._asked, self._wanted
            desired = self._planner.plan(snapshot)
            try:
                broken = await self._reach(desired)
            except HelperLostError:
                self._careful = True  # one group at a time, to find out which one it does not survive
                continue
            self._broken = {**desired.unplannable, **broken}
            self._done = asked
            self._careful = False
            return

    async def _reach(self, desired: NetworkPlan) -> dict[str, str]:
        self._fatal = {
            name: group for name, group in self._fatal.items() if desired.groups.get(name) is group
        }
        broken = dict.fromkeys(self._fatal, "the network helper does not survive it")
        groups = {name: group for name, group in desired.groups.items() if name not in self._fatal}
        for peering, ends in desired.peerings.items():
            if any(end in self._fatal for end in ends):
                groups.pop(peering, None)
        goal = NetworkPlan(groups=groups, peerings=desired.peerings)
        changes = diff(NetworkPlan(groups=self._observed), goal)
        failed = await self._perform(changes, goal)
        if failed:
            broken |= await self._rebuild(failed, desired, goal)
        return broken

    async def _perform(self, changes: tuple[GroupChange, ...], goal: NetworkPlan) -> dict[str, str]:
        """Send the changes and note what the kernel holds now. Group -> error for those that failed."""
        if not changes:
            return {}
        failed: dict[str, str] = {}
        batches = [(change,) for change in changes] if self._careful else [changes]
        for batch in batches:
            try:
                failed |= await self._send(messages.Apply(batch))
            except HelperLostError:
                if self._careful and batch[0].group in goal.groups:
                    self._fatal[batch[0].group] = goal.groups[batch[0].group]
                raise
            for change in batch:
                if change.group in goal.groups and change.group not in failed:
                    self._observed[change.group] = goal.groups[change.group]
                elif change.group not in goal.groups:
                    self._observed.pop(change.group, None)
        return failed

    async def _rebuild(
        self, failed: dict[str, str], desired: NetworkPlan, goal: NetworkPlan
    ) -> dict[str, str]:
        """Take what failed away as a whole, with what is joined to it, and make it once more from nothing."""
        doomed = joined(set(failed), desired)
        for name, why in failed.items():
            self._log(f"{name}: {why}; building it anew")
        clearing = [GroupChange(group=name, contents=self._clearing(name, goal)) for name in sorted(doomed)]
        await self._send(messages.Apply(tuple(clearing)))
        for name in doomed:
            self._observed.pop(name, None)
        again = tuple(group_diff(NOTHING, group) for name, group in goal.groups.items() if name in doomed)
        still = await self._perform(again, goal)
        if still:
            clearing = [
                GroupChange(group=name, contents=self._clearing(name, goal)) for name in sorted(still)
            ]
            await self._send(messages.Apply(tuple(clearing)))
            for name in still:
                self._observed.pop(name, None)
        return still

    def _clearing(self, name: str, goal: NetworkPlan) -> tuple[Operation, ...]:
        before = removal(self._observed[name]) if name in self._observed else ()
        return before + (removal(goal.groups[name]) if name in goal.groups else ())
