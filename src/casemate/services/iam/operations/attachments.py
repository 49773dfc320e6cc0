"""Managed policies attached to users, groups and roles: Attach, Detach, ListAttached of each, registered at the end."""

from __future__ import annotations

from msgspec.structs import replace

from casemate.servicekit.service import Check, Context, ContextValues, Handler, Output, Params
from casemate.services.iam import quotas
from casemate.services.iam.entities import GROUPS, ROLES, USERS, E, EntityKind, protect
from casemate.services.iam.errors import no_such_entity, quota_exceeded
from casemate.services.iam.lookups import attachable_policy, visible_policy
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.state import Group, IamState, Role, User


def _attach(kind: EntityKind[E]) -> Handler[IamState]:
    def attach_policy(ctx: Context[IamState], params: Params) -> Output:
        entity = kind.named(ctx, params)
        if isinstance(entity, Role):
            protect(entity)
        arn = attachable_policy(ctx, params["PolicyArn"], kind.noun).arn
        if arn in entity.attached:
            return {}
        if len(entity.attached) >= quotas.ATTACHED_POLICIES:
            raise quota_exceeded(f"PoliciesPer{kind.noun}", quotas.ATTACHED_POLICIES)
        kind.put(ctx, replace(entity, attached=(*entity.attached, arn)))
        return {}

    return attach_policy


def _detach(kind: EntityKind[E]) -> Handler[IamState]:
    def detach_policy(ctx: Context[IamState], params: Params) -> Output:
        entity = kind.named(ctx, params)
        if isinstance(entity, Role):
            protect(entity)
        arn = params["PolicyArn"]
        if arn not in entity.attached:
            raise no_such_entity(f"Policy {arn} was not found.")
        kind.put(ctx, replace(entity, attached=tuple(each for each in entity.attached if each != arn)))
        return {}

    return detach_policy


def _list(kind: EntityKind[E]) -> Handler[IamState]:
    def list_attached_policies(ctx: Context[IamState], params: Params) -> Output:
        prefix = params.get("PathPrefix") or "/"
        policies = [visible_policy(ctx, arn) for arn in kind.named(ctx, params).attached]
        return paged(
            params,
            "AttachedPolicies",
            [policy for policy in policies if policy.path.startswith(prefix)],
            key=lambda policy: policy.name,
            shape=lambda policy: {"PolicyName": policy.name, "PolicyArn": policy.arn},
        )

    return list_attached_policies


def _policy_arn(params: Params) -> ContextValues:
    return {"iam:PolicyARN": params["PolicyArn"]}


def _register(kind: EntityKind[E]) -> None:
    noun = kind.noun
    attach, detach, listing = f"Attach{noun}Policy", f"Detach{noun}Policy", f"ListAttached{noun}Policies"
    operations.operation(attach, checks=kind.checks(attach, _policy_arn))(_attach(kind))
    operations.operation(detach, checks=kind.checks(detach, _policy_arn))(_detach(kind))
    operations.operation(listing, checks=kind.checks(listing))(_list(kind))


_register(USERS)
_register(GROUPS)
_register(ROLES)


def _entities_checks(_: Context[IamState], params: Params) -> tuple[Check, ...]:
    return (Check(action="iam:ListEntitiesForPolicy", resource=params["PolicyArn"]),)


@operations.operation("ListEntitiesForPolicy", checks=_entities_checks)
def list_entities_for_policy(ctx: Context[IamState], params: Params) -> Output:
    arn = visible_policy(ctx, params["PolicyArn"]).arn
    usage = params.get("PolicyUsageFilter")
    wanted, prefix = params.get("EntityFilter"), params.get("PathPrefix") or "/"
    state = ctx.state
    entities = [
        *state.groups.values(ctx.account),
        *state.roles.values(ctx.account),
        *state.users.values(ctx.account),
    ]

    def uses(entity: User | Group | Role) -> bool:
        if wanted not in (None, type(entity).__name__) or not entity.path.startswith(prefix):
            return False
        bounded = not isinstance(entity, Group) and entity.boundary == arn
        attached = arn in entity.attached
        if usage is None:
            return attached or bounded
        return bounded if usage == "PermissionsBoundary" else attached

    output = paged(
        params,
        "Entities",
        [entity for entity in entities if uses(entity)],
        key=lambda entity: entity.arn,
        shape=lambda entity: entity,
    )
    chosen: list[User | Group | Role] = output.pop("Entities")
    for noun in ("Group", "User", "Role"):
        output[f"Policy{noun}s"] = [
            {f"{noun}Name": each.name, f"{noun}Id": each.id} for each in chosen if type(each).__name__ == noun
        ]
    return output
