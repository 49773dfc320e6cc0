"""AssumeRole: the role's trust policy is the resource policy that the pipeline puts the checks below to."""

from __future__ import annotations

import re
from collections.abc import Mapping

from casemate.model.principals import PrincipalKind
from casemate.servicekit.ports import AssumableRole
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.sts.credentials import new_session, session_arn
from casemate.services.sts.errors import access_denied, invalid_parameter, validation_error
from casemate.services.sts.one_time_codes import one_time_step, use_code
from casemate.services.sts.registry import operations
from casemate.services.sts.session_parameters import packed_size, session_policies, session_tags
from casemate.services.sts.shapes import credentials_shape
from casemate.services.sts.state import Session, StsState

_DEFAULT_SECONDS = 3600
_CHAINED_SECONDS = 3600
"""IAM User Guide, "Methods to assume a role": a chained session lasts one hour at most."""


_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[!-~]+", re.ASCII)


def _caller_session(ctx: Context[StsState]) -> Session | None:
    """The role session that is calling, when this is role chaining."""
    key_id = ctx.principal.access_key_id
    session = ctx.state.sessions.get(key_id) if key_id else None
    return session if session is not None and session.kind == "role" else None


def _inherited_tags(ctx: Context[StsState]) -> dict[str, str]:
    caller = _caller_session(ctx)
    return {key: caller.tags[key] for key in caller.transitive} if caller else {}


def _checks(ctx: Context[StsState], params: Params) -> tuple[Check, ...]:
    """AssumeRole, and the permissions for what the session carries besides (Service Authorization Reference, STS)."""
    if ctx.principal.kind is PrincipalKind.ROOT:
        raise access_denied("Roles may not be assumed by root accounts.")
    arn = params["RoleArn"]
    if not _ROLE_ARN.fullmatch(arn):
        raise validation_error("Request ARN is invalid" if arn.startswith("arn:") else f"{arn} is invalid")
    role = ctx.state.directory.role(arn)
    context: dict[str, str | tuple[str, ...]] = {"sts:RoleSessionName": params["RoleSessionName"]}
    if one_time_step(ctx, params) is not None:
        # Of this request only: "temporary credentials returned by AssumeRole do not include MFA information in the
        # context" (IAM User Guide, "Secure API access with MFA").
        context["aws:MultiFactorAuthPresent"], context["aws:MultiFactorAuthAge"] = "true", "0"
    if params.get("ExternalId"):
        context["sts:ExternalId"] = params["ExternalId"]
    source_identity = params.get("SourceIdentity") or ctx.principal.source_identity
    if source_identity:
        context["sts:SourceIdentity"] = source_identity
    tags = session_tags(params)
    for key, value in tags.items():
        context[f"aws:RequestTag/{key}"] = value
    if tags:
        context["aws:TagKeys"] = tuple(tags)
    if params.get("TransitiveTagKeys"):
        context["sts:TransitiveTagKeys"] = tuple(params["TransitiveTagKeys"])
    role_tags: Mapping[str, str] = role.tags if role else {}
    for key, value in role_tags.items():
        context[f"aws:ResourceTag/{key}"] = context[f"iam:ResourceTag/{key}"] = value
    actions = ["sts:AssumeRole"]
    if tags or _inherited_tags(ctx):
        actions.append("sts:TagSession")
    if source_identity:
        actions.append("sts:SetSourceIdentity")
    return tuple(Check(action=action, resource=arn, context=context) for action in actions)


@operations.operation("AssumeRole", checks=_checks)
def assume_role(ctx: Context[StsState], params: Params) -> Output:
    role = ctx.state.directory.role(params["RoleArn"])
    # INVARIANT: a role that does not exist lets nobody in, so the checks have refused.
    assert role is not None, f"{params['RoleArn']} was assumed and does not exist"
    use_code(ctx, params)
    if params.get("ProvidedContexts"):
        raise validation_error("ProvidedContexts are not modelled by Casemate.")
    policies = session_policies(ctx.state, params, role.account)
    percent = packed_size(params)
    tags, transitive = _tags(ctx, params)
    name = params["RoleSessionName"]
    session = new_session(
        ctx.state,
        kind="role",
        account=role.account,
        duration_seconds=_duration(ctx, params, role),
        name=name,
        role_arn=role.arn,
        issuer_id=role.role_id,
        tags=tags,
        transitive=transitive,
        policies=policies,
        source_identity=_source_identity(ctx, params),
    )
    return {
        "Credentials": credentials_shape(session),
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role.role_id}:{name}",
            "Arn": session_arn(role.arn, name),
        },
        "PackedPolicySize": percent,
        "SourceIdentity": session.source_identity,
    }


def _duration(ctx: Context[StsState], params: Params, role: AssumableRole) -> int:
    seconds = int(params.get("DurationSeconds") or _DEFAULT_SECONDS)
    if seconds > _CHAINED_SECONDS and _caller_session(ctx) is not None:
        raise validation_error(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        )
    if seconds > role.max_session_seconds:
        raise validation_error(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return seconds


def _source_identity(ctx: Context[StsState], params: Params) -> str | None:
    """Once set it stays, through every role of the chain (IAM User Guide, "Monitor and control actions taken...")."""
    asked, present = params.get("SourceIdentity"), ctx.principal.source_identity
    if asked and present and asked != present:
        raise access_denied("The source identity of a session cannot be changed by role chaining.")
    return present or asked


def _tags(ctx: Context[StsState], params: Params) -> tuple[dict[str, str], tuple[str, ...]]:
    """The session's tags, and which of them pass on to the next role of the chain."""
    tags = session_tags(params)
    inherited: Mapping[str, str] = _inherited_tags(ctx)
    taken = {key.lower() for key in inherited}
    if any(key.lower() in taken for key in tags):
        raise invalid_parameter(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag "
            "key from the calling session."
        )
    transitive = tuple(str(key) for key in params.get("TransitiveTagKeys") or ())
    if not set(transitive) <= tags.keys():
        raise invalid_parameter("The specified transitive tag key must be included in the requested tags.")
    return {**inherited, **tags}, (*inherited, *transitive)
