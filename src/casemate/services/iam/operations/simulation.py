"""The policy simulator, and the condition keys that policies read. Source: IAM API Reference, the four operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from casemate.model.principals import Principal, PrincipalKind
from casemate.policy.context import principal_context
from casemate.policy.decision import PolicyType
from casemate.policy.references import referenced_keys
from casemate.policy.request import PolicyLevel
from casemate.servicekit.service import Check, Checks, Context, Output, Params
from casemate.services.iam.context_entries import context_of
from casemate.services.iam.errors import invalid_input, no_such_entity
from casemate.services.iam.paging import paged
from casemate.services.iam.registry import operations
from casemate.services.iam.simulated_policies import (
    Entity,
    Exclusions,
    SimulatedPolicy,
    attached_policies,
    given_levels,
    given_policies,
    managed_policy,
    resource_policy,
)
from casemate.services.iam.simulator import Simulation
from casemate.services.iam.state import Group, IamState, Role, User

_SCENARIO_RESOURCES = {
    "EC2-VPC-InstanceStore": ("instance", "image", "security-group", "network-interface"),
    "EC2-VPC-InstanceStore-Subnet": ("instance", "image", "security-group", "network-interface", "subnet"),
    "EC2-VPC-EBS": ("instance", "image", "security-group", "network-interface", "volume"),
    "EC2-VPC-EBS-Subnet": ("instance", "image", "security-group", "network-interface", "volume", "subnet"),
}
"""ResourceHandlingOption: the resource types that must be among ResourceArns."""


class _Identity(NamedTuple):
    """What an ARN of IAM names."""

    account: str
    kind: str
    name: str


def _identity(arn: str, parameter: str) -> _Identity:
    """The user, group or role an ARN names; InvalidInput for sessions, federated users and services."""
    parts = arn.split(":", 5)
    kind, _, name = parts[5].partition("/") if len(parts) == 6 else ("", "", "")
    if len(parts) != 6 or parts[2] != "iam" or kind not in {"user", "group", "role"} or not name:
        raise invalid_input(f"{parameter} must be the ARN of an IAM user, group or role: {arn}")
    return _Identity(account=parts[4], kind=kind, name=name.rsplit("/", 1)[-1])


def _find(state: IamState, arn: str, parameter: str) -> Entity | None:
    identity = _identity(arn, parameter)
    shelves: Mapping[str, Any] = {"user": state.users, "group": state.groups, "role": state.roles}
    found: Entity | None = shelves[identity.kind].get(identity.account, identity.name.lower())
    return found if found is not None and found.arn == arn else None


def _source(ctx: Context[IamState], params: Params) -> Entity:
    arn = str(params["PolicySourceArn"])
    found = _find(ctx.state, arn, "PolicySourceArn")
    if found is None or found.account != ctx.account:
        identity = _identity(arn, "PolicySourceArn")
        raise no_such_entity(f"The {identity.kind} with name {identity.name} cannot be found.")
    return found


def _on_source(action: str) -> Checks[IamState]:
    def checks(_: Context[IamState], params: Params) -> tuple[Check, ...]:
        return (Check(action=f"iam:{action}", resource=str(params["PolicySourceArn"])),)

    return checks


def _caller(ctx: Context[IamState], arn: str, parameter: str) -> Principal:
    """The caller as the engine knows it. One that does not exist has a name and an account, and no more."""
    identity = _identity(arn, parameter)
    found = _find(ctx.state, arn, parameter)
    user_id = found.id if found is not None else ""
    tags = found.tags if isinstance(found, User | Role) else {}
    if identity.kind == "role":
        return Principal(
            kind=PrincipalKind.ROLE_SESSION,
            arn=arn,
            account=identity.account,
            user_id=user_id,
            role_arn=arn,
            tags=tags,
            is_service_linked=isinstance(found, Role) and found.is_service_linked,
        )
    return Principal(
        kind=PrincipalKind.USER,
        arn=arn,
        account=identity.account,
        user_id=user_id,
        user_name=identity.name if identity.kind == "user" else None,
        tags=tags,
    )


def _caller_context(ctx: Context[IamState], caller: Principal) -> dict[str, str | tuple[str, ...]]:
    """Keys that the caller alone determines; everything else must be given."""
    context = principal_context(caller)
    membership = ctx.state.membership(caller.account)
    if membership is not None:
        context["aws:PrincipalOrgID"] = membership.organization_id
        context["aws:PrincipalOrgPaths"] = membership.paths
    # Of a session, which a simulated role is not.
    context.pop("aws:MultiFactorAuthPresent", None)
    return {key: value for key, value in context.items() if value}


def _boundary(params: Params) -> SimulatedPolicy | None:
    documents: list[str] = list(params.get("PermissionsBoundaryPolicyInputList") or [])
    if len(documents) > 1:
        raise invalid_input("You can input only one permissions boundary.")
    given = given_policies(documents, "PermissionsBoundaryPolicyInputList", PolicyType.BOUNDARY)
    return given[0] if given else None


def _actions(params: Params) -> list[str]:
    actions: list[str] = list(params["ActionNames"])
    for action in actions:
        prefix, colon, name = action.partition(":")
        if not colon or not prefix or not name or "*" in action or "?" in action:
            raise invalid_input(f"Invalid action name, which must be service:Operation: {action}")
    return actions


def _resources(params: Params) -> list[str]:
    """Of ResourceArns; none stands for `*`."""
    resources: list[str] = list(params.get("ResourceArns") or [])
    for resource in resources:
        if resource != "*" and (not resource.startswith("arn:") or resource.count(":") < 5):
            raise invalid_input(f"Invalid resource ARN: {resource}")
    option = params.get("ResourceHandlingOption")
    if option is not None:
        if option not in _SCENARIO_RESOURCES:
            raise invalid_input(f"Invalid ResourceHandlingOption: {option}")
        kinds = {each.split(":", 5)[5].partition("/")[0] for each in resources if each != "*"}
        missing = [kind for kind in _SCENARIO_RESOURCES[option] if kind not in kinds]
        if missing:
            raise invalid_input(f"{option} needs resources of these types: {', '.join(missing)}")
    return [] if resources == ["*"] else resources


def _resource_owner(params: Params, caller: Principal) -> str:
    owner = params.get("ResourceOwner")
    if owner is None:
        return caller.account
    account = owner.split(":")[4] if owner.startswith("arn:") and owner.count(":") >= 5 else owner
    if len(account) != 12 or not account.isdigit():
        raise invalid_input(f"Invalid ResourceOwner: {owner}")
    return account


def _answer(params: Params, simulation: Simulation) -> Output:
    resources = _resources(params)
    results = [simulation.result(action, resources) for action in _actions(params)]
    numbered = [(f"{number:08}", result) for number, result in enumerate(results)]
    return paged(params, "EvaluationResults", numbered, key=lambda pair: pair[0], shape=lambda pair: pair[1])


@operations.operation("SimulateCustomPolicy")
def simulate_custom_policy(ctx: Context[IamState], params: Params) -> Output:
    caller_arn = params.get("CallerArn")
    attached = resource_policy(params.get("ResourcePolicy"))
    if caller_arn is None and attached is not None:
        raise invalid_input("CallerArn is required if a ResourcePolicy is included.")
    caller = _caller(ctx, caller_arn or f"arn:aws:iam::{ctx.account}:user/simulated", "CallerArn")
    entries = context_of(params.get("ContextEntries") or [])
    levels = params.get("OrderedOrganizationPolicyInputList")
    simulation = Simulation(
        caller=caller,
        identity=given_policies(params["PolicyInputList"], "PolicyInputList", PolicyType.IDENTITY),
        boundary=_boundary(params),
        resource=attached,
        scps=given_levels(levels) if levels else None,
        resource_owner=_resource_owner(params, caller),
        context={**(_caller_context(ctx, caller) if caller_arn else {}), **entries},
    )
    return _answer(params, simulation)


@operations.operation("SimulatePrincipalPolicy", checks=_on_source("SimulatePrincipalPolicy"))
def simulate_principal_policy(ctx: Context[IamState], params: Params) -> Output:
    source = _source(ctx, params)
    caller = _caller(ctx, params.get("CallerArn") or source.arn, "CallerArn")
    exclusions = Exclusions(params.get("PolicyExclusionList") or [])
    own = [each for each in attached_policies(ctx.state, source) if not exclusions.leaves_out(each)]
    extra = given_policies(params.get("PolicyInputList") or [], "PolicyInputList", PolicyType.IDENTITY)
    boundary = _boundary(params)
    if boundary is None and not isinstance(source, Group) and source.boundary is not None:
        boundary = managed_policy(ctx.state, source.boundary)
        boundary = None if exclusions.leaves_out_boundary(boundary) else boundary
    entries = context_of(params.get("ContextEntries") or [])
    simulation = Simulation(
        caller=caller,
        identity=(*own, *extra),
        boundary=boundary,
        resource=resource_policy(params.get("ResourcePolicy")),
        scps=_scps(ctx, source, exclusions),
        resource_owner=_resource_owner(params, caller),
        context={**_caller_context(ctx, caller), **entries},
    )
    return _answer(params, simulation)


def _scps(ctx: Context[IamState], source: Entity, exclusions: Exclusions) -> tuple[PolicyLevel, ...] | None:
    membership = ctx.state.membership(source.account)
    return None if membership is None or exclusions.leaves_out_scps else membership.scps


@operations.operation("GetContextKeysForCustomPolicy")
def get_context_keys_for_custom_policy(_: Context[IamState], params: Params) -> Output:
    given = given_policies(params["PolicyInputList"], "PolicyInputList", PolicyType.IDENTITY)
    return {"ContextKeyNames": list(referenced_keys(each.policy for each in given))}


@operations.operation(
    "GetContextKeysForPrincipalPolicy", checks=_on_source("GetContextKeysForPrincipalPolicy")
)
def get_context_keys_for_principal_policy(ctx: Context[IamState], params: Params) -> Output:
    own = attached_policies(ctx.state, _source(ctx, params))
    extra = given_policies(params.get("PolicyInputList") or [], "PolicyInputList", PolicyType.IDENTITY)
    return {"ContextKeyNames": list(referenced_keys(each.policy for each in (*own, *extra)))}
