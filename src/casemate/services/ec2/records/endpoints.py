"""VPC endpoints."""

from __future__ import annotations

from datetime import datetime

from casemate.services.ec2.records.base import Record


class VpcEndpoint(Record, frozen=True, kw_only=True):
    vpc_id: str
    kind: str
    """Gateway or Interface."""
    service_name: str
    service: str
    """The part after the Region: `dynamodb`, `ecr.api`."""
    policy: str
    """The document as given."""
    created: datetime
    route_table_ids: tuple[str, ...] = ()
    subnet_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    interface_ids: tuple[str, ...] = ()
    """In the order of `subnet_ids`."""
    private_dns: bool = False
    ip_address_type: str = "ipv4"
    dns_record_ip_type: str = ""
    dns_suffix: str = ""
    """Interface endpoints: the random label in `vpce-<id>-<label>.<service>...`."""
