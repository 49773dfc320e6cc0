"""Keeps machines equal to the records: whoever changes an instance commits, the keeper's tasks follow.

One task per instance while there is something to do. A machine that ends by itself, as all do when the network helper
is killed, is booted again as long as its record says that it runs.
"""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from msgspec.structs import replace

from casemate.execution.machines import MachineError, MachineSpec
from casemate.servicekit.clock import Clock
from casemate.servicekit.store import Store
from casemate.services.ec2.instance_network import free_interfaces, release_public
from casemate.services.ec2.lifecycle import ARRIVES
from casemate.services.ec2.network import CommittedNetwork
from casemate.services.ec2.records import Instance
from casemate.services.ec2.state import Ec2State

_log = logging.getLogger(__name__)
_PATIENCE = 15.0
"""Seconds that a request waits for machines."""
_TRIES, _PAUSE = 5, 0.5
"""Boots of a machine that was running."""


class RunningMachine(Protocol):
    """`casemate.execution.machines.Machine`."""

    @property
    def gone(self) -> asyncio.Future[None]: ...

    async def halt(self) -> None: ...


M = TypeVar("M", bound=RunningMachine)
M_co = TypeVar("M_co", bound=RunningMachine, covariant=True)


class MachineHost(Protocol[M_co]):
    """`casemate.execution.machines.Machines`."""

    @property
    def runs(self) -> bool:
        """False without a network in the kernel: instances are records then, that run nothing."""
        ...

    async def boot(self, spec: MachineSpec) -> M_co: ...

    def forget(self, instance_id: str) -> None:
        """Delete what a terminated instance leaves."""
        ...

    def console(self, instance_id: str) -> bytes:
        """What its user data printed."""
        ...


class InstanceKeeper(Generic[M]):
    """The machines of every instance."""

    def __init__(
        self,
        state: Ec2State,
        store: Store,
        network: CommittedNetwork,
        clock: Clock,
        host: MachineHost[M] | None,
    ) -> None:
        self._state = state
        self._store = store
        self._network = network
        self._clock = clock
        self._machine_host = host
        self._machines: dict[str, M] = {}
        self._booted: dict[str, int] = {}
        """`boots` of the record for which the machine was booted."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closed = False

    def start(self) -> None:
        """Boot what was running when Casemate ended, and finish what was under way."""
        for instance in self._state.instances.everywhere():
            self._follow(instance.id)

    async def settled(self) -> None:
        """Return when the machines are as the records say, or the patience is over."""
        for instance in self._state.instances.everywhere():
            self._follow(instance.id)
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=_PATIENCE)

    @property
    def _host(self) -> MachineHost[M] | None:
        host = self._machine_host
        return host if host is not None and host.runs else None

    def state_of(self, instance_id: str) -> str | None:
        """None when there is no such instance in any account."""
        instance = self._find(instance_id)
        return instance.state if instance is not None else None

    def machine(self, instance_id: str) -> M | None:
        """None while it does not run."""
        machine = self._machines.get(instance_id)
        return machine if machine is not None and not machine.gone.done() else None

    async def close(self) -> None:
        """Halt every machine; the records stay as they are."""
        self._closed = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await asyncio.gather(*(each.halt() for each in self._machines.values()))

    def _follow(self, instance_id: str) -> None:
        instance = self._find(instance_id)
        if self._closed or instance is None or instance_id in self._tasks or self._rests(instance):
            return
        task = asyncio.get_running_loop().create_task(self._bring(instance_id))
        self._tasks[instance_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(instance_id, None))

    def _rests(self, instance: Instance) -> bool:
        """Whether there is nothing to do."""
        if instance.state in ARRIVES:
            return False
        if instance.state != "running" or self._host is None:
            return True
        return self._booted.get(instance.id) == instance.boots and self.machine(instance.id) is not None

    async def _bring(self, instance_id: str) -> None:
        while (instance := self._find(instance_id)) is not None and not self._rests(instance):
            if instance.state in {"pending", "running"}:
                await self._run(instance)
            else:
                await self._end(instance)

    async def _run(self, instance: Instance) -> None:
        if self._host is not None:
            await self._halt(instance.id)
            failure = await self._try(instance, self._host)
            if failure:
                self._fail(instance.id, failure)
                return
        self._put(
            instance.id, lambda now: replace(now, initialized=True, state=ARRIVES.get(now.state, now.state))
        )

    async def _try(self, instance: Instance, host: MachineHost[M]) -> str:
        """Why it does not boot; empty when it has."""
        failure = ""
        for _ in range(_TRIES):
            try:
                await self._boot(instance, host)
            except MachineError as error:
                failure = str(error)
                _log.warning("%s cannot boot: %s", instance.id, failure)
                await asyncio.sleep(_PAUSE)
            else:
                return ""
        return failure

    async def _boot(self, instance: Instance, host: MachineHost[M]) -> None:
        vpc = self._network.snapshot().vpcs.get(instance.vpc_id)
        interfaces = self._state.interfaces_of(instance)
        if vpc is None or not interfaces:
            raise MachineError("it has no network interface")
        script = (
            "" if instance.initialized else b64decode(instance.user_data).decode("utf-8", "surrogateescape")
        )
        machine = await host.boot(
            MachineSpec(
                instance_id=instance.id,
                interface_id=interfaces[0].id,
                hostname=f"ip-{instance.private_ip.replace('.', '-')}",
                resolver=vpc.resolver,
                user_data=script,
            )
        )
        self._machines[instance.id] = machine
        self._booted[instance.id] = instance.boots
        machine.gone.add_done_callback(lambda _: self._follow(instance.id))

    async def _end(self, instance: Instance) -> None:
        await self._halt(instance.id)
        if instance.state == "stopping":
            with self._store.transaction():
                release_public(self._state, instance)
                self._put(instance.id, lambda now: replace(now, state="stopped"))
            return
        with self._store.transaction():
            free_interfaces(self._state, instance)
            ended = self._clock()
            self._put(instance.id, lambda now: replace(now, state="terminated", ended=ended, profile=None))
        if self._host is not None:
            self._host.forget(instance.id)

    def _fail(self, instance_id: str, why: str) -> None:
        """As AWS tells of a launch that failed: terminated when it never ran, stopped otherwise."""
        reason = f"Server.InternalError: Internal error on launch ({why})"

        def failed(now: Instance) -> Instance:
            state = "stopping" if now.initialized else "shutting-down"
            return replace(
                now, state=state, transition_reason=reason, reason_code="Server.InternalError", reason=reason
            )

        self._put(instance_id, failed)

    async def _halt(self, instance_id: str) -> None:
        machine = self._machines.pop(instance_id, None)
        if machine is not None:
            await machine.halt()

    def _put(self, instance_id: str, change: Callable[[Instance], Instance]) -> None:
        """Change the record as it is now: a request may have changed it meanwhile."""
        now = self._find(instance_id)
        if now is not None:
            with self._store.transaction():
                self._state.instances.put(change(now))

    def _find(self, instance_id: str) -> Instance | None:
        return next((each for each in self._state.instances.everywhere() if each.id == instance_id), None)
