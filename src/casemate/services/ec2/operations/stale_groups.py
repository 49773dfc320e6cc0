"""Rules that still name a group of a VPC one is no longer peered with.

Source: VPC Peering Guide, "Work with stale security group rules": a rule is stale when it references a deleted group
of the VPC's peer, or a group of a VPC whose peering connection was deleted. Stale rules have no effect.
"""

from __future__ import annotations

from casemate.servicekit.service import Output, Params
from casemate.services.ec2.operations.groups import permissions_output
from casemate.services.ec2.paging import Rendered, paged
from casemate.services.ec2.records import GroupRule, SecurityGroup
from casemate.services.ec2.registry import Ctx, operation, required
from casemate.services.ec2.state import Ec2State


def _is_stale(state: Ec2State, group: SecurityGroup, rule: GroupRule) -> bool:
    if not rule.group_id:
        return False
    named = next((each for each in state.groups.everywhere() if each.id == rule.group_id), None)
    if named is None:
        return True
    return named.vpc_id != group.vpc_id and not any(
        each.status == "active" and {each.requester_vpc, each.accepter_vpc} == {named.vpc_id, group.vpc_id}
        for each in state.peerings.everywhere()
    )


def _stale_permissions(rules: list[GroupRule]) -> list[Rendered] | None:
    """StaleIpPermission has no IPv6 ranges, which a rule that names a group has not either."""
    shown = permissions_output(rules)
    return [{name: each for name, each in one.items() if name != "Ipv6Ranges"} for one in shown] or None


@operation("DescribeStaleSecurityGroups")
def describe_stale_security_groups(ctx: Ctx, params: Params) -> Output:
    vpc = ctx.state.vpcs.get(ctx, required(params, "VpcId"))
    outputs: list[Rendered] = []
    for group in ctx.state.groups_in(vpc):
        stale = [rule for rule in group.rules if _is_stale(ctx.state, group, rule)]
        if stale:
            outputs.append(
                {
                    "GroupId": group.id,
                    "GroupName": group.name,
                    "Description": group.description,
                    "VpcId": group.vpc_id,
                    "StaleIpPermissions": _stale_permissions([each for each in stale if not each.egress]),
                    "StaleIpPermissionsEgress": _stale_permissions([each for each in stale if each.egress]),
                }
            )
    return paged(outputs, params, "StaleSecurityGroupSet")
