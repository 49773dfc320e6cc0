"""Logs: who keeps them, who may deliver to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


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
