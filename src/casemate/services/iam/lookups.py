"""Finding what a request names, or saying as AWS does that it is not there."""

from __future__ import annotations

from collections import Counter

from casemate.servicekit.service import Context, Params
from casemate.services.iam.errors import access_denied, no_such_entity, policy_not_attachable
from casemate.services.iam.managed import AWS
from casemate.services.iam.policies import ManagedPolicy
from casemate.services.iam.state import AccessKey, IamState, InstanceProfile, User


def named_profile(ctx: Context[IamState], params: Params) -> InstanceProfile:
    """The instance profile the request names."""
    name = str(params["InstanceProfileName"])
    found = ctx.state.profiles.get(ctx.account, name.lower())
    if found is None or found.name != name:
        raise no_such_entity(f"Instance Profile {name} cannot be found.")
    return found


def profile_arn(ctx: Context[IamState], params: Params) -> str:
    """Its ARN, or the one it would have at the path `/`."""
    name = str(params["InstanceProfileName"])
    found = ctx.state.profiles.get(ctx.account, name.lower())
    return found.arn if found else f"arn:aws:iam::{ctx.account}:instance-profile/{name}"


def visible_policy(ctx: Context[IamState], arn: str) -> ManagedPolicy:
    """A managed policy of the caller's account or of AWS's."""
    found = ctx.state.policy(arn)
    if found is None or found.account not in (ctx.account, AWS):
        raise no_such_entity(f"Policy {arn} was not found.")
    return found


def customer_policy(ctx: Context[IamState], params: Params) -> ManagedPolicy:
    """A managed policy of the caller's own account, which may be changed."""
    arn = str(params["PolicyArn"])
    found = visible_policy(ctx, arn)
    if found.account == AWS:
        raise access_denied(f"Policy {arn} is an AWS managed policy and cannot be changed.")
    return found


def attachable_policy(ctx: Context[IamState], arn: str, noun: str) -> ManagedPolicy:
    """A managed policy that an entity of the caller's account may have, `noun` being User, Group or Role."""
    found = ctx.state.policy(arn)
    if found is None or found.account not in (ctx.account, AWS):
        raise no_such_entity(f"Policy {arn} does not exist or is not attachable.")
    if found.is_for_service_linked_roles:
        raise policy_not_attachable(noun)
    return found


def members_of(ctx: Context[IamState], group_name: str) -> list[User]:
    """The users in a group."""
    return [user for user in ctx.state.users.values(ctx.account) if group_name in user.groups]


def keys_of(ctx: Context[IamState], user_name: str | None) -> list[AccessKey]:
    """The access keys of a user of the caller's account, or of its root user."""
    keys = ctx.state.keys.values()
    return [key for key in keys if key.account == ctx.account and key.user == user_name]


def attachments(ctx: Context[IamState]) -> Counter[str]:
    """How many entities of the caller's account have each managed policy attached, by its ARN."""
    state, account = ctx.state, ctx.account
    entities = [*state.users.values(account), *state.groups.values(account), *state.roles.values(account)]
    return Counter(arn for entity in entities for arn in entity.attached)


def boundary_uses(ctx: Context[IamState]) -> Counter[str]:
    """How many users and roles of the caller's account have each managed policy as their boundary."""
    entities = [*ctx.state.users.values(ctx.account), *ctx.state.roles.values(ctx.account)]
    return Counter(entity.boundary for entity in entities if entity.boundary is not None)
