"""Who is calling, and whose key is this."""

from __future__ import annotations

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Output, Params
from casemate.services.sts.errors import validation_error
from casemate.services.sts.registry import operations
from casemate.services.sts.state import StsState


@operations.operation("GetCallerIdentity")
def get_caller_identity(ctx: Context[StsState], _: Params) -> Output:
    """Needs no permission; no policy can take it away (STS API Reference)."""
    return {"UserId": ctx.principal.user_id, "Account": ctx.principal.account, "Arn": ctx.principal.arn}


@operations.operation("GetAccessKeyInfo")
def get_access_key_info(ctx: Context[StsState], params: Params) -> Output:
    """AWS reads the account out of any key id; here only keys that Casemate made have one."""
    key_id = params["AccessKeyId"]
    session = ctx.state.sessions.get(key_id)
    if session is not None:
        return {"Account": session.account}
    key = ctx.state.access_keys.credential(key_id)
    if key is None:
        raise validation_error(
            f"The access key ID {key_id} was not made by Casemate; its account is unknown."
        )
    return {"Account": key.principal.account}


@operations.operation("DecodeAuthorizationMessage")
def decode_authorization_message(ctx: Context[StsState], params: Params) -> Output:
    """Messages do not expire here; those of another account cannot be read."""
    decoded = ctx.state.messages and ctx.state.messages.open(params["EncodedMessage"], ctx.account)
    if not decoded:
        raise AwsError(
            "InvalidAuthorizationMessageException",
            "Message is invalid: it is not an encoded authorization message of this account.",
        )
    return {"DecodedMessage": decoded}
