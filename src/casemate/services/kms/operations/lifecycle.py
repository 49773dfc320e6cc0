"""EnableKey, DisableKey, ScheduleKeyDeletion, CancelKeyDeletion."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from casemate.servicekit.service import Context, Output, Params
from casemate.services.kms.errors import not_pending_deletion, validation
from casemate.services.kms.names import named
from casemate.services.kms.permissions import Keys, on_key
from casemate.services.kms.registry import operations
from casemate.services.kms.state import KmsState
from casemate.services.kms.use import require_not_pending

_DEFAULT_DAYS = 30
_FEWEST_DAYS, _MOST_DAYS = 7, 30
"""API Reference, ScheduleKeyDeletion, PendingWindowInDays."""


@operations.operation("EnableKey", checks=on_key("EnableKey"))
def enable_key(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    require_not_pending(key)
    enabled = replace(key, state="Enabled", unusable_since=None)
    ctx.state.keys.put(key.key, enabled)
    now = ctx.now.timestamp()
    if key.state == "Disabled" and key.rotation is not None and now >= key.rotation.due:
        # "If the key material in the re-enabled KMS key hasn't been rotated in one year, KMS rotates it immediately, and
        # every year thereafter" (API Reference, GetKeyRotationStatus).
        ctx.state.rotate(replace(enabled, rotation=replace(key.rotation, since=now)), "AUTOMATIC", now)
    return {}


@operations.operation("DisableKey", checks=on_key("DisableKey"))
def disable_key(ctx: Context[KmsState], params: Params) -> Output:
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    require_not_pending(key)
    key = ctx.state.current(key)
    since = key.unusable_since or ctx.now.timestamp()
    ctx.state.keys.put(key.key, replace(key, state="Disabled", unusable_since=since))
    return {}


def _window(params: Params) -> Keys:
    days = params.get("PendingWindowInDays") or _DEFAULT_DAYS
    return {"kms:ScheduleKeyDeletionPendingWindowInDays": str(days)}


@operations.operation("ScheduleKeyDeletion", checks=on_key("ScheduleKeyDeletion", request=_window))
def schedule_key_deletion(ctx: Context[KmsState], params: Params) -> Output:
    """The key cannot be used from now on; its material is destroyed when the waiting period is over."""
    ctx.state.purge()
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    require_not_pending(key)
    key = ctx.state.current(key)
    days = params.get("PendingWindowInDays") or _DEFAULT_DAYS
    if not _FEWEST_DAYS <= days <= _MOST_DAYS:
        raise validation(f"PendingWindowInDays must be between {_FEWEST_DAYS} and {_MOST_DAYS}")
    deletion = ctx.now + timedelta(days=days)
    pending = replace(
        key,
        state="PendingDeletion",
        unusable_since=key.unusable_since or ctx.now.timestamp(),
        deletion=deletion.timestamp(),
        pending_days=days,
    )
    ctx.state.keys.put(key.key, pending)
    return {
        "KeyId": key.arn,
        "DeletionDate": deletion,
        "KeyState": pending.state,
        "PendingWindowInDays": days,
    }


@operations.operation("CancelKeyDeletion", checks=on_key("CancelKeyDeletion"))
def cancel_key_deletion(ctx: Context[KmsState], params: Params) -> Output:
    """The key is left disabled: EnableKey comes after (API Reference)."""
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    if key.state != "PendingDeletion":
        raise not_pending_deletion(key.arn)
    ctx.state.keys.put(key.key, replace(key, state="Disabled", deletion=None, pending_days=None))
    return {"KeyId": key.arn}
