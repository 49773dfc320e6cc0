"""Functions, their versions, aliases and permissions: records of the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from casemate.servicekit.ports import (
    FunctionFacts,
    FunctionInterfaces,
    InsideAuthority,
    RoleSessions,
    TableStreams,
)
from casemate.servicekit.service import Authorize, Told
from casemate.servicekit.store import Store
from casemate.services.lambda_ import errors
from casemate.services.lambda_.asynchronous import EventInvokeConfig, QueuedEvent
from casemate.services.lambda_.event_sources.checkpoints import Checkpoints
from casemate.services.lambda_.event_sources.mappings import EventSourceMapping
from casemate.services.lambda_.layer_versions import Layers
from casemate.services.lambda_.names import LATEST, FunctionName
from casemate.services.lambda_.records import (
    FunctionUrl,
    LayerUse,
    ProvisionedConcurrency,
    RuntimeManagement,
    Snapshot,
)
from casemate.services.lambda_.runner import Runner, RunnerHost
from casemate.services.lambda_.unpacking import Unpacking
from casemate.services.lambda_.variable_keys import VariableKeys

if TYPE_CHECKING:
    from casemate.services.lambda_.prepared import Preparations


class Network(Struct, frozen=True, kw_only=True):
    """A function's place in a VPC."""

    vpc_id: str
    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    interface_ids: tuple[str, ...]
    """One per subnet, in the order of the subnets."""
    ipv6: bool = False


class Function(Struct, frozen=True, kw_only=True):
    """A version of a function: `$LATEST`, which changes, or a published one, which does not."""

    account: str
    region: str
    name: str
    version: str = LATEST
    runtime: str
    role: str
    handler: str
    description: str = ""
    timeout: int = 3
    memory: int = 128
    ephemeral: int = 512
    architecture: str = "x86_64"
    variables: dict[str, str] = field(default_factory=dict[str, str])
    network: Network | None = None
    network_given: bool = False
    """A VpcConfig was given, perhaps an empty one to leave a VPC: it is shown from then on."""
    kms_key: str | None = None
    variables_key: bytes = b""
    """The data key of the variables under `kms_key`; empty: there are none, or no key of the customer's."""
    tracing: str = "PassThrough"
    layers: tuple[LayerUse, ...] = ()
    """In the order of the configuration: a later one's files cover an earlier one's."""
    unzipped_size: int = 0
    """Bytes of the code, unpacked."""
    runtime_management: RuntimeManagement = field(default_factory=RuntimeManagement)
    snap_start: bool = False
    """SnapStart applies to published versions."""
    snapshot: Snapshot = field(default_factory=Snapshot)
    """Of a published version."""
    idle: bool = False
    """Its interfaces were reclaimed after two weeks without an invocation: the state Inactive."""
    logging: dict[str, str] = field(default_factory=dict[str, str])
    code_sha256: str
    code_size: int
    code_directory: str
    code_unreadable: str = ""
    modified: str
    revision: str
    next_version: int = 1
    """Of the next published version; only of meaning on `$LATEST`."""
    tags: dict[str, str] = field(default_factory=dict[str, str])
    reserved: int | None = None
    """Reserved concurrency; only of meaning on `$LATEST`, as are the tags."""
    recursive_loop: str = "Terminate"
    """Of meaning on `$LATEST`."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """As the collection knows it."""
        return (self.account, self.region, self.name, self.version)

    @property
    def arn(self) -> str:
        """Unqualified."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def version_arn(self) -> str:
        """Qualified by the version, except `$LATEST`."""
        return self.arn if self.version == LATEST else f"{self.arn}:{self.version}"

    @property
    def log_group(self) -> str:
        """Where it logs."""
        return self.logging.get("LogGroup") or f"/aws/lambda/{self.name}"


class Alias(Struct, frozen=True, kw_only=True):
    """A name for a version."""

    account: str
    region: str
    function: str
    name: str
    version: str
    description: str = ""
    weights: dict[str, float] = field(default_factory=dict[str, float])
    """Share of invocations that go to another version: at most one."""
    revision: str


class Activity(Struct, frozen=True, kw_only=True):
    """When a version was last invoked: to the day, so that an invocation does not write."""

    invoked: datetime


class Numbering(Struct, frozen=True, kw_only=True):
    """The number that the next version of a deleted function's successor gets.

    "Lambda doesn't reuse version numbers, even after deleting and recreating a function" (Lambda Developer Guide, "Manage
    Lambda function versions").
    """

    next: int


