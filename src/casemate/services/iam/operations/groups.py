"""Groups and their members."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.ids import unique_id
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.entities import (
    GROUPS,
    USERS,
    creation_checks,
    creation_time,
    refuse_while_it_has_policies,
)
from casemate.services.iam.errors import already_exists, delete_conflict, quota_exceeded
from casemate.services.iam.lookups import members_of
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.shapes import group_shape, user_shape
from casemate.services.iam.state import Group, IamState


@operations.operation("CreateGroup", checks=creation_checks("Group"))
def create_group(ctx: Context[IamState], params: Params) -> Output:
    name = params["GroupName"]
    if (ctx.account, name.lower()) in ctx.state.groups:
        raise already_exists(f"Group with name {name} already exists.")
    if len(ctx.state.groups.values(ctx.account)) >= quotas.GROUPS_PER_ACCOUNT:
        raise quota_exceeded("GroupsPerAccount", quotas.GROUPS_PER_ACCOUNT)
    group = Group(
        account=ctx.account,
        name=name,
        path=params.get("Path") or "/",
        id=unique_id("AGPA", ctx.random_bytes),
        created=creation_time(ctx),
    )
    GROUPS.put(ctx, group)
    return {"Group": group_shape(group)}


@operations.operation("GetGroup", checks=GROUPS.checks("GetGroup"))
def get_group(ctx: Context[IamState], params: Params) -> Output:
    group = GROUPS.named(ctx, params)
    members = members_of(ctx, group.name)
    users = paged(params, "Users", members, key=lambda user: user.name, shape=user_shape)
    return {"Group": group_shape(group), **users}


@operations.operation("ListGroups")
def list_groups(ctx: Context[IamState], params: Params) -> Output:
    prefix = params.get("PathPrefix") or "/"
    groups = [group for group in ctx.state.groups.values(ctx.account) if group.path.startswith(prefix)]
    return paged(params, "Groups", groups, key=lambda group: group.name, shape=group_shape)


def _update_checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
    found = GROUPS.find(ctx.state, ctx.account, params["GroupName"])
    path = params.get("NewPath") or (found.path if found else "/")
    after = ctx.arn("iam", f"group{path}{params.get('NewGroupName') or params['GroupName']}", region="")
    before = GROUPS.arn(ctx, params)
    return tuple(Check(action="iam:UpdateGroup", resource=arn) for arn in dict.fromkeys((before, after)))


@operations.operation("UpdateGroup", checks=_update_checks)
def update_group(ctx: Context[IamState], params: Params) -> Output:
    group = GROUPS.named(ctx, params)
    name = params.get("NewGroupName") or group.name
    if name.lower() != group.name.lower() and (ctx.account, name.lower()) in ctx.state.groups:
        raise already_exists(f"Group with name {name} already exists.")
    members = members_of(ctx, group.name)
    ctx.state.groups.delete(ctx.account, group.name.lower())
    GROUPS.put(ctx, replace(group, name=name, path=params.get("NewPath") or group.path))
    for user in members:
        groups = tuple(name if each == group.name else each for each in user.groups)
        USERS.put(ctx, replace(user, groups=groups))
    return {}


@operations.operation("DeleteGroup", checks=GROUPS.checks("DeleteGroup"))
def delete_group(ctx: Context[IamState], params: Params) -> Output:
    group = GROUPS.named(ctx, params)
    if members_of(ctx, group.name):
        raise delete_conflict("Cannot delete entity, must remove users from group first.")
    refuse_while_it_has_policies(group)
    ctx.state.groups.delete(ctx.account, group.name.lower())
    return {}


@operations.operation("AddUserToGroup", checks=GROUPS.checks("AddUserToGroup"))
def add_user_to_group(ctx: Context[IamState], params: Params) -> Output:
    group, user = GROUPS.named(ctx, params), USERS.named(ctx, params)
    if group.name in user.groups:
        return {}
    if len(user.groups) >= quotas.GROUPS_PER_USER:
        raise quota_exceeded("GroupsPerUser", quotas.GROUPS_PER_USER)
    USERS.put(ctx, replace(user, groups=(*user.groups, group.name)))
    return {}


@operations.operation("RemoveUserFromGroup", checks=GROUPS.checks("RemoveUserFromGroup"))
def remove_user_from_group(ctx: Context[IamState], params: Params) -> Output:
    group, user = GROUPS.named(ctx, params), USERS.named(ctx, params)
    if group.name in user.groups:
        USERS.put(ctx, replace(user, groups=tuple(each for each in user.groups if each != group.name)))
    return {}


@operations.operation("ListGroupsForUser", checks=USERS.checks("ListGroupsForUser"))
def list_groups_for_user(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, params)
    found = (ctx.state.groups.get(ctx.account, name.lower()) for name in user.groups)
    groups = [group for group in found if group is not None]
    return paged(params, "Groups", groups, key=lambda group: group.name, shape=group_shape)
