"""Tags of users, roles, managed policies and instance profiles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from msgspec.structs import replace

from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.entities import ROLES, USERS, protect, request_tag_context, tag_context
from casemate.services.iam.errors import invalid_input, quota_exceeded
from casemate.services.iam.lookups import customer_policy, named_profile, profile_arn
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.state import IamState

Tags = dict[str, str]


_CASE_BLIND = frozenset({"User", "Role"})
"""Of users and roles tag keys are the same in any case; of other things not (IAM User Guide, "Rules for tagging")."""


def _same(noun: str, key: str) -> str:
    """What two keys of one tag have in common."""
    return key.lower() if noun in _CASE_BLIND else key


def _requested_tags(params: Params, noun: str) -> Tags:
    listed = cast("list[dict[str, str]]", params.get("Tags") or [])
    tags = {tag["Key"]: tag["Value"] for tag in listed}
    if len({_same(noun, key) for key in tags}) != len(listed):
        raise invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid_input("Tag keys starting with 'aws:' are reserved for system use")
    return tags


def new_tags(params: Params, noun: str) -> Tags:
    """The tags of a thing to be made."""
    return _within_quota(_requested_tags(params, noun), noun)


def _within_quota(tags: Tags, noun: str) -> Tags:
    if len(tags) > quotas.TAGS_PER_ENTITY:
        raise quota_exceeded(f"TagsPer{noun}", quotas.TAGS_PER_ENTITY)
    return tags


def tags_with(tags: Tags, params: Params, noun: str) -> Tags:
    """`tags` and the requested ones; a key that is there, maybe in another case, takes the new spelling."""
    wanted = _requested_tags(params, noun)
    return _within_quota({**_without(tags, wanted, noun), **wanted}, noun)


def tags_without(tags: Tags, params: Params, noun: str) -> Tags:
    """`tags` without those whose keys the request names."""
    return _without(tags, params["TagKeys"], noun)


def _without(tags: Tags, keys: Iterable[str], noun: str) -> Tags:
    gone = {_same(noun, key) for key in keys}
    return {key: value for key, value in tags.items() if _same(noun, key) not in gone}


def listed_tags(params: Params, tags: Tags) -> dict[str, Any]:
    """A page of tags."""
    return paged(
        params,
        "Tags",
        tags.items(),
        key=lambda tag: tag[0],
        shape=lambda tag: {"Key": tag[0], "Value": tag[1]},
    )


@operations.operation("TagUser", checks=USERS.checks("TagUser", request_tag_context))
def tag_user(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, params)
    USERS.put(ctx, replace(user, tags=tags_with(user.tags, params, "User")))
    return {}


@operations.operation("UntagUser", checks=USERS.checks("UntagUser", request_tag_context))
def untag_user(ctx: Context[IamState], params: Params) -> Output:
    user = USERS.named(ctx, params)
    USERS.put(ctx, replace(user, tags=tags_without(user.tags, params, "User")))
    return {}


@operations.operation("ListUserTags", checks=USERS.checks("ListUserTags"))
def list_user_tags(ctx: Context[IamState], params: Params) -> Output:
    return listed_tags(params, USERS.named(ctx, params).tags)


@operations.operation("TagRole", checks=ROLES.checks("TagRole", request_tag_context))
def tag_role(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    protect(role)
    ROLES.put(ctx, replace(role, tags=tags_with(role.tags, params, "Role")))
    return {}


@operations.operation("UntagRole", checks=ROLES.checks("UntagRole", request_tag_context))
def untag_role(ctx: Context[IamState], params: Params) -> Output:
    role = ROLES.named(ctx, params)
    protect(role)
    ROLES.put(ctx, replace(role, tags=tags_without(role.tags, params, "Role")))
    return {}


@operations.operation("ListRoleTags", checks=ROLES.checks("ListRoleTags"))
def list_role_tags(ctx: Context[IamState], params: Params) -> Output:
    return listed_tags(params, ROLES.named(ctx, params).tags)


def _policy_check(action: str) -> Any:
    def checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
        found = ctx.state.policy(params["PolicyArn"])
        context = {**(tag_context(found.tags) if found else {}), **request_tag_context(params)}
        return (Check(action=f"iam:{action}", resource=params["PolicyArn"], context=context),)

    return checks


@operations.operation("TagPolicy", checks=_policy_check("TagPolicy"))
def tag_policy(ctx: Context[IamState], params: Params) -> Output:
    policy = customer_policy(ctx, params)
    changed = replace(policy, tags=tags_with(policy.tags, params, "Policy"))
    ctx.state.policies.put((policy.account, policy.name.lower()), changed)
    return {}


@operations.operation("UntagPolicy", checks=_policy_check("UntagPolicy"))
def untag_policy(ctx: Context[IamState], params: Params) -> Output:
    policy = customer_policy(ctx, params)
    changed = replace(policy, tags=tags_without(policy.tags, params, "Policy"))
    ctx.state.policies.put((policy.account, policy.name.lower()), changed)
    return {}


@operations.operation("ListPolicyTags", checks=_policy_check("ListPolicyTags"))
def list_policy_tags(ctx: Context[IamState], params: Params) -> Output:
    return listed_tags(params, customer_policy(ctx, params).tags)


def _profile_check(action: str) -> Any:
    def checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
        found = ctx.state.profiles.get(ctx.account, str(params["InstanceProfileName"]).lower())
        context = {**(tag_context(found.tags) if found else {}), **request_tag_context(params)}
        return (Check(action=f"iam:{action}", resource=profile_arn(ctx, params), context=context),)

    return checks


@operations.operation("TagInstanceProfile", checks=_profile_check("TagInstanceProfile"))
def tag_instance_profile(ctx: Context[IamState], params: Params) -> Output:
    profile = named_profile(ctx, params)
    changed = replace(profile, tags=tags_with(profile.tags, params, "InstanceProfile"))
    ctx.state.profiles.put((profile.account, profile.name.lower()), changed)
    return {}


@operations.operation("UntagInstanceProfile", checks=_profile_check("UntagInstanceProfile"))
def untag_instance_profile(ctx: Context[IamState], params: Params) -> Output:
    profile = named_profile(ctx, params)
    changed = replace(profile, tags=tags_without(profile.tags, params, "InstanceProfile"))
    ctx.state.profiles.put((profile.account, profile.name.lower()), changed)
    return {}


@operations.operation("ListInstanceProfileTags", checks=_profile_check("ListInstanceProfileTags"))
def list_instance_profile_tags(ctx: Context[IamState], params: Params) -> Output:
    return listed_tags(params, named_profile(ctx, params).tags)
