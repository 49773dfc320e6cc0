"""SerialNumber and TokenCode of AssumeRole and GetSessionToken: the code that a user's MFA device shows."""

from __future__ import annotations

from casemate.model.principals import PrincipalKind
from casemate.servicekit.service import Context, Params
from casemate.services.sts.errors import access_denied
from casemate.services.sts.state import StsState


def one_time_step(ctx: Context[StsState], params: Params) -> int | None:
    """The half minute of the code given; None when none is given, AccessDenied when it is not good."""
    serial, code = params.get("SerialNumber"), params.get("TokenCode")
    if serial is None and code is None:
        return None
    if serial is None or code is None:
        raise access_denied(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
        )
    step = None
    if ctx.principal.kind is PrincipalKind.USER:
        step = ctx.state.directory.mfa_step(ctx.principal, serial, code, ctx.now)
    if step is None:
        raise access_denied("MultiFactorAuthentication failed with invalid MFA one time pass code.")
    return step


def use_code(ctx: Context[StsState], params: Params) -> bool:
    """Use up the code given, inside the operation's transaction; whether one was given."""
    step = one_time_step(ctx, params)
    if step is None:
        return False
    ctx.state.directory.use_mfa_step(params["SerialNumber"], step)
    return True
