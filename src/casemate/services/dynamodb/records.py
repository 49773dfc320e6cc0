"""Records of the control plane: a table and its indexes as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from casemate.services.dynamodb.names import TableRef
from casemate.tables.schema import (
    IndexSchema,
    KeyAttribute,
    KeySchema,
    KeyType,
    StreamSchema,
    StreamView,
    TableSchema,
)

_DAY = 24 * 3600
BillingMode = Literal["PROVISIONED", "PAY_PER_REQUEST"]


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Provisioned units; zeros for on-demand tables, as DescribeTable shows them."""

    read: int = 0
    write: int = 0
    decreased: tuple[float, ...] = ()
    """When they were lowered today."""
    increased: float | None = None
    """When they were raised last."""

    def is_same(self, other: Throughput) -> bool:
        """Whether the units are equal."""
        return (self.read, self.write) == (other.read, other.write)


@dataclass(frozen=True, kw_only=True)
class OnDemand:
    """OnDemandThroughput: the most request units a second; None: no limit."""

    read: int | None
    write: int | None


@dataclass(frozen=True, kw_only=True)
class IndexRecord:
    """A secondary index."""

    name: str
    number: int
    """Of its entries in the item store; never reused within the table."""
    is_global: bool
    hash_keys: tuple[str, ...]
    range_keys: tuple[str, ...]
    projection: Literal["ALL", "KEYS_ONLY", "INCLUDE"]
    included: tuple[str, ...] = ()
    throughput: Throughput = Throughput()
    on_demand: OnDemand | None = None
    warm: Throughput | None = None
    """What was asked for; None: what it has anyway."""
    status: Literal["ACTIVE", "CREATING"] = "ACTIVE"
    """CREATING: the items that the table had before are being added (`building`)."""


@dataclass(frozen=True, kw_only=True)
class Encryption:
    """SSESpecification with Enabled true: AWS KMS instead of the AWS owned key."""

    key_arn: str
    table_key: bytes = b""
    """The table's data key, encrypted under the KMS key."""


@dataclass(frozen=True, kw_only=True)
class StreamSetting:
    """A table's latest stream."""

    label: str
    stream_id: str
    """Thirty-two hexadecimal digits."""
    view: StreamView
    enabled: bool


@dataclass(frozen=True, kw_only=True)
class ContributorInsights:
    """A setting that is kept: nobody counts keys."""

    enabled: bool
    mode: Literal["ACCESSED_AND_THROTTLED_KEYS", "THROTTLED_KEYS"]
    changed: float


@dataclass(frozen=True, kw_only=True)
class KinesisDestination:
    """A setting that is kept: nothing is delivered."""

    stream_arn: str
    enabled: bool
    precision: Literal["MILLISECOND", "MICROSECOND"] | None = None
    """None: nothing was said."""


@dataclass(frozen=True, kw_only=True)
class Replica:
    """What a table is as a member of a global table."""

    group: str
    """A UUID, the same in every replica."""
    copied_from: str | None = None
    """The Region whose items are being copied; the replica is CREATING until they are."""
    sourced: float | None = None
    """When items were last copied from here to a new replica."""
    expires_items: bool = True
    """Time to live is looked after in one Region, where it was switched on; the others are told of the deletions."""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """RestoreSummary: what a table was restored from, and to when."""

    source_table: str
    """ARN."""
    source_backup: str | None
    """ARN; None: it was restored to a point in time."""
    moment: float


@dataclass(frozen=True, kw_only=True)
class Archival:
    """What became of a table whose key could not be used for more than seven days."""

    moment: float
    backup: str
    """ARN of the backup that was made of it then."""


