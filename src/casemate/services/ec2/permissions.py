"""IpPermissions: what callers write, and the one-peer rules they stand for.

Source: API reference, IpPermission; "Security group rules for different use cases" and the quotas of the VPC guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from casemate.services.ec2 import errors
from casemate.services.ec2.cidrs import without_zone
from casemate.services.ec2.managed_lists import find_prefix_list
from casemate.services.ec2.records import GroupRule, SecurityGroup
from casemate.services.ec2.registry import Ctx
from casemate.services.ec2.state import Ec2State

_NAMES = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}
_WITH_PORTS = {"tcp", "udp"}
_ICMP = {"icmp", "icmpv6"}


class Span(Struct, frozen=True, kw_only=True):
    """Protocol and ports of a permission."""

    protocol: str
    first: int
    last: int


def is_protocol_number(text: str) -> bool:
    """0 to 255, in ASCII digits."""
    return text.isascii() and text.isdigit() and len(text) <= len("255") and int(text) < 256


def span(permission: Mapping[str, Any]) -> Span:
    """The protocol and ports of a permission or rule request; AwsError when they make no sense."""
    given = permission.get("IpProtocol")
    if given is None:
        raise errors.missing_parameter("ipProtocol")
    text = str(given).lower()
    protocol = _NAMES.get(text, text)
    known = protocol in _WITH_PORTS | _ICMP | {"-1"} or is_protocol_number(protocol)
    if not known:
        raise errors.invalid_value(f"Invalid value '{given}' for IP protocol. Unknown protocol.")
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if protocol in _WITH_PORTS:
        return _ports(protocol, first, last)
    if protocol in _ICMP:
        return _icmp(protocol, first, last)
    return Span(
        protocol=protocol, first=-1, last=-1
    )  # ports are ignored. Source: API reference, IpPermission


def _ports(protocol: str, first: int | None, last: int | None) -> Span:
    if first is None or last is None:
        raise errors.missing_parameter("fromPort" if first is None else "toPort")
    if first == -1 and last == -1:
        return Span(protocol=protocol, first=0, last=65535)
    if not 0 <= first <= 65535 or not 0 <= last <= 65535 or first > last:
        raise errors.invalid_value(f"Invalid TCP/UDP port range ({first}:{last})")
    return Span(protocol=protocol, first=first, last=last)


def _icmp(protocol: str, kind: int | None, code: int | None) -> Span:
    kind, code = -1 if kind is None else kind, -1 if code is None else code
    if not -1 <= kind <= 255 or not -1 <= code <= 255 or (kind == -1 and code != -1):
        raise errors.invalid_value(f"Invalid ICMP type/code ({kind}:{code})")
    return Span(protocol=protocol, first=kind, last=code)


def _described(text: object) -> str:
    description = str(text or "")
    if len(description) > 255:
        raise errors.invalid_value("Invalid rule description. The maximum length is 255 characters.")
    return description


def _cidr4(text: str) -> str:
    try:
        return str(IPv4Network(text, strict=False)) if "/" in text else _malformed(text)
    except ValueError:
        return _malformed(text)


def _cidr6(text: str) -> str:
    try:
        return str(IPv6Network(without_zone(text), strict=False)) if "/" in text else _malformed(text)
    except ValueError:
        return _malformed(text)


def _malformed(text: str) -> str:
    raise errors.invalid_value(f"CIDR block {text} is malformed")


def _peer_group(ctx: Ctx, group: SecurityGroup, pair: Mapping[str, Any]) -> SecurityGroup:
    """The group of a UserIdGroupPair: of the same VPC, or of one that is peered with it."""
    group_id = pair.get("GroupId")
    if not group_id:
        name = str(pair.get("GroupName") or "")
        for each in ctx.state.groups.all(ctx):
            if each.vpc_id == group.vpc_id and each.name == name:
                return each
        raise errors.GROUP.missing(name)
    found = ctx.state.groups.find(ctx, str(group_id))
    if found is not None and found.vpc_id == group.vpc_id:
        return found
    for peering in ctx.state.peerings.everywhere():
        ends = {peering.requester_vpc, peering.accepter_vpc}
        if peering.status != "active" or group.vpc_id not in ends:
            continue
        for each in ctx.state.groups.everywhere():
            if each.id == group_id and each.vpc_id in ends:
                return each
    if found is not None:
        raise errors.foreign_group()
    return ctx.state.groups.get(ctx, str(group_id))  # which says how it is missing


def _peers(ctx: Ctx, group: SecurityGroup, permission: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for each in permission.get("IpRanges") or ():
        yield {"cidr": _cidr4(str(each.get("CidrIp"))), "description": _described(each.get("Description"))}
    for each in permission.get("Ipv6Ranges") or ():
        yield {"cidr6": _cidr6(str(each.get("CidrIpv6"))), "description": _described(each.get("Description"))}
    for each in permission.get("PrefixListIds") or ():
        found = find_prefix_list(ctx.state, ctx, str(each.get("PrefixListId")))
        yield {"prefix_list_id": found.prefix_list_id, "description": _described(each.get("Description"))}
    for each in permission.get("UserIdGroupPairs") or ():
        other = _peer_group(ctx, group, each)
        yield {
            "group_id": other.id,
            "group_account": other.account,
            "description": _described(each.get("Description")),
        }


def parse(
    ctx: Ctx, group: SecurityGroup, permissions: Iterable[Mapping[str, Any]], *, egress: bool
) -> list[GroupRule]:
    """The rules that IpPermissions stand for, without ids yet; AwsError for what AWS refuses."""
    rules: list[GroupRule] = []
    for permission in permissions:
        where = span(permission)
        peers = list(_peers(ctx, group, permission))
        if not peers:
            raise errors.missing_parameter("ipPermissions.ipRanges")
        rules.extend(
            GroupRule(
                rule_id="",
                egress=egress,
                protocol=where.protocol,
                from_port=where.first,
                to_port=where.last,
                **peer,  # pyright: ignore[reportArgumentType] - the keys are peer fields, all text
            )
            for peer in peers
        )
    if len({rule.identity for rule in rules}) != len(rules):
        raise errors.invalid_value("The same permission must not appear multiple times")
    return rules


def single(ctx: Ctx, group: SecurityGroup, request: Mapping[str, Any], before: GroupRule) -> GroupRule:
    """The rule that a SecurityGroupRuleRequest makes of `before`."""
    peers = {
        "IpRanges": [{"CidrIp": request.get("CidrIpv4")}] if request.get("CidrIpv4") else [],
        "Ipv6Ranges": [{"CidrIpv6": request.get("CidrIpv6")}] if request.get("CidrIpv6") else [],
        "PrefixListIds": [{"PrefixListId": request.get("PrefixListId")}]
        if request.get("PrefixListId")
        else [],
        "UserIdGroupPairs": (
            [{"GroupId": request.get("ReferencedGroupId")}] if request.get("ReferencedGroupId") else []
        ),
    }
    made = parse(ctx, group, [{**request, **peers}], egress=before.egress)
    if len(made) != 1:
        raise errors.combination(
            "Only one of cidrIpv4, cidrIpv6, prefixListId or referencedGroupId can be given"
        )
    description = request.get("Description")
    return replace(
        made[0],
        rule_id=before.rule_id,
        description=before.description if description is None else _described(description),
    )


def quoted(rule: GroupRule) -> str:
    """As AWS quotes a rule in `InvalidPermission.Duplicate`."""
    peer = rule.cidr or rule.cidr6 or rule.prefix_list_id or rule.group_id
    name = "ALL" if rule.protocol == "-1" else rule.protocol.upper()
    ports = ""
    if rule.protocol in _WITH_PORTS:
        ports = f", from port: {rule.from_port}, to port: {rule.to_port}"
    elif rule.protocol in _ICMP and rule.from_port != -1:
        ports = f", type: {rule.from_port}, code: {rule.to_port}"
    return f"peer: {peer}, {name}{ports}, ALLOW"


def check_quota(state: Ec2State, group: SecurityGroup) -> None:
    """Rules per direction and address family; a prefix list counts as its maximum of entries."""
    for egress in (False, True):
        for family in ("cidr", "cidr6"):
            count = sum(_weight(state, group, rule, family) for rule in group.rules if rule.egress == egress)
            if count > state.quotas.rules_per_group:
                raise errors.limit("RulesPerSecurityGroupLimitExceeded", "rules per security group")


def _weight(state: Ec2State, group: SecurityGroup, rule: GroupRule, family: str) -> int:
    if rule.prefix_list_id:
        own = state.prefix_lists.find(group, rule.prefix_list_id)
        if own is not None:
            return own.max_entries if (own.family == "IPv6") == (family == "cidr6") else 0
        return find_prefix_list(state, group, rule.prefix_list_id).max_entries if family == "cidr" else 0
    if rule.group_id:
        return 1
    return 1 if getattr(rule, family) else 0
