"""Rules and routes in the terms of an analysis."""

from __future__ import annotations

from typing import Any

from casemate.model.network import (
    ALL_PORTS,
    ALL_PROTOCOLS,
    ICMP,
    TCP,
    UDP,
    GroupRef,
    NetworkAclEntry,
    PortRange,
    PrefixListRef,
    Route,
    SecurityGroupRule,
    TargetKind,
)

_NAMES = {ALL_PROTOCOLS: "all", ICMP: "icmp", TCP: "tcp", UDP: "udp"}
_TARGETS = {
    TargetKind.LOCAL: "GatewayId",
    TargetKind.INTERNET_GATEWAY: "GatewayId",
    TargetKind.GATEWAY_ENDPOINT: "GatewayId",
    TargetKind.NAT_GATEWAY: "NatGatewayId",
    TargetKind.NETWORK_INTERFACE: "NetworkInterfaceId",
    TargetKind.PEERING: "VpcPeeringConnectionId",
    TargetKind.EGRESS_ONLY_GATEWAY: "EgressOnlyInternetGatewayId",
}


def _protocol(number: int) -> str:
    return _NAMES.get(number, str(number))


def _ports(protocol: int, ports: PortRange) -> dict[str, Any]:
    """`PortRange`, where the rule has one."""
    if protocol not in (TCP, UDP) or ports == ALL_PORTS:
        return {}
    return {"PortRange": {"From": ports.first, "To": ports.last}}


def acl_rule(entry: NetworkAclEntry) -> dict[str, Any]:
    """AnalysisAclRule."""
    return {
        "Cidr": str(entry.cidr),
        "Egress": entry.egress,
        **_ports(entry.protocol, entry.ports),
        "Protocol": _protocol(entry.protocol),
        "RuleAction": "allow" if entry.allow else "deny",
        "RuleNumber": entry.number,
    }


def group_rule(rule: SecurityGroupRule) -> dict[str, Any]:
    """AnalysisSecurityGroupRule."""
    made: dict[str, Any] = {
        "Direction": "egress" if rule.egress else "ingress",
        **_ports(rule.protocol, rule.ports),
        "Protocol": _protocol(rule.protocol),
    }
    if isinstance(rule.peer, GroupRef):
        return {**made, "SecurityGroupId": rule.peer.group_id}
    if isinstance(rule.peer, PrefixListRef):
        return {**made, "PrefixListId": rule.peer.prefix_list_id}
    return {**made, "Cidr": str(rule.peer)}


def route(found: Route) -> dict[str, Any]:
    """AnalysisRouteTableRoute."""
    listed = found.destination
    destination = (
        {"DestinationPrefixListId": listed.prefix_list_id}
        if isinstance(listed, PrefixListRef)
        else {"DestinationCidr": str(listed)}
    )
    return {
        **destination,
        _TARGETS[found.target]: found.target_id,
        "Origin": "CreateRouteTable" if found.target is TargetKind.LOCAL else "CreateRoute",
        "State": "blackhole" if found.blackhole else "active",
    }
