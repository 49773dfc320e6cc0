"""Logs: who keeps them, who may deliver to them. Calls that services make of one another: who keeps their record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from casemate.model.errors import AwsError
from casemate.model.principals import Principal


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceCall:
    """A call that one AWS service made of another, on somebody's behalf or its own: what CloudTrail has of it."""

    service: str
    """`kms`: which was called."""
    operation: str
    by: str
    """Service principal of the one that called: `dynamodb.amazonaws.com`."""
    principal: Principal | None
    """On whose behalf; None: its own."""
    account: str
    """Whose record it is on."""
    region: str
    now: datetime
    request_id: str
    read_only: bool
    parameters: Mapping[str, Any] | None = None
    """`requestParameters`, as CloudTrail writes them. This, and what follows, is kept as it is: no secrets."""
    response: Mapping[str, Any] | None = None
    """`responseElements`."""
    additional: Mapping[str, Any] | None = None
    """`additionalEventData`."""
    resources: Mapping[str, str] | None = None
    """ARN -> type: `AWS::KMS::Key`."""
    error: AwsError | None = None


class CallRecords(Protocol):
    """Where calls between services are put on record. Implemented by the gateway's journal."""

    def called(self, call: ServiceCall) -> None: ...


class LogSink(Protocol):
    """Where services write log events. Implemented by services.logs."""

    def write(
        self, *, account: str, region: str, group: str, stream: str, events: Sequence[tuple[int, str]]
    ) -> None:
        """Append (milliseconds since the epoch, message) events; makes the group and the stream when missing."""
        ...


class LogGroups(Protocol):
    """What is there to be written to. Implemented by services.logs."""

    def group_exists(self, *, account: str, region: str, group: str) -> bool: ...

    def stream_exists(self, *, account: str, region: str, group: str, stream: str) -> bool: ...


class LogDelivery(Protocol):
    """Delivery of an AWS service's own logs to an account's log group. Implemented by the gateway."""

    def deliver(
        self,
        *,
        account: str,
        region: str,
        role_arn: str,
        service: str,
        source_arn: str,
        group: str,
        stream: str,
        events: Sequence[tuple[int, str]],
    ) -> None:
        """Write as `role_arn` the logs of `source_arn`; AwsError when the role does not let `service` in, or is not allowed to write."""
        ...
