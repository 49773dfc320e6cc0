"""Permissions boundaries of users and roles."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Context, ContextValues, Output, Params
from casemate.services.iam.entities import ROLES, USERS, protect
from casemate.services.iam.errors import no_such_entity
from casemate.services.iam.lookups import attachable_policy
from casemate.services.iam.registry import operations
from casemate.services.iam.state import IamState


def _boundary(params: Params) -> ContextValues:
    return {"iam:PermissionsBoundary": params["PermissionsBoundary"]}


@operations.operation(
    "PutUserPermissionsBoundary", checks=USERS.checks("PutUserPermissionsBoundary", _boundary)
)
def put_user_permissions_boundary(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, params)
    USERS.put(ctx, replace(user, boundary=attachable_policy(ctx, params["PermissionsBoundary"], "User").arn))
    return {}


@operations.operation("DeleteUserPermissionsBoundary", checks=USERS.checks("DeleteUserPermissionsBoundary"))
def delete_user_permissions_boundary(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, params)
    if user.boundary is None:
        raise no_such_entity(f"{user.name} does not have a permissions boundary")
    USERS.put(ctx, replace(user, boundary=None))
    return {}


@operations.operation(
    "PutRolePermissionsBoundary", checks=ROLES.checks("PutRolePermissionsBoundary", _boundary)
)
def put_role_permissions_boundary(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    protect(role)
    ROLES.put(ctx, replace(role, boundary=attachable_policy(ctx, params["PermissionsBoundary"], "Role").arn))
    return {}


@operations.operation("DeleteRolePermissionsBoundary", checks=ROLES.checks("DeleteRolePermissionsBoundary"))
def delete_role_permissions_boundary(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    protect(role)
    if role.boundary is None:
        raise no_such_entity(f"{role.name} does not have a permissions boundary")
    ROLES.put(ctx, replace(role, boundary=None))
    return {}
