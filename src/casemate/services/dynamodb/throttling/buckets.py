"""Token buckets of tables and indexes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from casemate.services.dynamodb.records import IndexRecord, TableRecord

BURST_SECONDS = 300
"""Developer Guide, "Burst capacity": "up to 5 minutes (300 seconds) of unused read and write capacity"."""
LIMIT_SECONDS = 1
"""An on-demand limit has no burst of its own."""
Kind = Literal["read", "write"]


class Rate(Struct, frozen=True, kw_only=True):
    """How fast a table or index may be used."""

    units: float
    """A second."""
    provisioned: bool
    """False: an on-demand limit."""

    @property
    def most(self) -> float:
        """What an unused bucket holds."""
        return self.units * (BURST_SECONDS if self.provisioned else LIMIT_SECONDS)


@dataclass(kw_only=True, slots=True)
class Bucket:
    """Units that are left. A request is let in while there are any, and may leave a debt."""

    rate: Rate
    units: float
    at: float

    def fill(self, rate: Rate, now: float) -> None:
        """What came in since it was looked at; another rate counts from now on."""
        self.units += (now - self.at) * self.rate.units
        self.rate, self.at = rate, now
        self.units = min(self.units, rate.most)


class Buckets:
    """The buckets of all tables. Not durable: a start fills them."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: dict[tuple[str, str, Kind], Bucket] = {}

    def of(self, table: TableRecord, index: IndexRecord | None, kind: Kind) -> Bucket | None:
        """The bucket of a table, or of one of its global indexes, as it is now; None: nothing limits it."""
        rate = rate_of(table, index, kind)
        if rate is None:
            return None
        key = (table.table_id, "" if index is None else index.name, kind)
        now = self._now()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(rate=rate, units=rate.most, at=now)
        bucket.fill(rate, now)
        return bucket


def rate_of(table: TableRecord, index: IndexRecord | None, kind: Kind) -> Rate | None:
    """What a table or index may take: provisioned units, or the on-demand limit where one was set."""
    holder = table if index is None else index
    if table.billing_mode == "PROVISIONED":
        units = holder.throughput.read if kind == "read" else holder.throughput.write
        return Rate(units=units, provisioned=True)
    if holder.on_demand is None:
        return None
    limit = holder.on_demand.read if kind == "read" else holder.on_demand.write
    return None if limit is None else Rate(units=limit, provisioned=False)
