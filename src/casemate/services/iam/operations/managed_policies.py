"""Managed policies and their versions."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from casemate.model.ids import unique_id
from casemate.servicekit.service import Check, Checks, Context, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.documents import managed_policy
from casemate.services.iam.entities import creation_checks, creation_time, tag_context
from casemate.services.iam.errors import (
    already_exists,
    delete_conflict,
    limit_exceeded,
    no_such_entity,
    quota_exceeded,
)
from casemate.services.iam.lookups import attachments, boundary_uses, customer_policy, visible_policy
from casemate.services.iam.managed import AWS, aws_policy_listing
from casemate.services.iam.operations.tags import new_tags
from casemate.services.iam.paging import paged
from casemate.services.iam.policies import ManagedPolicy, PolicyVersion
from casemate.services.iam.registry import operations
from casemate.services.iam.shapes import policy_shape, tag_list, version_shape
from casemate.services.iam.state import IamState


def _checks(action: str) -> Checks[IamState]:
    def checks(ctx: Context[IamState], params: Params) -> tuple[Check, ...]:
        found = ctx.state.policy(params["PolicyArn"])
        context = tag_context(found.tags) if found else {}
        return (Check(action=f"iam:{action}", resource=params["PolicyArn"], context=context),)

    return checks


def _shape(ctx: Context[IamState], policy: ManagedPolicy) -> dict[str, Any]:
    return policy_shape(
        policy, attachments=attachments(ctx)[policy.arn], boundaries=boundary_uses(ctx)[policy.arn]
    )


def _full_shape(ctx: Context[IamState], policy: ManagedPolicy) -> dict[str, Any]:
    shape = _shape(ctx, policy)
    if policy.description:
        shape["Description"] = policy.description
    if policy.tags:
        shape["Tags"] = tag_list(policy.tags)
    return shape


def _put(ctx: Context[IamState], policy: ManagedPolicy) -> None:
    ctx.state.policies.put((policy.account, policy.name.lower()), policy)


@operations.operation("CreatePolicy", checks=creation_checks("Policy"))
def create_policy(ctx: Context[IamState], params: Params) -> Output:
    name, now = params["PolicyName"], creation_time(ctx)
    if (ctx.account, name.lower()) in ctx.state.policies:
        raise already_exists(f"A policy called {name} already exists. Duplicate names are not allowed.")
    if len(ctx.state.policies.values(ctx.account)) >= quotas.POLICIES_PER_ACCOUNT:
        raise quota_exceeded("PoliciesPerAccount", quotas.POLICIES_PER_ACCOUNT)
    policy = ManagedPolicy(
        account=ctx.account,
        name=name,
        path=params.get("Path") or "/",
        id=unique_id("ANPA", ctx.random_bytes),
        created=now,
        updated=now,
        versions=(PolicyVersion(id="v1", document=params["PolicyDocument"], created=now),),
        default="v1",
        description=params.get("Description"),
        tags=new_tags(params, "Policy"),
    )
    managed_policy(ctx.state, policy.document, label=policy.arn)
    _put(ctx, policy)
    shape = _shape(ctx, policy)
    return {"Policy": {**shape, "Tags": tag_list(policy.tags)} if policy.tags else shape}


@operations.operation("GetPolicy", checks=_checks("GetPolicy"))
def get_policy(ctx: Context[IamState], params: Params) -> Output:
    return {"Policy": _full_shape(ctx, visible_policy(ctx, params["PolicyArn"]))}


@operations.operation("ListPolicies")
def list_policies(ctx: Context[IamState], params: Params) -> Output:
    scope, prefix = params.get("Scope") or "All", params.get("PathPrefix") or "/"
    policies: list[ManagedPolicy] = []
    if scope in ("All", "Local"):
        policies += ctx.state.policies.values(ctx.account)
    if scope in ("All", AWS.upper()):
        policies += aws_policy_listing()
    usage = params.get("PolicyUsageFilter")
    only_attached = bool(params.get("OnlyAttached"))
    attached, bounding = attachments(ctx), boundary_uses(ctx)

    def wanted(policy: ManagedPolicy) -> bool:
        if not policy.path.startswith(prefix):
            return False
        if usage == "PermissionsBoundary":
            return policy.arn in bounding
        if usage == "PermissionsPolicy" or only_attached:
            return policy.arn in attached
        return True

    chosen = [policy for policy in policies if wanted(policy)]
    return paged(
        params,
        "Policies",
        chosen,
        key=lambda policy: policy.arn,
        shape=lambda policy: policy_shape(
            policy, attachments=attached[policy.arn], boundaries=bounding[policy.arn]
        ),
    )


@operations.operation("DeletePolicy", checks=_checks("DeletePolicy"))
def delete_policy(ctx: Context[IamState], params: Params) -> Output:
    policy = customer_policy(ctx, params)
    if attachments(ctx)[policy.arn] or boundary_uses(ctx)[policy.arn]:
        raise delete_conflict("Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        raise delete_conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy."
        )
    ctx.state.policies.delete(policy.account, policy.name.lower())
    return {}


@operations.operation("CreatePolicyVersion", checks=_checks("CreatePolicyVersion"))
def create_policy_version(ctx: Context[IamState], params: Params) -> Output:
    policy, now = customer_policy(ctx, params), creation_time(ctx)
    if len(policy.versions) >= quotas.VERSIONS_PER_POLICY:
        raise limit_exceeded(
            f"A managed policy can have up to {quotas.VERSIONS_PER_POLICY} versions. Before you create a new "
            "version, you must delete an existing version."
        )
    version = PolicyVersion(id=f"v{policy.next_version}", document=params["PolicyDocument"], created=now)
    # The label with the version keeps the parsed policy in force as it is until this version becomes the default.
    managed_policy(ctx.state, version.document, label=f"{policy.arn} {version.id}")
    changed = replace(
        policy,
        versions=(*policy.versions, version),
        default=version.id if params.get("SetAsDefault") else policy.default,
        next_version=policy.next_version + 1,
        updated=now,
    )
    _put(ctx, changed)
    return {"PolicyVersion": version_shape(changed, version)}


def _version(policy: ManagedPolicy, version_id: str) -> PolicyVersion:
    found = policy.version(version_id)
    if found is None:
        raise no_such_entity(f"Policy {policy.arn} version {version_id} does not exist or is not attachable.")
    return found


@operations.operation("GetPolicyVersion", checks=_checks("GetPolicyVersion"))
def get_policy_version(ctx: Context[IamState], params: Params) -> Output:
    policy = visible_policy(ctx, params["PolicyArn"])
    return {"PolicyVersion": version_shape(policy, _version(policy, params["VersionId"]), document=True)}


@operations.operation("ListPolicyVersions", checks=_checks("ListPolicyVersions"))
def list_policy_versions(ctx: Context[IamState], params: Params) -> Output:
    policy = visible_policy(ctx, params["PolicyArn"])
    newest_first = {version.id: f"{9_999_999 - int(version.id[1:]):07}" for version in policy.versions}
    return paged(
        params,
        "Versions",
        policy.versions,
        key=lambda version: newest_first[version.id],
        shape=lambda version: version_shape(policy, version),
    )


@operations.operation("SetDefaultPolicyVersion", checks=_checks("SetDefaultPolicyVersion"))
def set_default_policy_version(ctx: Context[IamState], params: Params) -> Output:
    policy = customer_policy(ctx, params)
    version = _version(policy, params["VersionId"])
    _put(ctx, replace(policy, default=version.id, updated=creation_time(ctx)))
    return {}


@operations.operation("DeletePolicyVersion", checks=_checks("DeletePolicyVersion"))
def delete_policy_version(ctx: Context[IamState], params: Params) -> Output:
    policy = customer_policy(ctx, params)
    version = _version(policy, params["VersionId"])
    if version.id == policy.default:
        raise delete_conflict("Cannot delete the default version of a policy.")
    rest = tuple(each for each in policy.versions if each.id != version.id)
    _put(ctx, replace(policy, versions=rest))
    return {}
