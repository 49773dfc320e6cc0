"""Security groups."""

from __future__ import annotations

from msgspec import Struct

from casemate.services.ec2.records.base import Record


class GroupRule(Struct, frozen=True, kw_only=True):
    """One rule with one peer; exactly one of the four peers is set."""

    rule_id: str
    egress: bool
    protocol: str
    """`-1`, `tcp`, `udp`, `icmp`, `icmpv6`, or a number as text."""
    from_port: int = -1
    """Port, or ICMP type; -1 means any."""
    to_port: int = -1
    """Port, or ICMP code; -1 means any."""
    cidr: str = ""
    cidr6: str = ""
    prefix_list_id: str = ""
    group_id: str = ""
    group_account: str = ""
    description: str = ""

    @property
    def identity(self) -> tuple[object, ...]:
        """Two rules of a group never share this."""
        peer = self.cidr or self.cidr6 or self.prefix_list_id or self.group_id
        return (self.egress, self.protocol, self.from_port, self.to_port, peer)


class SecurityGroup(Record, frozen=True, kw_only=True):
    vpc_id: str
    name: str
    description: str
    rules: tuple[GroupRule, ...] = ()
