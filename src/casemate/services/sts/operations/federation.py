"""Roles assumed with tokens of identity providers. There are no providers in Casemate, and AWS says it like this."""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.sts.registry import operations
from casemate.services.sts.state import StsState


def _unsigned(_: Context[StsState], __: Params) -> tuple[Check, ...]:
    """The token is the caller's credential; there is no principal to authorize before it is read."""
    return ()


@operations.operation("AssumeRoleWithWebIdentity", checks=_unsigned)
def assume_role_with_web_identity(_: Context[StsState], params: Params) -> Output:
    named = f" for {params['ProviderId']}" if params.get("ProviderId") else ""
    raise AwsError("InvalidIdentityToken", f"No OpenIDConnect provider found in your account{named}")


@operations.operation("AssumeRoleWithSAML", checks=_unsigned)
def assume_role_with_saml(_: Context[StsState], __: Params) -> Output:
    raise AwsError("InvalidIdentityToken", "Specified provider doesn't exist")
