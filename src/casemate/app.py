"""The only file that wires things together: from options to a serving Casemate, and back to nothing."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from casemate import __version__
from casemate.dataplane.follower import Follower
from casemate.dataplane.off import NoDataplane
from casemate.execution.machines import Machines
from casemate.execution.supervisor import Settings, Supervisor
from casemate.gateway.arrival import Arrival, Side
from casemate.gateway.authorization import Authorizer, PolicySources
from casemate.gateway.certificates import CertificateAuthority
from casemate.gateway.data_directory import DataDirectory, InUseError
from casemate.gateway.explanation import Explainer
from casemate.gateway.failures import KEY_BYTES, SealedMessages
from casemate.gateway.flow_collector import FlowCollector
from casemate.gateway.front import Front
from casemate.gateway.function_urls import FunctionUrlDoor
from casemate.gateway.inside import Inside
from casemate.gateway.instance import Instance, StartError
from casemate.gateway.journal import Journal
from casemate.gateway.log_delivery import RoleLogDelivery
from casemate.gateway.meter_reading import MeterReading
from casemate.gateway.pipeline import Pipeline
from casemate.gateway.plane import Plane
from casemate.gateway.shell import InstanceShell
from casemate.model.network import NetworkSnapshot
from casemate.servicekit.clock import system_clock
from casemate.servicekit.constraints import models
from casemate.servicekit.credentials import AnyCredentials, JoinedCredentials
from casemate.servicekit.ports import Credentials
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store, StoreError
from casemate.wire.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from casemate.dataplane.kernel.client import KernelDataplane

_log = logging.getLogger(__name__)

MANAGEMENT_ACCOUNT = "111111111111"
WORKLOAD_ACCOUNT = "000000000000"
ACCOUNTS = (MANAGEMENT_ACCOUNT, WORKLOAD_ACCOUNT)
LAPTOP = IPv4Address("127.0.0.1")
METADATA = IPv4Address("169.254.169.254")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What `casemate up` was asked."""

    port: int
    data: Path
    ephemeral: bool = False
    dataplane: Literal["auto", "kernel", "off"] = "auto"
    accept_any_credentials: bool = False
    strict_runtimes: bool = False
    """Functions run on the version of their runtime or not at all."""
    quotas: Mapping[str, int] = field(default_factory=dict[str, int])
    """Quotas of a VPC to raise or lower, by the names of `services.ec2.quotas`."""


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
        self.front = Front(handler=self._handle, tls=self._authority.context, snapshot=self._snapshot)
        starting = asyncio.get_running_loop().create_task(self._start_dataplane())
        # The helper process starts while this one imports and wires the services: the two halves of a start.
        await asyncio.sleep(0)
        try:
            self._wire()
        finally:
            self.plane.current = await starting
            self._closing.push_async_callback(self.plane.current.close)
        self._closing.push_async_callback(self.follower.close)
        self._closing.push_async_callback(self._supervisor.close)
        self._closing.push_async_callback(self._ec2.keeper.close)
        self._closing.push_async_callback(self.front.close)
        self._closing.push_async_callback(self.flow_collector.close)
        self._closing.push_async_callback(self._meter_reading.close)
        self.follower.start()
        self.flow_collector.start()
        self._meter_reading.start()
        self._ec2.keeper.start()
        self._in_background(self._housekeeper.run())
        self._closing.push_async_callback(self._pollers.close)
        self._pollers.start()
        self._lambda.start()
        if not isinstance(self.plane.current, NoDataplane):
            # A first cold start should not wait for the fork-server, nor the ready line for either.
            warming = asyncio.get_running_loop().create_task(self._warm())
            self._closing.push_async_callback(asyncio.wait, [warming])

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the requests until the house is closed."""
        task = asyncio.get_running_loop().create_task(work)
        self._closing.push_async_callback(asyncio.wait, [task])
        self._closing.callback(task.cancel)

    async def close(self) -> None:
        """Take everything down, in the reverse order."""
        await self._closing.aclose()

    def _wire(self) -> None:
        kept = None if self._options.ephemeral else self._directory.path
        self._store = Store(kept and kept / "casemate.db")
        self._closing.callback(self._store.close)
        self.journal = Journal(kept and kept / "journal.db")
        self.journal.start()
        self._closing.push_async_callback(self.journal.close)
        self._messages = SealedMessages(self._directory.secret("authorization-messages.key", KEY_BYTES))
        self._wire_identity()
        self._ensure_administrators()
        self._wire_network()
        self._wire_functions_and_tables(kept)
        self._wire_gateway()
        self._wire_records()

    def _wire_identity(self) -> None:
        from casemate.services import iam, organizations, sts
        from casemate.services.iam.bootstrap import Bootstrap
        from casemate.services.iam.credentials import AccessKeyCredentials
        from casemate.services.iam.identities import IamDirectory
        from casemate.services.iam.last_uses import IamCredentialUses
        from casemate.services.organizations.membership import OrganizationMembership
        from casemate.services.sts.credentials import SessionCredentials
        from casemate.services.sts.service_sessions import ServiceSessions

        self._iam = iam.build(self._store, clock=system_clock)
        self._bootstrap = Bootstrap(state=self._iam.state, random_bytes=os.urandom)
        self._identities = IamDirectory(self._iam.state)
        self._uses = IamCredentialUses(self._iam.state)
        access_keys = AccessKeyCredentials(self._iam.state, self._identities)
        self._organizations = organizations.build(
            self._store, clock=system_clock, random_bytes=os.urandom, members=self._bootstrap
        )
        self._organization = OrganizationMembership(self._organizations.state)
        self._iam.state.organization = self._organization
        self._sts = sts.build(
            self._store,
            clock=system_clock,
            random_bytes=os.urandom,
            directory=self._identities,
            access_keys=access_keys,
            organization=self._organization,
            messages=self._messages,
        )
        self._role_sessions = ServiceSessions(self._sts.state)
        self._credentials: Credentials = JoinedCredentials(access_keys, SessionCredentials(self._sts.state))

    def _wire_network(self) -> None:
        from casemate.services import ec2
        from casemate.services.iam.instance_profiles import IamInstanceProfiles

        machines = Machines(self.plane, data_dir=self._directory.path, ca_bundle=self._authority.bundle)
        self._ec2 = ec2.build(
            self._store,
            quotas=ec2.quotas_with(self._options.quotas),
            profiles=IamInstanceProfiles(self._iam.state),
            sessions=self._role_sessions,
            machines=machines,
        )
        self.shell = InstanceShell(self._ec2.keeper, enforced=lambda: self.plane.enforced)
        self.follower = Follower(snapshot=self._ec2.network.snapshot, apply=self.plane.apply)
        self._store.subscribe(self._committed)

    def _wire_functions_and_tables(self, kept: Path | None) -> None:
        from casemate.services import cloudtrail, dynamodb, kms, lambda_, logs
        from casemate.services.dynamodb.housekeeping import Housekeeper
        from casemate.services.dynamodb.streams.reading import StreamReading
        from casemate.tables.engine import TablesEngine
        from casemate.tables.storage_memory import MemoryStorage
        from casemate.tables.storage_rocksdb import RocksStorage

        self._engine = TablesEngine(RocksStorage(kept / "items") if kept else MemoryStorage())
        self._closing.callback(self._engine.close)
        self._kms = kms.build(
            self._store,
            master=self._directory.secret("kms-master.key", kms.MASTER_BYTES),
            clock=system_clock,
            random_bytes=os.urandom,
        )
        self._dynamodb = dynamodb.build(self._store, self._engine, self._kms.keys)
        self._dynamodb_streams = dynamodb.build_streams(self._dynamodb)
        self._housekeeper = Housekeeper(self._dynamodb.state, self._store, clock=system_clock)
        self._logs = logs.build(self._store, kept and kept / "logs")
        self._closing.callback(self._logs.state.events.close)
        settings = Settings(
            data_dir=self._directory.path,
            ca_bundle=self._authority.bundle,
            strict_runtimes=self._options.strict_runtimes,
        )
        self._supervisor = Supervisor(self.plane, settings)
        self._lambda = lambda_.assemble(
            self._store,
            supervisor=self._supervisor,
            function_interfaces=self._ec2.function_interfaces,
            role_sessions=self._role_sessions,
            log_sink=self._logs.state,
            table_streams=StreamReading(self._dynamodb.state, self._store, clock=system_clock),
            code_dir=settings.code,
            random_bytes=os.urandom,
        )
        self._ec2.service.state.functions = self._lambda.service.state
        self._closing.callback(self._lambda.close)
        self._cloudtrail = cloudtrail.build(self.journal)

    def _wire_gateway(self) -> None:
        from casemate.services.lambda_.event_sources.pollers import Pollers

        slices: list[Service[Any]] = [
            self._iam, self._sts, self._organizations, self._ec2.service, self._dynamodb, self._dynamodb_streams,
            self._logs, self._lambda.service, self._cloudtrail, self._kms.service,
        ]  # fmt: skip
        self.authorizer = Authorizer(
            PolicySources(
                identities=self._identities,
                organization=self._organization,
                endpoints=self._ec2.endpoints,
                services={one.operations.iam_prefix: one for one in slices},
                messages=self._messages,
            )
        )
        inside = Inside(self.authorizer, uses=self._uses, clock=system_clock)
        self._lambda.service.state.authority = inside
        self._pollers = Pollers(
            self._lambda.service.state,
            self._store,
            authority=inside,
            clock=system_clock,
            random_bytes=os.urandom,
        )
        self.pipeline = Pipeline(
            models=models(),
            services={one.name: one for one in slices},
            store=self._store,
            credentials=self._admitted(),
            uses=self._uses,
            network=self._ec2.network,
            authorizer=self.authorizer,
            journal=self.journal,
            clock=system_clock,
            settled=self.follower.settled,
        )
        self.function_urls = FunctionUrlDoor(
            urls=self._lambda.urls,
            credentials=self._admitted(),
            uses=self._uses,
            authorizer=self.authorizer,
            organization=self._organization,
            service=self._lambda.service,
            journal=self.journal,
            clock=system_clock,
        )
        self.explainer = Explainer(
            network=self._ec2.network,
            authorizer=self.authorizer,
            functions=self._lambda.service.state,
            tables=self._dynamodb.state,
            identities=self._identities,
            directory=self._identities,
            organization=self._organization,
            clock=system_clock,
            laptop=LAPTOP,
        )

    def _wire_records(self) -> None:
        delivery = RoleLogDelivery(
            sessions=self._role_sessions,
            uses=self._uses,
            clock=system_clock,
            authorizer=self.authorizer,
            sink=self._logs.state,
            groups=self._logs.state,
        )
        self.flow_collector = FlowCollector(
            network=self._ec2.network,
            flows=self.plane.flows,
            observer=self._ec2.flow_recorder(self._store, delivery),
            clock=system_clock,
        )
        self._meter_reading = MeterReading(
            network=self._ec2.network,
            counters=self.plane.bytes_counted,
            meters=self._ec2.meter_readings(),
            store=self._store,
        )

    def _admitted(self) -> Credentials:
        if not self._options.accept_any_credentials:
            return self._credentials
        administrator = self._identities.user(WORKLOAD_ACCOUNT, "admin")
        assert administrator is not None
        return AnyCredentials(self._credentials, administrator)

    def _ensure_administrators(self) -> None:
        """An administrator in each account; its key, kept beside the state, survives `casemate reset`."""
        known = self._directory.read_credentials()
        keys: dict[str, dict[str, str]] = {}
        for account in ACCOUNTS:
            kept = known.get(account)
            pair = (kept["access_key_id"], kept["secret_access_key"]) if kept else None
            key = self._bootstrap.ensure_administrator(account, pair)
            keys[account] = {"access_key_id": key.id, "secret_access_key": key.secret}
        self._directory.write_credentials(keys)

    def _committed(self, collections: frozenset[str]) -> None:
        if any(name.startswith("ec2.") for name in collections):
            self.follower.changed()

    async def _start_dataplane(self) -> KernelDataplane | NoDataplane:
        if self._options.dataplane == "off":
            return NoDataplane("--dataplane off")
        from casemate.dataplane.kernel.client import KernelDataplane, KernelUnavailableError

        try:
            return await KernelDataplane.start(
                on_listener=self.front.adopt, on_listener_gone=self.front.drop, log=_log.info
            )
        except KernelUnavailableError as error:
            if self._options.dataplane == "kernel":
                raise StartError(f"the kernel data plane cannot run here: {error}") from error
            return NoDataplane(str(error))

    def _handle(self, request: HttpRequest, arrival: Arrival) -> Awaitable[HttpResponse]:
        # `_wire` never yields to the loop: no connection is served before it has made the pipeline.
        if arrival.destination == METADATA and arrival.side is Side.VPC:
            return self._tell_instance(request, arrival)
        if self.function_urls.serves(request):
            return self.function_urls.handle(request, arrival)
        return self.pipeline.handle(request, arrival)

    async def _tell_instance(self, request: HttpRequest, arrival: Arrival) -> HttpResponse:
        assert self._ec2.metadata and arrival.vpc_id  # noqa: PT018
        return self._ec2.metadata.answer(request, vpc_id=arrival.vpc_id, peer=arrival.peer)

    def _snapshot(self) -> NetworkSnapshot:
        return self._ec2.network.snapshot()

    async def _warm(self) -> None:
        try:
            await self._supervisor.start()
        except Exception:
            _log.exception("the fork-server could not be started")

    async def counters(self, vpc_id: str) -> dict[str, Any]:
        """Packets and bytes counted in a VPC: per gateway endpoint what entered it, per stage what was dropped."""
        found = await self.plane.current.counters(vpc_id)
        return {name: {"packets": counter.packets, "bytes": counter.bytes} for name, counter in found.items()}

    async def costs(self) -> dict[str, Any]:
        """What `casemate costs` prints."""
        await self._meter_reading.read()
        return self._ec2.bill(system_clock())

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
        runtimes = self._supervisor.runtimes or f"Python {self._supervisor.python_version}"
        return {
            "network": network,
            "network_enforced": enforced,
            "network_failure": self.follower.failure,
            "policies": "enforced",
            "instances": "run" if enforced else "are records only without the network",
            "functions": f"run on {runtimes}" if enforced else "cannot run without the network",
        }


async def serve(options: Options, *, announce: Callable[[str], None]) -> None:
    """Run a Casemate until SIGTERM, SIGINT or `casemate down`; StartError when it cannot start."""
    # Keys, items, logs and the journal are the owner's alone, also below a --data directory that was there before.
    os.umask(0o077)
    try:
        directory = DataDirectory(options.data)
        directory.acquire()
    except InUseError as error:
        raise StartError(str(error)) from None
    except OSError as error:
        raise StartError(f"the data directory {options.data} cannot be used: {error.strerror}") from error
    try:
        authority = CertificateAuthority(options.data / "ca")
        instance = Instance(
            port=options.port,
            directory=directory,
            ephemeral=options.ephemeral,
            make_house=lambda: House(options, directory, authority),
            version=__version__,
        )
        await instance.run(announce)
    except StoreError as error:
        raise StartError(
            f"the state in {options.data} cannot be read: {error}; move the directory away, or choose another with --data"
        ) from error
    finally:
        directory.release()


def registries() -> list[Any]:
    """Every slice's registry of operations: for the coverage table and the architecture tests."""
    from casemate.services.cloudtrail import operations as cloudtrail
    from casemate.services.dynamodb.registry import operations as dynamodb
    from casemate.services.dynamodb.streams.operations import operations as dynamodbstreams
    from casemate.services.ec2.registry import operations as ec2
    from casemate.services.iam.registry import operations as iam
    from casemate.services.kms.registry import operations as kms
    from casemate.services.lambda_ import OPERATIONS as LAMBDA
    from casemate.services.logs import OPERATIONS as LOGS
    from casemate.services.organizations.registry import operations as organizations
    from casemate.services.sts.registry import operations as sts

    return [cloudtrail, dynamodb, dynamodbstreams, ec2, iam, kms, LAMBDA, LOGS, organizations, sts]
