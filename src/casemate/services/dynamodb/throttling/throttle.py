"""Who is let in and who is not, and the errors of those who are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from casemate.model.errors import AwsError
from casemate.services.dynamodb.records import IndexRecord, TableRecord
from casemate.services.dynamodb.throttling.buckets import Bucket, Buckets, Kind

TABLE_EXCEEDED = (
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning "
    "level with the UpdateTable API."
)
INDEX_EXCEEDED = (
    "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. "
    "Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable "
    "API"
)
"""API reference, TransactWriteItems, and answers of AWS (grailbio/reflow, issue 101)."""
LIMIT_EXCEEDED = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"
"""Developer Guide, "DynamoDB maximum throughput for on-demand tables"."""


class Demand(Struct, frozen=True, kw_only=True):
    """What a request, or one item of it, wants of a table."""

    named: str
    """What the request calls the table, and the answer after it."""
    table: TableRecord
    kind: Kind
    index: IndexRecord | None = None
    """The global index that is read."""


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a demand is not met."""

    table: TableRecord
    index: IndexRecord | None
    kind: Kind
    provisioned: bool

    @property
    def message(self) -> str:
        if not self.provisioned:
            return LIMIT_EXCEEDED
        return TABLE_EXCEEDED if self.index is None else INDEX_EXCEEDED

    @property
    def reason(self) -> dict[str, str]:
        """A ThrottlingReason."""
        where, what = "Table" if self.index is None else "Index", self.kind.capitalize()
        limit = "ProvisionedThroughputExceeded" if self.provisioned else "MaxOnDemandThroughputExceeded"
        ref = self.table.ref
        resource = ref.arn if self.index is None else ref.index_arn(self.index.name)
        return {"reason": f"{where}{what}{limit}", "resource": resource}

    @property
    def code(self) -> str:
        """As the reason of a transaction or of a statement in a batch."""
        return "ProvisionedThroughputExceeded" if self.provisioned else "ThrottlingError"

    def error(self) -> AwsError:
        if self.provisioned:
            name, member = "ProvisionedThroughputExceededException", "ThrottlingReasons"
        else:
            name, member = "ThrottlingException", "throttlingReasons"
        return AwsError(name, self.message, fields={member: [self.reason]})


class Throttle:
    """Asked before an operation, told after it what was consumed."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._buckets = Buckets(now)

    def refusal(self, demand: Demand, spoken_for: float = 0.0) -> Refusal | None:
        """Why that cannot be met now; None: it can. `spoken_for`: units that others of the request will take.

        A write draws on its table and on every index: one that has nothing left holds the table's writes up.
        """
        for index, bucket in self._drawn(demand):
            if bucket.units <= (spoken_for if index is demand.index else 0.0):
                return Refusal(
                    table=demand.table, index=index, kind=demand.kind, provisioned=bucket.rate.provisioned
                )
        return None

    def _drawn(self, demand: Demand) -> Iterable[tuple[IndexRecord | None, Bucket]]:
        indexes: list[IndexRecord | None] = [demand.index]
        if demand.kind == "write":
            indexes += (index for index in demand.table.indexes if index.is_global)
        for index in indexes:
            bucket = self._buckets.of(demand.table, index, demand.kind)
            if bucket is not None:
                yield index, bucket

    def consumed(self, table: TableRecord, kind: Kind, capacity: Mapping[str, Any]) -> None:
        """Take what an operation reported, in the form of ConsumedCapacity with its indexes."""
        local = sum(_units(used) for used in capacity.get("LocalSecondaryIndexes", {}).values())
        self.take(table, None, kind, _units(capacity.get("Table", {})) + local)
        for name, used in capacity.get("GlobalSecondaryIndexes", {}).items():
            index = table.index(name)
            if index is not None:
                self.take(table, index, kind, _units(used))

    def take(self, table: TableRecord, index: IndexRecord | None, kind: Kind, units: float) -> None:
        bucket = self._buckets.of(table, index, kind)
        if bucket is not None:
            bucket.units -= units


def _units(used: Mapping[str, Any]) -> float:
    return used.get("CapacityUnits", 0.0)
