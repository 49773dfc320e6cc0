"""What operations are authorized on. Source: Service Authorization Reference, AWS Organizations."""

from __future__ import annotations

from typing import cast

from casemate.servicekit.service import Check, Checks, Context, ContextValues, Params
from casemate.services.organizations.arns import node_arn, policy_arn
from casemate.services.organizations.state import OrganizationsState

_ACTION_PREFIX = "organizations:"


def resource_arn(state: OrganizationsState, resource_id: str) -> str:
    """ARN of a root, unit, account or policy; `*` when there is none of that id."""
    node = state.node(resource_id)
    if node is not None:
        return node_arn(state.organization, node)
    policy = state.policy(resource_id)
    return "*" if policy is None else policy_arn(state.organization, policy)


def on(action: str, *parameters: str) -> Checks[OrganizationsState]:
    """Authorization of `action` on each thing that the named parameters identify; on `*` without any.

    The context holds the policy type, of the request or of the policy it names, and the tags of the request and of
    the resource.
    """

    def checks(ctx: Context[OrganizationsState], params: Params) -> tuple[Check, ...]:
        request = {**_policy_type(ctx.state, params), **_request_tags(params)}
        if not parameters:
            return (Check(action=_ACTION_PREFIX + action, context=request),)
        found: list[Check] = []
        for parameter in parameters:
            resource_id = str(params[parameter])
            context = {**_resource_tags(ctx.state, resource_id), **request}
            arn = resource_arn(ctx.state, resource_id)
            found.append(Check(action=_ACTION_PREFIX + action, resource=arn, context=context))
        return tuple(found)

    return checks


def _policy_type(state: OrganizationsState, params: Params) -> ContextValues:
    value = params.get("PolicyType") or params.get("Type") or params.get("Filter")
    if value is None and params.get("PolicyId"):
        policy = state.policy(str(params["PolicyId"]))
        value = policy.type if policy else None
    return {} if value is None else {"organizations:PolicyType": str(value)}


def _request_tags(params: Params) -> ContextValues:
    tags = cast("list[dict[str, str]]", params.get("Tags") or [])
    context: dict[str, str | tuple[str, ...]] = {f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in tags}
    keys = [tag["Key"] for tag in tags] or cast("list[str]", params.get("TagKeys") or [])
    if keys:
        context["aws:TagKeys"] = tuple(keys)
    return context


def _resource_tags(state: OrganizationsState, resource_id: str) -> ContextValues:
    resource = state.node(resource_id) or state.policy(resource_id)
    return {} if resource is None else {f"aws:ResourceTag/{key}": resource.tags[key] for key in resource.tags}
