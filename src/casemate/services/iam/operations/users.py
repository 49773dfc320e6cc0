"""Users."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.ids import unique_id
from casemate.model.principals import PrincipalKind
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.entities import (
    USERS,
    creation_checks,
    creation_time,
    entity_context,
    own_user_checks,
    own_user_name,
    refuse_while_it_has_policies,
)
from casemate.services.iam.errors import already_exists, delete_conflict, quota_exceeded
from casemate.services.iam.lookups import attachable_policy, keys_of
from casemate.services.iam.operations.tags import new_tags
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.shapes import full_user_shape, user_shape
from casemate.services.iam.state import IamState, User
from casemate.services.iam.trusting import exchange_trusted


@operations.operation("CreateUser", checks=creation_checks("User"))
def create_user(ctx: Context[IamState], params: Params) -> Output:
    name = params["UserName"]
    if (ctx.account, name.lower()) in ctx.state.users:
        raise already_exists(f"User with name {name} already exists.")
    if len(ctx.state.users.values(ctx.account)) >= quotas.USERS_PER_ACCOUNT:
        raise quota_exceeded("UsersPerAccount", quotas.USERS_PER_ACCOUNT)
    boundary = params.get("PermissionsBoundary")
    if boundary is not None:
        attachable_policy(ctx, boundary, "User")
    user = User(
        account=ctx.account,
        name=name,
        path=params.get("Path") or "/",
        id=unique_id("AIDA", ctx.random_bytes),
        created=creation_time(ctx),
        tags=new_tags(params, "User"),
        boundary=boundary,
    )
    USERS.put(ctx, user)
    return {"User": full_user_shape(user)}


@operations.operation("GetUser", checks=own_user_checks("GetUser"))
def get_user(ctx: Context[IamState], params: Params) -> Output:
    if params.get("UserName") is None and ctx.principal.kind is PrincipalKind.ROOT:
        return {"User": _root_shape(ctx)}
    user = USERS.named(ctx, {"UserName": own_user_name(ctx, params)})
    return {"User": full_user_shape(user)}


def _root_shape(ctx: Context[IamState]) -> Output:
    """The root user is the account: its id is the account's, its creation that of the account's first identity."""
    identities = [*ctx.state.users.values(ctx.account), *ctx.state.roles.values(ctx.account)]
    return {
        "Path": "/",
        "UserName": ctx.state.aliases.get(ctx.account),
        "UserId": ctx.account,
        "Arn": ctx.arn("iam", "root", region=""),
        "CreateDate": min((each.created for each in identities), default=creation_time(ctx)),
    }


@operations.operation("ListUsers")
def list_users(ctx: Context[IamState], params: Params) -> Output:
    prefix = params.get("PathPrefix") or "/"
    users = [user for user in ctx.state.users.values(ctx.account) if user.path.startswith(prefix)]
    return paged(params, "Users", users, key=lambda user: user.name, shape=user_shape)


def _update_checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
    """Both the old and the new name must be allowed (API Reference, UpdateUser)."""
    found = USERS.find(ctx.state, ctx.account, params["UserName"])
    path = params.get("NewPath") or (found.path if found else "/")
    after = ctx.arn("iam", f"user{path}{params.get('NewUserName') or params['UserName']}", region="")
    before = USERS.arn(ctx, params)
    context = entity_context(found, "iam:UpdateUser")
    return tuple(
        Check(action="iam:UpdateUser", resource=arn, context=context)
        for arn in dict.fromkeys((before, after))
    )


@operations.operation("UpdateUser", checks=_update_checks)
def update_user(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, params)
    name = params.get("NewUserName") or user.name
    if name.lower() != user.name.lower() and (ctx.account, name.lower()) in ctx.state.users:
        raise already_exists(f"User with name {name} already exists.")
    keys = keys_of(ctx, user.name)
    ctx.state.users.delete(ctx.account, user.name.lower())
    renamed = replace(user, name=name, path=params.get("NewPath") or user.path)
    USERS.put(ctx, renamed)
    exchange_trusted(ctx.state, user.arn, renamed.arn)
    for key in keys:
        ctx.state.keys.put((key.id,), replace(key, user=name))
    for device in ctx.state.mfa_devices.values():
        if device.belongs_to(ctx.account, user.name):
            ctx.state.mfa_devices.put((device.serial,), replace(device, user=name))
    return {}


@operations.operation("DeleteUser", checks=USERS.checks("DeleteUser"))
def delete_user(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, params)
    if keys_of(ctx, user.name):
        raise delete_conflict("Cannot delete entity, must delete access keys first.")
    if any(device.belongs_to(ctx.account, user.name) for device in ctx.state.mfa_devices.values()):
        raise delete_conflict("Cannot delete entity, must delete MFA device first.")
    refuse_while_it_has_policies(user)
    if user.groups:
        raise delete_conflict("Cannot delete entity, must remove users from group first.")
    ctx.state.users.delete(ctx.account, user.name.lower())
    exchange_trusted(ctx.state, user.arn, user.id)
    return {}
