"""VPC peering connections."""

from __future__ import annotations

from datetime import datetime

from casemate.services.ec2.records.base import Record


class Peering(Record, frozen=True, kw_only=True):
    """`account` and `region` are the requester's."""

    requester_vpc: str
    accepter_account: str
    accepter_region: str
    accepter_vpc: str
    status: str = "pending-acceptance"
    """pending-acceptance, active, rejected, deleted, expired, failed."""
    message: str = ""
    created: datetime
    ended: datetime | None = None
    requester_dns: bool = False
    accepter_dns: bool = False
