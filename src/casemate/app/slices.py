"""What there is: the services of networks, tables, keys, functions and records, on one store."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from casemate.app.identity import Identity
from casemate.app.options import Options
from casemate.execution.machines import Machines
from casemate.execution.supervisor import Settings, Supervisor
from casemate.gateway.data_directory import DataDirectory
from casemate.gateway.journal import Journal
from casemate.gateway.plane import Plane
from casemate.servicekit.clock import system_clock
from casemate.servicekit.service import Service
from casemate.servicekit.store import Store
from casemate.services import cloudtrail, dynamodb, ec2, kms, lambda_, logs
from casemate.services.dynamodb.asking import AskedTables
from casemate.services.dynamodb.building import Builder
from casemate.services.dynamodb.global_tables.replicator import Replicator
from casemate.services.dynamodb.housekeeping import Housekeeper
from casemate.services.dynamodb.streams.reading import StreamReading
from casemate.tables.engine import TablesEngine
from casemate.tables.storage_memory import MemoryStorage
from casemate.tables.storage_rocksdb import RocksStorage


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What the slices stand on."""

    options: Options
    directory: DataDirectory
    kept: Path | None
    """The data directory; None: nothing is kept."""
    ca_bundle: Path
    store: Store
    journal: Journal
    plane: Plane
    closing: AsyncExitStack
    """Where a slice leaves what ends it."""


class Slices:
    """Built in the order of what needs what."""

    def __init__(self, ground: Ground, identity: Identity) -> None:
        self._ground = ground
        self._identity = identity
        self.remote = ground.options.tables and ground.options.tables.endpoint()
        self._build_network()
        self._build_tables()
        self._build_functions()
        self.cloudtrail = cloudtrail.build(ground.journal)

    @property
    def services(self) -> list[Service[Any]]:
        """Everything that answers requests."""
        return [
            self._identity.iam, self._identity.sts, self._identity.organizations, self.ec2.service, self.dynamodb,
            self._dynamodb_streams, self.logs, self.lambda_.service, self.cloudtrail, self._kms.service,
        ]  # fmt: skip

    def _build_network(self) -> None:
        ground = self._ground
        self.ec2 = ec2.build(
            ground.store,
            quotas=ec2.quotas_with(ground.options.quotas),
            profiles=self._identity.instance_profiles,
            sessions=self._identity.role_sessions,
            machines=Machines(ground.plane, data_dir=ground.directory.path, ca_bundle=ground.ca_bundle),
        )

    def _build_tables(self) -> None:
        ground = self._ground
        engine = TablesEngine(RocksStorage(ground.kept / "items") if ground.kept else MemoryStorage())
        ground.closing.callback(engine.close)
        self._kms = kms.build(
            ground.store,
            master=ground.directory.secret("kms-master.key", kms.MASTER_BYTES),
            clock=system_clock,
            random_bytes=os.urandom,
            records=ground.journal,
            principals=self._identity.directory,
        )
        self.dynamodb = dynamodb.build(ground.store, engine, self._kms.keys)
        self.tables = AskedTables(self.dynamodb.state, ground.store, clock=system_clock)
        self.dynamodb.state.linked_roles = self._identity.linked_roles
        if ground.options.throttle:
            from casemate.services.dynamodb.throttling.operations import throttled

            self.dynamodb = throttled(self.dynamodb)
        if self.remote is not None:
            from casemate.services.dynamodb.remote import forwarding

            ground.closing.callback(self.remote.close)
            self.dynamodb = forwarding(self.dynamodb, self.remote)
        self._dynamodb_streams = dynamodb.build_streams(self.dynamodb)
        self.housekeeper = Housekeeper(self.dynamodb.state, ground.store, clock=system_clock)
        self.builder = Builder(self.dynamodb.state, ground.store)
        self.replicator = Replicator(self.dynamodb.state, ground.store)

    def _build_functions(self) -> None:
        ground = self._ground
        self.logs = logs.build(ground.store, ground.kept and ground.kept / "logs")
        ground.closing.callback(self.logs.state.close)
        settings = Settings(
            data_dir=ground.directory.path,
            ca_bundle=ground.ca_bundle,
            strict_runtimes=ground.options.strict_runtimes,
        )
        network = self.ec2.network
        self.supervisor = Supervisor(
            ground.plane,
            settings,
            in_order=lambda interfaces: network.snapshot().in_order(interfaces),
            zone_of=lambda interface: network.snapshot().zone_id_of(interface),
        )
        self.lambda_ = lambda_.assemble(
            ground.store,
            supervisor=self.supervisor,
            function_interfaces=self.ec2.function_interfaces,
            role_sessions=self._identity.role_sessions,
            log_sink=self.logs.state,
            table_streams=StreamReading(self.dynamodb.state, ground.store, clock=system_clock),
            keys=self._kms.keys,
            code_dir=settings.code,
            random_bytes=os.urandom,
        )
        self.ec2.service.state.functions = self.lambda_.service.state
