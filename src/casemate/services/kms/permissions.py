"""What each operation is authorized on, with KMS's condition keys.

Source: KMS Developer Guide, "AWS KMS permissions" and "AWS KMS condition keys"; which action has which key is the
Service Authorization Reference's word, read from the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from casemate.policy.catalogue import action as catalogue_action
from casemate.servicekit.service import Check, Context, Params
from casemate.services.kms.errors import not_abroad
from casemate.services.kms.names import Named, named
from casemate.services.kms.records import KeyRecord
from casemate.services.kms.state import KmsState

_NEWER = frozenset({"kms:PolicyName"})
"""Given only to actions that have it, of which the catalogue does not know yet."""

Keys = dict[str, str | tuple[str, ...]]
KeyChecks = Callable[[Context[KmsState], Params], Iterable[Check]]


def check_on(
    state: KmsState,
    action: str,
    found: Named,
    *,
    caller: str,
    request: Mapping[str, str | tuple[str, ...]] | None = None,
) -> Check:
    """May a principal of account `caller` do `action` on the key? `request`: what the request adds to the key's own keys."""
    context: Keys = {**_keys_of(state, found.key), "kms:CallerAccount": caller, **(request or {})}
    if found.alias is not None:
        context["kms:RequestAlias"] = found.alias
    return Check(action=f"kms:{action}", resource=found.key.arn, context=having(action, context))


def having(action: str, context: Keys) -> Keys:
    """Those keys that the action has."""
    known = catalogue_action(f"kms:{action}")
    assert known is not None, action
    return {
        key: value
        for key, value in context.items()
        if key.startswith(("aws:", "casemate:")) or key in _NEWER or known.has_key(key)
    }


def on_key(
    action: str,
    *,
    aliases: bool = False,
    abroad: bool = False,
    request: Callable[[Params], Keys] | None = None,
) -> KeyChecks:
    """One check on the key that KeyId names. `abroad`: another account's key will do (API Reference, "Cross-account use")."""

    def checks(ctx: Context[KmsState], params: Params) -> Iterable[Check]:
        found = named(ctx, ctx.state, params["KeyId"], aliases=aliases)
        if not abroad:
            require_own(ctx, action, found)
        added = request(params) if request else {}
        return (check_on(ctx.state, action, found, caller=ctx.account, request=added),)

    return checks


def require_own(ctx: Context[KmsState], action: str, found: Named) -> None:
    """AccessDeniedException for another account's key.

    "If you give external accounts permission for other operations, those permissions have no effect" (Developer Guide,
    "Allowing users in other accounts to use a KMS key"): it is as if the key policy did not have them.
    """
    if found.key.account != ctx.account:
        raise not_abroad(ctx.principal.arn, f"kms:{action}", found.key.arn)


def on_nothing(action: str) -> KeyChecks:
    """An action without resource-level permissions."""

    def checks(ctx: Context[KmsState], _params: Params) -> Iterable[Check]:
        return (Check(action=f"kms:{action}", context=having(action, {"kms:CallerAccount": ctx.account})),)

    return checks


def cryptographic(params: Params) -> Keys:
    """Keys of an operation with an encryption context."""
    return {"kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT", **context_keys(params.get("EncryptionContext"))}


def context_keys(encryption_context: Mapping[str, str] | None) -> Keys:
    """`kms:EncryptionContext:NAME` and `kms:EncryptionContextKeys`; absent without an encryption context."""
    if not encryption_context:
        return {}
    keys: Keys = {f"kms:EncryptionContext:{name}": value for name, value in encryption_context.items()}
    keys["kms:EncryptionContextKeys"] = tuple(encryption_context)
    return keys


def bypass_key(params: Params) -> Keys:
    """Only of a request that has the parameter: the guide's example tells with Null whether it "is not used"."""
    bypass = params.get("BypassPolicyLockoutSafetyCheck")
    return {} if bypass is None else {"kms:BypassPolicyLockoutSafetyCheck": str(bypass).lower()}


def policy_name_key(params: Params) -> Keys:
    """API Reference, GetKeyPolicy: `default` where the request names none."""
    return {"kms:PolicyName": params.get("PolicyName") or "default"}


def tag_keys(tags: Iterable[Mapping[str, Any]]) -> Keys:
    """`aws:RequestTag/NAME` and `aws:TagKeys`."""
    given = {tag["TagKey"]: tag["TagValue"] for tag in tags}
    if not given:
        return {}
    return {**{f"aws:RequestTag/{name}": value for name, value in given.items()}, "aws:TagKeys": tuple(given)}


def _keys_of(state: KmsState, key: KeyRecord) -> Keys:
    context: Keys = {
        "kms:KeySpec": key.spec,
        "kms:KeyUsage": key.usage,
        "kms:KeyOrigin": "AWS_KMS",
        "kms:MultiRegion": "false",
        **{f"aws:ResourceTag/{name}": value for name, value in key.tags.items()},
    }
    aliases = tuple(alias.name for alias in state.aliases_of(key))
    if aliases:
        context["kms:ResourceAliases"] = aliases
    return context
