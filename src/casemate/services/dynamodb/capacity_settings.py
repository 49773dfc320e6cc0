"""Capacity as it is asked for and as it may change: provisioned units, on-demand limits, warm throughput.

Sources: Developer Guide, "Service, account, and table quotas" (decreases of provisioned throughput: four a day, then one an
hour), "Considerations when switching capacity modes" (to on-demand four times in 24 hours), "Considerations when choosing a
table class" (twice in 30 days), "Maximum throughput for on-demand tables", "Understanding DynamoDB warm throughput" (12,000
reads and 4,000 writes to begin with). The words are AWS's answers as recorded by ack-api-quirks, DDB-TABLE-038, 039, 059, 128,
171, 178, 179, 184, 442 and 443; of the switch to on-demand, when it was one a day, by a user of the Serverless Framework
(February 2019).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec.structs import replace

from casemate.model.errors import AwsError
from casemate.services.dynamodb.errors import validation
from casemate.services.dynamodb.records import BillingMode, IndexRecord, OnDemand, TableRecord, Throughput
from casemate.tables.errors import INVALID

DECREASES = 4
SWITCHES = 4
CLASS_CHANGES = 2
_HOUR = 3600.0
_DAY = 24 * _HOUR
_CLASS_DAYS = 30
WARM = Throughput(read=12_000, write=4_000)
_REMOVED = -1
_INITIAL = (
    "lower than initial throughput for OnDemand. See: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
    "on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
)


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
    following = min(today[-1] + _HOUR, today[-1] - today[-1] % _DAY + _DAY)
    return AwsError(
        "LimitExceededException",
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first "
        f"{DECREASES} decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 "
        f"seconds. Number of decreases today: {len(today)}. Last decrease at {_written(today[-1])}. Next decrease can be "
        f"made at {_written(following)}",
    )


def _written(moment: float) -> str:
    when = datetime.fromtimestamp(moment, UTC)
    time = f"{when.hour % 12 or 12}:{when:%M:%S %p} Coordinated Universal Time"
    return f"{when:%A}, {when:%B} {when.day}, {when.year} at {time}"


def unchanged(named: str, what: str, units: Throughput) -> AwsError:
    """Units that are as they were asked to be."""
    return validation(
        f"The provisioned throughput for the {named} will not change. The requested value equals the current value. "
        f"Current ReadCapacityUnits provisioned for the {what}: {units.read}. Requested ReadCapacityUnits: {units.read}. "
        f"Current WriteCapacityUnits provisioned for the {what}: {units.write}. Requested WriteCapacityUnits: "
        f"{units.write}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    )


def switched(record: TableRecord, mode: BillingMode, now: float) -> TableRecord:
    """The table in another capacity mode."""
    recent = tuple(moment for moment in record.switches if now - moment < _DAY)
    if mode == "PAY_PER_REQUEST":
        if len(recent) >= SWITCHES:
            raise AwsError(
                "LimitExceededException",
                f"Subscriber limit exceeded: Update to PayPerRequest mode are limited to {SWITCHES} times in 1 day(s). Last "
                f"update at {_dated(recent[-1])}. Next update can be made at {_dated(recent[0] + _DAY)}",
            )
        recent = (*recent, now)
    return replace(record, billing_mode=mode, billing_changed=now, switches=recent)


def _dated(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%a %b %d %H:%M:%S UTC %Y}"


def reclassed(record: TableRecord, table_class: str, now: float) -> TableRecord:
    """The table in a class; when the changes are used up, even in the one that it has."""
    recent = tuple(moment for moment in record.class_changes if now - moment < _CLASS_DAYS * _DAY)
    if len(recent) >= CLASS_CHANGES:
        raise AwsError(
            "LimitExceededException",
            f"Subscriber limit exceeded: Updates to TableClass are limited to {CLASS_CHANGES} times in {_CLASS_DAYS} "
            "day(s).",
        )
    if table_class != record.table_class:
        recent = (*recent, now)
    return replace(record, table_class=table_class, class_changes=recent)


def first_limits(given: Mapping[str, int], mode: BillingMode, index: str | None = None) -> OnDemand | None:
    """OnDemandThroughput of a new table, or of a new index of that name; None: no limit."""
    _check_mode(given, mode, index, "table BillingMode is PROVISIONED.")
    _check_range(given, index)
    return _limits(given.get("MaxReadRequestUnits"), given.get("MaxWriteRequestUnits"))


def changed_limits(
    given: Mapping[str, int], mode: BillingMode, present: OnDemand | None, index: str | None = None
) -> OnDemand | None:
    """What is not given stays as it is, -1 takes a limit away; None: no limit is left."""
    _check_mode(given, mode, index, "the table BillingMode is PROVISIONED")
    if not given:
        # AWS answers 500 InternalFailure, each time (DDB-TABLE-178).
        raise validation(
            f"{INVALID}OnDemandThroughput must specify MaxReadRequestUnits, MaxWriteRequestUnits, or both"
        )
    _check_range({member: value for member, value in given.items() if value != _REMOVED}, index)
    before = present or OnDemand(read=None, write=None)
    limits = {"MaxReadRequestUnits": before.read, "MaxWriteRequestUnits": before.write, **given}
    read, write = (None if limit == _REMOVED else limit for limit in limits.values())
    return _limits(read, write)


def _limits(read: int | None, write: int | None) -> OnDemand | None:
    return None if read is write is None else OnDemand(read=read, write=write)


def _check_mode(given: Mapping[str, int], mode: BillingMode, index: str | None, when: str) -> None:
    if given and mode != "PAY_PER_REQUEST":
        of = "" if index is None else f" for index: {index}"
        member = next(iter(sorted(given)))
        raise validation(f"{INVALID}{member} for OnDemandThroughput{of} cannot be specified when {when}")


def _check_range(given: Mapping[str, int], index: str | None) -> None:
    of = "table" if index is None else f"index : {index}"
    for member in sorted(given):
        if given[member] < 1:
            raise validation(
                f"{INVALID}Requested {member} for OnDemandThroughput for {of} is outside of valid range"
            )


def first_warm(
    given: Mapping[str, int], mode: BillingMode, units: Throughput, index: str | None = None
) -> Throughput:
    """WarmThroughput of a new table, or of a new index of that name: no less than it has anyway."""
    reason = {
        "ReadUnitsPerSecond": "lower than ReadCapacityUnits of ProvisionedThroughput",
        "WriteUnitsPerSecond": "lower than WriteCapacityUnits of ProvisionedThroughput",
    }
    if mode == "PAY_PER_REQUEST":
        reason = dict.fromkeys(reason, _INITIAL)
    return _warmer(given, warm_throughput(mode, units, None), index, reason)


def raised_warm(
    given: Mapping[str, int], mode: BillingMode, holder: TableRecord | IndexRecord, index: str | None = None
) -> Throughput:
    """WarmThroughput of a table, or of its index of that name, which can only grow."""
    reason = "lower than current WarmThroughput, decreasing WarmThroughput is not supported"
    present = warm_throughput(mode, holder.throughput, holder.warm)
    return _warmer(given, present, index, {"ReadUnitsPerSecond": reason, "WriteUnitsPerSecond": reason})


def _warmer(
    given: Mapping[str, int], least: Throughput, index: str | None, reason: Mapping[str, str]
) -> Throughput:
    of = "table" if index is None else f"index {index}"
    present = {"ReadUnitsPerSecond": least.read, "WriteUnitsPerSecond": least.write}
    for member, value in present.items():
        if given.get(member, value) < value:
            raise validation(f"{INVALID}Requested {member} for WarmThroughput for {of} is {reason[member]}")
    wanted = {**present, **given}
    return Throughput(read=wanted["ReadUnitsPerSecond"], write=wanted["WriteUnitsPerSecond"])


def warm_throughput(mode: BillingMode, units: Throughput, warm: Throughput | None) -> Throughput:
    """What a table or an index can take at once: what was asked for, and no less than it has anyway."""
    least = WARM if mode == "PAY_PER_REQUEST" else units
    if warm is None:
        return Throughput(read=least.read, write=least.write)
    return Throughput(read=max(warm.read, least.read), write=max(warm.write, least.write))
