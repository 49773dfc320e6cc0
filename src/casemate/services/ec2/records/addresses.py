"""Elastic IP addresses."""

from __future__ import annotations

from casemate.services.ec2.records.base import Record


class Address(Record, frozen=True, kw_only=True):
    """`id` is the allocation id."""

    public_ip: str
    border_group: str
    association_id: str = ""
    """Empty while not associated."""
    interface_id: str = ""
    private_ip: str = ""
    nat_gateway_id: str = ""
    """Set when a NAT gateway holds it: such an association is not the user's to end."""
    domain_name: str = ""
    """Reverse DNS name (ModifyAddressAttribute)."""
