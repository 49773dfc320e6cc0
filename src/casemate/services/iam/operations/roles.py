"""Roles."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.ids import unique_id
from casemate.servicekit.service import Context, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.documents import trust_policy
from casemate.services.iam.entities import (
    ROLES,
    creation_checks,
    creation_time,
    protect,
    refuse_while_it_has_policies,
)
from casemate.services.iam.errors import already_exists, delete_conflict, quota_exceeded, validation_error
from casemate.services.iam.labels import trust_label
from casemate.services.iam.last_uses import last_use
from casemate.services.iam.lookups import attachable_policy
from casemate.services.iam.operations.tags import new_tags
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.shapes import full_role_shape, role_shape, role_use_shape
from casemate.services.iam.state import IamState, Role
from casemate.services.iam.trusting import exchange_trusted

_DEFAULT_SESSION_SECONDS = 3600


@operations.operation("CreateRole", checks=creation_checks("Role"))
def create_role(ctx: Context[IamState], params: Params) -> Output:
    name, path = params["RoleName"], params.get("Path") or "/"
    if path.startswith("/aws-service-role/"):
        raise validation_error(
            "Roles with the path prefix /aws-service-role/ are created by AWS services only."
        )
    if (ctx.account, name.lower()) in ctx.state.roles:
        raise already_exists(f"Role with name {name} already exists.")
    if len(ctx.state.roles.values(ctx.account)) >= quotas.ROLES_PER_ACCOUNT:
        raise quota_exceeded("RolesPerAccount", quotas.ROLES_PER_ACCOUNT)
    boundary = params.get("PermissionsBoundary")
    if boundary is not None:
        attachable_policy(ctx, boundary, "Role")
    role = Role(
        account=ctx.account,
        name=name,
        path=path,
        id=unique_id("AROA", ctx.random_bytes),
        created=creation_time(ctx),
        trust=params["AssumeRolePolicyDocument"],
        description=params.get("Description"),
        max_session_seconds=params.get("MaxSessionDuration") or _DEFAULT_SESSION_SECONDS,
        tags=new_tags(params, "Role"),
        boundary=boundary,
    )
    trust_policy(ctx.state, role.trust, label=trust_label(role.arn))
    ROLES.put(ctx, role)
    return {"Role": full_role_shape(role)}


@operations.operation("GetRole", checks=ROLES.checks("GetRole"))
def get_role(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    used = role_use_shape(last_use(ctx.state, role.id, ctx.now))
    return {"Role": {**full_role_shape(role), "RoleLastUsed": used}}


@operations.operation("ListRoles")
def list_roles(ctx: Context[IamState], params: Params) -> Output:
    prefix = params.get("PathPrefix") or "/"
    roles = [role for role in ctx.state.roles.values(ctx.account) if role.path.startswith(prefix)]
    return paged(params, "Roles", roles, key=lambda role: role.name, shape=role_shape)


@operations.operation("UpdateRole", checks=ROLES.checks("UpdateRole"))
def update_role(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    protect(role)
    changed = replace(
        role,
        description=role.description if params.get("Description") is None else params["Description"],
        # "If you do not specify a value for this setting, the default value of one hour is applied" (API Reference).
        max_session_seconds=params.get("MaxSessionDuration") or _DEFAULT_SESSION_SECONDS,
    )
    ROLES.put(ctx, changed)
    return {}


@operations.operation("UpdateRoleDescription", checks=ROLES.checks("UpdateRoleDescription"))
def update_role_description(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    protect(role)
    changed = replace(role, description=params["Description"])
    ROLES.put(ctx, changed)
    return {"Role": full_role_shape(changed)}


@operations.operation("UpdateAssumeRolePolicy", checks=ROLES.checks("UpdateAssumeRolePolicy"))
def update_assume_role_policy(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    protect(role)
    trust_policy(ctx.state, params["PolicyDocument"], label=trust_label(role.arn))
    ROLES.put(ctx, replace(role, trust=params["PolicyDocument"]))
    return {}


@operations.operation("DeleteRole", checks=ROLES.checks("DeleteRole"))
def delete_role(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    protect(role)
    if any(profile.role == role.name for profile in ctx.state.profiles.values(ctx.account)):
        raise delete_conflict("Cannot delete entity, must remove roles from instance profile first.")
    refuse_while_it_has_policies(role)
    ctx.state.roles.delete(ctx.account, role.name.lower())
    ctx.state.last_uses.delete(role.id)
    exchange_trusted(ctx.state, role.arn, role.id)
    return {}
