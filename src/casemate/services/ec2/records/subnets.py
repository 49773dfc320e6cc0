"""Subnets."""

from __future__ import annotations

from casemate.services.ec2.records.base import Record
from casemate.services.ec2.records.vpcs import CidrAssociation


class Subnet(Record, frozen=True, kw_only=True):
    vpc_id: str
    cidr: str
    zone: str
    zone_id: str
    default_for_az: bool = False
    map_public_ip: bool = False
    assign_ipv6: bool = False
    ipv6: tuple[CidrAssociation, ...] = ()
    dns64: bool = False
    hostname_type: str = "ip-name"
    resource_name_a_record: bool = False
    resource_name_aaaa_record: bool = False
