"""How often a table's key may change: four times in twenty-four hours, and then when six hours have passed since the last.

Sources: Developer Guide, "Quotas in Amazon DynamoDB", encryption at rest; the words are AWS's answer as recorded by
ack-api-quirks, DDB-TABLE-081 and 446, which leave out how it writes its moments.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from casemate.model.errors import AwsError
from casemate.services.dynamodb.records import TableRecord

CHANGES = 4
_DAY = 24 * 3600.0
_APART = 6 * 3600


def with_key_change(record: TableRecord, now: float) -> TableRecord:
    """The table with the memory of another change; LimitExceededException beyond the quota."""
    recent = tuple(moment for moment in record.key_changes if now - moment < _DAY)
    if len(recent) >= CHANGES and now - recent[-1] < _APART:
        raise AwsError(
            "LimitExceededException",
            f"Subscriber limit exceeded: Encryption mode changes are limited in the 24h window ending at {_written(now)}. After "
            f"the first {CHANGES} change, each subsequent change in the same window can be performed at most once every "
            f"{_APART} seconds. Number of updates today: {len(recent)}. Last change at {_written(recent[-1])}. Next changes "
            f"can be made at {_written(recent[-1] + _APART)}.",
        )
    return replace(record, key_changes=(*recent, now))


def _written(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%a %b %d %H:%M:%S UTC %Y}"
