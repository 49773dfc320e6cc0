"""Capacity as it is asked for and as it may change: provisioned units, on-demand limits, warm throughput.

Sources: Developer Guide, "Service, account, and table quotas" (decreases of provisioned throughput: four a day, then one an
hour), "Considerations when switching capacity modes" (to on-demand four times in 24 hours), "Maximum throughput for
on-demand tables", "Understanding DynamoDB warm throughput" (12,000 reads and 4,000 writes to begin with). The texts of the
two quotas are from general knowledge of AWS's answers; no observation of them is at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from casemate.model.errors import AwsError
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.records import BillingMode, OnDemand, TableRecord, Throughput
from casemate.tables.errors import INVALID

DECREASES = 4
SWITCHES = 4
_HOUR = 3600.0
_DAY = 24 * _HOUR
WARM = Throughput(read=12_000, write=4_000)
_REMOVED = -1


def changed_units(old: Throughput, new: Throughput, now: float) -> Throughput:
    """`new` with the memory of when units were raised and lowered; LimitExceededException beyond the quota."""
    today = tuple(moment for moment in old.decreased if moment >= now - now % _DAY)
    if new.read < old.read or new.write < old.write:
        if len(today) >= DECREASES and now - today[-1] < _HOUR:
            raise _too_often(today)
        today = (*today, now)
    raised = new.read > old.read or new.write > old.write
    return replace(new, decreased=today, increased=now if raised else old.increased)


def _too_often(today: tuple[float, ...]) -> AwsError:
    return AwsError(
        "LimitExceededException",
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first "
        f"{DECREASES} decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 "
        f"seconds. Number of decreases today: {len(today)}. Last decrease at {_written(today[-1])}. Next decrease can be "
        f"made at {_written(today[-1] + _HOUR)}",
    )


def _written(moment: float) -> str:
    when = datetime.fromtimestamp(moment, UTC)
    return f"{when:%A}, {when:%B} {when.day}, {when.year} {when.hour % 12 or 12}:{when:%M:%S %p} UTC"


def switched(record: TableRecord, mode: BillingMode, now: float) -> TableRecord:
    """The table in another capacity mode."""
    recent = tuple(moment for moment in record.switches if now - moment < _DAY)
    if mode == "PAY_PER_REQUEST":
        if len(recent) >= SWITCHES:
            raise AwsError(
                "LimitExceededException",
                f"Subscriber limit exceeded: Update to PayPerRequest mode are limited to {SWITCHES} times in 1 day(s). Last "
                f"update at {_written(recent[-1])}. Next update can be made at {_written(recent[0] + _DAY)}",
            )
        recent = (*recent, now)
    return replace(record, billing_mode=mode, billing_changed=now, switches=recent)


def on_demand_of(
    given: Mapping[str, int], mode: BillingMode, present: OnDemand | None = None
) -> OnDemand | None:
    """OnDemandThroughput: members that are not given stay as they are, -1 takes a limit away; None: no limit is left."""
    if mode != "PAY_PER_REQUEST":
        raise validation(
            f"{INVALID}OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST"
        )
    if not given:
        raise validation(
            f"{INVALID}OnDemandThroughput must specify MaxReadRequestUnits, MaxWriteRequestUnits, or both"
        )
    limits: dict[str, int | None] = {}
    for member, name in (("MaxReadRequestUnits", "read"), ("MaxWriteRequestUnits", "write")):
        value = given.get(member)
        if value is None:
            limits[name] = None if present is None else getattr(present, name)
        elif value == _REMOVED:
            limits[name] = None
        elif value < 1:
            raise validation(f"{INVALID}{member} must be -1, or greater than or equal to 1: {value}")
        else:
            limits[name] = value
    return (
        None
        if limits["read"] is limits["write"] is None
        else OnDemand(read=limits["read"], write=limits["write"])
    )


def warm_of(given: Mapping[str, int], present: Throughput) -> Throughput:
    """WarmThroughput, which can only grow."""
    wanted = Throughput(
        read=given.get("ReadUnitsPerSecond", present.read),
        write=given.get("WriteUnitsPerSecond", present.write),
    )
    for member, value, least in (
        ("ReadUnitsPerSecond", wanted.read, present.read),
        ("WriteUnitsPerSecond", wanted.write, present.write),
    ):
        if value < least:
            raise validation(
                f"{INVALID}Requested {member} for WarmThroughput is lower than the current WarmThroughput: requested "
                f"{value}, current {least}"
            )
    return wanted


def warm_throughput(mode: BillingMode, units: Throughput, warm: Throughput | None) -> Throughput:
    """What a table or an index can take at once: what was asked for, and no less than it has anyway."""
    least = WARM if mode == "PAY_PER_REQUEST" else units
    if warm is None:
        return Throughput(read=least.read, write=least.write)
    return Throughput(read=max(warm.read, least.read), write=max(warm.write, least.write))
