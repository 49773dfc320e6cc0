"""Mappings and checkpoints: records of the store."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct, field

from casemate.services.lambda_.names import FunctionName

_ARN = re.compile(
    r"arn:aws:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):event-source-mapping:(?P<uuid>[0-9a-f-]{36})"
)
NO_RECORDS = "No records processed"
OK = "OK"


class EventSourceMapping(Struct, frozen=True, kw_only=True):
    """One stream read for one function. The defaults are those of a DynamoDB stream (API reference)."""

    uuid: str
    account: str
    region: str
    function: str
    qualifier: str | None = None
    source: str
    """ARN of the stream."""
    enabled: bool = True
    starting_position: str
    batch_size: int = 100
    window: int = 0
    """MaximumBatchingWindowInSeconds."""
    factor: int = 1
    """ParallelizationFactor."""
    bisect: bool = False
    retries: int = -1
    """MaximumRetryAttempts; -1 is for ever."""
    max_age: int = -1
    """MaximumRecordAgeInSeconds; -1 is for ever."""
    filters: tuple[str, ...] = ()
    tumbling: int = 0
    """TumblingWindowInSeconds; 0: no windows."""
    reports_failures: bool = False
    """FunctionResponseTypes has ReportBatchItemFailures."""
    modified: datetime
    revision: int = 0
    """Grows with each update; what a poller reports of its work leaves it alone."""
    result: str = NO_RECORDS
    """LastProcessingResult."""
    tags: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def key(self) -> tuple[str, str, str]:
        """As the collection knows it."""
        return (self.account, self.region, self.uuid)

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:event-source-mapping:{self.uuid}"

    @property
    def name(self) -> FunctionName:
        """The function, as it was named."""
        return FunctionName(
            account=self.account, region=self.region, name=self.function, qualifier=self.qualifier
        )


def mapping_key(arn: str) -> tuple[str, str, str] | None:
    """The key of the mapping of that ARN; None when it is something else's."""
    match = _ARN.fullmatch(arn)
    return None if match is None else (match["account"], match["region"], match["uuid"])


class Checkpoint(Struct, frozen=True, kw_only=True):
    """How far a lane has come; by (uuid, shard, lanes of the shard, number of the lane)."""

    next: int
    """The first record that is not processed yet."""
    done: bool = False
    """The shard is closed and everything in it processed."""
    window: int | None = None
    """Where the open tumbling window began."""
    state: str = "{}"
    """Its state: JSON."""
