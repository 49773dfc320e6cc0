"""Security groups."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.default_vpc import open_egress
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.records import GroupRule, SecurityGroup, Vpc
from casemate.services.ec2.registry import Ctx, on, operation, required
from casemate.services.ec2.state import Ec2State

_NAME = re.compile(r"[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}")

GROUP_FILTERS = {
    "description": "Description",
    "egress.ip-permission.cidr": "IpPermissionsEgress.IpRanges.CidrIp",
    "egress.ip-permission.from-port": "IpPermissionsEgress.FromPort",
    "egress.ip-permission.group-id": "IpPermissionsEgress.UserIdGroupPairs.GroupId",
    "egress.ip-permission.ipv6-cidr": "IpPermissionsEgress.Ipv6Ranges.CidrIpv6",
    "egress.ip-permission.prefix-list-id": "IpPermissionsEgress.PrefixListIds.PrefixListId",
    "egress.ip-permission.protocol": "IpPermissionsEgress.IpProtocol",
    "egress.ip-permission.to-port": "IpPermissionsEgress.ToPort",
    "egress.ip-permission.user-id": "IpPermissionsEgress.UserIdGroupPairs.UserId",
    "group-id": "GroupId",
    "group-name": "GroupName",
    "ip-permission.cidr": "IpPermissions.IpRanges.CidrIp",
    "ip-permission.from-port": "IpPermissions.FromPort",
    "ip-permission.group-id": "IpPermissions.UserIdGroupPairs.GroupId",
    "ip-permission.ipv6-cidr": "IpPermissions.Ipv6Ranges.CidrIpv6",
    "ip-permission.prefix-list-id": "IpPermissions.PrefixListIds.PrefixListId",
    "ip-permission.protocol": "IpPermissions.IpProtocol",
    "ip-permission.to-port": "IpPermissions.ToPort",
    "ip-permission.user-id": "IpPermissions.UserIdGroupPairs.UserId",
    "owner-id": "OwnerId",
    "vpc-id": "VpcId",
}

_MEMBERS = {
    "IpRanges": ("CidrIp", "cidr"),
    "Ipv6Ranges": ("CidrIpv6", "cidr6"),
    "PrefixListIds": ("PrefixListId", "prefix_list_id"),
    "UserIdGroupPairs": ("GroupId", "group_id"),
}


def permissions_output(rules: Iterable[GroupRule]) -> list[Rendered]:
    """IpPermissions: rules of one protocol and port range together."""
    spans: dict[tuple[str, int, int], Rendered] = {}
    for rule in rules:
        key = (rule.protocol, rule.from_port, rule.to_port)
        entry = spans.get(key)
        if entry is None:
            entry = spans[key] = {"IpProtocol": rule.protocol, **{member: [] for member in _MEMBERS}}
            if not (rule.protocol == "-1" or rule.protocol.isdigit()):
                entry.update(FromPort=rule.from_port, ToPort=rule.to_port)
        for member, (name, field) in _MEMBERS.items():
            value: str = getattr(rule, field)
            if value:
                shown: dict[str, Any] = {name: value, "Description": rule.description or None}
                if rule.group_id:
                    shown["UserId"] = rule.group_account
                entry[member].append({key: each for key, each in shown.items() if each is not None})
    return list(spans.values())


def group_output(state: Ec2State, group: SecurityGroup) -> Rendered:
    """As DescribeSecurityGroups shows it."""
    return {
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "OwnerId": group.account,
        "SecurityGroupArn": f"arn:aws:ec2:{group.region}:{group.account}:security-group/{group.id}",
        "IpPermissions": permissions_output(rule for rule in group.rules if not rule.egress),
        "IpPermissionsEgress": permissions_output(rule for rule in group.rules if rule.egress),
        "Tags": tags.rendered(state, group, group.id),
    }


def _vpc(ctx: Ctx, params: Params) -> Vpc:
    """The VPC asked for, or the default VPC."""
    if params.get("VpcId"):
        return ctx.state.vpcs.get(ctx, str(params["VpcId"]))
    found = next((each for each in ctx.state.vpcs.all(ctx) if each.is_default), None)
    if found is None:
        raise errors.no_default_vpc()
    return found


def named_group(ctx: Ctx, params: Params) -> SecurityGroup:
    """The group of GroupId, or of GroupName in the default VPC."""
    if params.get("GroupId"):
        return ctx.state.groups.get(ctx, str(params["GroupId"]))
    name = params.get("GroupName")
    if not name:
        raise errors.missing_parameter("groupName or groupId")
    default = next((each for each in ctx.state.vpcs.all(ctx) if each.is_default), None)
    for each in ctx.state.groups_in(default) if default else ():
        if each.name == name:
            return each
    raise errors.GROUP.missing(str(name))


@operation("CreateSecurityGroup", on=(on("vpc", "VpcId"),), creates=("security-group",))
def create_security_group(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    name = required(params, "GroupName").strip()
    description = required(params, "Description")
    if not _NAME.fullmatch(name):
        raise errors.bad_value(
            name,
            "groupName",
            "Character sets beyond ASCII are not supported, or it is longer than 255 characters.",
        )
    if not _NAME.fullmatch(description):
        raise errors.bad_value(description, "GroupDescription", "Invalid security group description.")
    if name.startswith("sg-"):
        raise errors.invalid_value(f"Invalid group name: {name}. Group names may not be in the format sg-*.")
    if name == "default":
        raise errors.reserved_group_name()
    vpc = _vpc(ctx, params)
    if any(each.name == name for each in state.groups_in(vpc)):
        raise errors.group_duplicate(name, vpc.id)
    if len(state.groups.all(ctx)) >= state.quotas.groups:
        raise errors.limit("SecurityGroupLimitExceeded", "security groups")
    labels = tags.specified(params, "security-group")
    group = state.groups.put(
        SecurityGroup(
            id=ctx.new_id("sg"),
            account=ctx.account,
            region=ctx.region,
            vpc_id=vpc.id,
            name=name,
            description=description,
            rules=open_egress(ctx.random_bytes, ipv6=bool(vpc.ipv6)),
        )
    )
    tags.put(state, ctx, group.id, labels)
    return {
        "GroupId": group.id,
        "SecurityGroupArn": ctx.arn("ec2", f"security-group/{group.id}"),
        "Tags": tags.rendered(state, ctx, group.id),
    }


@operation("DescribeSecurityGroups")
def describe_security_groups(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    ids, names = params.get("GroupIds") or (), params.get("GroupNames") or ()
    found = [state.groups.get(ctx, each) for each in ids]
    found += [named_group(ctx, {"GroupName": each}) for each in names]
    if not ids and not names:
        found = state.groups.all(ctx)
    outputs = filtered((group_output(state, each) for each in found), params, GROUP_FILTERS)
    return paged(outputs, params, "SecurityGroups")


@operation("DeleteSecurityGroup", on=(on("security-group", "GroupId"),))
def delete_security_group(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    group = named_group(ctx, params)
    if group.name == "default":
        raise errors.default_group(group.id)
    # API reference: "referenced by another security group in the same VPC"; rules of a peered VPC become stale.
    referenced = any(
        rule.group_id == group.id and each.id != group.id and each.vpc_id == group.vpc_id
        for each in state.groups.everywhere()
        for rule in each.rules
    )
    if referenced or any(group.id in each.groups for each in state.interfaces.all(ctx)):
        raise errors.group_in_use(group.id)
    for rule in group.rules:
        tags.forget(state, ctx, rule.rule_id)
    state.discard(state.groups, group)
    return {"Return": True, "GroupId": group.id}


@operation("GetSecurityGroupsForVpc", on=(on("vpc", "VpcId"),))
def get_security_groups_for_vpc(ctx: Ctx, params: Params) -> Output:
    state = ctx.state
    vpc = state.vpcs.get(ctx, required(params, "VpcId"))
    outputs: list[Rendered] = [
        {
            "GroupId": group.id,
            "GroupName": group.name,
            "Description": group.description,
            "OwnerId": group.account,
            "PrimaryVpcId": vpc.id,
            "Tags": tags.rendered(state, ctx, group.id),
        }
        for group in state.groups_in(vpc)
    ]
    paths = {
        "group-id": "GroupId",
        "description": "Description",
        "group-name": "GroupName",
        "owner-id": "OwnerId",
        "primary-vpc-id": "PrimaryVpcId",
    }
    return paged(filtered(outputs, params, paths), params, "SecurityGroupForVpcs")


@operation("DescribeSecurityGroupReferences", on=(on("security-group", "GroupId"),))
def describe_security_group_references(ctx: Ctx, params: Params) -> Output:
    """Which peered VPCs have groups that name these groups."""
    state = ctx.state
    found: list[Rendered] = []
    for group_id in params.get("GroupId") or ():
        group = state.groups.get(ctx, group_id)
        for peering in state.peerings.everywhere():
            ends = {peering.requester_vpc, peering.accepter_vpc}
            if group.vpc_id not in ends:
                continue
            other = next(iter(ends - {group.vpc_id}))
            named = any(
                rule.group_id == group.id
                for each in state.groups.everywhere()
                if each.vpc_id == other
                for rule in each.rules
            )
            if named:
                found.append(
                    {"GroupId": group.id, "ReferencingVpcId": other, "VpcPeeringConnectionId": peering.id}
                )
    return {"SecurityGroupReferenceSet": found}
