"""Security groups in the snapshot's terms."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from casemate.model import network as model
from casemate.services.ec2.records import GroupRule, SecurityGroup

PROTOCOLS = {"tcp": model.TCP, "udp": model.UDP, "icmp": model.ICMP, "icmpv6": 58}


def _peer(rule: GroupRule) -> model.RulePeer:
    if rule.cidr:
        return IPv4Network(rule.cidr)
    if rule.cidr6:
        return IPv6Network(rule.cidr6)
    if rule.prefix_list_id:
        return model.PrefixListRef(prefix_list_id=rule.prefix_list_id)
    return model.GroupRef(group_id=rule.group_id)


def _rule(rule: GroupRule) -> model.SecurityGroupRule:
    protocol = PROTOCOLS.get(rule.protocol)
    if protocol is None:
        protocol = int(rule.protocol)
    has_ports = protocol in {model.TCP, model.UDP}
    return model.SecurityGroupRule(
        rule_id=rule.rule_id,
        egress=rule.egress,
        protocol=protocol,
        ports=model.PortRange(first=rule.from_port, last=rule.to_port) if has_ports else model.ALL_PORTS,
        icmp=(
            model.IcmpType(type=rule.from_port, code=rule.to_port)
            if protocol in {model.ICMP, PROTOCOLS["icmpv6"]}
            else model.IcmpType()
        ),
        peer=_peer(rule),
    )


def group_of(group: SecurityGroup) -> model.SecurityGroup:
    """A group with its rules."""
    return model.SecurityGroup(
        group_id=group.id, name=group.name, vpc_id=group.vpc_id, rules=tuple(map(_rule, group.rules))
    )
