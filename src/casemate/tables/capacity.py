"""Consumed capacity. Source: DynamoDB Developer Guide, "DynamoDB read and write operations", capacity units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from casemate.tables.schema import TableSchema

READ_BLOCK = 4096
WRITE_BLOCK = 1024


def write_units(size: int) -> float:
    """One unit per started KB; an absent item costs one."""
    return float(max((size + WRITE_BLOCK - 1) // WRITE_BLOCK, 1))


def read_units(size: int, *, consistent: bool) -> float:
    """One unit per started 4 KB, half of it for an eventually consistent read; nothing found costs one block."""
    read = max(blocks(size), 1)
    return float(read) if consistent else read / 2


def blocks(size: int) -> int:
    """Started blocks of 4 KB."""
    return (size + READ_BLOCK - 1) // READ_BLOCK


@dataclass(kw_only=True, slots=True)
class Units:
    """What an operation consumed on one table."""

    table: float = 0.0
    indexes: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, other: Units, factor: float = 1.0) -> None:
        self.table += other.table * factor
        for name, units in other.indexes.items():
            self.indexes[name] = self.indexes.get(name, 0.0) + units * factor

    @property
    def total(self) -> float:
        return self.table + sum(self.indexes.values())


def consumed_capacity(
    table: TableSchema,
    units: Units,
    wanted: str | None,
    named: str,
    *,
    split: Literal["ReadCapacityUnits", "WriteCapacityUnits"] | None = None,
) -> dict[str, Any] | None:
    """The ConsumedCapacity member, by ReturnConsumedCapacity; `split` for transactions, which name the kind too.

    The table is called what the request called it (API reference, ConsumedCapacity, TableName: "If you had specified the
    Amazon Resource Name (ARN) of a table in the input, you'll see the table ARN in the response").
    """
    if wanted not in ("TOTAL", "INDEXES"):
        return None
    answer: dict[str, Any] = {"TableName": named, **_amount(units.total, split)}
    if wanted == "INDEXES":
        answer["Table"] = _amount(units.table, split)
        for member, is_global in (("LocalSecondaryIndexes", False), ("GlobalSecondaryIndexes", True)):
            amounts: Mapping[str, Any] = {
                name: _amount(amount, split)
                for name, amount in units.indexes.items()
                if table.indexes[name].is_global is is_global
            }
            if amounts:
                answer[member] = amounts
    return answer


def _amount(units: float, split: str | None) -> dict[str, float]:
    return {"CapacityUnits": units, split: units} if split else {"CapacityUnits": units}
