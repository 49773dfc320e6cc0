"""Network ACLs."""

from __future__ import annotations

from dataclasses import dataclass

from casemate.services.ec2.records.base import Record


@dataclass(frozen=True, kw_only=True, slots=True)
class AclEntry:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class SubnetAclAssociation:
    association_id: str
    subnet_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkAcl(Record):
    """The closing denies (32767, and 32768 for IPv6) are not stored: every ACL has them."""

    vpc_id: str
    is_default: bool = False
    entries: tuple[AclEntry, ...] = ()
    associations: tuple[SubnetAclAssociation, ...] = ()
