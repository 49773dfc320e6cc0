"""GetAccountAuthorizationDetails: every identity of the account with its policies, in one listing."""

from __future__ import annotations

from typing import Any

from casemate.servicekit.service import Context, Output, Params
from casemate.services.iam.documents import encoded
from casemate.services.iam.last_uses import last_use
from casemate.services.iam.lookups import attachments, boundary_uses, visible_policy
from casemate.services.iam.managed import AWS, aws_policy
from casemate.services.iam.paging import paged
from casemate.services.iam.policies import ManagedPolicy
from casemate.services.iam.registry import operations
from casemate.services.iam.shapes import (
    full_role_shape,
    full_user_shape,
    group_shape,
    policy_shape,
    profile_shape,
    role_use_shape,
    version_shape,
)
from casemate.services.iam.state import Group, IamState, Role, User

Entry = User | Group | Role | ManagedPolicy


@operations.operation("GetAccountAuthorizationDetails")
def get_account_authorization_details(ctx: Context[IamState], params: Params) -> Output:
    state, account = ctx.state, ctx.account
    wanted = params.get("Filter") or ["User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy"]
    entries: list[Entry] = [
        *(state.users.values(account) if "User" in wanted else ()),
        *(state.groups.values(account) if "Group" in wanted else ()),
        *(state.roles.values(account) if "Role" in wanted else ()),
        *(state.policies.values(account) if "LocalManagedPolicy" in wanted else ()),
    ]
    if "AWSManagedPolicy" in wanted:
        # Those in use: AWS does not list the others here either.
        used = [aws_policy(arn) for arn in attachments(ctx) | boundary_uses(ctx)]
        entries += [policy for policy in used if policy is not None]
    output = paged(params, "Entries", entries, key=lambda entry: entry.arn, shape=lambda entry: entry)
    chosen: list[Entry] = output.pop("Entries")
    return {
        "UserDetailList": [_user(ctx, each) for each in chosen if isinstance(each, User)],
        "GroupDetailList": [
            {**group_shape(each), **_held(ctx, each, "Group")} for each in chosen if isinstance(each, Group)
        ],
        "RoleDetailList": [_role(ctx, each) for each in chosen if isinstance(each, Role)],
        "Policies": [_policy(ctx, each) for each in chosen if isinstance(each, ManagedPolicy)],
        **output,
    }


def _held(ctx: Context[IamState], entity: User | Group | Role, noun: str) -> dict[str, Any]:
    inline = [{"PolicyName": name, "PolicyDocument": encoded(text)} for name, text in entity.inline.items()]
    attached = [visible_policy(ctx, arn) for arn in entity.attached]
    return {
        f"{noun}PolicyList": inline,
        "AttachedManagedPolicies": [{"PolicyName": each.name, "PolicyArn": each.arn} for each in attached],
    }


def _user(ctx: Context[IamState], user: User) -> Output:
    return {**full_user_shape(user), **_held(ctx, user, "User"), "GroupList": list(user.groups)}


def _role(ctx: Context[IamState], role: Role) -> Output:
    shape = full_role_shape(role)
    for absent in ("Description", "MaxSessionDuration"):
        shape.pop(absent, None)
    profiles = [each for each in ctx.state.profiles.values(ctx.account) if each.role == role.name]
    return {
        **shape,
        **_held(ctx, role, "Role"),
        "RoleLastUsed": role_use_shape(last_use(ctx.state, role.id, ctx.now)),
        "InstanceProfileList": [profile_shape(ctx.state, profile) for profile in profiles],
    }


def _policy(ctx: Context[IamState], policy: ManagedPolicy) -> Output:
    shape = policy_shape(
        policy, attachments=attachments(ctx)[policy.arn], boundaries=boundary_uses(ctx)[policy.arn]
    )
    if policy.description and policy.account == AWS:
        shape["Description"] = policy.description
    shape["PolicyVersionList"] = [version_shape(policy, each, document=True) for each in policy.versions]
    return shape
