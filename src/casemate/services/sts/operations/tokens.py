"""GetSessionToken and GetFederationToken: sessions that an IAM user, or root, makes of itself."""

from __future__ import annotations

from casemate.model.principals import PrincipalKind
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.sts.credentials import new_session
from casemate.services.sts.errors import access_denied
from casemate.services.sts.one_time_codes import use_code
from casemate.services.sts.registry import operations
from casemate.services.sts.session_parameters import packed_size, session_policies, session_tags
from casemate.services.sts.shapes import credentials_shape
from casemate.services.sts.state import StsState

_DEFAULT_SECONDS = 43_200
_ROOT_SECONDS = 3_600
"""Sessions of the root user last an hour at most (STS API Reference, GetSessionToken)."""


def _refuse_sessions(ctx: Context[StsState], operation: str) -> None:
    long_term = ctx.principal.kind in (PrincipalKind.USER, PrincipalKind.ROOT)
    key_id = ctx.principal.access_key_id
    if not long_term or (key_id is not None and ctx.state.sessions.get(key_id) is not None):
        raise access_denied(f"Cannot call {operation} with session credentials")


def _duration(ctx: Context[StsState], params: Params) -> int:
    seconds = int(params.get("DurationSeconds") or _DEFAULT_SECONDS)
    return min(seconds, _ROOT_SECONDS) if ctx.principal.kind is PrincipalKind.ROOT else seconds


def _session_token_checks(ctx: Context[StsState], _: Params) -> tuple[Check, ...]:
    """No permissions are required to perform this operation (STS API Reference, GetSessionToken)."""
    _refuse_sessions(ctx, "GetSessionToken")
    return ()


@operations.operation("GetSessionToken", checks=_session_token_checks)
def get_session_token(ctx: Context[StsState], params: Params) -> Output:
    with_mfa = use_code(ctx, params)
    root = ctx.principal.kind is PrincipalKind.ROOT
    session = new_session(
        ctx.state,
        kind="root" if root else "user",
        account=ctx.principal.account,
        duration_seconds=_duration(ctx, params),
        user_name=ctx.principal.user_name,
        issuer_id=ctx.principal.user_id,
        mfa=with_mfa,
    )
    return {"Credentials": credentials_shape(session)}


def _federation_checks(ctx: Context[StsState], params: Params) -> tuple[Check, ...]:
    _refuse_sessions(ctx, "GetFederationToken")
    arn = ctx.arn("sts", f"federated-user/{params['Name']}", region="")
    tags = session_tags(params)
    context: dict[str, str | tuple[str, ...]] = {f"aws:RequestTag/{key}": tags[key] for key in tags}
    if tags:
        context["aws:TagKeys"] = tuple(tags)
    checks = [Check(action="sts:GetFederationToken", resource=arn, context=context)]
    if tags:
        checks.append(Check(action="sts:TagSession", resource=arn, context=context))
    return tuple(checks)


@operations.operation("GetFederationToken", checks=_federation_checks)
def get_federation_token(ctx: Context[StsState], params: Params) -> Output:
    account, name = ctx.principal.account, params["Name"]
    policies = session_policies(ctx.state, params, account)
    percent = packed_size(params)
    session = new_session(
        ctx.state,
        kind="federated",
        account=account,
        duration_seconds=_duration(ctx, params),
        name=name,
        user_name=ctx.principal.user_name,
        issuer_id=ctx.principal.user_id,
        tags=session_tags(params),
        policies=policies,
    )
    return {
        "Credentials": credentials_shape(session),
        "FederatedUser": {
            "FederatedUserId": f"{account}:{name}",
            "Arn": f"arn:aws:sts::{account}:federated-user/{name}",
        },
        "PackedPolicySize": percent,
    }
