"""Network ACLs."""

from __future__ import annotations

from msgspec import Struct

from casemate.services.ec2.records.base import Record


class AclEntry(Struct, frozen=True, kw_only=True):
    number: int
    egress: bool
    allow: bool
    protocol: str
    """IANA number as text, or `-1`."""
    cidr: str = ""
    cidr6: str = ""
    from_port: int | None = None
    to_port: int | None = None
    icmp_type: int | None = None
    icmp_code: int | None = None


class SubnetAclAssociation(Struct, frozen=True, kw_only=True):
    association_id: str
    subnet_id: str


class NetworkAcl(Record, frozen=True, kw_only=True):
    """The closing denies (32767, and 32768 for IPv6) are not stored: every ACL has them."""

    vpc_id: str
    is_default: bool = False
    entries: tuple[AclEntry, ...] = ()
    associations: tuple[SubnetAclAssociation, ...] = ()