@dataclass(frozen=True, kw_only=True)
class TableRecord:
    """A table. The items are in the engine under `table_id`."""

    account: str
    region: str
    name: str
    table_id: str
    """A UUID; a table made again has another one."""
    created: float
    """Seconds since the epoch."""
    attributes: Mapping[str, KeyType]
    hash_key: str
    range_key: str | None
    indexes: tuple[IndexRecord, ...] = ()
    next_index: int = 1
    billing_mode: BillingMode
    billing_changed: float | None = None
    switches: tuple[float, ...] = ()
    """When it became on-demand, within the last day."""
    throughput: Throughput = Throughput()
    on_demand: OnDemand | None = None
    warm: Throughput | None = None
    """What was asked for; None: what it has anyway."""
    encryption: Encryption | None = None
    key_changes: tuple[float, ...] = ()
    """When its key was another one, within the last day."""
    key_lost: float | None = None
    """Since when its key is known not to be usable; None while it is."""
    archived: Archival | None = None
    table_class: str = "STANDARD"
    class_changes: tuple[float, ...] = ()
    """When it was put into another one, within the last thirty days."""
    deletion_protection: bool = False
    deleting: bool = False
    """Its system backup is being made. A deletion that a crash came into has not happened."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    policy: str | None = None
    """The resource-based policy, as it was given."""
    policy_revision: str = ""
    ttl_attribute: str | None = None
    ttl_changed: float | None = None
    """When time to live was last switched on or off."""
    stream: StreamSetting | None = None
    recovery_since: float | None = None
    """When point-in-time recovery was switched on; None while it is off."""
    recovery_days: int = 35
    restored: Restored | None = None
    """What the table was made from."""
    replica: Replica | None = None
    """None: it has no replicas."""
    insights: Mapping[str, ContributorInsights] = field(default_factory=dict[str, ContributorInsights])
    """By the name of the index; that of the table under the empty one."""
    kinesis: tuple[KinesisDestination, ...] = ()

    @property
    def ref(self) -> TableRef:
        return TableRef(account=self.account, region=self.region, name=self.name)

    @property
    def id_bytes(self) -> bytes:
        """The id as the engine knows it."""
        return bytes.fromhex(self.table_id.replace("-", ""))

    @property
    def is_being_created(self) -> bool:
        return self.replica is not None and self.replica.copied_from is not None

    @property
    def expires_items(self) -> bool:
        """Whether time to live is looked after here."""
        return self.ttl_attribute is not None and (self.replica is None or self.replica.expires_items)

    def earliest_recovery(self, now: float) -> float | None:
        """The moment to which point-in-time recovery reaches back; None while it is off."""
        if self.recovery_since is None:
            return None
        return max(self.recovery_since, now - self.recovery_days * _DAY)

    def index(self, name: str) -> IndexRecord | None:
        return next((index for index in self.indexes if index.name == name), None)

    def with_indexes(self, indexes: tuple[IndexRecord, ...]) -> TableRecord:
        """With these: what was set for others is forgotten. One of the same name and another number is another one."""
        numbers = {index.number for index in self.indexes}
        kept = {"", *(index.name for index in indexes if index.number in numbers)}
        insights = {name: setting for name, setting in self.insights.items() if name in kept}
        return replace(self, indexes=indexes, insights=insights)

    def schema(self) -> TableSchema:
        """The table as the engine sees it."""
        stream = None
        if self.stream is not None and self.stream.enabled:
            stream = StreamSchema(stream_id=bytes.fromhex(self.stream.stream_id), view=self.stream.view)
        return TableSchema(
            table_id=self.id_bytes,
            name=self.name,
            key=self.key_schema(),
            indexes={index.name: self._index_schema(index) for index in self.indexes},
            stream=stream,
            recoverable=self.recovery_since is not None,
            replicated=self.replica is not None,
        )

    def key_schema(self) -> KeySchema:
        """The table's key."""
        sort = () if self.range_key is None else (self._attribute(self.range_key),)
        return KeySchema(partition=(self._attribute(self.hash_key),), sort=sort)

    def _attribute(self, name: str) -> KeyAttribute:
        return KeyAttribute(name=name, type=self.attributes[name])

    def _index_schema(self, index: IndexRecord) -> IndexSchema:
        return IndexSchema(
            name=index.name,
            number=index.number,
            key=KeySchema(
                partition=tuple(self._attribute(name) for name in index.hash_keys),
                sort=tuple(self._attribute(name) for name in index.range_keys),
            ),
            projection=index.projection,
            included=index.included,
            is_global=index.is_global,
            is_filled=index.status != "CREATING",
        )