class Permissions(Struct, frozen=True, kw_only=True):
    """The resource-based policy of a function, or of one version or alias."""

    statements: tuple[dict[str, Any], ...] = ()
    """In the policy language."""
    revision: str


def _settled(told: Told) -> None:
    told(None)


class LambdaState:
    """The state of the service, and what it works with."""

    def __init__(
        self,
        store: Store,
        *,
        runner: Runner,
        host: RunnerHost,
        interfaces: FunctionInterfaces,
        sessions: RoleSessions,
        unpacking: Unpacking,
        streams: TableStreams,
        variable_keys: VariableKeys,
    ) -> None:
        self.store = store
        self.functions = store.collection("lambda.functions", Function)
        self.numbering = store.collection("lambda.version_numbers", Numbering)
        """By (account, Region, function)."""
        self.aliases = store.collection("lambda.aliases", Alias)
        self.permissions = store.collection("lambda.permissions", Permissions)
        self.layers = Layers(store)
        self.urls = store.collection("lambda.urls", FunctionUrl)
        """By (account, Region, function, alias or "")."""
        self.event_invoke_configs = store.collection("lambda.event_invoke_configs", EventInvokeConfig)
        """By (account, Region, function, qualifier)."""
        self.provisioned = store.collection("lambda.provisioned", ProvisionedConcurrency)
        """By (account, Region, function, version or alias)."""
        self.activity = store.collection("lambda.activity", Activity)
        """By a version's key."""
        self.queued = store.collection("lambda.events", QueuedEvent)
        self.runner = runner
        self.host = host
        self.interfaces = interfaces
        self.sessions = sessions
        self.unpacking = unpacking
        self.event_sources = store.collection("lambda.event_sources", EventSourceMapping)
        self.checkpoints = Checkpoints(store)
        self.streams = streams
        self.when_settled: Callable[[Told], None] = _settled
        """Calls back when no snapshot is being made, or it takes long. Set by `assemble`."""
        self.variable_keys = variable_keys
        self.authority: InsideAuthority | None = None
        """Set by the app when it is there; the service asks it once it runs."""
        self.preparations: Preparations
        """Set by `assemble`, as `enqueue` is."""
        self.enqueue: Callable[[QueuedEvent], None]
        """Keeps an event for later, inside the current transaction. Set by `assemble`."""

    def inside(self, region: str) -> Authorize:
        """Questions on behalf of a role, where no request is being answered."""
        assert self.authority is not None
        return self.authority.asking(service="lambda", region=region)

    def latest(self, name: FunctionName) -> Function:
        """The function; AwsError when it does not exist."""
        found = self.functions.get(*name.key, LATEST)
        if found is None:
            raise errors.not_found("Function", name.qualified_arn)
        return found

    def version(self, name: FunctionName) -> Function:
        """The version that a name with its qualifier means, through an alias too."""
        latest = self.latest(name)
        if name.qualifier in (None, LATEST):
            return latest
        assert name.qualifier is not None
        alias = self.aliases.get(*name.key, name.qualifier)
        found = self.functions.get(*name.key, alias.version if alias is not None else name.qualifier)
        if found is None:
            raise errors.not_found("Function", name.qualified_arn)
        return found

    def function_facts(self, *, account: str, region: str, name: str) -> FunctionFacts | None:
        """The port `Functions`."""
        found = self.functions.get(account, region, name, LATEST)
        if found is None:
            return None
        network = found.network
        return FunctionFacts(
            function_arn=found.arn,
            role_arn=found.role,
            vpc_id=network.vpc_id if network else None,
            interface_ids=network.interface_ids if network else (),
        )

    def versions(self, name: FunctionName) -> list[Function]:
        """`$LATEST` and the published versions, oldest first."""
        return self.functions.values(*name.key)

    def unreserved(self, account: str, region: str, total: int) -> int:
        """Concurrency that is left for functions without a reservation; provisioned concurrency is reserved too."""
        functions = self.functions.values(account, region)
        return total - sum(self._set_aside(one) for one in functions if one.version == LATEST)

    def _set_aside(self, latest: Function) -> int:
        if latest.reserved is not None:
            return latest.reserved
        key = (latest.account, latest.region, latest.name)
        return sum(one.requested for one in self.provisioned.values(*key))
