"""EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus, RotateKeyOnDemand, ListKeyRotations.

Automatic rotation happens when the key is next looked at after its date: nobody can see a difference, and nothing has to
wake.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from casemate.servicekit.service import Context, Output, Params
from casemate.services.kms.errors import limit_exceeded, unsupported
from casemate.services.kms.names import named
from casemate.services.kms.paging import paged
from casemate.services.kms.permissions import Keys, on_key
from casemate.services.kms.records import KeyRecord, Material, Rotation
from casemate.services.kms.registry import operations
from casemate.services.kms.state import KmsState
from casemate.services.kms.use import require_enabled, require_not_pending

_DEFAULT_DAYS = 365
_MOST_ON_DEMAND = 25
"""Developer Guide, "Quotas": on-demand rotations per KMS key."""
_PAGE = 100


def _rotatable(ctx: Context[KmsState], params: Params) -> KeyRecord:
    key = named(ctx, ctx.state, params["KeyId"], aliases=False).key
    if key.spec != "SYMMETRIC_DEFAULT":
        raise unsupported(f"{key.arn} is not a symmetric encryption key: only those are rotated")
    return ctx.state.current(key)


def _period(params: Params) -> Keys:
    return {"kms:RotationPeriodInDays": str(params.get("RotationPeriodInDays") or _DEFAULT_DAYS)}


@operations.operation("EnableKeyRotation", checks=on_key("EnableKeyRotation", request=_period))
def enable_key_rotation(ctx: Context[KmsState], params: Params) -> Output:
    key = _rotatable(ctx, params)
    require_enabled(key)
    rotation = Rotation(
        period_days=params.get("RotationPeriodInDays") or _DEFAULT_DAYS, since=ctx.now.timestamp()
    )
    ctx.state.keys.put(key.key, replace(key, rotation=rotation))
    return {}


@operations.operation("DisableKeyRotation", checks=on_key("DisableKeyRotation"))
def disable_key_rotation(ctx: Context[KmsState], params: Params) -> Output:
    key = _rotatable(ctx, params)
    require_enabled(key)
    ctx.state.keys.put(key.key, replace(key, rotation=None))
    return {}


@operations.operation("GetKeyRotationStatus", checks=on_key("GetKeyRotationStatus", abroad=True))
def get_key_rotation_status(ctx: Context[KmsState], params: Params) -> Output:
    key = _rotatable(ctx, params)
    rotation = key.rotation
    # "While a KMS key is pending deletion, its key rotation status is false" (API Reference).
    if rotation is None or key.state == "PendingDeletion":
        return {"KeyId": key.arn, "KeyRotationEnabled": False}
    return {
        "KeyId": key.arn,
        "KeyRotationEnabled": True,
        "RotationPeriodInDays": rotation.period_days,
        "NextRotationDate": datetime.fromtimestamp(rotation.due, UTC),
    }


@operations.operation("RotateKeyOnDemand", checks=on_key("RotateKeyOnDemand"))
def rotate_key_on_demand(ctx: Context[KmsState], params: Params) -> Output:
    key = _rotatable(ctx, params)
    require_enabled(key)
    if key.on_demand_rotations >= _MOST_ON_DEMAND:
        raise limit_exceeded(
            f"{key.arn} was rotated on demand {_MOST_ON_DEMAND} times, the most there may be"
        )
    rotated = replace(key, on_demand_rotations=key.on_demand_rotations + 1)
    ctx.state.rotate(rotated, "ON_DEMAND", ctx.now.timestamp())
    return {"KeyId": key.arn}


@operations.operation("ListKeyRotations", checks=on_key("ListKeyRotations"))
def list_key_rotations(ctx: Context[KmsState], params: Params) -> Output:
    """The rotations; with IncludeKeyMaterial ALL_KEY_MATERIAL the first material too."""
    key = _rotatable(ctx, params)
    require_not_pending(key)
    everything = params.get("IncludeKeyMaterial") == "ALL_KEY_MATERIAL"
    listed = [one for one in key.materials if everything or one.rotation is not None]

    def entry(material: Material) -> dict[str, Any]:
        shown: dict[str, Any] = {"KeyId": key.arn, "KeyMaterialId": material.material_id}
        shown["KeyMaterialState"] = "CURRENT" if material is key.current else "NON_CURRENT"
        if material.rotation is not None:
            shown["RotationDate"] = datetime.fromtimestamp(material.created, UTC)
            shown["RotationType"] = material.rotation
        return shown

    order = {material.material_id: f"{at:06}" for at, material in enumerate(key.materials)}
    return paged(
        params, "Rotations", listed, key=lambda one: order[one.material_id], shape=entry, default=_PAGE
    )
