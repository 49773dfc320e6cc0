"""GetKeyPolicy, PutKeyPolicy, ListKeyPolicies."""

from __future__ import annotations

from dataclasses import replace

from casemate.model.errors import AwsError
from casemate.servicekit.service import Context, Output, Params
from casemate.services.kms.key_policies import POLICY_NAME, checked_policy, require_no_lockout
from casemate.services.kms.names import named
from casemate.services.kms.permissions import Keys, bypass_key, on_key, policy_name_key
from casemate.services.kms.registry import operations
from casemate.services.kms.state import KmsState


def _check_name(params: Params) -> None:
    if (params.get("PolicyName") or POLICY_NAME) != POLICY_NAME:
        raise AwsError("NotFoundException", f"No such policy exists: {params['PolicyName']}")


@operations.operation("GetKeyPolicy", checks=on_key("GetKeyPolicy", request=policy_name_key))
def get_key_policy(ctx: Context[KmsState], params: Params) -> Output:
    _check_name(params)
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    return {"Policy": key.policy, "PolicyName": POLICY_NAME}


def _put_keys(params: Params) -> Keys:
    return {**policy_name_key(params), **bypass_key(params)}


@operations.operation("PutKeyPolicy", checks=on_key("PutKeyPolicy", request=_put_keys))
def put_key_policy(ctx: Context[KmsState], params: Params) -> Output:
    _check_name(params)
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    new = replace(key, policy=checked_policy(ctx.state, params["Policy"]))
    ctx.state.keys.put(key.key, new)
    if not params.get("BypassPolicyLockoutSafetyCheck"):
        require_no_lockout(ctx, new)
    return {}


@operations.operation("ListKeyPolicies", checks=on_key("ListKeyPolicies"))
def list_key_policies(ctx: Context[KmsState], params: Params) -> Output:
    named(ctx, ctx.state, params["KeyId"], aliases=False)
    return {"PolicyNames": [POLICY_NAME], "Truncated": False}
