"""Network ACLs in the snapshot's terms, closing denies included."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from casemate.model import network as model
from casemate.services.ec2.records import AclEntry, NetworkAcl

CLOSING, CLOSING_IPV6 = 32767, 32768
"""Rule numbers of the denies that end each direction; 32768 for IPv6. Source: VPC User Guide, "Network ACL rules"."""


def closing_entries(acl: NetworkAcl) -> tuple[AclEntry, ...]:
    """The denies that end each direction: for IPv6 only where the ACL has an IPv6 entry."""
    made = [
        AclEntry(number=CLOSING, egress=egress, allow=False, protocol="-1", cidr="0.0.0.0/0")
        for egress in (True, False)
    ]
    if any(entry.cidr6 for entry in acl.entries):
        made += [
            AclEntry(number=CLOSING_IPV6, egress=egress, allow=False, protocol="-1", cidr6="::/0")
            for egress in (True, False)
        ]
    return tuple(made)


def _entry(entry: AclEntry) -> model.NetworkAclEntry:
    ports = model.ALL_PORTS
    if entry.from_port is not None and entry.to_port is not None:
        ports = model.PortRange(first=entry.from_port, last=entry.to_port)
    icmp = model.IcmpType()
    if entry.icmp_type is not None:
        icmp = model.IcmpType(type=entry.icmp_type, code=-1 if entry.icmp_code is None else entry.icmp_code)
    return model.NetworkAclEntry(
        number=entry.number,
        egress=entry.egress,
        allow=entry.allow,
        protocol=int(entry.protocol),
        cidr=IPv4Network(entry.cidr) if entry.cidr else IPv6Network(entry.cidr6),
        ports=ports,
        icmp=icmp,
    )


def acl_of(acl: NetworkAcl) -> model.NetworkAcl:
    """An ACL with its entries in the order they are tried."""
    entries = sorted((*acl.entries, *closing_entries(acl)), key=lambda each: (each.egress, each.number))
    return model.NetworkAcl(
        acl_id=acl.id, vpc_id=acl.vpc_id, is_default=acl.is_default, entries=tuple(map(_entry, entries))
    )
