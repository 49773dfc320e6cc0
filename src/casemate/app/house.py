"""One Casemate, wired: the services, the gateway in front of them, the data plane below."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from casemate.app.options import Options
from casemate.dataplane.follower import Follower
from casemate.dataplane.off import NoDataplane
from casemate.execution import isolation
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.authorization import Authorizer, PolicySources
from casemate.gateway.busy_polling import BusyPolling
from casemate.gateway.certificates import CertificateAuthority
from casemate.gateway.data_directory import DataDirectory
from casemate.gateway.explanation import Explainer
from casemate.gateway.faults import Faults
from casemate.gateway.flow_collector import FlowCollector
from casemate.gateway.front import Front
from casemate.gateway.function_urls import FunctionUrlDoor
from casemate.gateway.http import Answer, ShortWays
from casemate.gateway.inside import Inside
from casemate.gateway.instance import StartError
from casemate.gateway.journal import Journal
from casemate.gateway.latency import seconds_to_wait
from casemate.gateway.log_delivery import RoleLogDelivery
from casemate.gateway.meter_reading import MeterReading
from casemate.gateway.pipeline import Pipeline
from casemate.gateway.plane import Plane
from casemate.gateway.shell import InstanceShell
from casemate.model.network import NetworkSnapshot
from casemate.servicekit.clock import system_clock
from casemate.servicekit.constraints import models
from casemate.servicekit.store import Store
from casemate.wire.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from casemate.app.identity import Identity
    from casemate.app.slices import Slices
    from casemate.dataplane.kernel.client import KernelDataplane

_log = logging.getLogger(__name__)

LAPTOP = IPv4Address("127.0.0.1")
METADATA = IPv4Address("169.254.169.254")


class House:
    """One Casemate, wired. `open` builds it, `close` takes it down; both leave the data directory consistent."""

    def __init__(self, options: Options, directory: DataDirectory, authority: CertificateAuthority) -> None:
        self._options = options
        self._directory = directory
        self._authority = authority
        self._closing = AsyncExitStack()
        """What `close` undoes, in the reverse order; a start that fails half-way is undone as far as it came."""

    async def open(self) -> None:
        """Start everything that runs. The front door is not among it: `front.open` is the last step of a start."""
        self.plane = Plane()
        # The helper hands its listeners over as it starts, and takes them back when `_wire` fails.
        self.front = Front(
            handler=self._handle,
            short=ShortWays(repeat=self._repeat, at_once=self._answer_at_once, polling=BusyPolling()),
            tls=self._authority.context,
            snapshot=self._snapshot,
            internet_host=self._options.internet == "host",
        )
        starting = asyncio.get_running_loop().create_task(self._start_dataplane())
        # The helper process starts while this one imports and wires the services: the two halves of a start.
        await asyncio.sleep(0)
        try:
            self._wire()
            await self._slices.remote.probe() if self._slices.remote else None
        finally:
            self.plane.current = await starting
            self._closing.push_async_callback(self.plane.current.close)
        self._closing.push_async_callback(self.follower.close)
        self._closing.push_async_callback(self._slices.supervisor.close)
        # Before the supervisor: an event that is tried again would start what is being ended.
        self._closing.callback(self._slices.lambda_.close)
        self._closing.push_async_callback(self._slices.ec2.keeper.close)
        self._closing.push_async_callback(self.pipeline.close)
        self._closing.push_async_callback(self.front.close)
        self._closing.push_async_callback(self.flow_collector.close)
        self._closing.push_async_callback(self._meter_reading.close)
        self.follower.start()
        self.flow_collector.start()
        self._meter_reading.start()
        self._slices.ec2.keeper.start()
        self._in_background(self._slices.housekeeper.run())
        self._in_background(self._slices.builder.run())
        self._in_background(self._slices.replicator.run())
        self._closing.push_async_callback(self._pollers.close)
        self._pollers.start()
        self._slices.lambda_.start()
        if not isinstance(self.plane.current, NoDataplane):
            # A first cold start should not wait for the fork-server, nor the ready line for either.
            warming = asyncio.get_running_loop().create_task(self._warm())
            self._closing.push_async_callback(asyncio.wait, [warming])

    def preload(self) -> None:
        """Import, one after the other, the operations that no request has needed yet."""
        self._in_background(self._load_operations())

    async def _load_operations(self) -> None:
        for service in self._slices.services:
            await asyncio.sleep(0.01)  # requests have their turn
            service.operations.load()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the requests until the house is closed."""
        task = asyncio.get_running_loop().create_task(work)
        self._closing.push_async_callback(asyncio.wait, [task])
        self._closing.callback(task.cancel)

    async def close(self) -> None:
        """Take everything down, in the reverse order."""
        await self._closing.aclose()

    def _wire(self) -> None:
        # Imported here: the helper process starts meanwhile.
        from casemate.app.identity import Identity
        from casemate.app.slices import Ground, Slices

        kept = None if self._options.ephemeral else self._directory.path
        self._store = Store(kept and kept / "casemate.db")
        self._closing.callback(self._store.close)
        self.journal = Journal(kept and kept / "journal.db")
        self.journal.start()
        self._closing.push_async_callback(self.journal.close)
        self._identity: Identity = Identity(
            self._store, self._directory, accept_any=self._options.accept_any_credentials
        )
        ground = Ground(
            options=self._options,
            directory=self._directory,
            kept=kept,
            ca_bundle=self._authority.bundle,
            store=self._store,
            journal=self.journal,
            plane=self.plane,
            closing=self._closing,
        )
        self._slices: Slices = Slices(ground, self._identity)
        self.shell = InstanceShell(self._slices.ec2.keeper, enforced=lambda: self.plane.enforced)
        self.follower = Follower(snapshot=self._slices.ec2.network.snapshot, apply=self.plane.apply)
        self.faults = Faults(
            self._slices.ec2.network, self.follower, why_no_latency=self.plane.why_no_latency
        )
        self._store.subscribe(self._committed)
        self._wire_gateway()
        self._wire_records()

    def _wire_gateway(self) -> None:
        from casemate.services.lambda_.event_sources.pollers import Pollers

        services, identity = self._slices.services, self._identity
        self.authorizer = Authorizer(
            PolicySources(
                identities=identity.directory,
                organization=identity.organization,
                endpoints=self._slices.ec2.endpoints,
                services={one.operations.iam_prefix: one for one in services},
                messages=identity.messages,
            )
        )
        inside = Inside(self.authorizer, uses=identity.uses, clock=system_clock)
        self._slices.lambda_.service.state.authority = inside
        self._pollers = Pollers(
            self._slices.lambda_.service.state,
            self._store,
            authority=inside,
            clock=system_clock,
            random_bytes=os.urandom,
        )
        self.pipeline = Pipeline(
            models=models(),
            services={one.name: one for one in services},
            store=self._store,
            credentials=identity.credentials,
            uses=identity.uses,
            network=self._slices.ec2.network,
            authorizer=self.authorizer,
            journal=self.journal,
            clock=system_clock,
            settled=self.follower.settled,
        )
        self.function_urls = FunctionUrlDoor(
            urls=self._slices.lambda_.urls,
            credentials=identity.credentials,
            uses=identity.uses,
            authorizer=self.authorizer,
            organization=identity.organization,
            service=self._slices.lambda_.service,
            journal=self.journal,
            clock=system_clock,
        )
        self.explainer = self._explainer()

    def _explainer(self) -> Explainer:
        identity = self._identity
        return Explainer(
            network=self._slices.ec2.network,
            authorizer=self.authorizer,
            functions=self._slices.lambda_.service.state,
            instances=self._slices.ec2.instances,
            tables=self._slices.tables,
            identities=identity.directory,
            directory=identity.directory,
            organization=identity.organization,
            clock=system_clock,
            laptop=LAPTOP,
        )

    def _wire_records(self) -> None:
        delivery = RoleLogDelivery(
            sessions=self._identity.role_sessions,
            uses=self._identity.uses,
            clock=system_clock,
            authorizer=self.authorizer,
            sink=self._slices.logs.state,
            groups=self._slices.logs.state,
        )
        self.flow_collector = FlowCollector(
            network=self._slices.ec2.network,
            flows=self.plane.flows,
            observer=self._slices.ec2.flow_recorder(self._store, delivery),
            clock=system_clock,
        )
        self._meter_reading = MeterReading(
            network=self._slices.ec2.network,
            counters=self.plane.bytes_counted,
            meters=self._slices.ec2.meter_readings(),
            store=self._store,
        )

    def _committed(self, collections: frozenset[str]) -> None:
        if any(name.startswith("ec2.") for name in collections):
            self.follower.changed()

    async def _start_dataplane(self) -> KernelDataplane | NoDataplane:
        if self._options.dataplane == "off":
            return NoDataplane("--dataplane off")
        from casemate.dataplane.kernel.client import ApplyError, KernelDataplane, KernelUnavailableError

        try:
            return await KernelDataplane.start(
                on_listener=self.front.adopt,
                on_listener_gone=self.front.drop,
                log=_log.info,
                internet_host=self._options.internet == "host",
            )
        except (ApplyError, KernelUnavailableError) as error:
            if self._options.dataplane == "kernel" or self._options.internet == "host":
                raise StartError(f"the kernel data plane cannot run here: {error}") from error
            return NoDataplane(str(error))

    def _handle(self, request: HttpRequest, arrival: Arrival) -> Awaitable[HttpResponse]:
        # `_wire` never yields to the loop: no connection is served before it has made the pipeline.
        if arrival.destination == METADATA and arrival.side is Side.VPC:
            return self._tell_instance(request, arrival)
        if arrival.side is Side.VPC and (wait := seconds_to_wait(arrival, self._snapshot())):
            return self._handle_slowly(request, arrival, wait)
        return self._serve(request, arrival)

    def _serve(self, request: HttpRequest, arrival: Arrival) -> Awaitable[HttpResponse]:
        if self.function_urls.serves(request):
            return self.function_urls.handle(request, arrival)
        return self.pipeline.handle(request, arrival)

    def _repeat(self, data: bytes, arrival: Arrival, answer: Answer) -> bool:
        if arrival.side is Side.VPC and seconds_to_wait(arrival, self._snapshot()):
            return False
        return self.pipeline.repeat(data, arrival, answer)

    def _answer_at_once(self, request: HttpRequest, arrival: Arrival, answer: Answer) -> bool:
        if arrival.side is Side.VPC and seconds_to_wait(arrival, self._snapshot()):
            return False
        # Only what came through `pipeline.handle` before is readmitted: neither metadata nor function URLs.
        return self.pipeline.answer_at_once(request, arrival, answer)

    async def _handle_slowly(self, request: HttpRequest, arrival: Arrival, wait: float) -> HttpResponse:
        response = await self._serve(request, arrival)
        await asyncio.sleep(wait)
        return response

    async def _tell_instance(self, request: HttpRequest, arrival: Arrival) -> HttpResponse:
        assert self._slices.ec2.metadata and arrival.vpc_id  # noqa: PT018
        return self._slices.ec2.metadata.answer(request, vpc_id=arrival.vpc_id, peer=arrival.peer)

    def _snapshot(self) -> NetworkSnapshot:
        return self._slices.ec2.network.snapshot()

    async def _warm(self) -> None:
        try:
            await self._slices.supervisor.start()
        except Exception:
            _log.exception("the fork-server could not be started")

    async def counters(self, vpc_id: str) -> dict[str, Any]:
        """Packets and bytes counted in a VPC: per gateway endpoint what entered it, per stage what was dropped."""
        found = await self.plane.current.counters(vpc_id)
        return {name: {"packets": counter.packets, "bytes": counter.bytes} for name, counter in found.items()}

    async def costs(self) -> dict[str, Any]:
        """What `casemate costs` prints."""
        await self._meter_reading.read()
        return self._slices.ec2.bill(system_clock())

    def status(self) -> dict[str, Any]:
        """What `casemate status` prints."""
        plane = self.plane.current
        enforced = not isinstance(plane, NoDataplane)
        network = (
            f"NOT ENFORCED: {plane.why}"
            if isinstance(plane, NoDataplane)
            else f"enforced ({plane.mode.name})"
        )
        # Empty until they have been looked for: a moment after the ready line.
        runtimes = self._slices.supervisor.runtimes or f"Python {self._slices.supervisor.python_version}"
        return {
            "network": network,
            "network_enforced": enforced,
            "ipv6": None if isinstance(plane, NoDataplane) else plane.mode.no_ipv6 or None,
            "network_failure": self.follower.failure,
            "faults": self.faults.summary,
            "internet": self._options.internet,
            "policies": "enforced",
            "instances": "run" if enforced else "are records only without the network",
            "tables": "in the data directory"
            if self._slices.remote is None
            else self._slices.remote.summary(),
            "isolation": isolation.describe(rootless=plane.mode.name == "kernel-userns")
            if not isinstance(plane, NoDataplane)
            else None,
            "functions": f"run on {runtimes}" if enforced else "cannot run without the network",
        }
