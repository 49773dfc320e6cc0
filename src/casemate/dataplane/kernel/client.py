"""The front door's side of the data plane: keeps a helper alive and the kernel equal to the last snapshot."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any, Literal, Self

from msgspec import Struct

from casemate.dataplane.kernel import messages
from casemate.dataplane.kernel.connection import Event, HelperConnection, HelperError, HelperLostError
from casemate.dataplane.kernel.counters import Counter
from casemate.dataplane.kernel.flows import observed
from casemate.dataplane.kernel.mode import Mode
from casemate.dataplane.kernel.reconciler import Reconciler
from casemate.dataplane.plan import names
from casemate.dataplane.plan.internet import PUBLIC_HUB_ADDRESS
from casemate.dataplane.plan.topology import LINK_LOCAL_RESOLVER, device_of, has_workload
from casemate.model.flows import FlowCount
from casemate.model.network import InterfaceKind, NetworkSnapshot, VpcSnapshot

_QUICK_DEATHS = 20
_QUICK_SECONDS = 30.0


class NamespaceListener(Struct, frozen=True, kw_only=True):
    """A listening socket in a namespace. Whoever is given it closes it: when it is gone, or when done."""

    key: str
    vpc_id: str | None
    """None: the internet."""
    protocol: Literal["tcp", "udp"]
    port: int
    sock: socket.socket
    """TCP: an accepted connection's getsockname() is the original destination, its getpeername() the sender's
    private address (in the internet: its public one). UDP: bound to one resolver address; answer by sendto()."""


class AttachedEnvironment(Struct, frozen=True, kw_only=True):
    """A network namespace for one execution environment. The descriptor and the socket belong to the caller."""

    token: str
    netns_fd: int
    runtime_api: socket.socket
    """Listening on 127.0.0.1:9001 in that namespace."""
    resolver: IPv4Address
    address: IPv4Address
    """The source address that others see."""


class KernelUnavailableError(RuntimeError):
    """The machine does not allow the kernel data plane; `mode` names the step and the remedy."""

    def __init__(self, mode: Mode) -> None:
        super().__init__(f"{mode.failed_step}. {mode.remedy}".strip())
        self.mode = mode


class ApplyError(RuntimeError):
    """Some VPCs are not in the kernel as they should be; all others are."""

    def __init__(self, broken: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{group}: {why}" for group, why in broken.items()))
        self.broken = broken
        """VPC (or peering connection) -> why."""


class KernelDataplane:
    """The network in the kernel. Start it, apply snapshots, attach environments, close it."""

    def __init__(
        self,
        *,
        on_listener: Callable[[NamespaceListener], None],
        on_listener_gone: Callable[[str], None],
        on_environments_lost: Callable[[tuple[str, ...]], None],
        log: Callable[[str], None],
        internet_host: bool = False,
    ) -> None:
        self.mode = Mode(name="none")
        self._on_listener = on_listener
        self._on_listener_gone = on_listener_gone
        self._on_environments_lost = on_environments_lost
        self._log = log
        self._helper: HelperConnection | None = None
        self._up = asyncio.Event()
        self._failed: str = ""
        self._reconciler = Reconciler(self._call_apply, self._log, internet_host=internet_host)
        self._listeners: set[str] = set()
        self._environments: set[str] = set()
        self._deaths: list[float] = []
        self._restart: asyncio.Task[None] | None = None
        self._detaching: asyncio.Future[None] | None = None
        self._closed = False

    @classmethod
    async def start(
        cls,
        *,
        on_listener: Callable[[NamespaceListener], None],
        on_listener_gone: Callable[[str], None],
        on_environments_lost: Callable[[tuple[str, ...]], None] = lambda _: None,
        log: Callable[[str], None] = lambda _: None,
        internet_host: bool = False,
    ) -> Self:
        """Start the helper and bring up the internet. KernelUnavailableError when the machine does not allow it.

        `internet_host`: connections to addresses that are not AWS's are handed to the listener `internet/relay`.
        """
        self = cls(
            on_listener=on_listener,
            on_listener_gone=on_listener_gone,
            on_environments_lost=on_environments_lost,
            log=log,
            internet_host=internet_host,
        )
        await self._start_helper()
        try:
            broken = await self._reconciler.reconcile()
            if broken:
                raise ApplyError(broken)
        except BaseException:
            await self.close()
            raise
        return self

    @property
    def helper_pid(self) -> int:
        """Of the present helper process."""
        return self._helper.pid if self._helper else 0

    async def apply(self, snapshot: NetworkSnapshot) -> None:
        """Return when the kernel holds `snapshot`, or a later one. ApplyError names the VPCs that it does not hold.

        Calls that wait for one another are merged: the newest snapshot is applied once.
        """
        broken = await self._reconciler.apply(snapshot)
        if broken:
            raise ApplyError(broken)

    async def attach_environment(self, interface_id: str | None) -> AttachedEnvironment:
        """A new namespace behind a Lambda interface; None: outside any VPC. HelperError when there is no such one."""
        attaching = asyncio.ensure_future(self._call(messages.Attach(interface_id)))
        try:
            token, fds = await asyncio.shield(attaching)
        except asyncio.CancelledError:
            attaching.add_done_callback(self._abandon)
            raise
        self._environments.add(token)
        resolver, address = self._reconciler.addressing(interface_id) or (
            LINK_LOCAL_RESOLVER,
            PUBLIC_HUB_ADDRESS,
        )
        return AttachedEnvironment(
            token=token,
            netns_fd=fds[0],
            runtime_api=socket.socket(fileno=fds[1]),
            resolver=resolver,
            address=address,
        )

    def _abandon(self, attaching: asyncio.Future[tuple[Any, list[int]]]) -> None:
        """Nobody waits for this environment any more."""
        if not attaching.cancelled() and attaching.exception() is None:
            token, fds = attaching.result()
            for fd in fds:
                os.close(fd)
            self._environments.add(token)
            self._detaching = asyncio.ensure_future(self.detach_environment(token))

    async def detach_environment(self, token: str) -> None:
        """Cut it off. Nothing when it is gone already."""
        if token in self._environments:
            self._environments.discard(token)
            await self._call(messages.Detach(token))

    async def spawn(self, argv: Sequence[str], *, env: Mapping[str, str], fds: Sequence[int]) -> int:
        """Run a program (absolute path) with rights over the namespaces; the pid. It ends with the helper.

        `fds` become 3, 4, ...; it leads a process group and a session of its own; standard output and error are ours.
        """
        pid, _ = await self._call(messages.Spawn(tuple(argv), dict(env)), fds)
        return pid

    async def interface_namespace(self, interface_id: str) -> int:
        """A descriptor of the namespace of an interface (an instance's, say); the caller closes it."""
        _, fds = await self._call(messages.OpenNamespace(names.interface_namespace(interface_id)))
        return fds[0]

    async def counters(self, vpc_id: str) -> dict[str, Counter]:
        """Packets and bytes: per gateway endpoint (by its id) what entered it; per filter stage what was dropped.

        Keys besides ids: `sg-egress-drops`, `acl-egress-drops`, `acl-ingress-drops`, `sg-ingress-drops`,
        `gateway-drops`. A VPC without workloads has none.
        """
        found, _ = await self._call(messages.ReadCounters(names.router(vpc_id)))
        return found

    async def flows(self, vpc: VpcSnapshot) -> list[FlowCount]:
        """What was counted of the flows of `vpc.logged_interfaces` since they are logged (or the helper began)."""
        logged = [vpc.interfaces[each] for each in vpc.logged_interfaces if each in vpc.interfaces]
        if not logged or not has_workload(vpc):
            return []
        found, _ = await self._call(messages.ReadFlows(names.router(vpc.vpc_id)))
        return observed(
            found,
            {device_of(each): each.interface_id for each in logged},
            {each.address: each.interface_id for each in logged if each.kind is InterfaceKind.VPC_ENDPOINT},
        )

    async def close(self) -> None:
        """End the helper: no namespace, process or socket of it is left once the listeners are closed."""
        self._closed = True
        if self._restart is not None:
            self._restart.cancel()
            await asyncio.gather(self._restart, return_exceptions=True)
        if self._helper is not None:
            await self._helper.close()
            self._helper = None
        self._forget()

    async def _start_helper(self) -> None:
        self._helper, self.mode = await HelperConnection.start(self._heard)
        if not self.mode.enforces:
            await self._helper.close()
            self._helper = None
            raise KernelUnavailableError(self.mode)
        if self.mode.no_ipv6:
            self._reconciler.without_ipv6()
        self._up.set()
        self._helper.when_lost(self._lost)

    async def _call(self, request: messages.Request, fds: Sequence[int] = ()) -> tuple[Any, list[int]]:
        await self._up.wait()
        if self._helper is None:
            raise HelperError(self._failed or "the data plane is closed")
        return await self._helper.call(request, fds)

    async def _call_apply(self, request: messages.Apply) -> dict[str, str]:
        failed, _ = await self._call(request)
        return failed

    def _heard(self, event: Event, fds: list[int]) -> None:
        match event:
            case messages.ListenerOpened(listener):
                self._listeners.add(listener.name)
                self._on_listener(
                    NamespaceListener(
                        key=listener.name,
                        vpc_id=listener.vpc_id,
                        protocol=listener.protocol,
                        port=listener.port,
                        sock=socket.socket(fileno=fds[0]),
                    )
                )
            case messages.ListenerClosed(name):
                self._listener_gone(name)
            case messages.EnvironmentsLost(tokens):
                self._environments.difference_update(tokens)
                self._on_environments_lost(tokens)

    def _listener_gone(self, name: str) -> None:
        if name in self._listeners:
            self._listeners.discard(name)
            self._on_listener_gone(name)

    def _forget(self) -> None:
        for name in tuple(self._listeners):
            self._listener_gone(name)
        if self._environments:
            lost = tuple(sorted(self._environments))
            self._environments.clear()
            self._on_environments_lost(lost)

    def _lost(self) -> None:
        """The helper ended by itself: everything it held is gone. Another one takes its place."""
        self._up.clear()
        self._helper = None
        self._reconciler.forget()
        self._forget()
        if not self._closed:
            self._log("the network helper ended; starting another one")
            self._restart = asyncio.get_running_loop().create_task(self._recover())

    async def _recover(self) -> None:
        now = asyncio.get_running_loop().time()
        self._deaths = [moment for moment in self._deaths if now - moment < _QUICK_SECONDS] + [now]
        if len(self._deaths) > _QUICK_DEATHS:
            self._give_up(f"the network helper ended {len(self._deaths)} times within {_QUICK_SECONDS:.0f} s")
            return
        try:
            await self._start_helper()
        except (KernelUnavailableError, HelperError, OSError, TimeoutError) as error:
            self._give_up(f"the network helper does not start: {error}")
            return
        broken = await self._reconciler.reconcile()
        for group, why in broken.items():
            self._log(f"{group} is not in the kernel: {why}")

    def _give_up(self, why: str) -> None:
        self._failed = why
        self._log(why)
        self._up.set()


__all__ = [
    "ApplyError",
    "AttachedEnvironment",
    "HelperError",
    "HelperLostError",
    "KernelDataplane",
    "KernelUnavailableError",
    "NamespaceListener",
]
