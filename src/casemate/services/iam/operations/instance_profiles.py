"""Instance profiles: each holds at most one role."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.model.ids import unique_id
from casemate.servicekit.service import Check, Checks, Context, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.entities import ROLES, creation_checks, creation_time, tag_context
from casemate.services.iam.errors import already_exists, delete_conflict, no_such_entity, quota_exceeded
from casemate.services.iam.lookups import named_profile, profile_arn
from casemate.services.iam.operations.tags import new_tags
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.shapes import profile_shape
from casemate.services.iam.state import IamState, InstanceProfile


def _checks(action: str) -> Checks[IamState]:
    def checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
        found = ctx.state.profiles.get(ctx.account, str(params["InstanceProfileName"]).lower())
        context = tag_context(found.tags) if found else {}
        return (Check(action=f"iam:{action}", resource=profile_arn(ctx, params), context=context),)

    return checks


@operations.operation("CreateInstanceProfile", checks=creation_checks("InstanceProfile"))
def create_instance_profile(ctx: Context[IamState], params: Params) -> Output:
    name = params["InstanceProfileName"]
    if (ctx.account, name.lower()) in ctx.state.profiles:
        raise already_exists(f"Instance Profile {name} already exists.")
    if len(ctx.state.profiles.values(ctx.account)) >= quotas.INSTANCE_PROFILES_PER_ACCOUNT:
        raise quota_exceeded("InstanceProfilesPerAccount", quotas.INSTANCE_PROFILES_PER_ACCOUNT)
    profile = InstanceProfile(
        account=ctx.account,
        name=name,
        path=params.get("Path") or "/",
        id=unique_id("AIPA", ctx.random_bytes),
        created=creation_time(ctx),
        tags=new_tags(params, "InstanceProfile"),
    )
    ctx.state.profiles.put((ctx.account, name.lower()), profile)
    return {"InstanceProfile": profile_shape(ctx.state, profile)}


@operations.operation("GetInstanceProfile", checks=_checks("GetInstanceProfile"))
def get_instance_profile(ctx: Context[IamState], params: Params) -> Output:
    return {"InstanceProfile": profile_shape(ctx.state, named_profile(ctx, params))}


@operations.operation("ListInstanceProfiles")
def list_instance_profiles(ctx: Context[IamState], params: Params) -> Output:
    prefix = params.get("PathPrefix") or "/"
    profiles = [each for each in ctx.state.profiles.values(ctx.account) if each.path.startswith(prefix)]
    return _listed(ctx, params, profiles)


@operations.operation("ListInstanceProfilesForRole", checks=ROLES.checks("ListInstanceProfilesForRole"))
def list_instance_profiles_for_role(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    return _listed(ctx, params, [p for p in ctx.state.profiles.values(ctx.account) if p.role == role.name])


def _listed(ctx: Context[IamState], params: Params, profiles: list[InstanceProfile]) -> Output:
    return paged(
        params,
        "InstanceProfiles",
        profiles,
        key=lambda profile: profile.name,
        shape=lambda profile: profile_shape(ctx.state, replace(profile, tags={})),
    )


def _add_checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
    """Adding a role to a profile passes it to EC2 (IAM User Guide, "Grant a user permissions to pass a role")."""
    role = Check(
        action="iam:PassRole",
        resource=ROLES.arn(ctx, params),
        context={"iam:PassedToService": "ec2.amazonaws.com"},
    )
    return (*_checks("AddRoleToInstanceProfile")(ctx, params), role)


@operations.operation("AddRoleToInstanceProfile", checks=_add_checks)
def add_role_to_instance_profile(ctx: Context[IamState], params: Params) -> Output:
    profile, role = named_profile(ctx, params), ROLES.named(ctx, params)
    if profile.role is not None:
        raise quota_exceeded("InstanceSessionsPerInstanceProfile", 1)
    ctx.state.profiles.put((ctx.account, profile.name.lower()), replace(profile, role=role.name))
    return {}


@operations.operation("RemoveRoleFromInstanceProfile", checks=_checks("RemoveRoleFromInstanceProfile"))
def remove_role_from_instance_profile(ctx: Context[IamState], params: Params) -> Output:
    profile, role = named_profile(ctx, params), ROLES.named(ctx, params)
    if profile.role != role.name:
        raise no_such_entity(f"The role with name {role.name} cannot be found in the instance profile.")
    ctx.state.profiles.put((ctx.account, profile.name.lower()), replace(profile, role=None))
    return {}


@operations.operation("DeleteInstanceProfile", checks=_checks("DeleteInstanceProfile"))
def delete_instance_profile(ctx: Context[IamState], params: Params) -> Output:
    profile = named_profile(ctx, params)
    if profile.role is not None:
        raise delete_conflict("Cannot delete entity, must remove roles from instance profile first.")
    ctx.state.profiles.delete(ctx.account, profile.name.lower())
    return {}
