"""Flow logs."""

from __future__ import annotations

from datetime import datetime

from casemate.services.ec2.records.base import Record


class FlowLog(Record, frozen=True, kw_only=True):
    resource_id: str
    """A VPC, subnet or network interface."""
    vpc_id: str = ""
    """Where that is."""
    traffic_type: str
    destination_type: str
    destination: str = ""
    """ARN, for cloud-watch-logs, s3 and kinesis-data-firehose."""
    log_group: str = ""
    role_arn: str = ""
    format: str
    aggregation_seconds: int = 600
    created: datetime
    options: dict[str, str | bool] | None = None
    """DestinationOptions (s3)."""
    delivery_error: str = ""
    """DeliverLogsErrorMessage; empty while delivery succeeds."""
