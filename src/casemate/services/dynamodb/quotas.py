"""What an account may have in a Region: tables, and units for them.

Sources: Developer Guide, "Quotas in Amazon DynamoDB" (initial ones; AWS raises them on request); API reference,
DescribeLimits ("they restrict the sum of the provisioned capacity of the new table itself and all its global secondary
indexes"). The words of units are AWS's answers as recorded by ack-api-quirks, DDB-TABLE-446; those of the number of tables
are older ones, of which user reports have the number 256.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from casemate.model.errors import AwsError
from casemate.services.dynamodb.records import IndexRecord, TableRecord, Throughput
from casemate.services.dynamodb.state import DynamoState

TABLES = 2_500
TABLE_UNITS = 40_000
ACCOUNT_UNITS = 80_000
_REFER = "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."


def check_new_table(state: DynamoState, record: TableRecord) -> None:
    """LimitExceededException when there is no room for another table, or for its units."""
    present = state.tables.values(record.account, record.region)
    if len(list(present)) >= TABLES:
        raise AwsError(
            "LimitExceededException",
            f"Subscriber limit exceeded: There is a limit of {TABLES} tables per subscriber",
        )
    check_units(state, None, record)
    for member, units in _units(_throughputs(record)).items():
        if units > TABLE_UNITS:
            raise _above(member, units, record.region)


def check_units(state: DynamoState, old: TableRecord | None, new: TableRecord) -> None:
    """LimitExceededException when a table, an index or the account would come to have more units than it may.

    What has more already, from before there were quotas, may keep or lower it.
    """
    _check_each(old, new)
    before = _units(() if old is None else _throughputs(old))
    wanted = _units(_throughputs(new))
    grown = [member for member, units in wanted.items() if units > before[member]]
    if not grown:
        return
    others = [one for one in state.tables.values(new.account, new.region) if one.name != new.name]
    reserved = _units(units for one in others for units in _throughputs(one))
    for member in grown:
        if reserved[member] + wanted[member] > ACCOUNT_UNITS:
            raise AwsError(
                "LimitExceededException",
                f"This request would have caused the {member} limit to be exceeded for the account in {new.region}. "
                f"Current {member} reserved by the account: {reserved[member] + before[member]}. Limit: "
                f"{ACCOUNT_UNITS}. Requested: {wanted[member]}. {_REFER}",
            )


def check_ceilings(record: TableRecord, old: TableRecord | None = None) -> None:
    """On-demand limits and warm throughput: no more than a table may have units, or than it had anyway."""
    holders: list[tuple[TableRecord | IndexRecord, str, TableRecord | IndexRecord | None]] = [
        (record, "table", old),
        *((index, f"index {index.name}", old and old.index(index.name)) for index in record.indexes),
    ]
    for holder, of, before in holders:
        had: Mapping[str, int] = {} if before is None else _kept(before)
        for what, units in _ceilings(holder).items():
            if units > max(TABLE_UNITS, had.get(what, 0)):
                kind = "Read" if "Read" in what else "Write"
                raise AwsError(
                    "LimitExceededException",
                    f"Subscriber limit exceeded: Requested {what} for {of} exceeds TableMax{kind}CapacityUnits of the "
                    f"account in region {record.region}",
                )


def _ceilings(holder: TableRecord | IndexRecord) -> Mapping[str, int]:
    asked: dict[str, int | None] = {}
    if holder.on_demand is not None:
        asked["MaxReadRequestUnits for OnDemandThroughput"] = holder.on_demand.read
        asked["MaxWriteRequestUnits for OnDemandThroughput"] = holder.on_demand.write
    if holder.warm is not None:
        asked["ReadUnitsPerSecond for WarmThroughput"] = holder.warm.read
        asked["WriteUnitsPerSecond for WarmThroughput"] = holder.warm.write
    return {what: units for what, units in asked.items() if units is not None}


def _kept(holder: TableRecord | IndexRecord) -> Mapping[str, int]:
    """What it may keep: provisioned units that are lowered or given up stay as warm throughput."""
    asked = _ceilings(holder)
    units = holder.throughput
    taken = {
        "ReadUnitsPerSecond for WarmThroughput": units.read,
        "WriteUnitsPerSecond for WarmThroughput": units.write,
    }
    return {**asked, **{what: max(units, asked.get(what, 0)) for what, units in taken.items()}}


def _check_each(old: TableRecord | None, record: TableRecord) -> None:
    had = _units(() if old is None else (old.throughput,))
    for member, units in _units([record.throughput]).items():
        if units > max(TABLE_UNITS, had[member]):
            raise _above(member, units, record.region)
    for index in record.indexes:
        before = None if old is None else old.index(index.name)
        had = _units(() if before is None else (before.throughput,))
        for member, units in _units([index.throughput]).items():
            if units > max(TABLE_UNITS, had[member]):
                raise AwsError(
                    "LimitExceededException",
                    f"The requested {member} for index {index.name}, {units}, is above the per index maximum for the "
                    f"account in {record.region}. Per index maximum: {TABLE_UNITS}. {_REFER}",
                )


def _above(member: str, units: int, region: str) -> AwsError:
    return AwsError(
        "LimitExceededException",
        f"The requested {member}, {units}, is above the per table maximum for the account in {region}. Per table maximum: "
        f"{TABLE_UNITS}. {_REFER}",
    )


def _throughputs(record: TableRecord) -> tuple[Throughput, ...]:
    return (record.throughput, *(index.throughput for index in record.indexes))


def _units(throughputs: Iterable[Throughput]) -> Mapping[str, int]:
    read = write = 0
    for one in throughputs:
        read, write = read + one.read, write + one.write
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}
