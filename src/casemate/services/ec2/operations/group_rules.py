"""Rules of security groups: authorize, revoke, modify, describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from casemate.model.ids import resource_id
from casemate.servicekit.service import Output, Params
from casemate.services.ec2 import errors, tags
from casemate.services.ec2.operations.groups import named_group, permissions_output
from casemate.services.ec2.paging import Rendered, filtered, paged
from casemate.services.ec2.permissions import check_quota, parse, quoted, single
from casemate.services.ec2.records import GroupRule, SecurityGroup
from casemate.services.ec2.registry import Ctx, on, operation, required
from casemate.services.ec2.state import Ec2State

_GROUP = (on("security-group", "GroupId"),)
RULE_FILTERS = {"group-id": "GroupId", "security-group-rule-id": "SecurityGroupRuleId"}


def rule_output(state: Ec2State, group: SecurityGroup, rule: GroupRule) -> Rendered:
    """As DescribeSecurityGroupRules shows it."""
    peer: Rendered = {}
    if rule.group_id:
        peer = {"ReferencedGroupInfo": {"GroupId": rule.group_id, "UserId": rule.group_account}}
    return {
        **_matter(group, rule),
        **peer,
        "GroupOwnerId": group.account,
        "SecurityGroupRuleArn": f"arn:aws:ec2:{group.region}:{group.account}:security-group-rule/{rule.rule_id}",
        "Tags": tags.rendered(state, group, rule.rule_id),
    }


def _matter(group: SecurityGroup, rule: GroupRule) -> Rendered:
    """What a rule, present or revoked, says; without the group it may refer to."""
    return {
        "SecurityGroupRuleId": rule.rule_id,
        "GroupId": group.id,
        "IsEgress": rule.egress,
        "IpProtocol": rule.protocol,
        "FromPort": rule.from_port,
        "ToPort": rule.to_port,
        "CidrIpv4": rule.cidr or None,
        "CidrIpv6": rule.cidr6 or None,
        "PrefixListId": rule.prefix_list_id or None,
        "Description": rule.description or None,
    }


def _permissions(params: Params) -> Sequence[Mapping[str, Any]]:
    """IpPermissions, or the one permission that the older flat parameters describe."""
    if params.get("IpPermissions"):
        return list(params["IpPermissions"])
    permission: dict[str, Any] = {
        name: params[name] for name in ("IpProtocol", "FromPort", "ToPort") if params.get(name) is not None
    }
    if params.get("CidrIp"):
        permission["IpRanges"] = [{"CidrIp": params["CidrIp"]}]
    if params.get("SourceSecurityGroupName"):
        permission["UserIdGroupPairs"] = [{"GroupName": params["SourceSecurityGroupName"]}]
        permission.setdefault("IpProtocol", "-1")
    if not permission:
        raise errors.missing_parameter("ipPermissions")
    return [permission]


def _authorize(ctx: Ctx, params: Params, *, egress: bool) -> Output:
    group = named_group(ctx, params)
    labels = tags.specified(params, "security-group-rule")
    wanted = parse(ctx, group, _permissions(params), egress=egress)
    present = {rule.identity for rule in group.rules}
    for rule in wanted:
        if rule.identity in present:
            raise errors.rule_duplicate(quoted(rule))
    made = tuple(replace(rule, rule_id=resource_id("sgr", ctx.random_bytes)) for rule in wanted)
    changed = replace(group, rules=(*group.rules, *made))
    check_quota(ctx.state, changed)
    ctx.state.groups.put(changed)
    for rule in made:
        tags.put(ctx.state, ctx, rule.rule_id, labels)
    return {"Return": True, "SecurityGroupRules": [rule_output(ctx.state, group, rule) for rule in made]}


@operation("AuthorizeSecurityGroupIngress", on=_GROUP)
def authorize_security_group_ingress(ctx: Ctx, params: Params) -> Output:
    return _authorize(ctx, params, egress=False)


@operation("AuthorizeSecurityGroupEgress", on=_GROUP)
def authorize_security_group_egress(ctx: Ctx, params: Params) -> Output:
    return _authorize(ctx, params, egress=True)


def _by_id(group: SecurityGroup, rule_id: str) -> GroupRule:
    if not rule_id.startswith("sgr-"):
        raise errors.GROUP_RULE.malformed(rule_id)
    for rule in group.rules:
        if rule.rule_id == rule_id:
            return rule
    raise errors.GROUP_RULE.missing(rule_id)


def _revoke(ctx: Ctx, params: Params, *, egress: bool) -> Output:
    group = named_group(ctx, params)
    unknown: list[GroupRule] = []
    gone: list[GroupRule] = []
    if params.get("SecurityGroupRuleIds"):
        gone = [_by_id(group, each) for each in params["SecurityGroupRuleIds"]]
        if any(rule.egress != egress for rule in gone):
            raise errors.rule_missing()
    else:
        present = {rule.identity: rule for rule in group.rules}
        for rule in parse(ctx, group, _permissions(params), egress=egress):
            found = present.get(rule.identity)
            if found is None:
                unknown.append(rule)
            else:
                gone.append(found)
    # API reference: in a default VPC unknown permissions are told, elsewhere they are an error.
    if unknown and not ctx.state.vpcs.get(ctx, group.vpc_id).is_default:
        raise errors.rule_missing()
    ids = {rule.rule_id for rule in gone}
    ctx.state.groups.put(replace(group, rules=tuple(each for each in group.rules if each.rule_id not in ids)))
    for each in ids:
        tags.forget(ctx.state, ctx, each)
    return {
        "Return": True,
        "UnknownIpPermissions": permissions_output(unknown),
        "RevokedSecurityGroupRules": [_revoked(group, rule) for rule in gone],
    }


def _revoked(group: SecurityGroup, rule: GroupRule) -> Rendered:
    return {**_matter(group, rule), "ReferencedGroupId": rule.group_id or None}


@operation("RevokeSecurityGroupIngress", on=_GROUP)
def revoke_security_group_ingress(ctx: Ctx, params: Params) -> Output:
    return _revoke(ctx, params, egress=False)


@operation("RevokeSecurityGroupEgress", on=_GROUP)
def revoke_security_group_egress(ctx: Ctx, params: Params) -> Output:
    return _revoke(ctx, params, egress=True)


@operation("DescribeSecurityGroupRules")
def describe_security_group_rules(ctx: Ctx, params: Params) -> Output:
    found = {rule.rule_id: (group, rule) for group in ctx.state.groups.all(ctx) for rule in group.rules}
    ids = params.get("SecurityGroupRuleIds")
    for each in ids or ():
        if each not in found:
            raise errors.GROUP_RULE.missing(each)
    chosen = [found[each] for each in ids] if ids else list(found.values())
    outputs = filtered((rule_output(ctx.state, group, rule) for group, rule in chosen), params, RULE_FILTERS)
    return paged(outputs, params, "SecurityGroupRules")


@operation("ModifySecurityGroupRules", on=_GROUP)
def modify_security_group_rules(ctx: Ctx, params: Params) -> Output:
    group = ctx.state.groups.get(ctx, required(params, "GroupId"))
    updates: dict[str, Mapping[str, Any]] = {
        str(each.get("SecurityGroupRuleId")): each.get("SecurityGroupRule") or {}
        for each in params.get("SecurityGroupRules") or ()
    }
    if not updates:
        raise errors.missing_parameter("securityGroupRules")
    changed = {
        rule_id: single(ctx, group, request, _by_id(group, rule_id)) for rule_id, request in updates.items()
    }
    rules = tuple(changed.get(rule.rule_id, rule) for rule in group.rules)
    seen: set[tuple[object, ...]] = set()
    for rule in rules:
        if rule.identity in seen:
            raise errors.rule_duplicate(quoted(rule))
        seen.add(rule.identity)
    after = replace(group, rules=rules)
    check_quota(ctx.state, after)
    ctx.state.groups.put(after)
    return {"Return": True}


def _update_descriptions(ctx: Ctx, params: Params, *, egress: bool) -> Output:
    group = named_group(ctx, params)
    by_id: dict[str, str] = {}
    for each in params.get("SecurityGroupRuleDescriptions") or ():
        rule = _by_id(group, str(each.get("SecurityGroupRuleId")))
        by_id[rule.rule_id] = str(each.get("Description") or "")
    present = {rule.identity: rule for rule in group.rules}
    for wanted in parse(ctx, group, params.get("IpPermissions") or (), egress=egress):
        found = present.get(wanted.identity)
        if found is None:
            raise errors.rule_missing()
        by_id[found.rule_id] = wanted.description
    if not by_id:
        raise errors.missing_parameter("ipPermissions")
    rules = tuple(
        replace(rule, description=by_id.get(rule.rule_id, rule.description)) for rule in group.rules
    )
    ctx.state.groups.put(replace(group, rules=rules))
    return {"Return": True}


@operation("UpdateSecurityGroupRuleDescriptionsIngress", on=_GROUP)
def update_security_group_rule_descriptions_ingress(ctx: Ctx, params: Params) -> Output:
    return _update_descriptions(ctx, params, egress=False)


@operation("UpdateSecurityGroupRuleDescriptionsEgress", on=_GROUP)
def update_security_group_rule_descriptions_egress(ctx: Ctx, params: Params) -> Output:
    return _update_descriptions(ctx, params, egress=True)
