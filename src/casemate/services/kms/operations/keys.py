"""CreateKey, DescribeKey, ListKeys, UpdateKeyDescription."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from casemate.servicekit.service import Check, Context, Output, Params
from casemate.services.kms.errors import not_modelled, validation
from casemate.services.kms.key_policies import checked_policy, default_policy, require_no_lockout
from casemate.services.kms.making import new_key
from casemate.services.kms.managed_keys import managed_key, predefined
from casemate.services.kms.material import MAC_HASHES
from casemate.services.kms.names import named
from casemate.services.kms.operations.tags import checked_tags
from casemate.services.kms.paging import paged
from casemate.services.kms.permissions import bypass_key, having, on_key, on_nothing, tag_keys
from casemate.services.kms.records import KeyRecord
from casemate.services.kms.registry import operations
from casemate.services.kms.state import KmsState
from casemate.services.kms.use import require_not_pending

_SYMMETRIC = "SYMMETRIC_DEFAULT"
_ENCRYPT, _MAC = "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC"
_PAGE = 100


def _create_checks(ctx: Context[KmsState], params: Params) -> Iterable[Check]:
    spec, usage = _spec_and_usage(params)
    context = {
        "kms:CallerAccount": ctx.account,
        "kms:KeySpec": spec,
        "kms:KeyUsage": usage,
        "kms:KeyOrigin": params.get("Origin") or "AWS_KMS",
        "kms:MultiRegion": str(bool(params.get("MultiRegion"))).lower(),
        **bypass_key(params),
        **tag_keys(params.get("Tags") or ()),
    }
    # CreateKey has no resource-level permissions: identity policies decide (there is no key policy yet).
    yield Check(action="kms:CreateKey", context=having("CreateKey", context))
    if params.get("Tags"):
        tagging = {"kms:CallerAccount": ctx.account, **tag_keys(params["Tags"])}
        yield Check(action="kms:TagResource", context=having("TagResource", tagging))


@operations.operation("CreateKey", checks=_create_checks)
def create_key(ctx: Context[KmsState], params: Params) -> Output:
    """A symmetric encryption key, unless an HMAC key is asked for."""
    ctx.state.purge()
    if params.get("MultiRegion"):
        raise not_modelled("multi-Region keys")
    if (params.get("Origin") or "AWS_KMS") != "AWS_KMS":
        raise not_modelled(f"keys of origin {params['Origin']}")
    if params.get("CustomKeyStoreId") or params.get("XksKeyId"):
        raise not_modelled("custom key stores")
    spec, usage = _spec_and_usage(params)
    policy = params.get("Policy")
    key = new_key(
        ctx,
        ctx.state,
        spec=spec,
        usage=usage,
        policy=default_policy(ctx.account) if policy is None else checked_policy(ctx.state, policy),
    )
    key = replace(
        key, description=params.get("Description") or "", tags=checked_tags({}, params.get("Tags") or ())
    )
    ctx.state.keys.put(key.key, key)
    if policy is not None and not params.get("BypassPolicyLockoutSafetyCheck"):
        require_no_lockout(ctx, key)
    return {"KeyMetadata": metadata(key)}


def _spec_and_usage(params: Params) -> tuple[str, str]:
    spec = params.get("KeySpec") or params.get("CustomerMasterKeySpec") or _SYMMETRIC
    if spec != _SYMMETRIC and spec not in MAC_HASHES:
        raise not_modelled(f"keys of spec {spec}: keys are symmetric or HMAC keys")
    usage = params.get("KeyUsage") or _ENCRYPT
    if usage != (_MAC if spec in MAC_HASHES else _ENCRYPT):
        if spec in MAC_HASHES and params.get("KeyUsage") is None:
            raise validation("You must specify a KeyUsage value for an HMAC KMS key.")
        raise validation(f"KeyUsage {usage} is not compatible with KeySpec {spec}")
    return spec, usage


_describe_checks = on_key("DescribeKey", abroad=True, aliases=True)


def _describe_checks_of_any(ctx: Context[KmsState], params: Params) -> Iterable[Check]:
    if predefined(ctx.state, ctx.account, ctx.region, params["KeyId"]) is None:
        return _describe_checks(ctx, params)
    # There is no key yet that a policy could be attached to: identity policies decide.
    context = having("DescribeKey", {"kms:CallerAccount": ctx.account, "kms:RequestAlias": params["KeyId"]})
    return (Check(action="kms:DescribeKey", context=context),)


@operations.operation("DescribeKey", checks=_describe_checks_of_any)
def describe_key(ctx: Context[KmsState], params: Params) -> Output:
    """Of a predefined AWS alias the key is made first (API Reference, DescribeKey)."""
    service = predefined(ctx.state, ctx.account, ctx.region, params["KeyId"])
    if service is not None:
        return {"KeyMetadata": metadata(managed_key(ctx, ctx.state, service))}
    return {"KeyMetadata": metadata(ctx.state.current(named(ctx, ctx.state, params["KeyId"]).key))}


def metadata(key: KeyRecord) -> dict[str, Any]:
    """KeyMetadata."""
    shown: dict[str, Any] = {
        "AWSAccountId": key.account,
        "KeyId": key.key_id,
        "Arn": key.arn,
        "CreationDate": _date(key.created),
        "Enabled": key.state == "Enabled",
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state,
        "Origin": "AWS_KMS",
        "KeyManager": "AWS" if key.aws_managed else "CUSTOMER",
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "MultiRegion": False,
    }
    if key.spec in MAC_HASHES:
        shown["MacAlgorithms"] = [mac_algorithm(key)]
    else:
        shown["EncryptionAlgorithms"] = [_SYMMETRIC]
        shown["CurrentKeyMaterialId"] = key.current.material_id
    if key.deletion is not None:
        shown["DeletionDate"] = _date(key.deletion)
    return shown


def mac_algorithm(key: KeyRecord) -> str:
    """The one algorithm of an HMAC key: `HMAC_SHA_256` of spec HMAC_256."""
    return key.spec.replace("HMAC_", "HMAC_SHA_")


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@operations.operation("ListKeys", checks=on_nothing("ListKeys"))
def list_keys(ctx: Context[KmsState], params: Params) -> Output:
    # The keys of other accounts come by AWS Resource Access Manager, which there is not: nobody shares any.
    owners = params.get("ResourceOwners") or ("SELF",)
    return paged(
        params,
        "Keys",
        ctx.state.keys_of(ctx.account, ctx.region) if "SELF" in owners else [],
        key=lambda key: key.key_id,
        shape=lambda key: {"KeyId": key.key_id, "KeyArn": key.arn},
        default=_PAGE,
    )


@operations.operation("UpdateKeyDescription", checks=on_key("UpdateKeyDescription"))
def update_key_description(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    require_not_pending(key)
    ctx.state.keys.put(key.key, replace(key, description=params["Description"]))
    return {}
